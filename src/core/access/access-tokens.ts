/** The cache of access tokens (L3): which user a token belongs to, and whether it has ended. The access decision itself is in access.ts. */
import { createHash } from "node:crypto";
import type { StoredToken, TokenStore } from "@/src/core/access/ports";
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";

export interface Tokens {
  /**
   * The stored token, even if it is revoked or expired. Returns undefined if there is none. Cached; concurrent misses share one query. Can throw
   * `database_unavailable`.
   */
  find(token: string): Promise<StoredToken | undefined>;
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
  return new TokenCache(options.store, options.clock, options.log, options.entriesMax ?? ENTRIES_MAX);
}

interface KnownProject {
  /**
   * The revision of the last check; cached tokens were read after it. Undefined until the first check, which drops everything that was read earlier.
   */
  revision: number | undefined;
  cached: Set<string>;
  watchers: number;
}

/** Ids requested in the same tick, which share one query. */
interface Batch {
  ids: Set<string>;
  found: Promise<Map<string, StoredToken>>;
}

class TokenCache implements Tokens {
  readonly #store: TokenStore;
  readonly #clock: Clock;
  readonly #log: Pick<Log, "error">;
  readonly #entriesMax: number;
  /** By the token's hash, least recently used first. The tokens themselves are not stored. */
  readonly #cache = new Map<string, StoredToken>();
  readonly #projects = new Map<string, KnownProject>();
  readonly #pending = new Map<string, Promise<StoredToken | undefined>>();
  readonly #listeners = new Set<(projectId: string) => void>();
  #batch: Batch | undefined;
  #used = new Map<string, Date>();
  /** Increases with every invalidation. A query that was running at that time may have read the old state, so its result is not cached. */
  #generation = 0;

  constructor(store: TokenStore, clock: Clock, log: Pick<Log, "error">, entriesMax: number) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#entriesMax = entriesMax;
  }

  async find(token: string): Promise<StoredToken | undefined> {
    if (!TOKEN.test(token)) return undefined;
    const hash = createHash("sha256").update(token).digest();
    const id = hash.toString("base64url");
    const hit = this.#cache.get(id);
    if (hit) {
      this.#cache.delete(id);
      this.#cache.set(id, hit);
      return hit;
    }
    const underWay = this.#pending.get(id);
    if (underWay) return underWay;
    const promise = this.#load(id, hash).finally(() => {
      if (this.#pending.get(id) === promise) this.#pending.delete(id);
    });
    this.#pending.set(id, promise);
    return promise;
  }

  async findById(id: string): Promise<StoredToken | undefined> {
    const batch = this.#batch ?? this.#openBatch();
    batch.ids.add(id);
    return (await batch.found).get(id);
  }

  invalidate(projectId: string): void {
    this.#generation += 1;
    this.#pending.clear();
    const project = this.#projects.get(projectId);
    if (project) {
      for (const id of project.cached) this.#cache.delete(id);
      project.cached.clear();
    }
    for (const listener of this.#listeners) {
      try {
        listener(projectId);
      } catch (error) {
        this.#log.error({ err: error, projectId }, "a listener for revoked tokens failed");
      }
    }
  }

  onInvalidate(listener: (projectId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  generation(): number {
    return this.#generation;
  }

  watch(projectId: string): () => void {
    const project = this.#know(projectId);
    project.watchers += 1;
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      project.watchers -= 1;
    };
  }

  async checkRevisions(): Promise<void> {
    // Projects are dropped here and not in `invalidate`: otherwise a user who logs in after an invalidation would find the project unknown, and each
    // check would drop the new token.
    for (const [id, project] of this.#projects) if (project.watchers === 0 && project.cached.size === 0) this.#projects.delete(id);
    const known = [...this.#projects];
    if (known.length === 0) return;
    const revisions = await this.#store.revisions(known.map(([id]) => id));
    for (const [id, project] of known) {
      // A deleted project ends its streams through its definitions.
      const revision = revisions.get(id) ?? 0;
      if (this.#projects.get(id) !== project || project.revision === revision) continue;
      project.revision = revision;
      this.invalidate(id);
    }
  }

  noteUse(tokenId: string): void {
    this.#used.set(tokenId, this.#clock.now());
  }

  async flushUse(): Promise<void> {
    if (this.#used.size === 0) return;
    const flushing = this.#used;
    this.#used = new Map();
    try {
      await this.#store.touch(flushing);
    } catch (error) {
      this.#used = new Map([...flushing, ...this.#used]);
      throw error;
    }
  }

  async #load(id: string, hash: Uint8Array): Promise<StoredToken | undefined> {
    const generation = this.#generation;
    const token = await this.#store.find(hash);
    // Clients soon stop sending an ended token. Because it is not cached, it can be deleted without an invalidation.
    if (token && token.revokedAt === null && generation === this.#generation) this.#remember(id, token);
    return token;
  }

  /** The query starts after all other calls of the same tick. */
  #openBatch(): Batch {
    const ids = new Set<string>();
    const found = Promise.resolve().then(async () => {
      this.#batch = undefined;
      return new Map((await this.#store.findByIds([...ids])).map((token) => [token.id, token]));
    });
    this.#batch = { ids, found };
    return this.#batch;
  }

  #know(projectId: string): KnownProject {
    const project = this.#projects.get(projectId) ?? { revision: undefined, cached: new Set(), watchers: 0 };
    this.#projects.set(projectId, project);
    return project;
  }

  #remember(id: string, token: StoredToken): void {
    this.#know(token.projectId).cached.add(id);
    this.#cache.set(id, token);
    while (this.#cache.size > this.#entriesMax) {
      const oldest = this.#cache.entries().next().value;
      if (!oldest) return;
      const [oldestId, { projectId }] = oldest;
      this.#cache.delete(oldestId);
      this.#projects.get(projectId)?.cached.delete(oldestId);
    }
  }
}
