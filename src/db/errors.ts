/** Judges what the driver and Prisma throw: is the database away, was it contention, did it take too long? It must not know what was asked of the database. */
import { setTimeout as delay } from "node:timers/promises";
import { AppError, isAppError } from "@/src/shared/errors";

const RETRY_AFTER_SECONDS = 2;
const BUSY_RETRY_AFTER_SECONDS = 1;
const ROW_BUSY = "the row stayed locked for too long";

const CONTENTION_ATTEMPTS_MAX = 20;
const CONTENTION_DELAY_MAX_MS = 100;

/** Prisma's codes, `kind`s of its driver adapter, and Node's, all of which say that there is no database to talk to. */
const AWAY = new Set([
  ...["P1000", "P1001", "P1002", "P1003", "P1008", "P1010", "P1011", "P1017", "P2024", "P2037"],
  ...["DatabaseNotReachable", "ConnectionClosed", "SocketTimeout", "TlsConnectionError", "TooManyConnections"],
  ...["AuthenticationFailed", "DatabaseAccessDenied", "DatabaseDoesNotExist"],
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"],
  // No socket file, or one that is not for us.
  ...["ENOENT", "EACCES"],
  // A replica that was the primary; a connection whose transaction sat idle too long.
  ...["25006", "25P03"],
]);

/** SQLSTATE classes 08 (connection; not 08P01, which is a broken request), 53 (memory, disk, connections), 57P0n (stopping, starting), 58030 (I/O). */
const AWAY_SQLSTATE = /^(?:080\d\d|53\d\d\d|57P0[1-5]|58030)$/;

/** What pg, its pool and Prisma raise without any code. */
const AWAY_MESSAGE =
  /^Connection terminated|^timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed and is not queryable|^Cannot use a pool after calling end|Unable to start a transaction in the given time/;

/** lock_not_available: of NOWAIT at once, and of `lock_timeout` after that time. */
const LOCK_NOT_AVAILABLE = "55P03";
/** Servers translate their messages; whatever waited for so long was not refused at once. */
const LOCK_TIMEOUT_MESSAGE = /lock timeout/;
const NOWAIT_MS_MAX = 1_000;

/** query_canceled, by `statement_timeout` for one; transaction_timeout; Prisma's for a transaction that takes longer than it may, or is over. */
const CUT_OFF = new Set(["57014", "25P04", "P2028"]);

/** deadlock_detected, serialization_failure, lock_not_available, and Prisma's word for the first two. */
const CONTENTION = new Set(["40P01", "40001", LOCK_NOT_AVAILABLE, "P2034", "TransactionWriteConflict"]);

/**
 * `database_unavailable` (E3) for an error which says that the database is away, shutting down or out of connections; `server_busy` for one which says
 * that a lock was not had within `lock_timeout`, or that a statement or a transaction was cut off: all of them are rolled back. Any other error as it is.
 * `elapsedMs`: how long the statement took.
 */
export function toDatabaseError(error: unknown, elapsedMs = 0): unknown {
  if (isAppError(error)) return error;
  if (isAway(error)) return new AppError("database_unavailable", { ...toOptions(error), retryAfterSeconds: RETRY_AFTER_SECONDS });
  if (isLockTimeout(error, elapsedMs)) return createLockTimeoutError(error);
  return hasCode(error, CUT_OFF) ? createBusyError(error) : error;
}

/** True when the transaction lost against another one, was rolled back, and may well succeed when it is run again. Not of a lock timeout that is known as one. */
export function isContention(error: unknown): boolean {
  return !isAppError(error) && hasCode(error, CONTENTION);
}

/** True for the `server_busy` of a row that others hold for too long: whoever waits for the same row need not wait for as long again. */
export function isRowBusyError(error: unknown): boolean {
  return isAppError(error) && error.internal === ROW_BUSY;
}

/** `server_busy` for a writer whose row others hold, or ask for, for too long. */
export function createRowBusyError(detail: string, cause?: unknown): AppError {
  return new AppError("server_busy", { detail, internal: ROW_BUSY, retryAfterSeconds: BUSY_RETRY_AFTER_SECONDS, cause });
}

/**
 * Runs `work`, a whole transaction, again when it lost against another one; a bounded number of times, then throws `server_busy`. A lock that was
 * not had within `lock_timeout` is not asked for again.
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

function isAway(error: unknown): boolean {
  return [...toCauses(error)].some(
    (cause) =>
      [...toCodes(cause)].some((code) => AWAY.has(code) || AWAY_SQLSTATE.test(code)) ||
      // Whatever the reason why a connection can't be opened.
      ("syscall" in cause && cause.syscall === "connect") ||
      ("message" in cause && typeof cause.message === "string" && AWAY_MESSAGE.test(cause.message)),
  );
}

/** The error and those within it: `cause`, the members of an AggregateError, the driver's error in Prisma's `meta`. */
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
