/**
 * Counts requests, writes, deliveries and streams by project, endpoint and key (G31). A request adds to plain numbers of an entry that exists already; a periodic
 * job stores what was added.
 */
import type { Clock } from "@/src/core/clock";
import { isAppError } from "@/src/shared/errors";
import { LATENCY_BUCKETS, toLatencyBucket } from "./latencies";
import type { ErrorDelta, KeyUse, TrafficBatch, TrafficDelta, TrafficStore } from "./ports";
import { shortenAddress, toPlainText } from "./shown-request";

/** How many pairs of endpoint and key one node counts apart: of one project, and in total. The rest of a project is counted together. */
const ENTRIES_PER_PROJECT_MAX = 100;
const ENTRIES_MAX = 20_000;
/**
 * How many pairs one node counts apart in an hour, of which each is a row that is kept for a month: of one project, and in total. Entries are dropped when they
 * are idle, so without this bound, pairs that take turns would add up.
 */
const PAIRS_PER_PROJECT_MAX = 300;
const PAIRS_MAX = 60_000;
/** Batches that could not be stored are kept for about half an hour. */
const BATCHES_MAX = 180;
/** Rows that are stored in one statement. */
const BATCH_ROWS_MAX = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const ORIGIN_LENGTH_MAX = 300;

/** The counts of one project, endpoint and key since they were last stored. A class, so that all have the same form. */
export class TrafficEntry {
  readonly projectId: string;
  readonly endpointId: string | null;
  readonly keyId: string | null;
  requests = 0;
  errors = 0;
  writes = 0;
  deliveries = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** How many streams are open now, and how many were open at most since the counts were stored. */
  streams = 0;
  streamsMax = 0;
  /** The minute in which `streamsStored` streams were stored. */
  storedMinute = 0;
  streamsStored = 0;
  readonly latencies: number[] = new Array<number>(LATENCY_BUCKETS).fill(0);
  /** By code. Absent: no request has failed. */
  codes: Map<string, number> | undefined;
  /** The origin and the address of the last request. */
  origin: string | undefined;
  address: string | undefined;

  constructor(projectId: string, endpointId: string | null, keyId: string | null) {
    this.projectId = projectId;
    this.endpointId = endpointId;
    this.keyId = keyId;
  }

  /** `code`: of the problem with which the request was refused or failed; undefined: it succeeded. */
  countRequest(durationMs: number, bytesIn: number, bytesOut: number, writes: number, code: string | undefined): void {
    this.requests += 1;
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
    this.writes += writes;
    const bucket = toLatencyBucket(durationMs);
    this.latencies[bucket] = (this.latencies[bucket] ?? 0) + 1;
    if (code === undefined) return;
    this.errors += 1;
    this.codes ??= new Map();
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
  }

  openStream(): void {
    this.streams += 1;
    if (this.streams > this.streamsMax) this.streamsMax = this.streams;
  }

  closeStream(): void {
    this.streams -= 1;
  }

  /** True if nothing was counted since the last call of `take`, and nothing is open. */
  isIdle(): boolean {
    return this.requests === 0 && this.streamsMax === 0 && this.deliveries === 0 && this.bytesOut === 0;
  }

  /** Returns the counts, and counts from zero. */
  take(minute: number): TrafficDelta {
    const { projectId, endpointId, keyId, requests, errors, writes, deliveries, bytesIn, bytesOut } = this;
    if (this.storedMinute !== minute) this.streamsStored = 0;
    this.storedMinute = minute;
    const streams = Math.max(0, this.streamsMax - this.streamsStored);
    this.streamsStored += streams;
    this.streamsMax = this.streams;
    const latencies = this.latencies.slice();
    this.latencies.fill(0);
    this.requests = 0;
    this.errors = 0;
    this.writes = 0;
    this.deliveries = 0;
    this.bytesIn = 0;
    this.bytesOut = 0;
    return { projectId, endpointId, keyId, requests, errors, writes, deliveries, bytesIn, bytesOut, streams, latencies };
  }

  takeErrors(): ErrorDelta[] {
    if (!this.codes) return [];
    const { projectId, endpointId, keyId } = this;
    const errors = [...this.codes].map(([code, count]) => ({ projectId, endpointId, keyId, code, count }));
    this.codes = undefined;
    return errors;
  }

  takeUse(): KeyUse | undefined {
    const { keyId, projectId, origin, address } = this;
    if (keyId === null || address === undefined) return undefined;
    this.address = undefined;
    this.origin = undefined;
    return {
      keyId,
      projectId,
      origin: origin === undefined ? null : toPlainText(origin, ORIGIN_LENGTH_MAX),
      address: shortenAddress(address),
    };
  }
}

/** The entries of a project, by endpoint and key. */
interface CountedProject {
  byEndpoint: Map<string, Map<string, TrafficEntry>>;
  size: number;
  others: TrafficEntry | undefined;
  /** The pairs that were counted apart in this hour. */
  pairs: Set<string>;
}

const NO_KEY = "";

export interface TrafficCounters {
  /** The entry that counts an endpoint and a key of a project. Callers may keep it while one of their streams is open in it, and not otherwise. */
  entryOf(projectId: string, endpointId: string, keyId: string | null): TrafficEntry;
  /** Stores what was counted. Throws if that fails, and keeps it for the next call. Call it every few seconds, one call at a time. */
  flush(): Promise<void>;
}

export function createTrafficCounters({ store, clock }: { store: Pick<TrafficStore, "add">; clock: Clock }): TrafficCounters {
  const projects = new Map<string, CountedProject>();
  let size = 0;
  /** The hour of the pairs, and their number. */
  let hour = 0;
  let pairs = 0;
  let unstored: TrafficBatch[] = [];

  function add(projectId: string, endpointId: string, keyId: string | null): TrafficEntry {
    let project = projects.get(projectId);
    if (!project) {
      project = { byEndpoint: new Map(), size: 0, others: undefined, pairs: new Set() };
      projects.set(projectId, project);
    }
    if (project.size >= ENTRIES_PER_PROJECT_MAX || size >= ENTRIES_MAX || !notePair(project, `${endpointId} ${keyId ?? NO_KEY}`)) {
      project.others ??= new TrafficEntry(projectId, null, null);
      return project.others;
    }
    let byKey = project.byEndpoint.get(endpointId);
    if (!byKey) {
      byKey = new Map();
      project.byEndpoint.set(endpointId, byKey);
    }
    const entry = new TrafficEntry(projectId, endpointId, keyId);
    byKey.set(keyId ?? NO_KEY, entry);
    project.size += 1;
    size += 1;
    return entry;
  }

  /** False: enough pairs of the project were counted apart in this hour. */
  function notePair(project: CountedProject, pair: string): boolean {
    if (project.pairs.has(pair)) return true;
    if (project.pairs.size >= PAIRS_PER_PROJECT_MAX || pairs >= PAIRS_MAX) return false;
    project.pairs.add(pair);
    pairs += 1;
    return true;
  }

  /** Forgets the pairs of the last hour. Those of entries that are in use count in the new one. */
  function beginHour(at: number): void {
    if (Math.floor(at / HOUR_MS) === hour) return;
    hour = Math.floor(at / HOUR_MS);
    pairs = 0;
    for (const project of projects.values()) {
      project.pairs.clear();
      for (const [endpointId, byKey] of project.byEndpoint) for (const key of byKey.keys()) project.pairs.add(`${endpointId} ${key}`);
      pairs += project.pairs.size;
    }
  }

  /** Drops entries that have counted nothing in this minute, so that the numbers stay bounded. */
  function dropIdle(projectId: string, project: CountedProject, minute: number): void {
    const isDropped = (entry: TrafficEntry) => entry.isIdle() && entry.storedMinute !== minute;
    for (const [endpointId, byKey] of project.byEndpoint) {
      for (const [key, entry] of byKey) {
        if (!isDropped(entry)) continue;
        byKey.delete(key);
        project.size -= 1;
        size -= 1;
      }
      if (byKey.size === 0) project.byEndpoint.delete(endpointId);
    }
    if (project.others && isDropped(project.others)) project.others = undefined;
    // Until the hour ends, its pairs are known.
    if (project.size === 0 && !project.others && project.pairs.size === 0) projects.delete(projectId);
  }

  /** The counts since the last call, in parts that one statement can store. */
  function collect(at: number): TrafficBatch[] {
    const minute = Math.floor(at / MINUTE_MS);
    beginHour(at);
    const active: TrafficEntry[] = [];
    for (const [projectId, project] of projects) {
      for (const byKey of project.byEndpoint.values()) for (const entry of byKey.values()) if (!entry.isIdle()) active.push(entry);
      if (project.others && !project.others.isIdle()) active.push(project.others);
      dropIdle(projectId, project, minute);
    }
    const batches: TrafficBatch[] = [];
    for (let start = 0; start < active.length; start += BATCH_ROWS_MAX) {
      const part = active.slice(start, start + BATCH_ROWS_MAX);
      const batch = {
        at,
        counts: part.map((entry) => entry.take(minute)).filter(hasCounted),
        errors: part.flatMap((entry) => entry.takeErrors()),
        uses: toLastUses(part),
      };
      if (batch.counts.length > 0) batches.push(batch);
    }
    return batches;
  }

  return {
    entryOf(projectId, endpointId, keyId) {
      const found = projects
        .get(projectId)
        ?.byEndpoint.get(endpointId)
        ?.get(keyId ?? NO_KEY);
      return found ?? add(projectId, endpointId, keyId);
    },
    async flush() {
      // The oldest are lost if the database is unavailable for long.
      unstored = [...unstored, ...collect(clock.now().getTime())].slice(-BATCHES_MAX);
      for (let [batch] = unstored; batch; [batch] = unstored) {
        try {
          await store.add(batch);
        } catch (error) {
          // A batch that cannot be stored at all must not hold back the ones after it.
          if (!isAppError(error)) unstored = unstored.slice(1);
          throw error;
        }
        unstored = unstored.slice(1);
      }
    },
  };
}

/** False for streams that are open and were counted before. */
function hasCounted({ requests, deliveries, bytesOut, streams }: TrafficDelta): boolean {
  return requests + deliveries + bytesOut + streams > 0;
}

/** One for each key, which can have entries for several endpoints. */
function toLastUses(entries: readonly TrafficEntry[]): KeyUse[] {
  const uses = new Map<string, KeyUse>();
  for (const entry of entries) {
    const use = entry.takeUse();
    if (use) uses.set(use.keyId, use);
  }
  return [...uses.values()];
}
