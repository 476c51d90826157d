/** Encrypts secrets that the server must be able to read again, such as the signing secrets of webhooks. All other secrets are stored as hashes. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

export interface SecretBox {
  /** Returns the encrypted text. `purpose` names what the secret is for and whose it is; `open` needs the same. */
  seal(purpose: string, text: string): Uint8Array<ArrayBuffer>;
  /** Returns the text. Throws {@link SealedError} unless `seal` returned these bytes for this purpose on a server with the same secret. */
  open(purpose: string, sealed: Uint8Array): string;
}

/** A sealed secret cannot be opened. */
export class SealedError extends Error {}

/** The first byte. Another format would have another one. */
const FORMAT = 1;
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** `secret`: the server's secret, which has at least 32 random characters. The key of the encryption is derived from it. */
export function createSecretBox({ secret }: { secret: string }): SecretBox {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "rested secret box 1", KEY_BYTES));
  return {
    seal(purpose, text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(purpose, "utf8"));
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return new Uint8Array(Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), body]));
    },
    open(purpose, sealed) {
      if (sealed[0] !== FORMAT || sealed.byteLength < HEADER_BYTES) throw new SealedError("The sealed secret has an unknown format.");
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(purpose, "utf8"));
      decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEADER_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES)), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new SealedError("The sealed secret belongs to something else, or the server's secret has changed.", { cause });
      }
    },
  };
}
