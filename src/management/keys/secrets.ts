/** Makes and hashes the secrets that the server gives out. They have 256 random bits, hence plain SHA-256; passwords are another matter. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** `prefix` and 32 random bytes as base64url (43 characters). */
export function createSecret(prefix: "mk_" | "rst_" | ""): string {
  return `${prefix}${randomBytes(32).toString("base64url")}`;
}

/** A publishable key: 32 random hex digits (U7). */
export function createKeyText(): string {
  return randomBytes(16).toString("hex");
}

/** What is stored of a secret. */
export function hashSecret(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(secret, "utf8").digest());
}

/** The token of the set-up link: a node knows it by the server's secret alone, and it stays the same across restarts. */
export function createSetupToken(secret: string): string {
  return createHmac("sha256", secret).update("setup").digest("base64url");
}

/** True when `token` is the set-up link's; takes the same time for every wrong one. */
export function isSetupToken(secret: string, token: string): boolean {
  return timingSafeEqual(hashSecret(createSetupToken(secret)), hashSecret(token));
}
