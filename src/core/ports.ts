/** What the rules need from the outside: storage, time, hints. Interfaces and plain types only; adapters live in db and realtime. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { SignIn } from "@/src/core/streams/ports";
import type { ChangeType, RecordKind } from "@/src/shared/streams/protocol";

/** A record as stored. */
export interface StoredRecord {
  /** 32 lowercase hex digits (R1). */
  id: string;
  /** 1 at creation, one more with every update. */
  version: number;
  /** JSON text exactly as kept: key order and digits as sent. */
  data: string;
  /** ISO 8601, UTC, milliseconds. */
  createdAt: string;
  updatedAt: string;
}

/** A committed change: one entry of the endpoint's log. */
export interface Change {
  endpointId: string;
  /** 1, 2, 3, … per endpoint, in commit order, without holes. */
  seq: number;
  type: ChangeType;
  /** State after the change; on DELETE the last state. */
  record: StoredRecord;
  /** The user that the record belongs to (S2), 32 lowercase hex digits; null: nobody. Decides who hears of it; never sent. */
  owner: string | null;
  /** When it was committed: ISO 8601, UTC, milliseconds. */
  at: string;
  /** Of an upload of several files: how many more of its changes come right after this one (W2). Absent: none. */
  following?: number;
}

/** A change that the reader may not see: its place in the log, and nothing else. */
export interface HiddenChange {
  seq: number;
  hidden: true;
  /** See {@link LogPosition}. */
  proof?: string | undefined;
}

/**
 * One write to one endpoint. `id` is chosen by the caller, also on POST (see core/unique-id.ts). `data` is JSON text. `owner`: the user that the
 * new record belongs to; absent: nobody. `onlyOwner`: the write is refused with `access_denied` unless the record belongs to this user.
 */
export type Write =
  | { type: "POST"; id: string; contentType: RecordKind; data: string; owner?: string | undefined; following?: number | undefined }
  | {
      type: "PUT";
      id: string;
      contentType: RecordKind;
      data: string;
      sameType?: boolean;
      expectedVersion?: number | undefined;
      onlyOwner?: string | undefined;
    }
  | { type: "DELETE"; id: string; expectedVersion?: number | undefined; onlyOwner?: string | undefined };

/** What became of a write; in the order of the writes. Anything but `ok` wrote nothing. */
export type WriteResult =
  | { outcome: "ok"; change: Change }
  | { outcome: "endpoint_not_found" | "record_not_found" | "version_conflict" | "type_mismatch" | "access_denied" };

/** Whose records a read sees: a user's own, or everybody's (undefined). */
export interface ReadScope {
  owner?: string | undefined;
}

/** Which records a list has, and in which order. */
export interface ListRange extends ReadScope {
  /** Of creation; default ascending. */
  order?: "asc" | "desc" | undefined;
  /** Only those after this seq, in the list's order; absent: from its beginning. */
  after?: number | undefined;
  /** Only those up to and including this seq, in the list's order; absent: to its end as it is when the read begins. */
  upto?: number | undefined;
}

/** A record, and what only the server knows of it. */
export interface FoundRecord extends StoredRecord {
  contentType: RecordKind;
  owner: string | null;
}

/** A request that must not be carried out twice (R9). */
export interface OnceKey {
  /** SHA-256 of who asks and of the key that was sent. */
  hash: Uint8Array;
  /** SHA-256 of what was asked. */
  fingerprint: Uint8Array;
}

/** The one door through which records are written, and the ways to read them. Every method may raise `database_unavailable`. */
export interface RecordStore {
  /**
   * Applies the writes in order in one transaction, and hints the committed changes to subscribers. A write whose
   * condition fails (unknown record, version, type) is reported and does not disturb the others.
   */
  commit(endpointId: string, writes: readonly Write[]): Promise<WriteResult[]>;
  /**
   * Replaces a JSON record by what `merge` makes of its current data: no update is lost between read and write. What `merge`
   * throws is passed on, and nothing is written; the endpoint may be locked while it works. `check` sees the result before it is written, outside of any lock, and may
   * refuse it likewise; then the merge raises `server_busy` when the record changes again and again while it is checked.
   */
  merge(
    endpointId: string,
    id: string,
    merge: (current: { contentType: RecordKind; data: string }) => string | Promise<string>,
    conditions?: {
      expectedVersion?: number | undefined;
      onlyOwner?: string | undefined;
      check?: ((merged: string) => Promise<void>) | undefined;
    },
  ): Promise<WriteResult>;
  /** The named records that exist and the scope sees, in creation order, as pieces like those of `readAll`; a few records a piece. With `dataOnly` just their data. */
  readByIds(endpointId: string, ids: readonly string[], options: ReadScope & { dataOnly: boolean }): AsyncIterable<string>;
  /** One record that the scope sees, or undefined. */
  readOne(endpointId: string, id: string, scope?: ReadScope): Promise<FoundRecord | undefined>;
  /**
   * The records of a range, as pieces of JSON text: each piece is one or more array items joined by commas,
   * without brackets. Memory stays flat: one page is held at a time, and the next is read when the consumer asks.
   */
  readAll(endpointId: string, options: ListRange & { dataOnly: boolean }): AsyncIterable<string>;
  /** Where the first `limit` records of a range begin and end, and whether there are more after them; undefined: the range has none. */
  findPage(endpointId: string, range: Omit<ListRange, "upto"> & { limit: number }): Promise<PageBounds | undefined>;
  /**
   * Stores new records unless the request was carried out before (R9): then what it answered is known. Requests that come at the same time
   * wait for each other. `toAnswer` says what to remember of the new records; records and answer are committed together. `endpoint_not_found`: nothing was
   * written, and nothing is remembered.
   */
  commitOnce(
    endpointId: string,
    once: OnceKey,
    writes: readonly (Write & { type: "POST" })[],
    toAnswer: (records: readonly StoredRecord[]) => string,
  ): Promise<OnceResult>;
  /** What is remembered of a request, if it was carried out. */
  findOnce(endpointId: string, once: OnceKey): Promise<Remembered | undefined>;
}

/** The seqs of a page's first and last record. */
export interface PageBounds {
  firstSeq: number;
  lastSeq: number;
  hasMore: boolean;
}

/** `repeated`: what it answered. `reused`: another request had the same key. */
export type Remembered = { outcome: "repeated"; answer: string } | { outcome: "reused" };
export type OnceResult = { outcome: "written"; results: WriteResult[] } | Remembered;

/** Where an endpoint's log stands. */
export interface LogPosition {
  /** Random; renewed when the log is replaced (restore). A cursor of another epoch can't be resumed. */
  epoch: string;
  seq: number;
  /** Identifies the change at `seq` (core/change-proof.ts); undefined where it is not known, and at 0. */
  proof?: string | undefined;
}

/** A place in the log of one endpoint. */
export interface LogPlace {
  endpointId: string;
  seq: number;
}

/** Where a log stands, and what it knows of the places that were asked for. */
export interface FoundPosition extends LogPosition {
  /** By seq: the proof of the change that the log has there. It lacks places whose change is no longer known. */
  proofs: ReadonlyMap<number, string>;
}

/** The log of changes, read by the pump. */
export interface ChangeLog {
  /** The positions of those of the endpoints that exist, and the proofs of `places` in them, all of one moment. The endpoints of `places` need not be named again. */
  positions(endpointIds: readonly string[], places?: readonly LogPlace[]): Promise<Map<string, FoundPosition>>;
  /** Up to `limit` changes with seq > `after`, ascending, without holes. */
  read(endpointId: string, after: number, limit: number): Promise<Change[]>;
  /** The same as a user sees it: the places of changes to records that belong to others are hidden. */
  readFor(owner: string, endpointId: string, after: number, limit: number): Promise<(Change | HiddenChange)[]>;
}

/** A hint that changes were committed. The log is the truth: a lost hint delays, never loses. */
export type Hint =
  | { kind: "changes"; changes: readonly Change[] } // of one or more endpoints, ascending by seq for each endpoint
  | { kind: "endpoint"; endpointId: string } // something was committed there
  | { kind: "unknown" }; // something was committed somewhere: look at every log that matters

/** Carries hints from writers to the pump of this process (and, with Redis, of the others). */
export interface Hints {
  publish(hint: Hint): void;
  /** Answers how to unsubscribe. */
  subscribe(listener: (hint: Hint) => void): () => void;
}

/** A key, its endpoint and its project as stored: what the data plane needs to decide. Revoked and expired keys are answered too. */
export interface Definition {
  key: { id: string; name: string; scope: "read" | "write" | "read_write"; expiresAt: Date | null; revokedAt: Date | null };
  endpoint: {
    id: string;
    name: string;
    kind: "data" | "authentication";
    secure: boolean;
    /** What other users of the application may do with a user's records, where the endpoint is secure (S2). */
    othersCanRead: boolean;
    othersCanUpdate: boolean;
    othersCanDelete: boolean;
    /** For how long any cache may keep files, where reading needs no user (F2); 0: not at all. */
    fileCacheSeconds: number;
    /** JSON text of the JSON Schema that bodies must match (R10); null: none. */
    schema: string | null;
  };
  project: {
    id: string;
    /** The account that owns it. */
    ownerId: string;
    revision: number;
    /** Requests a minute for each key and address (U8); null: the server's limit. */
    rateLimit: number | null;
    allowedOrigins: readonly string[];
    /** The origin `null` is allowed beside the listed ones. */
    allowNullOrigin: boolean;
    disallowNoOrigin: boolean;
    /** SHA-256 of the master key. */
    masterKeyHash: Uint8Array | null;
  };
}

/** Reads definitions; core/definitions.ts caches them. */
export interface DefinitionStore {
  /** The definition that a key and an endpoint's name select; undefined when there is no such key, or its project has no such endpoint. */
  find(key: string, endpointName: string): Promise<Definition | undefined>;
  /** An endpoint and its project; undefined when there is none. */
  findEndpoint(endpointId: string): Promise<Omit<Definition, "key"> | undefined>;
  /**
   * The endpoint and project that a single-use stream ticket names, and the sign-in that asked for it; the ticket is consumed. Undefined: unknown,
   * used or expired, or the sign-in has ended, or its account no longer owns the project.
   */
  redeemTicket(ticket: string): Promise<(Omit<Definition, "key"> & { signIn: SignIn }) | undefined>;
  /** The current revision of those of the projects that exist. */
  revisions(projectIds: readonly string[]): Promise<Map<string, number>>;
  /** Notes when keys were last used; later of stored and given wins. */
  touchKeys(lastUsed: ReadonlyMap<string, Date>): Promise<void>;
}

/** An access token as stored (L3). Revoked and expired ones are answered too, while they are kept. */
export interface StoredToken {
  id: string;
  /** The user's record: 32 lowercase hex digits. */
  userId: string;
  projectId: string;
  /** Of the authentication endpoint. */
  endpointId: string;
  expiresAt: Date;
  revokedAt: Date | null;
}

/** Reads access tokens; core/tokens.ts caches them. */
export interface TokenStore {
  /** The token with this SHA-256. */
  find(hash: Uint8Array): Promise<StoredToken | undefined>;
  /** Those of the tokens that are still stored, revoked or not. */
  findByIds(ids: readonly string[]): Promise<StoredToken[]>;
  /** The token revision of those of the projects that exist: it rises when a token ends before its time. */
  revisions(projectIds: readonly string[]): Promise<Map<string, number>>;
  /** Notes when tokens were last used; later of stored and given wins. */
  touch(lastUsed: ReadonlyMap<string, Date>): Promise<void>;
}

/** On whose behalf a sandbox works. */
export interface SandboxOptions {
  /** Callers that wait take turns, by account, project and caller. Default: one caller for all. */
  caller?: CallerPath | undefined;
  /** Nobody waits for the answer any more: what has not begun is dropped, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Runs what others wrote (JSONata expressions, JSON Schemas) apart from the server, within limits of time, memory and output. */
export interface Sandbox {
  /**
   * Evaluates a JSONata expression on a JSON text, and answers JSON text (undefined: the expression selects nothing). A function as `input` is
   * called once the turn has come: what waits holds no input; what it raises is passed on. Raises `jsonata_invalid` with the position for an
   * expression that can't be parsed or fails, `jsonata_limit` when it takes too much, `server_busy` when too many wait.
   */
  evaluate(expression: string, input: string | (() => Promise<string>), options?: SandboxOptions): Promise<string | undefined>;
  /**
   * Of which of JSON texts a JSONata expression is true (by `$boolean`), in their order: of all, or of as many of the first as one turn has time and room
   * for, at least one. Without texts it only parses. Raises what `evaluate` raises: for an expression that can't be parsed, and for the first text alone.
   */
  filter(expression: string, inputs: readonly string[], options?: SandboxOptions): Promise<boolean[]>;
  /**
   * Checks JSON texts against a JSON Schema (2020-12, as JSON text); answers the first problems of the first one that does not match, and which it is.
   * Undefined: all match. Raises `schema_limit` when it takes too much, `server_busy` when too many wait.
   */
  validate(schema: string, bodies: readonly string[], options?: SandboxOptions): Promise<SchemaMismatch | undefined>;
  /** What is wrong with a JSON Schema itself; undefined: nothing. Raises `schema_limit`, `server_busy`. */
  checkSchema(schema: string, options?: SandboxOptions): Promise<string | undefined>;
}

export interface SchemaMismatch {
  /** Which of the bodies; 0 is the first. */
  index: number;
  /** By JSON pointer into the body ("" is the whole of it): what is wrong there. At most 20. */
  problems: Readonly<Record<string, string>>;
}

/** What became of one request against a rate limit (U8). */
export interface RateVerdict {
  allowed: boolean;
  /** Requests that the window takes, and those that are left of it. */
  limit: number;
  remaining: number;
  /** Seconds until the window begins anew; at least 1. */
  resetSeconds: number;
}

/** Counts requests a minute, for all servers together where they share a Redis. */
export interface RateLimiter {
  /** Counts one request of `id` against `limit` a minute. Never raises: while the shared counter is away, this process counts alone. */
  take(id: string, limit: number): Promise<RateVerdict>;
}

/** Somebody tries a password. */
export interface LoginAttempt {
  /** Whose password is tried: an e-mail address, an id, or an endpoint with a name. */
  account: string;
  /** From where; null when unknown, which counts as one address. */
  address: string | null;
  /** The endpoint at which the attempts of an address are counted; absent: at the dashboard. */
  scope?: string;
}

/** Counts failed attempts by account and address, and by scope and address. */
export interface LoginLimiter {
  /** Counts an attempt before it is made, so that parallel ones can't pass together. Raises `rate_limited` when there were too many. */
  begin(attempt: LoginAttempt): Promise<void>;
  /** Takes back what `begin` counted, and what failed before for the account: the attempt succeeded. */
  succeed(attempt: LoginAttempt): Promise<void>;
  /** Takes back what `begin` counted, and nothing else: no password was compared. */
  withdraw(attempt: LoginAttempt): Promise<void>;
}

/** The time; tests inject their own. */
export interface Clock {
  now(): Date;
}

/** What a log line may hold besides an error. */
type LogValue = string | number | boolean | null | undefined | readonly LogValue[] | { readonly [name: string]: LogValue };

/** Errors belong in `err`, the one member that is written with message, stack and causes; under any other name they would be written as `{}`. */
type LogContext<Context> = { readonly [Name in keyof Context]: Name extends "err" ? unknown : LogValue };

/** Writes one line of a structured log. */
export type LogLine = <Context extends object>(context: Context & LogContext<Context>, message: string) => void;

/** A structured log. `pino` satisfies it. */
export interface Log {
  debug: LogLine;
  info: LogLine;
  warn: LogLine;
  error: LogLine;
}
