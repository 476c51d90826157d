/** Classifies the errors of the driver and of Prisma: the database is unavailable, there was contention, or a time limit was exceeded. */
import { setTimeout as delay } from "node:timers/promises";
import { AppError, isAppError } from "@/src/shared/errors";

const RETRY_AFTER_SECONDS = 2;
const BUSY_RETRY_AFTER_SECONDS = 1;
const ROW_BUSY = "the row stayed locked for too long";

const CONTENTION_ATTEMPTS_MAX = 20;
const CONTENTION_DELAY_MAX_MS = 100;

/** Codes of Prisma, of its driver adapter (`kind`) and of Node that mean that the database cannot be reached. */
const UNAVAILABLE = new Set([
  ...["P1000", "P1001", "P1002", "P1003", "P1008", "P1010", "P1011", "P1017", "P2024", "P2037"],
  ...["DatabaseNotReachable", "ConnectionClosed", "SocketTimeout", "TlsConnectionError", "TooManyConnections"],
  ...["AuthenticationFailed", "DatabaseAccessDenied", "DatabaseDoesNotExist"],
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"],
  // There is no socket file, or it is not accessible.
  ...["ENOENT", "EACCES"],
  // A former primary that is now a replica; a connection whose transaction was idle for too long.
  ...["25006", "25P03"],
]);

/** SQLSTATE classes 08 (connection; except 08P01, a protocol error), 53 (memory, disk, connections), 57P0n (shutdown, startup) and 58030 (I/O). */
const UNAVAILABLE_SQLSTATE = /^(?:080\d\d|53\d\d\d|57P0[1-5]|58030)$/;

/**
 * System calls on the socket of a connection. Each of their errors counts, whatever the reason: opening failed, or the connection was lost. After a loss
 * it is unknown whether a statement was done, so no such error may pass for one that was rolled back, whose parts are run again.
 */
const SOCKET_CALLS = new Set(["connect", "read", "write", "shutdown"]);

/** Codes of Node's errors of a TLS connection, and of a socket that was closed meanwhile. */
const LOST_CODE = /^(?:ERR_SSL_|ERR_TLS_|ERR_STREAM_|ERR_SOCKET_CLOSED)/;

/** Messages of errors without a code, of pg, its pool and Prisma. */
const UNAVAILABLE_MESSAGE =
  /^Connection terminated|^timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed and is not queryable|^Cannot use a pool after calling end|Unable to start a transaction in the given time/;

/** lock_not_available: NOWAIT fails with it immediately, `lock_timeout` after the time limit. */
const LOCK_NOT_AVAILABLE = "55P03";
/** Servers translate their messages. An error that took this long is not that of a NOWAIT. */
const LOCK_TIMEOUT_MESSAGE = /lock timeout/;
const NOWAIT_MS_MAX = 1_000;

/**
 * query_canceled (for example by `statement_timeout`), transaction_timeout, and Prisma's code for a transaction that exceeded its time limit or is
 * closed.
 */
const TIME_LIMIT = new Set(["57014", "25P04", "P2028"]);

/** deadlock_detected, serialization_failure, lock_not_available, and Prisma's codes for the first two. */
const CONTENTION = new Set(["40P01", "40001", LOCK_NOT_AVAILABLE, "P2034", "TransactionWriteConflict"]);

/**
 * Returns `database_unavailable` (E3) if the error means that the database is unavailable, is shutting down or has no free connections. Returns
 * `server_busy` if a lock was not acquired within `lock_timeout`, or if a statement or transaction exceeded its time limit; all of these were rolled
 * back. Returns any other error unchanged. `elapsedMs`: how long the statement took.
 */
export function toDatabaseError(error: unknown, elapsedMs = 0): unknown {
  if (isAppError(error)) return error;
  if (isUnavailable(error)) return new AppError("database_unavailable", { ...toOptions(error), retryAfterSeconds: RETRY_AFTER_SECONDS });
  if (isLockTimeout(error, elapsedMs)) return createLockTimeoutError(error);
  return hasCode(error, TIME_LIMIT) ? createBusyError(error) : error;
}

/**
 * True if the transaction was rolled back because of contention and may succeed when it is run again. False for an error that is already a known lock
 * timeout.
 */
export function isContention(error: unknown): boolean {
  return !isAppError(error) && hasCode(error, CONTENTION);
}

/** True for the `server_busy` of a row that stayed locked. Others that wait for the same row need not wait for as long again. */
export function isRowBusyError(error: unknown): boolean {
  return isAppError(error) && error.internal === ROW_BUSY;
}

/** Creates the `server_busy` of a writer whose row is locked or queued for too long. */
export function createRowBusyError(detail: string, cause?: unknown): AppError {
  return new AppError("server_busy", { detail, internal: ROW_BUSY, retryAfterSeconds: BUSY_RETRY_AFTER_SECONDS, cause });
}

/**
 * Runs `work`, a whole transaction, again if it was rolled back because of contention, a limited number of times. Then throws `server_busy`. A lock
 * timeout is not retried.
 */
export async function retryContention<T>(work: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const startedAt = performance.now();
    try {
      return await work();
    } catch (error) {
      if (!isContention(error)) throw error;
      if (isLockTimeout(error, performance.now() - startedAt)) throw createLockTimeoutError(error);
      if (attempt === CONTENTION_ATTEMPTS_MAX) throw createBusyError(error);
      await delay(Math.random() * Math.min(2 ** attempt, CONTENTION_DELAY_MAX_MS));
    }
  }
}

function createLockTimeoutError(cause: unknown): AppError {
  return createRowBusyError("Another write to the same data takes too long. Nothing was written. Try again shortly.", cause);
}

function createBusyError(cause: unknown): AppError {
  return new AppError("server_busy", { ...toOptions(cause), retryAfterSeconds: BUSY_RETRY_AFTER_SECONDS });
}

function toOptions(cause: unknown): { internal: string; cause: unknown } {
  return { internal: cause instanceof Error ? cause.message : String(cause), cause };
}

function isLockTimeout(error: unknown, elapsedMs: number): boolean {
  return [...toCauses(error)].some(
    (cause) =>
      [...toCodes(cause)].includes(LOCK_NOT_AVAILABLE) &&
      (elapsedMs >= NOWAIT_MS_MAX || toMessages(cause).some((text) => LOCK_TIMEOUT_MESSAGE.test(text))),
  );
}

function hasCode(error: unknown, codes: ReadonlySet<string>): boolean {
  return [...toCauses(error)].some((cause) => [...toCodes(cause)].some((code) => codes.has(code)));
}

function isUnavailable(error: unknown): boolean {
  return [...toCauses(error)].some(
    (cause) =>
      [...toCodes(cause)].some((code) => UNAVAILABLE.has(code) || UNAVAILABLE_SQLSTATE.test(code) || LOST_CODE.test(code)) ||
      ("syscall" in cause && typeof cause.syscall === "string" && SOCKET_CALLS.has(cause.syscall)) ||
      ("message" in cause && typeof cause.message === "string" && UNAVAILABLE_MESSAGE.test(cause.message)),
  );
}

/** The error and the errors within it: `cause`, the members of an AggregateError, and the driver's error in Prisma's `meta`. */
function* toCauses(error: unknown, depth = 0): Generator<object> {
  if (typeof error !== "object" || error === null || depth > 5) return;
  yield error;
  if ("cause" in error) yield* toCauses(error.cause, depth + 1);
  if ("errors" in error && Array.isArray(error.errors)) for (const one of error.errors) yield* toCauses(one, depth + 1);
  if ("meta" in error && typeof error.meta === "object" && error.meta !== null && "driverAdapterError" in error.meta) {
    yield* toCauses(error.meta.driverAdapterError, depth + 1);
  }
}

function toMessages(cause: object): string[] {
  return ["message", "originalMessage"].flatMap((name) => {
    const value: unknown = Reflect.get(cause, name);
    return typeof value === "string" ? [value] : [];
  });
}

function* toCodes(cause: object): Generator<string> {
  for (const name of ["code", "originalCode", "errorCode", "kind"]) {
    const value: unknown = Reflect.get(cause, name);
    if (typeof value === "string") yield value;
  }
}
