/** Hashes and checks passwords of dashboard accounts: argon2id, with parameters that OWASP names. It must not log or keep any. */
import { type Algorithm, hash, verify } from "@node-rs/argon2";

// argon2id; the package's enum is ambient, which isolated modules can't read.
const ARGON2ID: Algorithm.Argon2id = 2;
const OPTIONS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

/** Keyboards differ in how they compose letters; the same password must hash the same. */
const normalise = (password: string) => password.normalize("NFKC");

/** The PHC string to store. */
export function hashPassword(password: string): Promise<string> {
  return hash(normalise(password), OPTIONS);
}

/** True when `password` is the one that `stored` was made of. Takes as long for `null` (no such account, no password) as for a wrong one. */
export async function isPassword(stored: string | null, password: string): Promise<boolean> {
  if (stored === null) {
    await hash(normalise(password), OPTIONS);
    return false;
  }
  return verify(stored, normalise(password));
}
