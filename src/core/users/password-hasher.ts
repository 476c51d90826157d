/**
 * Hashes and verifies passwords of dashboard accounts and of applications' users with argon2id. The number of concurrent hashes is limited, and their
 * order is fair.
 */
import { availableParallelism } from "node:os";
import { type Algorithm, hash, verify } from "@node-rs/argon2";
import type { CallerPath } from "@/src/core/access/caller-path";
import { toNetwork } from "@/src/core/access/client-network";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import { AppError } from "@/src/shared/errors";

// argon2id. The package's enum is ambient, which isolated modules cannot import. OWASP recommends these parameters.
const ARGON2ID: Algorithm.Argon2id = 2;
export const HASH_OPTIONS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

/**
 * A hash needs 19 MiB, a processor, and one of libuv's four threads, which files and DNS share. One processor and one thread are left for other
 * requests.
 */
export const HASHES_AT_ONCE_MAX = Math.min(Math.max(availableParallelism() - 1, 1), 3);
/** While all classes are waiting, of nine hashes four are for the dashboard, four for logins and one for a registration. */
const WEIGHTS = { dashboard: 4, login: 4, registration: 1 } as const;
/** How many hashes may be queued: in total, and for one class, account, project and caller. */
const WAITING_MAX = 3_000;
const WAITING_GROUP_MAX = [1_000, 400, 200, 100] as const;
const WAIT_MS_MAX = 10_000;
const RETRY_AFTER_SECONDS = 5;

/** On whose behalf a password is hashed. Determines the order. */
export interface HashContext {
  /** `registration`: creates an account. `login`: everything else that concerns an application's user. `dashboard`: accounts of this server. */
  kind: keyof typeof WEIGHTS;
  caller: CallerPath;
}

/** The job of a dashboard user. `address`: null if it is unknown. */
export function toDashboardHashContext(address: string | null): HashContext {
  return { kind: "dashboard", caller: ["", "", toNetwork(address ?? "unknown")] };
}

export interface PasswordHasher {
  /** Returns the PHC string to store. Throws `server_busy` if too many passwords are queued or this one waited for 10 s. */
  hash(password: string, context: HashContext): Promise<string>;
  /**
   * Returns true if `stored` was created from `password`. `null` (no such account, no password) takes as long as a wrong password. Throws
   * `server_busy` as `hash` does, and an error if `stored` is not a PHC string.
   */
  verify(stored: string | null, password: string, context: HashContext): Promise<boolean>;
  /** The number of queued passwords. */
  readonly waiting: number;
}

/** Computes hashes immediately. */
export interface HashEngine {
  hash(password: string): Promise<string>;
  verify(stored: string, password: string): Promise<boolean>;
}

const argon2: HashEngine = {
  hash: (password) => hash(password, HASH_OPTIONS),
  verify,
};

/**
 * Create one for the process, because the limit applies to the process. Passwords are neither logged nor kept. `atOnceMax`: default the number of
 * processors minus one, at most 3. `engine`: default libuv's threads.
 */
export function createPasswordHasher({
  atOnceMax = HASHES_AT_ONCE_MAX,
  engine = argon2,
}: {
  atOnceMax?: number;
  engine?: HashEngine;
} = {}): PasswordHasher {
  const semaphore = createFairSemaphore({
    permits: atOnceMax,
    waiting: { max: WAITING_MAX, groupMax: WAITING_GROUP_MAX, weights: WEIGHTS },
    waitMsMax: WAIT_MS_MAX,
    createBusyError: () =>
      new AppError("server_busy", {
        detail: "Too many passwords are being checked. Try again shortly.",
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      }),
  });

  return {
    hash: (password, context) => semaphore.run([context.kind, ...context.caller], () => engine.hash(normalize(password))),
    verify: (stored, password, context) =>
      semaphore.run([context.kind, ...context.caller], async () => {
        if (stored !== null) return engine.verify(stored, normalize(password));
        await engine.hash(normalize(password));
        return false;
      }),
    get waiting() {
      return semaphore.waiting;
    },
  };
}

/** Keyboards compose characters differently. The same password must have the same hash. */
function normalize(password: string): string {
  return password.normalize("NFKC");
}
