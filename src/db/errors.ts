/** Judges what the driver and Prisma raise: is the database away, was it contention? It must not know what was asked of the database. */
import { setTimeout as delay } from "node:timers/promises";
import { AppError, isAppError } from "@/src/shared/errors";

const RETRY_AFTER_SECONDS = 2;

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

/** deadlock_detected, serialization_failure, lock_not_available, and Prisma's word for the first two. */
const CONTENTION = new Set(["40P01", "40001", "55P03", "P2034", "TransactionWriteConflict"]);

/**
 * `database_unavailable` (E3) for an error which says that the database is away, shutting down or out of connections;
 * any other error as it is.
 */
export function toDatabaseError(error: unknown): unknown {
  if (isAppError(error) || !isAway(error)) return error;
  const internal = error instanceof Error ? error.message : String(error);
  return new AppError("database_unavailable", { internal, retryAfterSeconds: RETRY_AFTER_SECONDS, cause: error });
}

/** True when the transaction lost against another one, was rolled back, and may well succeed when it is run again. */
export function isContention(error: unknown): boolean {
  return [...toCauses(error)].some((cause) => [...toCodes(cause)].some((code) => CONTENTION.has(code)));
}

/** Runs `work`, a whole transaction, again when it lost against another one; a bounded number of times, then its error is raised. */
export async function retryContention<T>(work: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === CONTENTION_ATTEMPTS_MAX || !isContention(error)) throw error;
      await delay(Math.random() * Math.min(2 ** attempt, CONTENTION_DELAY_MAX_MS));
    }
  }
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

function* toCodes(cause: object): Generator<string> {
  for (const name of ["code", "originalCode", "errorCode", "kind"]) {
    const value: unknown = Reflect.get(cause, name);
    if (typeof value === "string") yield value;
  }
}
