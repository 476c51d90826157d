/** Hashes and checks passwords, of dashboard accounts and of applications' users alike: argon2id, with parameters that OWASP names. It must not log or keep any. */
import { availableParallelism } from "node:os";
import { type Algorithm, hash, verify } from "@node-rs/argon2";
import { AppError } from "@/src/shared/errors";

// argon2id; the package's enum is ambient, which isolated modules can't read.
const ARGON2ID: Algorithm.Argon2id = 2;
const OPTIONS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

/**
 * Each hash takes 19 MiB, a processor, and one of the four threads that files and look-ups of names share. So many at once leave a processor to
 * the requests that need no password, and a thread to the rest.
 */
const AT_ONCE_MAX = Math.min(Math.max(availableParallelism() - 1, 1), 3);
/** What may wait for its turn: a few seconds' worth. */
export const WAITING_MAX = 200;
const RETRY_AFTER_SECONDS = 5;

/** Keyboards differ in how they compose letters; the same password must hash the same. */
const normalise = (password: string) => password.normalize("NFKC");

/** The PHC string to store. Raises `server_busy` when too many passwords wait to be hashed. */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(normalise(password), OPTIONS));
}

/**
 * True when `password` is the one that `stored` was made of. Takes as long for `null` (no such account, no password) as for a wrong one.
 * Raises `server_busy` when too many passwords wait to be checked.
 */
export function isPassword(stored: string | null, password: string): Promise<boolean> {
  return inTurn(async () => {
    if (stored !== null) return verify(stored, normalise(password));
    await hash(normalise(password), OPTIONS);
    return false;
  });
}

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < AT_ONCE_MAX) running += 1;
  else {
    if (waiting.length >= WAITING_MAX) {
      throw new AppError("server_busy", {
        detail: "Too many passwords are being checked. Try again shortly.",
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  try {
    return await work();
  } finally {
    // The place passes on to who waits longest.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
