/** The cache of definitions: each key with its endpoint and project, prepared for the access decision in access.ts. */
import type { Definition, DefinitionStore, SignIn } from "@/src/core/access/ports";
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";
import { OPAQUE_ORIGINS, parseOrigin } from "@/src/shared/http/origins";
import { endpointNameProblem } from "@/src/shared/text/names";

/** A definition, prepared for the checks of a request. */
export interface ResolvedEndpoint {
  /** Null if a ticket was used. */
  key: Definition["key"] | null;
  /** The sign-in that requested the ticket. Absent without a ticket. */
  signIn?: SignIn;
  endpoint: Definition["endpoint"];
  project: {
    id: string;
    ownerId: string;
    revision: number;
    rateLimit: number | null;
    /** Empty: every origin is allowed. If it contains `null`, pages with an opaque origin may read responses, but never receive cookies (S6). */
    allowedOrigins: ReadonlySet<string>;
    disallowNoOrigin: boolean;
    masterKeyHash: Uint8Array | null;
  };
}

export interface Definitions {
  /**
   * The endpoint that the key and the name select, or undefined. Cached; concurrent misses share one query. Misses are not cached, so a new endpoint
   * works immediately. Can throw `database_unavailable`.
   */
  find(key: string, endpointName: string): Promise<ResolvedEndpoint | undefined>;
  /** True if `find` needs no query. */
  has(key: string, endpointName: string): boolean;
  /** Reads the endpoint by its id, without the cache. Undefined if it was deleted. Concurrent calls share one query. */
  findEndpoint(endpointId: string): Promise<ResolvedEndpoint | undefined>;
  /** Redeems a single-use ticket. Undefined if it is unknown, used or expired, or if its sign-in has ended. Never cached. */
  redeemTicket(ticket: string): Promise<ResolvedEndpoint | undefined>;
  /** Drops a project from the cache and notifies the listeners. Call it after every change of a project, its keys or its endpoints. */
  invalidate(projectId: string): void;
  /** Calls `listener` after a project was dropped. Returns a function that stops this. */
  onInvalidate(listener: (projectId: string) => void): () => void;
  /**
   * Makes `checkRevisions` check a project for which something long-lived, such as an open socket, was granted at `revision`, cached or not. Returns
   * a function that stops this.
   */
  watch(project: { id: string; revision: number }): () => void;
  /** Compares the revisions of the known projects with the stored ones and invalidates the projects whose revision changed. */
  checkRevisions(): Promise<void>;
  /** Records that a key is used now. The time is kept in memory until `flushUse`. */
  noteUse(keyId: string): void;
  /** Stores the recorded uses. Throws if that fails, and keeps them for the next call. */
  flushUse(): Promise<void>;
}

/** The form of a key or ticket. Anything else is not looked up in the database. */
const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;

/** Revisions that no stored project has: the project was deleted, or it changed while it was not watched. */
const REVISION_DELETED = -1;
const REVISION_UNKNOWN = -2;

interface KnownProject {
  revision: number;
  /** The ids of its cached definitions. */
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
  /** Increases with every invalidation. A query that was running at that time may have read the old state, so its result is not cached. */
  #generation = 0;

  constructor(store: DefinitionStore, clock: Clock, log: Log, entriesMax: number) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#entriesMax = entriesMax;
  }

  async find(key: string, endpointName: string): Promise<ResolvedEndpoint | undefined> {
    // Unambiguous: cached names and keys are well-formed, so the id contains only one "?".
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
      const resolved = toResolved(definition, definition.key);
      if (generation === this.#generation) this.#remember(id, resolved);
      return resolved;
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
      this.#dropIfUnused(projectId, project);
    }
    for (const listener of this.#listeners) {
      try {
        listener(projectId);
      } catch (error) {
        this.#log.error({ err: error, projectId }, "a listener for changed definitions failed");
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
    // The grant is based on another revision than the known one. The next check must find a difference, so that the watcher is notified.
    if (project.revision !== revision) project.revision = REVISION_UNKNOWN;
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      project.watchers -= 1;
      this.#dropIfUnused(id, project);
    };
  }

  async checkRevisions(): Promise<void> {
    const ids = [...this.#projects.keys()];
    if (ids.length === 0) return;
    const revisions = await this.#store.revisions(ids);
    for (const id of ids) {
      const project = this.#projects.get(id);
      const revision = revisions.get(id) ?? REVISION_DELETED;
      // Any difference counts, not only an increase: a restored backup can set revisions back.
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

  #remember(id: string, resolved: ResolvedEndpoint): void {
    const { id: projectId, revision } = resolved.project;
    const known = this.#projects.get(projectId);
    if (known && revision < known.revision) return;
    // The definition is newer than the cached ones of its project: those are stale, and watchers must be notified.
    if (known && revision > known.revision) this.invalidate(projectId);
    const project = this.#projects.get(projectId) ?? { revision, cached: new Set(), watchers: 0 };
    project.revision = revision;
    project.cached.add(id);
    this.#projects.set(projectId, project);
    this.#cache.set(id, resolved);
    this.#evict();
  }

  #evict(): void {
    while (this.#cache.size > this.#entriesMax) {
      const oldest = this.#cache.entries().next().value;
      if (!oldest) return;
      const [id, resolved] = oldest;
      this.#cache.delete(id);
      const project = this.#projects.get(resolved.project.id);
      project?.cached.delete(id);
      if (project) this.#dropIfUnused(resolved.project.id, project);
    }
  }

  #dropIfUnused(projectId: string, project: KnownProject): void {
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

/** Opaque origins are added only to a non-empty list. An empty list allows every origin and must stay empty. */
function toAllowedOrigins({ allowedOrigins, allowNullOrigin }: Definition["project"]): ReadonlySet<string> {
  const listed = allowedOrigins.map(toComparable);
  return new Set(allowNullOrigin && listed.length > 0 ? [...listed, ...OPAQUE_ORIGINS] : listed);
}

/** The origin as browsers send it. A value that is not an origin is kept; it matches nothing. */
function toComparable(origin: string): string {
  const parsed = parseOrigin(origin);
  return parsed.ok ? parsed.origin : origin;
}
