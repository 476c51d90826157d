/**
 * File tokens (F6): a URL with one lets a page read the file of one record for a limited time, for `<img>` and `<video>`. Tokens are signed and not
 * stored. The access token, master key or record that a file token depends on is looked up on each use, so the file token ends with it.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "@/src/core/clock";

/** On whose behalf the file is read: a user with an access token, the holder of the master key, or any holder of the project's key. */
export type FileTokenHolder = { kind: "user"; accessTokenId: string } | { kind: "master" } | { kind: "key" };

/** The file to which a file token gives access. */
export interface FileTokenTarget {
  endpointId: string;
  /** 32 lowercase hex digits. */
  recordId: string;
  /** The project's current master key. Tokens issued with a master key end when it is replaced. */
  masterKeyHash: Uint8Array | null;
}

export interface FileTokens {
  /** Returns a token of about 70 URL-safe characters. It expires at `expiresAt`, with a resolution of one second. */
  issue(target: FileTokenTarget, holder: FileTokenHolder, expiresAt: Date): string;
  /**
   * The holder of a valid token. Undefined if it has expired, is for another record, or was not issued by this deployment. Does not check whether the
   * holder still has access.
   */
  verify(text: string, target: FileTokenTarget): FileTokenHolder | undefined;
}

/** Separates this use of the server's secret from its other uses. */
const PURPOSE = "rested file token 1";
const MAC_BYTES = 32;
const ID_BYTES = 16;
/** The kind (1 byte) and the expiry in seconds (4 bytes). */
const HEAD_BYTES = 5;
const KINDS = ["key", "master", "user"] as const;

/** `secret`: the same on every server of a deployment. */
export function createFileTokens({ secret, clock }: { secret: string; clock: Clock }): FileTokens {
  const key = createHmac("sha256", secret).update(PURPOSE).digest();
  const sign = (claims: Uint8Array, { endpointId, recordId, masterKeyHash }: FileTokenTarget, holder: FileTokenHolder): Buffer =>
    createHmac("sha256", key)
      .update(claims)
      .update(`\n${endpointId}\n${recordId}\n`)
      .update(holder.kind === "master" ? (masterKeyHash ?? "") : "")
      .digest();
  return {
    issue(target, holder, expiresAt) {
      const claims = toClaims(holder, expiresAt);
      return Buffer.concat([claims, sign(claims, target, holder)]).toString("base64url");
    },
    verify(text, target) {
      const bytes = Buffer.from(text, "base64url");
      const claims = bytes.subarray(0, -MAC_BYTES);
      const holder = readHolder(claims);
      if (!holder || bytes.toString("base64url") !== text) return undefined;
      if (holder.kind === "master" && target.masterKeyHash === null) return undefined;
      if (!timingSafeEqual(bytes.subarray(-MAC_BYTES), sign(claims, target, holder))) return undefined;
      return claims.readUInt32BE(1) * 1000 > clock.now().getTime() ? holder : undefined;
    },
  };
}

function toClaims(holder: FileTokenHolder, expiresAt: Date): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(KINDS.indexOf(holder.kind), 0);
  head.writeUInt32BE(Math.floor(expiresAt.getTime() / 1000), 1);
  return holder.kind === "user" ? Buffer.concat([head, Buffer.from(holder.accessTokenId.replaceAll("-", ""), "hex")]) : head;
}

function readHolder(claims: Buffer): FileTokenHolder | undefined {
  const kind = claims.length < HEAD_BYTES ? undefined : KINDS[claims.readUInt8(0)];
  if (kind === undefined || claims.length !== HEAD_BYTES + (kind === "user" ? ID_BYTES : 0)) return undefined;
  if (kind !== "user") return { kind };
  const accessTokenId = claims.toString("hex", HEAD_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { kind, accessTokenId };
}
