/** The cache of access tokens (L3): which user a token belongs to, and whether it has ended. The access decision itself is in access.ts. */
import { createHash } from "node:crypto";
import type { StoredToken, TokenStore } from "@/src/core/access/ports";
import { RevisionedCache, UseLog } from "@/src/core/access/revisioned-cache";
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";
import type { MaybePromise } from "@/src/core/maybe-promise";

export interface Tokens {
  /**
   * The stored token, even if it is revoked or expired. Returns undefined if there is none. Known at once if it is cached; concurrent misses share one
   * query. Can throw `database_unavailable`.
   */
  find(token: string): MaybePromise<StoredToken | undefined>;
  /**
   * The same for a known token of an open stream. Returns undefined if the token was deleted with its user. Calls in the same tick share one query.
   */
  findById(id: string): Promise<StoredToken | undefined>;
  /** Drops the project's cached tokens and notifies the listeners. Call it after every change that ends a token early. */
  invalidate(projectId: string): void;
  /** Calls `listener` after the tokens of a project were dropped. Returns a function that stops this. */
  onInvalidate(listener: (projectId: string) => void): () => void;
  /**
   * Increases with every invalidation. A stream that was granted at an earlier generation and is registered now has missed the notifications in
   * between and must be checked again.
   */
  generation(): number;
  /** Makes `checkRevisions` check a project whose open streams depend on tokens, even if no token is cached. Returns a function that stops this. */
  watch(projectId: string): () => void;
  /** Compares the token revisions of the known projects with the stored ones and invalidates the projects whose revision changed. */
  checkRevisions(): Promise<void>;
  /** Records that a token is used now. The time is kept in memory until `flushUse`. */
  noteUse(tokenId: string): void;
  /** Stores the recorded uses. Throws if that fails, and keeps them for the next call. */
  flushUse(): Promise<void>;
}

/** The form of a token: 32 random bytes as base64url. Anything else is not a token and is not looked up in the database. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const ENTRIES_MAX = 50_000;

export function createTokens(options: { store: TokenStore; clock: Clock; log: Pick<Log, "error">; entriesMax?: number }): Tokens {
  const { store, clock, log, entriesMax = ENTRIES_MAX } = options;
  const uses = new UseLog(clock, (lastUsed) => store.touch(lastUsed));
  const findById = createBatchedFind(store);
  const cache = new RevisionedCache<StoredToken>({
    name: "revoked tokens",
    entriesMax,
    toProjectId: ({ projectId }) => projectId,
    readRevisions: (projectIds) => store.revisions(projectIds),
    // A deleted project ends its streams through its definitions.
    missingRevision: 0,
    // Otherwise a user who logs in after an invalidation would find the project unknown, and each check would drop the new token.
    keepsUnused: true,
    log,
  });

  return {
    find: (token) => {
      if (!TOKEN.test(token)) return undefined;
      const hash = createHash("sha256").update(token).digest();
      // The tokens themselves are not stored.
      const id = hash.toString("base64url");
      const hit = cache.get(id);
      if (hit) return hit;
      return cache.share(id, async () => {
        const { generation } = cache;
        const found = await store.find(hash);
        // Clients soon stop sending an ended token. Because it is not cached, it can be deleted without an invalidation.
        if (found && found.revokedAt === null && generation === cache.generation) cache.set(id, found);
        return found;
      });
    },
    findById,
    invalidate: (projectId) => cache.invalidate(projectId),
    onInvalidate: (listener) => cache.onInvalidate(listener),
    generation: () => cache.generation,
    watch: (projectId) => cache.watch(projectId),
    checkRevisions: () => cache.checkRevisions(),
    noteUse: (tokenId) => uses.note(tokenId),
    flushUse: () => uses.flush(),
  };
}

/** Finds tokens by id: all calls of the same tick share one query, which starts after them. */
function createBatchedFind(store: Pick<TokenStore, "findByIds">): Tokens["findById"] {
  let batch: { ids: Set<string>; found: Promise<Map<string, StoredToken>> } | undefined;
  const open = () => {
    const ids = new Set<string>();
    const found = Promise.resolve().then(async () => {
      batch = undefined;
      return new Map((await store.findByIds([...ids])).map((token) => [token.id, token]));
    });
    return { ids, found };
  };
  return async (id) => {
    batch ??= open();
    batch.ids.add(id);
    return (await batch.found).get(id);
  };
}
