/** Interfaces through which the numbers over time and the request log are stored. The adapters are in db/traffic. */

/** The counts of one node for one project, endpoint and key since it last stored its counts. */
export interface TrafficDelta {
  projectId: string;
  /** Null: the endpoints and keys beyond those that are counted one by one. */
  endpointId: string | null;
  /** Null: requests without a key, such as the dashboard's streams. */
  keyId: string | null;
  requests: number;
  /** Requests that were refused or failed. */
  errors: number;
  writes: number;
  /** Changes that were queued for streams. */
  deliveries: number;
  bytesIn: number;
  bytesOut: number;
  /** By how much the greatest number of open streams in this minute has risen. */
  streams: number;
  /** By the buckets of latencies.ts. */
  latencies: readonly number[];
}

/** Errors of one project, endpoint and key with one code. */
export interface ErrorDelta extends Pick<TrafficDelta, "projectId" | "endpointId" | "keyId"> {
  code: string;
  count: number;
}

/** The last use of a key. */
export interface KeyUse {
  keyId: string;
  projectId: string;
  /** Null: the request had no Origin header. */
  origin: string | null;
  /** Without its last part (see shortenAddress). */
  address: string;
}

/** The counts that are added to the minute of `at`, and to its hour. */
export interface TrafficBatch {
  /** Milliseconds since 1970. */
  at: number;
  counts: readonly TrafficDelta[];
  errors: readonly ErrorDelta[];
  uses: readonly KeyUse[];
}

export interface TrafficStore {
  /** Adds the batch to what is stored, all or nothing. Can throw `database_unavailable`. */
  add(batch: TrafficBatch): Promise<void>;
  /** Deletes counts that are older than they are kept, and those of deleted projects and keys, in short transactions. */
  sweep(now: number): Promise<void>;
}

/** A request as its log shows it. It contains no secrets and nothing of bodies. */
export interface LoggedRequest {
  /** When it was answered: milliseconds since 1970. */
  at: number;
  projectId: string;
  endpointId: string;
  /** Null: there was no key. */
  keyId: string | null;
  requestId: string;
  method: string;
  /** Path and query, without values that are not known to be harmless. */
  path: string;
  /** 101 for a WebSocket. */
  status: number;
  /** Of the problem document. Null: the request succeeded. */
  code: string | null;
  detail: string | null;
  durationMs: number;
  bytesIn: number;
  bytesOut: number;
  origin: string | null;
  address: string;
  /** The seqs of the changes that it wrote, at most 100. */
  seqs: readonly number[];
}

export interface RequestLogStore {
  add(requests: readonly LoggedRequest[]): Promise<void>;
  /** The projects whose requests are recorded now. */
  findRecorded(now: number): Promise<string[]>;
  /** Deletes requests that are older or more than what is kept, and those of deleted projects. */
  sweep(now: number): Promise<void>;
}
