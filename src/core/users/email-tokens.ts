/** The tokens and codes that users receive by e-mail (L9): made here, and stored only as hashes. */
import { createHash, createHmac, randomBytes, randomInt } from "node:crypto";

export interface EmailTokens {
  /** 256 random bits as base64url, and its SHA-256. */
  createToken(): SentSecret;
  /** Six random digits for a user, and their HMAC. */
  createCode(userId: string): SentSecret;
  hashToken(text: string): Buffer;
  /** Six digits can be guessed from a plain hash, so a key that the database does not contain is part of this one. */
  hashCode(userId: string, code: string): Buffer;
}

/** `text` is sent, `hash` is stored. */
export interface SentSecret {
  text: string;
  hash: Buffer;
}

/** Separates this use of the server's secret from its other uses. */
const PURPOSE = "rested e-mail code 1";
const TOKEN_BYTES = 32;
const CODE_DIGITS = 6;
/** The form of a token. Anything else is not looked up. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const CODE = /^[0-9]{6}$/;

export function isEmailToken(text: string): boolean {
  return TOKEN.test(text);
}

export function isEmailCode(text: string): boolean {
  return CODE.test(text);
}

/** `secret`: the same on every server of a deployment. */
export function createEmailTokens({ secret }: { secret: string }): EmailTokens {
  const key = createHmac("sha256", secret).update(PURPOSE).digest();
  const hashToken = (text: string) => createHash("sha256").update(text).digest();
  const hashCode = (userId: string, code: string) => createHmac("sha256", key).update(`${userId}\n${code}`).digest();
  return {
    createToken: () => {
      const text = randomBytes(TOKEN_BYTES).toString("base64url");
      return { text, hash: hashToken(text) };
    },
    createCode: (userId) => {
      const text = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, "0");
      return { text, hash: hashCode(userId, text) };
    },
    hashToken,
    hashCode,
  };
}
