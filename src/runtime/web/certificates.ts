/** The server's own TLS certificate and key, which are reloaded when their files change. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";

/** Both in PEM. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Certificates {
  /** The last valid pair. */
  current(): KeyPair;
  /** Calls `listener` with each later pair. */
  onChange(listener: (pair: KeyPair) => void): void;
  /** Reads both files. An invalid or expired pair is logged once and not used; the previous pair stays. Never rejects. */
  reload(): Promise<void>;
}

interface Options {
  certFile: string;
  keyFile: string;
  clock: Clock;
  log: Pick<Log, "info" | "warn">;
}

/** Throws if the files cannot be read or do not belong together. An expired certificate only logs a warning. */
export async function loadCertificates({ certFile, keyFile, clock, log }: Options): Promise<Certificates> {
  const listeners: ((pair: KeyPair) => void)[] = [];
  let current = await read();
  let refused: KeyPair | string | undefined;
  let running: Promise<void> | undefined;
  const expiresAt = checkFirst(current);
  if (expiresAt <= clock.now()) log.warn({ certFile, expiresAt: expiresAt.toISOString() }, "the TLS certificate has expired");

  async function read(): Promise<KeyPair> {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    return { cert, key };
  }

  async function reload(): Promise<void> {
    let pair: KeyPair | undefined;
    try {
      pair = await read();
      if (isSame(pair, current)) {
        refused = undefined;
        return;
      }
      if (isSame(pair, refused)) return;
      const expires = check(pair);
      if (expires <= clock.now()) throw new Error(`It expired at ${expires.toISOString()}.`);
      current = pair;
      refused = undefined;
      for (const listener of listeners) listener(pair);
      log.info({ certFile, expiresAt: expires.toISOString() }, "the TLS certificate was replaced");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (pair === undefined && refused === reason) return;
      refused = pair ?? reason;
      log.warn({ err: error, certFile, keyFile }, "the TLS certificate could not be reloaded; the former one stays in use");
    }
  }

  return {
    current: () => current,
    onChange: (listener) => void listeners.push(listener),
    reload: () => {
      running ??= reload().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

function checkFirst(pair: KeyPair): Date {
  try {
    return check(pair);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`TLS_CERT_FILE and TLS_KEY_FILE are not a certificate and its key in PEM. ${reason}`, { cause: error });
  }
}

/** The expiry of the certificate. Throws if a file is invalid, or if they do not belong together. */
function check(pair: KeyPair): Date {
  createSecureContext(pair);
  return new Date(new X509Certificate(pair.cert).validTo);
}

function isSame(pair: KeyPair, other: KeyPair | string | undefined): boolean {
  return typeof other === "object" && pair.cert.equals(other.cert) && pair.key.equals(other.key);
}
