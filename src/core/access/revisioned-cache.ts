/** A cache of values that belong to projects. It follows the revisions of these projects, and drops the values of a project whose revision changes. */
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";

export interface RevisionedCacheOptions<Value> {
  /** Used in the log message of a failed listener. */
  name: string;
  entriesMax: number;
  toProjectId: (value: Value) => string;
  /** The stored revisions of those projects that exist. */
  readRevisions: (projectIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  /** Counts as the revision of a project that does not exist. */
  missingRevision: number;
  /** Whether a project without entries and watchers stays known until the next check. */
  keepsUnused: boolean;
  /** Called when a value is cached, and when it no longer is. Default: nothing is called. */
  onCached?: ((value: Value, isCached: boolean) => void) | undefined;
  log: Pick<Log, "error">;
}

interface KnownProject {
  /** Cached values have this revision or a later one. Undefined: the next revision that is seen drops them. */
  revision: number | undefined;
  /** The ids of its entries. */
  cached: Set<string>;
  watchers: number;
}

export class RevisionedCache<Value> {
  readonly #options: RevisionedCacheOptions<Value>;
  /** Least recently used first. */
  readonly #entries = new Map<string, Value>();
  readonly #projects = new Map<string, KnownProject>();
  readonly #loading = new Map<string, Promise<Value | undefined>>();
  readonly #listeners = new Set<(projectId: string) => void>();
  #generation = 0;

  constructor(options: RevisionedCacheOptions<Value>) {
    this.#options = options;
  }

  /** Increases with every invalidation. A query that was running at that time may have read the old state, so its result must not be cached. */
  get generation(): number {
    return this.#generation;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  get(id: string): Value | undefined {
    const value = this.#entries.get(id);
    if (value !== undefined) {
      this.#entries.delete(id);
      this.#entries.set(id, value);
    }
    return value;
  }

  /** Calls `load`, or joins a load of the same id that is under way and that no invalidation has overtaken. Caches nothing. */
  share(id: string, load: () => Promise<Value | undefined>): Promise<Value | undefined> {
    const underWay = this.#loading.get(id);
    if (underWay) return underWay;
    const promise = load().finally(() => {
      if (this.#loading.get(id) === promise) this.#loading.delete(id);
    });
    this.#loading.set(id, promise);
    return promise;
  }

  /**
   * Caches a value, and evicts the least recently used ones. `revision`: of the project, if it was read together with the value. An older one than the
   * known revision is not cached; a newer one drops what is cached of the project first.
   */
  set(id: string, value: Value, revision?: number): void {
    const projectId = this.#options.toProjectId(value);
    const known = this.#projects.get(projectId);
    if (known && revision !== undefined) {
      if (known.revision !== undefined && revision < known.revision) return;
      if (revision !== known.revision) this.invalidate(projectId);
    }
    const project = this.#know(projectId, revision);
    if (revision !== undefined) project.revision = revision;
    this.#drop(id);
    project.cached.add(id);
    this.#entries.set(id, value);
    this.#options.onCached?.(value, true);
    this.#evict();
  }

  /** Drops the values of a project and calls the listeners. */
  invalidate(projectId: string): void {
    this.#generation += 1;
    this.#loading.clear();
    const project = this.#projects.get(projectId);
    if (project) {
      for (const id of project.cached) this.#drop(id);
      project.cached.clear();
      this.#release(projectId, project);
    }
    for (const listener of this.#listeners) {
      try {
        listener(projectId);
      } catch (error) {
        this.#options.log.error({ err: error, projectId }, `a listener for ${this.#options.name} failed`);
      }
    }
  }

  /** Calls `listener` after the values of a project were dropped. Returns a function that stops this. */
  onInvalidate(listener: (projectId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Makes `checkRevisions` check a project even if nothing of it is cached. If something was granted at another `revision` than the known one, the next check
   * notifies the listeners. Returns a function that stops this.
   */
  watch(projectId: string, revision?: number): () => void {
    const project = this.#know(projectId, revision);
    project.watchers += 1;
    if (revision !== undefined && project.revision !== revision) project.revision = undefined;
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      project.watchers -= 1;
      this.#release(projectId, project);
    };
  }

  /** Compares the revisions of the known projects with the stored ones and invalidates the projects whose revision changed. */
  async checkRevisions(): Promise<void> {
    for (const [id, project] of this.#projects) if (isUnused(project)) this.#projects.delete(id);
    const known = [...this.#projects];
    if (known.length === 0) return;
    const revisions = await this.#options.readRevisions(known.map(([id]) => id));
    for (const [id, project] of known) {
      const revision = revisions.get(id) ?? this.#options.missingRevision;
      // Any difference counts, not only an increase: restoring a backup can decrease a revision.
      if (this.#projects.get(id) !== project || project.revision === revision) continue;
      project.revision = revision;
      this.invalidate(id);
    }
  }

  #know(projectId: string, revision: number | undefined): KnownProject {
    const project = this.#projects.get(projectId) ?? { revision, cached: new Set(), watchers: 0 };
    this.#projects.set(projectId, project);
    return project;
  }

  #release(projectId: string, project: KnownProject): void {
    if (!this.#options.keepsUnused && isUnused(project) && this.#projects.get(projectId) === project) this.#projects.delete(projectId);
  }

  #drop(id: string): void {
    const value = this.#entries.get(id);
    if (value === undefined) return;
    this.#entries.delete(id);
    this.#options.onCached?.(value, false);
  }

  #evict(): void {
    while (this.#entries.size > this.#options.entriesMax) {
      const oldest = this.#entries.entries().next().value;
      if (!oldest) return;
      const [id, value] = oldest;
      this.#drop(id);
      const projectId = this.#options.toProjectId(value);
      const project = this.#projects.get(projectId);
      project?.cached.delete(id);
      if (project) this.#release(projectId, project);
    }
  }
}

function isUnused({ watchers, cached }: KnownProject): boolean {
  return watchers === 0 && cached.size === 0;
}

/** Collects when ids were last used, and stores the times together. */
export class UseLog {
  readonly #clock: Clock;
  readonly #store: (lastUsed: ReadonlyMap<string, Date>) => Promise<void>;
  #used = new Map<string, Date>();

  constructor(clock: Clock, store: (lastUsed: ReadonlyMap<string, Date>) => Promise<void>) {
    this.#clock = clock;
    this.#store = store;
  }

  /** Records that `id` is used now, in memory. */
  note(id: string): void {
    this.#used.set(id, this.#clock.now());
  }

  /** Stores the recorded uses. Throws if that fails, and keeps them for the next call. */
  async flush(): Promise<void> {
    if (this.#used.size === 0) return;
    const flushing = this.#used;
    this.#used = new Map();
    try {
      await this.#store(flushing);
    } catch (error) {
      this.#used = new Map([...flushing, ...this.#used]);
      throw error;
    }
  }
}
