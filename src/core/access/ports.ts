/** What access decisions need from storage: definitions, access tokens and sign-ins. Interfaces and plain types only; adapters live in db/stores. */
/** A key, its endpoint and its project as stored: what the data plane needs to decide. Revoked and expired keys are answered too. */
export interface Definition {
  key: { id: string; name: string; scope: "read" | "write" | "read_write"; expiresAt: Date | null; revokedAt: Date | null };
  endpoint: {
    id: string;
    name: string;
    kind: "data" | "authentication";
    secure: boolean;
    /** What other users of the application may do with a user's records, where the endpoint is secure (S2). */
    othersCanRead: boolean;
    othersCanUpdate: boolean;
    othersCanDelete: boolean;
    /** For how long any cache may keep files, where reading needs no user (F2); 0: not at all. */
    fileCacheSeconds: number;
    /** JSON text of the JSON Schema that bodies must match (R10); null: none. */
    schema: string | null;
  };
  project: {
    id: string;
    /** The account that owns it. */
    ownerId: string;
    revision: number;
    /** Requests a minute for each key and address (U8); null: the server's limit. */
    rateLimit: number | null;
    allowedOrigins: readonly string[];
    /** The origin `null` is allowed beside the listed ones. */
    allowNullOrigin: boolean;
    disallowNoOrigin: boolean;
    /** SHA-256 of the master key. */
    masterKeyHash: Uint8Array | null;
  };
}

/** Reads definitions; core/definitions.ts caches them. */
export interface DefinitionStore {
  /** The definition that a key and an endpoint's name select; undefined when there is no such key, or its project has no such endpoint. */
  find(key: string, endpointName: string): Promise<Definition | undefined>;
  /** An endpoint and its project; undefined when there is none. */
  findEndpoint(endpointId: string): Promise<Omit<Definition, "key"> | undefined>;
  /**
   * The endpoint and project that a single-use stream ticket names, and the sign-in that asked for it; the ticket is consumed. Undefined: unknown,
   * used or expired, or the sign-in has ended, or its account no longer owns the project.
   */
  redeemTicket(ticket: string): Promise<(Omit<Definition, "key"> & { signIn: SignIn }) | undefined>;
  /** The current revision of those of the projects that exist. */
  revisions(projectIds: readonly string[]): Promise<Map<string, number>>;
  /** Notes when keys were last used; later of stored and given wins. */
  touchKeys(lastUsed: ReadonlyMap<string, Date>): Promise<void>;
}

/** An access token as stored (L3). Revoked and expired ones are answered too, while they are kept. */
export interface StoredToken {
  id: string;
  /** The user's record: 32 lowercase hex digits. */
  userId: string;
  projectId: string;
  /** Of the authentication endpoint. */
  endpointId: string;
  expiresAt: Date;
  revokedAt: Date | null;
}

/** Reads access tokens; core/tokens.ts caches them. */
export interface TokenStore {
  /** The token with this SHA-256. */
  find(hash: Uint8Array): Promise<StoredToken | undefined>;
  /** Those of the tokens that are still stored, revoked or not. */
  findByIds(ids: readonly string[]): Promise<StoredToken[]>;
  /** The token revision of those of the projects that exist: it rises when a token ends before its time. */
  revisions(projectIds: readonly string[]): Promise<Map<string, number>>;
  /** Notes when tokens were last used; later of stored and given wins. */
  touch(lastUsed: ReadonlyMap<string, Date>): Promise<void>;
}

/** What somebody signed in to the dashboard or the management API by. A console stream lasts as long as it does (W6). */
export interface SignIn {
  kind: "session" | "token";
  /** Of the session or the management token. */
  id: string;
  /** The account. */
  userId: string;
}

/** Reads dashboard sessions and management tokens. */
export interface SignInStore {
  /** The ids of those that still hold: neither revoked, expired nor deleted. May throw `database_unavailable`. */
  findValid(signIns: readonly SignIn[]): Promise<ReadonlySet<string>>;
}
