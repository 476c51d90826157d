/** Quotas of projects (G20): whether a project may hold more. Works on what the database last counted and what this server has let in since. */
import type { Clock } from "@/src/core/clock";
import { AppError } from "@/src/shared/errors";
import { type ProjectUsage, QUOTA_NAMES, type QuotaLimits, type QuotaName } from "@/src/shared/management/quotas";

/** What the database has counted of a project, and the limits that are its own. */
export interface CountedUsage {
  projectId: string;
  used: Readonly<Record<QuotaName, number>>;
  own: Readonly<Partial<Record<QuotaName, number>>>;
}

/** Reads what projects hold. Every method may throw `database_unavailable`. */
export interface UsageStore {
  /** Of the project of an endpoint; undefined: there is no such endpoint. */
  findByEndpoint(endpointId: string): Promise<CountedUsage | undefined>;
  /** Of those of the projects that exist. */
  read(projectIds: readonly string[]): Promise<CountedUsage[]>;
}

/** What a write adds. Endpoints are counted where they are created. */
export type Additions = Readonly<Partial<Record<Exclude<QuotaName, "endpoints">, number>>>;

/** Bytes of one file that arrive, and that no record has yet. Kept by this process alone. */
export interface StagedBytes {
  /**
   * Counts so many more against `fileBytes`, or rejects with `quota_exceeded`; then nothing is added. 0 asks whether there is room for another byte. Undefined,
   * and thus at once, while the project's usage is known.
   */
  add(bytes: number): Promise<void> | undefined;
  /** Counted now. */
  readonly size: number;
  /** Gives all of them back. From then on nothing is counted. Calling it again does nothing. */
  release(): void;
}

export interface Quotas {
  /**
   * Lets a write to an endpoint add so much to its project, or rejects with `quota_exceeded`. `replaces`: bytes of records that take the place of others;
   * they are refused only where no byte is left. `stagedBytes`: those of `fileBytes` that are counted as staged, and are not counted twice. Undefined, and thus at once, while the project's usage is known. An endpoint that does not exist may
   * add anything: its write fails by itself. What fails after it was let in counts until the next {@link refresh}.
   */
  admit(endpointId: string, additions: Additions & { replaces?: number; stagedBytes?: number }): Promise<void> | undefined;
  /**
   * Counts a file that is about to arrive for an endpoint. `mayReplay`: it may be a repeat, whose bytes are stored already: then staged bytes alone are
   * compared with the limit, or with what is stored where that is more.
   */
  stage(endpointId: string, mayReplay: boolean): StagedBytes;
  /** What a project holds now, and how much it may; undefined: there is no such project. Reads the database. */
  read(projectId: string): Promise<ProjectUsage | undefined>;
  /** Reads anew what projects hold that were written to since the last call, and forgets those that were not for long. */
  refresh(): Promise<void>;
  /** Forgets a project: its quotas have changed. */
  forget(projectId: string): void;
}

/** What is known of a project that was not written to meanwhile is read anew when it is older than this. */
const FRESH_MS = 10_000;
/** Before a write is refused, what is older than this is read anew: something may have been deleted. */
const REFUSAL_FRESH_MS = 1_000;
const FORGET_AFTER_MS = 60_000;
/** Of all projects; beyond it everything is forgotten. */
const ENDPOINTS_MAX = 50_000;

interface Project {
  id: string;
  endpointIds: Set<string>;
  used: Record<QuotaName, number>;
  limits: QuotaLimits;
  readAt: number;
  admittedAt: number;
}

/** `defaults`: of projects that have no quotas of their own. */
export function createQuotas({ store, defaults, clock }: { store: UsageStore; defaults: QuotaLimits; clock: Clock }): Quotas {
  const byEndpoint = new Map<string, Project>();
  const projects = new Map<string, Project>();
  const loading = new Map<string, Promise<Project | undefined>>();
  /** By project; outlives what is known of it. Projects of which nothing is staged are not kept. */
  const staged = new Map<string, number>();
  const now = () => clock.now().getTime();

  function forget(projectId: string): void {
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

  /** Reads the usage of the endpoint's project; writers that come meanwhile wait for the same query. */
  function load(endpointId: string): Promise<Project | undefined> {
    const underWay = loading.get(endpointId);
    if (underWay) return underWay;
    const promise = store
      .findByEndpoint(endpointId)
      .then((counted) => {
        if (!counted) return undefined;
        if (byEndpoint.size >= ENDPOINTS_MAX) for (const id of projects.keys()) forget(id);
        // Of a project that is known by another endpoint, what was let in a moment ago may not be committed yet.
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

  const stagedOf = ({ id }: Project) => staged.get(id) ?? 0;

  function countStaged(projectId: string, bytes: number): void {
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
      // Keeps its usage fresh: a long upload does not ask for it.
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
    for (const name of QUOTA_NAMES) if (name !== "endpoints") project.used[name] += additions[name] ?? 0;
    project.used.recordBytes += replaces;
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
      const idleSince = now() - FORGET_AFTER_MS;
      for (const { id, admittedAt } of projects.values()) if (admittedAt < idleSince) forget(id);
      const active = [...projects.values()].filter(({ admittedAt, readAt }) => admittedAt >= readAt);
      if (active.length === 0) return;
      const counted = await store.read(active.map(({ id }) => id));
      const found = new Set(counted.map(({ projectId }) => projectId));
      for (const one of counted) if (projects.has(one.projectId)) note(one);
      for (const { id } of active) if (!found.has(id)) forget(id);
    },
    forget,
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

/** What would make room. */
const ADVICE: Readonly<Record<QuotaName | "projects", string>> = {
  records: "Delete records",
  recordBytes: "Delete records, or store smaller ones",
  fileBytes: "Delete files",
  users: "Delete users",
  endpoints: "Delete endpoints",
  answerBytes: "Wait until answers of the last 24 hours expire, leave out Idempotency-Key",
  projects: "Delete projects",
};

/** The error of a quota that is used up. `limit`: its number. */
export function quotaExceeded(name: QuotaName | "projects", limit: number): AppError {
  const whose = name === "projects" ? "account" : "project";
  return new AppError("quota_exceeded", {
    detail: `The quota "${name}" of this ${whose} is used up: its limit is ${limit}. ${ADVICE[name]}, or ask the administrator of this server to raise it.`,
  });
}
