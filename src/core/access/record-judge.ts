/** Judges of records: what access rules and access functions allow a caller to do with each record, and which fields the caller sees (S7). */
import type { Operation } from "@/src/core/access/access-request";
import type { CallerPath } from "@/src/core/access/caller-path";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { MaybePromise } from "@/src/core/maybe-promise";
import type { AppError } from "@/src/shared/errors";

export type JudgedOperation = "read" | "create" | "update" | "delete" | "subscribe";

/** A record as judges see it. */
export interface JudgedRecord {
  /** 32 lowercase hex digits. */
  uniqueId: string;
  /** The user that owns the record (S2). Null: nobody. */
  owner: string | null;
  /** JSON text as stored. */
  data: string;
}

/** The keys of the members and the indexes of the items that lead to a field. Arrays on the way are passed: the path selects the field in each item. */
export type FieldPath = readonly string[];

/** A condition in SQL that every record that the judge would allow to read fulfils. */
export interface JudgeCondition {
  /** SQL over the columns of `"Record" r`. `$1`, `$2`, … are `values`. */
  text: string;
  values: readonly unknown[];
  /** The judge would allow to read every record that fulfils the condition, so it need not be asked. */
  isExact: boolean;
  /** Every record that fulfils the condition belongs to this user. An index serves the records of a user. Undefined: unknown. */
  owner?: string | undefined;
}

export interface JudgeOptions {
  /** The body of an update as JSON text. */
  input?: string | undefined;
  signal?: AbortSignal | undefined;
  /** On whose behalf access functions are evaluated. Default: the `caller` of the judge. */
  caller?: CallerPath | undefined;
}

/** The verdicts on one endpoint's records for one caller. Made for a request or a stream, and cheap. */
export interface RecordJudge {
  /** Callers with equal identities get equal verdicts and see the same fields, so they share feeds and verdicts. */
  readonly identity: string;
  /**
   * Returns one verdict for each record, in order; for `subscribe`, possibly only for the first ones: the others are judged later. Only `true` allows. For
   * `create` the records are the new ones, and their `data` is the input. Throws or rejects when it cannot judge: the caller refuses.
   */
  judge(operation: JudgedOperation, records: readonly JudgedRecord[], options?: JudgeOptions): MaybePromise<readonly boolean[]>;
  /**
   * Why the last call of `judge` with one record refused it, for the caller of that record: `access_denied` with the reason that an access function gave, or
   * `access_function_failed`. Undefined: `access_denied` without a reason. Absent: always undefined.
   */
  readonly lastRefusal?: AppError | undefined;
  /** On whose behalf access functions are evaluated. Default: the key and the user, without the client's network. */
  caller?: CallerPath | undefined;
  /** Why rules do not let the caller read the record, in words for the project's owner. Undefined: they do. Absent: always undefined. */
  explainRefusal?(record: JudgedRecord): string | undefined;
  /** The record's data without the fields that the caller may not see (JSON text, otherwise as stored). */
  redact(record: JudgedRecord): string;
  /** The fields that the caller may not see, whether the record has them or not. `redact` removes them. The caller may not set them either. */
  hiddenFields(record: JudgedRecord): readonly FieldPath[];
  /** False: the caller's own record has changed since, so a new judge can decide differently. Absent: always true. */
  isCurrent?(): boolean;
  /** True: `judge` never returns a promise. Streams then ask it about a change while they receive it. Absent: it can. */
  readonly isImmediate?: boolean | undefined;
  /** False: no record has hidden fields, for no caller, so `redact` need not be called. */
  readonly hidesFields: boolean;
  /** Lists and snapshots use it to skip rows; `judge` has the last word unless `isExact`. Undefined: there is none. */
  readonly condition: JudgeCondition | undefined;
  /**
   * The records that the verdicts depend on, other than the judged ones, as far as it is known: a judge can find out more while it judges, and removes
   * one only in `forgetFound`. Open streams are judged again when one of them changes (W6). Absent: there are none.
   */
  dependencies?(): readonly JudgeDependency[];
  /** Forgets the records that were found so far, so that `dependencies` returns them no longer. Absent: there are none. */
  forgetFound?(): void;
}

/** Records of the project that verdicts depend on. */
export interface JudgeDependency {
  /** With the dashes of a UUID. */
  endpointId: string;
  /** 32 lowercase hex digits. Undefined: any record of the endpoint. */
  recordId?: string | undefined;
  /**
   * True if another state of the record makes another `identity`, as the caller's own data does: a new judge tells whether the change matters. False: every
   * change matters.
   */
  isInIdentity: boolean;
  /** The last seq of the endpoint's log when the records were read, so that a later change is noticed. Undefined: unknown. */
  seq?: number | undefined;
}

/** The caller for whom a judge is made. */
export interface JudgeRequest {
  resolved: ResolvedEndpoint;
  /** The user of the access token, and the user's authentication endpoint. Null: no token was sent. */
  user: { id: string; endpointId: string } | null;
  /** The name of that authentication endpoint. Empty without a user. */
  userEndpoint: string;
  origin: string | undefined;
  /** Whether an operation that has no rule of its own is allowed on records that do not belong to the user (S2). */
  allowsOthers(operation: JudgedOperation): boolean;
}

/** Makes the judges of endpoints that have access rules or an access function. */
export interface RecordJudges {
  /** True if the endpoint has rules or a function. Called for every request. */
  isJudged(endpoint: ResolvedEndpoint["endpoint"]): boolean;
  /** The judge for a caller of such an endpoint. Can throw `database_unavailable`, and an error that refuses the request. */
  find(request: JudgeRequest): MaybePromise<RecordJudge>;
}

/** The operation that a judge is asked about. Undefined: logins and logouts are not judged. */
export function toJudgedOperation(operation: Operation): JudgedOperation | undefined {
  switch (operation) {
    case "read":
    case "shareFile":
      return "read";
    case "create":
    case "register":
      return "create";
    case "update":
    case "delete":
    case "subscribe":
      return operation;
    case "login":
    case "logout":
      return undefined;
  }
}
