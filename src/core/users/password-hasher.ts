/** Hashes and checks passwords, of dashboard accounts and of applications' users alike: argon2id, in a bounded number at once and in a fair order. */
import { availableParallelism } from "node:os";
import { type Algorithm, hash, verify } from "@node-rs/argon2";
import type { CallerPath } from "@/src/core/access/caller-path";
import { toNetwork } from "@/src/core/access/client-network";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import { AppError } from "@/src/shared/errors";

// argon2id; the package's enum is ambient, which isolated modules can't read. The parameters are those that OWASP names.
const ARGON2ID: Algorithm.Argon2id = 2;
export const HASH_OPTIONS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

/** A hash takes 19 MiB, a processor, and one of the four threads that files and DNS share: a processor and a thread are left to other requests. */
const AT_ONCE_MAX = Math.min(Math.max(availableParallelism() - 1, 1), 3);
/** While all wait, of nine hashes four are the dashboard's, four are for logins and one is for a registration. */
const WEIGHTS = { dashboard: 4, login: 4, registration: 1 } as const;
/** What may wait: in all, and of one class, account, project, and caller. */
const WAITING_MAX = 3_000;
const WAITING_GROUP_MAX = [1_000, 400, 200, 100] as const;
const WAIT_MS_MAX = 10_000;
const RETRY_AFTER_SECONDS = 5;

/** On whose behalf a password is hashed: decides the order. */
export interface HashTurn {
  /** `registration`: whatever makes an account; `login`: whatever else an application's user does; `dashboard`: of accounts of this server. */
  kind: keyof typeof WEIGHTS;
  caller: CallerPath;
}

/** The turn of somebody at the dashboard; `address`: null when unknown. */
export function toDashboardTurn(address: string | null): HashTurn {
  return { kind: "dashboard", caller: ["", "", toNetwork(address ?? "unknown")] };
}

export interface PasswordHasher {
  /** Returns the PHC string to store. Throws `server_busy` when too many passwords wait, or its turn does not come within 10 s. */
  hash(password: string, turn: HashTurn): Promise<string>;
  /**
   * Returns true when `password` is the one that `stored` was made of. Takes as long for `null` (no such account, no password) as for a wrong one.
   * Throws `server_busy` as `hash` does, and an error when `stored` is not a PHC string.
   */
  verify(stored: string | null, password: string, turn: HashTurn): Promise<boolean>;
  /** Passwords that wait for their turn. */
  readonly waiting: number;
}

/** Computes hashes, without any order. */
export interface HashEngine {
  hash(password: string): Promise<string>;
  verify(stored: string, password: string): Promise<boolean>;
}

const argon2: HashEngine = {
  hash: (password) => hash(password, HASH_OPTIONS),
  verify,
};

/** One per process: its bound is that of the process. No password is logged or kept. `atOnceMax`: default the number of processors less one, at most 3. `engine`: default libuv's threads. */
export function createPasswordHasher({
  atOnceMax = AT_ONCE_MAX,
  engine = argon2,
}: {
  atOnceMax?: number;
  engine?: HashEngine;
} = {}): PasswordHasher {
  const turns = createFairSemaphore({
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
    hash: (password, turn) => turns.run([turn.kind, ...turn.caller], () => engine.hash(normalize(password))),
    verify: (stored, password, turn) =>
      turns.run([turn.kind, ...turn.caller], async () => {
        if (stored !== null) return engine.verify(stored, normalize(password));
        await engine.hash(normalize(password));
        return false;
      }),
    get waiting() {
      return turns.waiting;
    },
  };
}

/** Keyboards differ in how they compose letters; the same password must hash the same. */
function normalize(password: string): string {
  return password.normalize("NFKC");
}
