/** Moves the list to a place in the log, and back to the newest change. */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { LogPage } from "../../stream/stream-message";
import type { ConsoleEngine } from "../engine/console-engine";
import type { LogPlace, Place } from "./log-place";
import type { LogReader, Result } from "./log-reader";

/** The number of changes that are read from a place on, and before it. */
const PAGE_FROM = 300;
const PAGE_BEFORE = 100;
export const PAGE_NEWEST = 200;
const PAGE_NEWER = 500;
/** So many pages are read at once if few of their changes match. */
const NEWER_PAGES_MAX = 10;

export interface Sought {
  /** The change at the place. Undefined: there is none, or the place is the end. */
  found: { ordinal: number; index: number } | undefined;
  problem: string | undefined;
}

/** Shows the part of the log around a place. A change that is in the buffer stays where it is. */
export async function seek(engine: ConsoleEngine, readLog: LogReader["readLog"], place: LogPlace | { kind: "newest" }): Promise<Sought> {
  if (place.kind === "newest") return showNewest(engine, readLog);
  const seq = place.kind === "seq" ? place.seq : undefined;
  const source = place.kind === "seq" ? (place.source ?? 0) : 0;
  const held = seq === undefined ? undefined : engine.locate(seq, source);
  if (held) {
    engine.reveal(held.index);
    return { found: held, problem: undefined };
  }
  const wasDetached = engine.state.isDetached;
  engine.detach();
  const pages = await readAround(engine, readLog, place);
  if (!pages.ok) {
    if (!wasDetached) engine.reattach();
    return { found: undefined, problem: pages.reason };
  }
  const { older, newer } = pages.value;
  if (newer.events.length === 0) engine.showNewest(older);
  else engine.showPlace({ older, newer });
  const first = newer.events.at(-1);
  if (seq !== undefined && (first?.seq !== seq || (first.source ?? 0) !== source))
    return { found: undefined, problem: toMissing(seq, newer, older) };
  return { found: first && engine.locate(first.seq, first.source), problem: undefined };
}

async function showNewest(engine: ConsoleEngine, readLog: LogReader["readLog"]): Promise<Sought> {
  if (!engine.state.isDetached) return { found: undefined, problem: undefined };
  const page = await readLog({ limit: PAGE_NEWEST });
  if (page.ok) engine.showNewest(page.value);
  return { found: undefined, problem: page.ok ? undefined : page.reason };
}

async function readAround(
  engine: ConsoleEngine,
  readLog: LogReader["readLog"],
  place: LogPlace,
): Promise<Result<{ older: LogPage; newer: LogPage }>> {
  const newer = await readLog({ ...toQuery(place), limit: PAGE_FROM });
  if (!newer.ok) return newer;
  const first = newer.value.events.at(-1);
  const older = await readLog(first ? { before: toBefore(engine.placeOf(first)), limit: PAGE_BEFORE } : { limit: PAGE_NEWEST });
  return older.ok ? { ok: true, value: { older: older.value, newer: newer.value } } : older;
}

function toBefore(place: Place): Place {
  return typeof place === "number" ? Math.max(1, place) : place;
}

function toQuery(place: LogPlace): Record<string, string | number> {
  if (place.kind === "start") return { after: 0 };
  if (place.kind === "seq") return { after: place.after ?? Math.max(0, place.seq - 1) };
  return { time: new Date(place.timeMs).toISOString() };
}

function toMissing(seq: number, newer: LogPage, older: LogPage): string {
  if (newer.cursor === "") return `Change ${seq} is no longer in the log.`;
  const newest = parseCursor(newer.cursor)?.seq ?? 0;
  if (seq > newest) return `There is no change ${seq} yet. The newest is ${newest}.`;
  const oldest = newer.events.at(-1)?.seq ?? newest;
  const isGone = older.events.length === 0;
  return `Change ${seq} is no longer in the log.${isGone ? ` The oldest is ${oldest}.` : ""}`;
}

/** Appends what follows the list, until enough of it matches or the end of the log is reached. `onProgress` is called after each page. */
export async function loadNewer(engine: ConsoleEngine, readLog: LogReader["readLog"], onProgress: () => void): Promise<void> {
  if (!engine.state.isDetached || engine.state.newer === "loading") return;
  engine.setNewer("loading");
  onProgress();
  const enough = engine.state.matched + engine.state.rowsShown;
  for (let pages = 0; pages < NEWER_PAGES_MAX && engine.state.isDetached && engine.state.matched < enough; pages += 1) {
    const after = engine.state.newest ?? 0;
    const page = await readLog({ after, limit: PAGE_NEWER });
    // The list may show another part by now.
    if (engine.state.newest !== after && engine.state.newest !== undefined) break;
    if (!page.ok) {
      engine.setNewer("failed");
      return onProgress();
    }
    engine.addNewer(page.value);
    onProgress();
  }
  engine.setNewer("more");
  onProgress();
}
