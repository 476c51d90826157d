/** Interfaces through which the access decision reads definitions, access tokens and sign-ins. Adapters are in db/stores. */
import type { UserEmailSettings } from "@/src/shared/management/user-emails";
import type { EndpointKind } from "@/src/shared/streams/protocol";

/** A key with its endpoint and project, as stored. Revoked and expired keys are returned too. */
export interface Definition {
  key: { id: string; name: string; scope: "read" | "write" | "read_write"; expiresAt: Date | null; revokedAt: Date | null };
  endpoint: {
    id: string;
    name: string;
    kind: EndpointKind;
    secure: boolean;
    /** Whether other users of the application may read, update and delete a user's records if the endpoint is secure (S2). */
    othersCanRead: boolean;
    othersCanUpdate: boolean;
    othersCanDelete: boolean;
    /** How long caches may keep files if reading needs no user (F2). 0: caching is not allowed. */
    fileCacheSeconds: number;
    /** JSON text of the JSON Schema that bodies must match (R10). Null: none. */
    schema: string | null;
    /** JSON text of the access rules (A1). Null: none. */
    rules: string | null;
    /** The source of the access function (S8). Null: none. */
    accessFunction: string | null;
    /** Which e-mails the users of an authentication endpoint receive (L10). Absent: the defaults. */
    userEmails?: UserEmailSettings | undefined;
  };
  project: {
    id: string;
    /** The account that owns the project. */
    ownerId: string;
    revision: number;
    /** Requests per minute for each key and address (U8). Null: the server's default limit. */
    rateLimit: number | null;
    allowedOrigins: readonly string[];
    /** The origin `null` is allowed in addition to the listed ones. */
    allowNullOrigin: boolean;
    disallowNoOrigin: boolean;
    /** SHA-256 of the master key. */
    masterKeyHash: Uint8Array | null;
    /** The names of the authentication endpoints, by id. */
    userEndpoints: ReadonlyMap<string, string>;
  };
}

/** Reads definitions. core/access/resolved-endpoints.ts caches them. */
export interface DefinitionStore {
  /** The definition that a key and an endpoint name select. Undefined if there is no such key, or if its project has no such endpoint. */
  find(key: string, endpointName: string): Promise<Definition | undefined>;
  /** An endpoint and its project. Undefined if there is none. */
  findEndpoint(endpointId: string): Promise<Omit<Definition, "key"> | undefined>;
  /**
   * Redeems a single-use stream ticket: returns its endpoint, its project and the sign-in that requested it. Returns undefined if the ticket is
   * unknown, used or expired, if the sign-in has ended, or if its account no longer owns the project.
   */
  redeemTicket(ticket: string): Promise<(Omit<Definition, "key"> & { signIn: SignIn }) | undefined>;
  /** The current revisions of those projects that exist. */
  revisions(projectIds: readonly string[]): Promise<Map<string, number>>;
  /** Stores when keys were last used. A later stored time is kept. */
  touchKeys(lastUsed: ReadonlyMap<string, Date>): Promise<void>;
}

/** An access token as stored (L3). Revoked and expired tokens are returned too, until they are deleted. */
export interface StoredToken {
  id: string;
  /** The user's record: 32 lowercase hex digits. */
  userId: string;
  projectId: string;
  /** The authentication endpoint of the user. */
  endpointId: string;
  expiresAt: Date;
  revokedAt: Date | null;
}

/** Reads access tokens. core/access/access-tokens.ts caches them. */
export interface TokenStore {
  /** The token with this SHA-256. */
  find(hash: Uint8Array): Promise<StoredToken | undefined>;
  /** Those of the tokens that are still stored, revoked or not. */
  findByIds(ids: readonly string[]): Promise<StoredToken[]>;
  /** The token revisions of those projects that exist. A revision increases when a token ends early. */
  revisions(projectIds: readonly string[]): Promise<Map<string, number>>;
  /** Stores when tokens were last used. A later stored time is kept. */
  touch(lastUsed: ReadonlyMap<string, Date>): Promise<void>;
}

/** The dashboard session or management token that somebody signed in with. A console stream ends with it (W6). */
export interface SignIn {
  kind: "session" | "token";
  /** The id of the session or of the management token. */
  id: string;
  /** The account. */
  userId: string;
}

/** Reads dashboard sessions and management tokens. */
export interface SignInStore {
  /** The ids of those sign-ins that are valid: not revoked, expired or deleted. Can throw `database_unavailable`. */
  findValid(signIns: readonly SignIn[]): Promise<ReadonlySet<string>>;
}
