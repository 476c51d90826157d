/** The cache of compiled definitions: keys with their endpoint and project. It must not decide who may do what (access.ts does). */
import type { Definition, DefinitionStore, SignIn } from "@/src/core/access/ports";
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";
import { OPAQUE_ORIGINS, parseOrigin } from "@/src/shared/http/origins";
import { endpointNameProblem } from "@/src/shared/text/names";

/** A definition in the form in which requests are checked. */
export interface ResolvedEndpoint {
  /** Null: opened by a ticket. */
  key: Definition["key"] | null;
  /** The sign-in that asked for the ticket; absent without a ticket. */
  signIn?: SignIn;
  endpoint: Definition["endpoint"];
  project: {
    id: string;
    ownerId: string;
    revision: number;
    rateLimit: number | null;
    /** Empty: every origin. With `null` in it, pages without an origin of their own may read answers; they are never sent cookies (S6). */
    allowedOrigins: ReadonlySet<string>;
    disallowNoOrigin: boolean;
    masterKeyHash: Uint8Array | null;
  };
}

export interface Definitions {
  /**
   * What the key and the endpoint's name select; undefined: nothing does. Cached; concurrent misses share one query, and
   * misses are not remembered, so that a new endpoint answers at once. May raise `database_unavailable`.
   */
  find(key: string, endpointName: string): Promise<ResolvedEndpoint | undefined>;
  /** Whether `find` answers from memory. */
  has(key: string, endpointName: string): boolean;
  /** The endpoint by its id, read afresh; undefined when it was deleted. Concurrent calls share one query. */
  findEndpoint(endpointId: string): Promise<ResolvedEndpoint | undefined>;
  /** Consumes a single-use ticket; undefined: unknown, used or expired, or its sign-in has ended. Never cached. */
  redeemTicket(ticket: string): Promise<ResolvedEndpoint | undefined>;
  /** Forgets a project, and tells the listeners. Call it after every change of a project, its keys or its endpoints. */
  invalidate(projectId: string): void;
  /** Calls `listener` after a project was forgotten. Answers how to stop. */
  onInvalidate(listener: (projectId: string) => void): () => void;
  /**
   * Keeps `checkRevisions` looking at a project for which something long-lived (an open socket) was granted at `revision`,
   * whether or not it stays cached. Answers how to stop.
   */
  watch(project: { id: string; revision: number }): () => void;
  /** Compares the revisions of known projects with the store's, and invalidates those that moved. */
  checkRevisions(): Promise<void>;
  /** Notes that a key was used now; kept in memory until `flushUse`. */
  noteUse(keyId: string): void;
  /** Stores the noted uses; on failure they are kept for the next call, and the error is raised. */
  flushUse(): Promise<void>;
}

/** Keys ship in URLs and have a plain form; anything else can't be one, and never reaches the database. */
const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;

/** Revisions that no stored project has: it was deleted; it changed while it was not watched. */
const REVISION_GONE = -1;
const REVISION_UNKNOWN = -2;

interface KnownProject {
  revision: number;
  /** Its ids in the cache. */
  cached: Set<string>;
  watchers: number;
}

export function createDefinitions(options: { store: DefinitionStore; clock: Clock; log: Log; entriesMax?: number }): Definitions {
  return new DefinitionCache(options.store, options.clock, options.log, options.entriesMax ?? 10_000);
}

class DefinitionCache implements Definitions {
  readonly #store: DefinitionStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entriesMax: number;
  /** Least recently used first. */
  readonly #cache = new Map<string, ResolvedEndpoint>();
  readonly #projects = new Map<string, KnownProject>();
  readonly #pending = new Map<string, Promise<ResolvedEndpoint | undefined>>();
  readonly #listeners = new Set<(projectId: string) => void>();
  #used = new Map<string, Date>();
  /** Rises with every invalidation: a query that was under way meanwhile may have read the old state, and is not cached. */
  #generation = 0;

  constructor(store: DefinitionStore, clock: Clock, log: Log, entriesMax: number) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#entriesMax = entriesMax;
  }

  async find(key: string, endpointName: string): Promise<ResolvedEndpoint | undefined> {
    // Unambiguous: what is cached has neither a malformed name nor a malformed key, so only one "?".
    const id = `${endpointName}?${key}`;
    const hit = this.#cache.get(id);
    if (hit) {
      this.#cache.delete(id);
      this.#cache.set(id, hit);
      return hit;
    }
    if (!TOKEN.test(key) || endpointNameProblem(endpointName) !== undefined) return undefined;
    return this.#share(id, async () => {
      const generation = this.#generation;
      const definition = await this.#store.find(key, endpointName);
      if (!definition) return undefined;
      const compiled = toResolved(definition, definition.key);
      if (generation === this.#generation) this.#remember(id, compiled);
      return compiled;
    });
  }

  has(key: string, endpointName: string): boolean {
    return this.#cache.has(`${endpointName}?${key}`);
  }

  async findEndpoint(endpointId: string): Promise<ResolvedEndpoint | undefined> {
    return this.#share(`#${endpointId}`, async () => {
      const definition = await this.#store.findEndpoint(endpointId);
      return definition && toResolved(definition, null);
    });
  }

  async redeemTicket(ticket: string): Promise<ResolvedEndpoint | undefined> {
    if (!TOKEN.test(ticket)) return undefined;
    const redeemed = await this.#store.redeemTicket(ticket);
    return redeemed && { ...toResolved(redeemed, null), signIn: redeemed.signIn };
  }

  invalidate(projectId: string): void {
    this.#generation += 1;
    this.#pending.clear();
    const project = this.#projects.get(projectId);
    if (project) {
      for (const id of project.cached) this.#cache.delete(id);
      project.cached.clear();
      this.#forgetIfUnused(projectId, project);
    }
    for (const listener of this.#listeners) {
      try {
        listener(projectId);
      } catch (error) {
        this.#log.error({ err: error, projectId }, "a listener of definitions failed");
      }
    }
  }

  onInvalidate(listener: (projectId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  watch({ id, revision }: { id: string; revision: number }): () => void {
    const project = this.#projects.get(id) ?? { revision, cached: new Set(), watchers: 0 };
    this.#projects.set(id, project);
    project.watchers += 1;
    // Granted on another state than the known one: the next check must see a difference, so that the watcher is told.
    if (project.revision !== revision) project.revision = REVISION_UNKNOWN;
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      project.watchers -= 1;
      this.#forgetIfUnused(id, project);
    };
  }

  async checkRevisions(): Promise<void> {
    const ids = [...this.#projects.keys()];
    if (ids.length === 0) return;
    const revisions = await this.#store.revisions(ids);
    for (const id of ids) {
      const project = this.#projects.get(id);
      const revision = revisions.get(id) ?? REVISION_GONE;
      // Any difference counts, not only a rise: a restored backup may set revisions back.
      if (!project || project.revision === revision) continue;
      project.revision = revision;
      this.invalidate(id);
    }
  }

  noteUse(keyId: string): void {
    this.#used.set(keyId, this.#clock.now());
  }

  async flushUse(): Promise<void> {
    if (this.#used.size === 0) return;
    const flushing = this.#used;
    this.#used = new Map();
    try {
      await this.#store.touchKeys(flushing);
    } catch (error) {
      this.#used = new Map([...flushing, ...this.#used]);
      throw error;
    }
  }

  #share(id: string, load: () => Promise<ResolvedEndpoint | undefined>): Promise<ResolvedEndpoint | undefined> {
    const underWay = this.#pending.get(id);
    if (underWay) return underWay;
    const promise = load().finally(() => {
      if (this.#pending.get(id) === promise) this.#pending.delete(id);
    });
    this.#pending.set(id, promise);
    return promise;
  }

  #remember(id: string, compiled: ResolvedEndpoint): void {
    const { id: projectId, revision } = compiled.project;
    const known = this.#projects.get(projectId);
    if (known && revision < known.revision) return;
    // Newer than what is cached of the project: the rest is stale, and what watches it must be told.
    if (known && revision > known.revision) this.invalidate(projectId);
    const project = this.#projects.get(projectId) ?? { revision, cached: new Set(), watchers: 0 };
    project.revision = revision;
    project.cached.add(id);
    this.#projects.set(projectId, project);
    this.#cache.set(id, compiled);
    this.#evict();
  }

  #evict(): void {
    while (this.#cache.size > this.#entriesMax) {
      const oldest = this.#cache.entries().next().value;
      if (!oldest) return;
      const [id, compiled] = oldest;
      this.#cache.delete(id);
      const project = this.#projects.get(compiled.project.id);
      project?.cached.delete(id);
      if (project) this.#forgetIfUnused(compiled.project.id, project);
    }
  }

  #forgetIfUnused(projectId: string, project: KnownProject): void {
    if (project.watchers === 0 && project.cached.size === 0 && this.#projects.get(projectId) === project) this.#projects.delete(projectId);
  }
}

function toResolved({ endpoint, project }: Omit<Definition, "key">, key: Definition["key"] | null): ResolvedEndpoint {
  return {
    key,
    endpoint,
    project: {
      id: project.id,
      ownerId: project.ownerId,
      revision: project.revision,
      rateLimit: project.rateLimit,
      allowedOrigins: toAllowedOrigins(project),
      disallowNoOrigin: project.disallowNoOrigin,
      masterKeyHash: project.masterKeyHash,
    },
  };
}

/** Opaque origins are added to a list alone: an empty one allows every origin, and must stay empty. */
function toAllowedOrigins({ allowedOrigins, allowNullOrigin }: Definition["project"]): ReadonlySet<string> {
  const listed = allowedOrigins.map(toComparable);
  return new Set(allowNullOrigin && listed.length > 0 ? [...listed, ...OPAQUE_ORIGINS] : listed);
}

/** As browsers send it; what is no origin is kept, and matches none. */
function toComparable(origin: string): string {
  const parsed = parseOrigin(origin);
  return parsed.ok ? parsed.origin : origin;
}
