/**
 * File tokens (F6): they let pages read the file of one record for a while by a URL alone, for `<img>` and `<video>`. They are signed and not stored; what
 * they stand on (an access token, the master key, the record) is looked up when they are used, so that they end with it.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "@/src/core/clock";

/** On whose behalf the file is read: a user by its access token, the holder of the master key, or anybody who has the project's key. */
export type FileTokenHolder = { kind: "user"; accessTokenId: string } | { kind: "master" } | { kind: "key" };

/** What a token is for. */
export interface FileTokenTarget {
  endpointId: string;
  /** 32 lowercase hex digits. */
  recordId: string;
  /** Of the project: tokens that were made with a master key end when it is replaced. */
  masterKeyHash: Uint8Array | null;
}

export interface FileTokens {
  /** A token of about 70 characters that are safe in URLs. It ends at `expiresAt`, to the second. */
  issue(target: FileTokenTarget, holder: FileTokenHolder, expiresAt: Date): string;
  /** Whose token it is; undefined: it has expired, is for another record, or was not made here. Whether the holder may still read is not checked. */
  verify(text: string, target: FileTokenTarget): FileTokenHolder | undefined;
}

/** Tells the server's secret in this use from its other uses. */
const PURPOSE = "rested file token 1";
const MAC_BYTES = 32;
const ID_BYTES = 16;
/** The kind, and the time in seconds. */
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
