/** Generates and hashes the secrets that the server issues. They have 256 random bits, so plain SHA-256 is enough, unlike for passwords. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Returns `prefix` and 32 random bytes as base64url (43 characters). */
export function createSecret(prefix: "mk_" | "rst_" | ""): string {
  return `${prefix}${randomBytes(32).toString("base64url")}`;
}

/** Returns a publishable key: 32 random hex digits (U7). */
export function createKeyText(): string {
  return randomBytes(16).toString("hex");
}

/** Returns the hash that is stored in place of a secret. */
export function hashSecret(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(secret, "utf8").digest());
}

/** Returns the token of the set-up link. It is derived from the server's secret, so all nodes know it and it survives restarts. */
export function createSetupToken(secret: string): string {
  return createHmac("sha256", secret).update("setup").digest("base64url");
}

/** True if `token` is that of the set-up link. Compares in constant time. */
export function isSetupToken(secret: string, token: string): boolean {
  return timingSafeEqual(hashSecret(createSetupToken(secret)), hashSecret(token));
}
