/** The access decision over definitions and tokens in memory, which tests can change. */
import { createHash } from "node:crypto";
import { type Access, createAccess } from "@/src/core/access/access";
import type { AccessRequest } from "@/src/core/access/access-request";
import type { Tokens } from "@/src/core/access/access-tokens";
import type { SignIn, StoredToken } from "@/src/core/access/ports";
import type { Definitions, ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import { createFileTokens } from "@/src/core/files/tokens";
import { isAppError } from "@/src/shared/errors";

export const NOW = new Date("2026-01-01T00:00:00Z");
const CLOCK = { now: () => NOW };
const FILE_TOKENS = createFileTokens({ secret: "the secret of test servers", clock: CLOCK });
export const PAST = new Date(NOW.getTime() - 1);
export const FUTURE = new Date(NOW.getTime() + 1);
/** The sign-in that requested the ticket. */
const SIGN_IN: SignIn = { kind: "session", id: "session-id", userId: "owner-id" };
const sha256 = (text: string): Uint8Array => createHash("sha256").update(text).digest();

export interface SiteOptions {
  key?: Partial<NonNullable<ResolvedEndpoint["key"]>>;
  endpoint?: Partial<ResolvedEndpoint["endpoint"]>;
  origins?: string[];
  disallowNoOrigin?: boolean;
  masterKey?: string;
}

const CLOSED = {
  secure: false,
  othersCanRead: false,
  othersCanUpdate: false,
  othersCanDelete: false,
  fileCacheSeconds: 0,
  schema: null,
  rules: undefined,
  accessFunction: null,
};

export function createResolvedEndpoint({
  key,
  endpoint,
  origins = [],
  disallowNoOrigin = false,
  masterKey,
}: SiteOptions = {}): ResolvedEndpoint {
  return {
    key: { id: "key-id", name: "web", scope: "read_write", expiresAt: null, revokedAt: null, ...key },
    isCached: true,
    endpoint: { id: "endpoint-id", name: "some/endpoint", kind: "data", ...CLOSED, ...endpoint },
    project: {
      id: "project-id",
      ownerId: "owner-id",
      revision: 7,
      rateLimit: null,
      allowedOrigins: new Set(origins),
      disallowNoOrigin,
      masterKeyHash: masterKey === undefined ? null : sha256(masterKey),
      userEndpoints: new Map([["users-id", "some/users"]]),
    },
  };
}

export interface MemoryWorld {
  resolved: ResolvedEndpoint | undefined;
  /** The tokens by their text. */
  tokens: Map<string, StoredToken>;
  /** The keys and tokens whose use was noted. */
  used: string[];
  /** The valid sign-ins. */
  signInIds: Set<string>;
}

/** A valid token of the project's user "ann", with `changes`. */
export function createToken(changes: Partial<StoredToken> = {}): StoredToken {
  const lasting = { expiresAt: FUTURE, revokedAt: null };
  return { id: "token-id", userId: "ann", projectId: "project-id", endpointId: "users-id", ...lasting, ...changes };
}

/** A world with one key ("good"), one ticket ("ticket"), one endpoint, and no token. */
export function createMemoryAccess(options: SiteOptions = {}): { access: Access; world: MemoryWorld } {
  const world: MemoryWorld = { resolved: createResolvedEndpoint(options), tokens: new Map(), used: [], signInIds: new Set([SIGN_IN.id]) };
  const definitions: Definitions = {
    find: async (key, name) => (key === "good" && name === world.resolved?.endpoint.name ? world.resolved : undefined),
    has: () => false,
    findEndpoint: async (id) => (world.resolved?.endpoint.id === id ? { ...world.resolved, key: null } : undefined),
    redeemTicket: async (ticket) => (ticket === "ticket" && world.resolved ? { ...world.resolved, key: null, signIn: SIGN_IN } : undefined),
    noteUse: (keyId) => world.used.push(keyId),
    invalidate: () => undefined,
    onInvalidate: () => () => undefined,
    watch: () => () => undefined,
    checkRevisions: async () => undefined,
    flushUse: async () => undefined,
  };
  const tokens: Tokens = {
    find: async (token) => world.tokens.get(token),
    findById: async (id) => [...world.tokens.values()].find((token) => token.id === id),
    noteUse: (tokenId) => world.used.push(tokenId),
    generation: () => 0,
    invalidate: () => undefined,
    onInvalidate: () => () => undefined,
    watch: () => () => undefined,
    checkRevisions: async () => undefined,
    flushUse: async () => undefined,
  };
  const signIns = { isValid: async ({ id }: SignIn) => world.signInIds.has(id) };
  return { access: createAccess({ definitions, tokens, signIns, fileTokens: FILE_TOKENS, clock: CLOCK }), world };
}

export function request(changes: Partial<AccessRequest> = {}): AccessRequest {
  return { version: "1", endpointName: "some/endpoint", key: "good", operation: "read", ...changes };
}

/** "granted", or the code of the error. */
export async function codeOf(deciding: Promise<unknown>): Promise<string> {
  return deciding.then(
    () => "granted",
    (error: unknown) => {
      if (isAppError(error)) return error.code;
      throw error;
    },
  );
}
