/** The proof that cursors contain (W26): a short hash that distinguishes a change from another one at the same seq after a restore or a failover. */

import type { Change } from "@/src/core/records/ports";
import type { HiddenChange, LogPosition } from "@/src/core/streams/ports";
import { toHexByte } from "@/src/shared/hex";

/** The parts of a change from which its proof is computed. Another history has another record or another time at the same seq. */
export interface ProofParts {
  /** 32 lowercase hex digits. */
  recordId: string;
  seq: number;
  /** ISO 8601, UTC, milliseconds. */
  at: string;
}

/**
 * Returns 8 lowercase hex digits, the same on every server. It is a fast 32-bit hash (FNV-1a with the finalizer of MurmurHash3), because it is
 * computed for every change that is sent. It protects against accidents and grants nothing. A wrong cursor passes with a probability of 1 in 4
 * billion.
 */
export function toProof({ recordId, seq, at }: ProofParts): string {
  let hash = mix(0x811c9dc5, recordId);
  hash = mix(hash, at);
  hash = Math.imul(hash ^ (seq | 0), 0x01000193);
  hash = Math.imul(hash ^ Math.floor(seq / 0x1_0000_0000), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return toHex(hash ^ (hash >>> 16));
}

function toHex(word: number): string {
  return toHexByte(word >>> 24) + toHexByte(word >>> 16) + toHexByte(word >>> 8) + toHexByte(word);
}

/** The proof of a change. Undefined if it is unknown. */
export function proofOf(change: Change | HiddenChange): string | undefined {
  return "hidden" in change ? change.proof : toProof({ recordId: change.record.id, seq: change.seq, at: change.at });
}

/** The position of a change in the log of this epoch. */
export function positionOf(change: Change | HiddenChange, epoch: string): LogPosition {
  return { epoch, seq: change.seq, proof: proofOf(change) };
}

function mix(hash: number, text: string): number {
  let mixed = hash;
  for (let index = 0; index < text.length; index += 1) mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x01000193);
  return mixed;
}
