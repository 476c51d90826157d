/** Decides whether a project's quotas allow a write (G20), based on the database's last count and the writes that this server admitted since. */
import type { Clock } from "@/src/core/clock";
import type { CountExchange } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";
import { type ProjectUsage, QUOTA_NAMES, type QuotaLimits, type QuotaName } from "@/src/shared/management/quotas";

/** The usage of a project as the database counted it, and the project's own limits. */
export interface CountedUsage {
  projectId: string;
  used: Readonly<Record<QuotaName, number>>;
  own: Readonly<Partial<Record<QuotaName, number>>>;
}

/** Reads the usage of projects. Every method can throw `database_unavailable`. */
export interface UsageStore {
  /** The usage of the project of an endpoint. Undefined if there is no such endpoint. */
  findByEndpoint(endpointId: string): Promise<CountedUsage | undefined>;
  /** The usage of those projects that exist. */
  read(projectIds: readonly string[]): Promise<CountedUsage[]>;
}

/** The usage that a write adds. Endpoints are counted where they are created. */
export type Additions = Readonly<Partial<Record<Exclude<QuotaName, "endpoints">, number>>>;

/** Received bytes of one file that has no record yet. Counted by this process only. */
export interface StagedBytes {
  /**
   * Counts more bytes against `fileBytes`, or rejects with `quota_exceeded` and adds nothing. `add(0)` checks whether there is room for one more
   * byte. Returns undefined, without waiting, while the project's usage is known.
   */
  add(bytes: number): Promise<void> | undefined;
  /** The number of counted bytes. */
  readonly size: number;
  /** Releases all bytes. Later additions are not counted. Further calls have no effect. */
  release(): void;
}

export interface Quotas {
  /**
   * Admits a write to an endpoint, or rejects with `quota_exceeded`. `replaces`: bytes of records that replace others; they are refused only if no
   * byte is left. `stagedBytes`: the part of `fileBytes` that is already counted as staged. Returns undefined, without waiting, while the project's
   * usage is known. Writes to an endpoint that does not exist are admitted, because they fail anyway. An admitted write that fails counts until the
   * next {@link refresh}.
   */
  admit(endpointId: string, additions: Additions & { replaces?: number; stagedBytes?: number }): Promise<void> | undefined;
  /**
   * Counts a file that is about to be received for an endpoint. `mayReplay`: the upload may be a replay whose bytes are already stored. Then only the
   * staged bytes are compared, with the limit or with the stored bytes, whichever is greater.
   */
  stage(endpointId: string, mayReplay: boolean): StagedBytes;
  /** Reads the current usage of a project and its limits. Undefined if there is no such project. */
  read(projectId: string): Promise<ProjectUsage | undefined>;
  /** Reads the usage of projects that were written to since the last call, and removes those that have been idle for a minute from the cache. */
  refresh(): Promise<void>;
  /** Removes the cached usage of a project whose quotas have changed. */
  invalidate(projectId: string): void;
}

/** A usage without writes in the meantime is read again after this time. */
const FRESH_MS = 10_000;
/** Before a write is refused, a usage older than this is read again, because data may have been deleted. */
const REFUSAL_FRESH_MS = 1_000;
const DROP_AFTER_MS = 60_000;
/** The maximum number of endpoints whose usage is cached. When it is reached, the cache is emptied. */
const ENDPOINTS_MAX = 50_000;

interface Project {
  id: string;
  endpointIds: Set<string>;
  used: Record<QuotaName, number>;
  limits: QuotaLimits;
  readAt: number;
  admittedAt: number;
}

/** `defaults`: the limits of projects without quotas of their own. `exchange`: counts together with the other workers of this server. */
export function createQuotas({
  store,
  defaults,
  clock,
  exchange,
}: {
  store: UsageStore;
  defaults: QuotaLimits;
  clock: Clock;
  exchange?: CountExchange | undefined;
}): Quotas {
  const byEndpoint = new Map<string, Project>();
  const projects = new Map<string, Project>();
  const loading = new Map<string, Promise<Project | undefined>>();
  /** By project. Kept even if the project's usage is dropped. Projects without staged bytes are not kept. */
  const staged = new Map<string, number>();
  const stagedAtWorkers = exchange?.gauge("staged file bytes");
  const admittedAtWorkers = QUOTA_NAMES.map((name) => ({
    name,
    tally: exchange?.tally(`admitted ${name}`, (projectId, amount) => {
      const project = projects.get(projectId);
      if (project) project.used[name] += amount;
    }),
  }));
  const now = () => clock.now().getTime();

  function drop(projectId: string): void {
    const project = projects.get(projectId);
    if (!project) return;
    projects.delete(projectId);
    for (const endpointId of project.endpointIds) byEndpoint.delete(endpointId);
  }

  function note(counted: CountedUsage): Project {
    const known = projects.get(counted.projectId);
    const fresh = { used: { ...counted.used }, limits: { ...defaults, ...counted.own }, readAt: now() };
    if (known) return Object.assign(known, fresh);
    const project = { id: counted.projectId, endpointIds: new Set<string>(), admittedAt: fresh.readAt, ...fresh };
    projects.set(project.id, project);
    return project;
  }

  /** Reads the usage of the endpoint's project. Concurrent writers share one query. */
  function load(endpointId: string): Promise<Project | undefined> {
    const underWay = loading.get(endpointId);
    if (underWay) return underWay;
    const promise = store
      .findByEndpoint(endpointId)
      .then((counted) => {
        if (!counted) return undefined;
        if (byEndpoint.size >= ENDPOINTS_MAX) for (const id of projects.keys()) drop(id);
        // The new count misses writes that were admitted but are not committed yet, so a recent count from another endpoint of the project is kept.
        const known = projects.get(counted.projectId);
        const project = known && now() - known.readAt <= REFUSAL_FRESH_MS ? known : note(counted);
        project.endpointIds.add(endpointId);
        byEndpoint.set(endpointId, project);
        return project;
      })
      .finally(() => loading.delete(endpointId));
    loading.set(endpointId, promise);
    return promise;
  }

  async function admitAfterLoad(endpointId: string, additions: Parameters<Quotas["admit"]>[1]): Promise<void> {
    const project = await load(endpointId);
    if (!project) return;
    const exceeded = findExceeded(project, additions, stagedOf(project));
    if (exceeded) throw quotaExceeded(exceeded, project.limits[exceeded]);
    add(project, additions);
  }

  const stagedOf = ({ id }: Project) => (staged.get(id) ?? 0) + (stagedAtWorkers?.others(id) ?? 0);

  function countStaged(projectId: string, bytes: number): void {
    stagedAtWorkers?.add(projectId, bytes);
    const sum = (staged.get(projectId) ?? 0) + bytes;
    if (sum > 0) staged.set(projectId, sum);
    else staged.delete(projectId);
  }

  function stage(endpointId: string, mayReplay: boolean): StagedBytes {
    let projectId: string | undefined;
    let size = 0;
    let isReleased = false;
    const hasRoom = (project: Project, bytes: number) => {
      const { used, limits } = project;
      if (limits.fileBytes === 0) return true;
      const sum = stagedOf(project) + Math.max(bytes, 1);
      return mayReplay ? sum <= Math.max(limits.fileBytes, used.fileBytes) : used.fileBytes + sum <= limits.fileBytes;
    };
    const count = (project: Project, bytes: number) => {
      // Keeps the usage fresh during a long upload, which never calls `admit`.
      project.admittedAt = now();
      if (isReleased) return;
      projectId = project.id;
      size += bytes;
      countStaged(projectId, bytes);
    };
    return {
      get size() {
        return size;
      },
      add(bytes) {
        const known = byEndpoint.get(endpointId);
        if (known && now() - known.readAt <= FRESH_MS && hasRoom(known, bytes)) {
          count(known, bytes);
          return undefined;
        }
        const isRefused = known && now() - known.readAt <= REFUSAL_FRESH_MS;
        return (isRefused ? Promise.resolve(known) : load(endpointId)).then((project) => {
          if (!project) return;
          if (!hasRoom(project, bytes)) throw quotaExceeded("fileBytes", project.limits.fileBytes);
          count(project, bytes);
        });
      },
      release() {
        isReleased = true;
        if (projectId !== undefined) countStaged(projectId, -size);
        size = 0;
      },
    };
  }

  function add(project: Project, { replaces = 0, ...additions }: Parameters<Quotas["admit"]>[1]): void {
    project.admittedAt = now();
    for (const { name, tally } of admittedAtWorkers) {
      const more = (name === "endpoints" ? 0 : (additions[name] ?? 0)) + (name === "recordBytes" ? replaces : 0);
      project.used[name] += more;
      if (more > 0) tally?.add(project.id, more);
    }
  }

  return {
    admit(endpointId, additions) {
      const project = byEndpoint.get(endpointId);
      if (!project || now() - project.readAt > FRESH_MS) return admitAfterLoad(endpointId, additions);
      const exceeded = findExceeded(project, additions, stagedOf(project));
      if (exceeded === undefined) {
        add(project, additions);
        return undefined;
      }
      if (now() - project.readAt > REFUSAL_FRESH_MS) return admitAfterLoad(endpointId, additions);
      return Promise.reject(quotaExceeded(exceeded, project.limits[exceeded]));
    },
    stage,
    async read(projectId) {
      const [counted] = await store.read([projectId]);
      return counted && toProjectUsage(counted, defaults);
    },
    async refresh() {
      const idleSince = now() - DROP_AFTER_MS;
      for (const { id, admittedAt } of projects.values()) if (admittedAt < idleSince) drop(id);
      const active = [...projects.values()].filter(({ admittedAt, readAt }) => admittedAt >= readAt);
      if (active.length === 0) return;
      const counted = await store.read(active.map(({ id }) => id));
      const found = new Set(counted.map(({ projectId }) => projectId));
      for (const one of counted) if (projects.has(one.projectId)) note(one);
      for (const { id } of active) if (!found.has(id)) drop(id);
    },
    invalidate: drop,
  };
}

function findExceeded(
  { used, limits }: Pick<Project, "used" | "limits">,
  { replaces, stagedBytes = 0, ...additions }: Parameters<Quotas["admit"]>[1],
  staged: number,
): QuotaName | undefined {
  if (replaces !== undefined && limits.recordBytes > 0 && used.recordBytes >= limits.recordBytes) return "recordBytes";
  return QUOTA_NAMES.find((name) => {
    const more = name === "endpoints" ? 0 : (additions[name] ?? 0);
    const before = name === "fileBytes" ? used.fileBytes + staged - stagedBytes : used[name];
    return more > 0 && limits[name] > 0 && before + more > limits[name];
  });
}

function toProjectUsage({ used, own }: CountedUsage, defaults: QuotaLimits): ProjectUsage {
  const toQuota = (name: QuotaName) => {
    const limit = own[name] ?? defaults[name];
    return { used: used[name], limit: limit === 0 ? null : limit, own: own[name] ?? null };
  };
  return {
    records: toQuota("records"),
    recordBytes: toQuota("recordBytes"),
    fileBytes: toQuota("fileBytes"),
    users: toQuota("users"),
    endpoints: toQuota("endpoints"),
    answerBytes: toQuota("answerBytes"),
  };
}

/** How to make room. */
const ADVICE: Readonly<Record<QuotaName | "projects", string>> = {
  records: "Delete records",
  recordBytes: "Delete records, or store smaller ones",
  fileBytes: "Delete files",
  users: "Delete users",
  endpoints: "Delete endpoints",
  answerBytes: "Wait until stored responses expire after 24 hours, omit Idempotency-Key",
  projects: "Delete projects",
};

/** The error of a quota that is used up. `limit`: its value. */
export function quotaExceeded(name: QuotaName | "projects", limit: number): AppError {
  const whose = name === "projects" ? "account" : "project";
  return new AppError("quota_exceeded", {
    detail: `The quota "${name}" of this ${whose} is exceeded: the limit is ${limit}. ${ADVICE[name]}, or ask this server's administrator to raise it.`,
  });
}
