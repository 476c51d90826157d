/** Creates the ids of records: UUIDv7 without dashes (R1). Never use them as secrets, because most of an id is predictable. */
import { randomFillSync } from "node:crypto";
import { toHexByte } from "@/src/shared/hex";

/**
 * Of the 74 bits that a UUIDv7 leaves free, 32 are a counter within a millisecond. The others are random, so that ids of different processes do not
 * collide.
 */
const COUNTER_MAX = 0xffff_ffff;
const COUNTER_SEED_MAX = 0x7fff_ffff;

const random = new Uint32Array(1024);
let randomAt = random.length;
let lastMs = -1;
/** The hex digits of `lastMs`. */
let time = "";
let counter = 0;

/**
 * Returns a new id of 32 lowercase hex digits, greater than every id that this process has created, even if the clock is set back. `now`:
 * milliseconds since 1970.
 */
export function createUniqueId(now: number = Date.now()): string {
  if (now > lastMs) {
    setTime(now);
    counter = nextRandom() & COUNTER_SEED_MAX;
  } else if (counter < COUNTER_MAX) {
    counter++;
  } else {
    setTime(lastMs + 1);
    counter = nextRandom() & COUNTER_SEED_MAX;
  }
  const high = counter >>> 20;
  const middle = (counter >>> 6) & 0x3fff;
  const low = ((counter & 0x3f) << 10) | (nextRandom() >>> 22);
  const last = nextRandom();
  return time + hex(0x7000 | high) + hex(0x8000 | middle) + hex(low) + hex(last >>> 16) + hex(last & 0xffff);
}

/** The UUID with dashes that 32 hex digits stand for. */
export function toUuid(uniqueId: string): string {
  return uniqueId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function setTime(ms: number): void {
  lastMs = ms;
  time = ms.toString(16).padStart(12, "0");
}

/** Four digits for 16 bits. `toString` takes five times as long for the digits of an id. */
function hex(value: number): string {
  return toHexByte(value >>> 8) + toHexByte(value & 0xff);
}

/** 32 random bits. One system call fetches many. */
function nextRandom(): number {
  if (randomAt === random.length) {
    randomFillSync(random);
    randomAt = 0;
  }
  return random[randomAt++] ?? 0;
}
