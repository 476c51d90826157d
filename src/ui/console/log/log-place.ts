/** Reads a place in the log that a person types: a time, a seq, a cursor, the beginning (G27). Pure. */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { StreamEvent } from "../../stream/stream-event";

/** `seq`: that change, in a project that of an endpoint; the worker adds its number and the place before the change. `time`: the first change at or after it, in milliseconds since 1970. */
export type LogPlace =
  | { kind: "start" }
  | { kind: "seq"; seq: number; endpointId?: string | undefined; source?: number; after?: string }
  | { kind: "time"; timeMs: number };

/** The place of a change in the log: its seq, or a text in the log of a project (G46). */
export type Place = number | string;
export type PlaceOf = (event: Pick<StreamEvent, "seq" | "atMs" | "source">) => Place;

export type ParsedPlace = { ok: true; place: LogPlace } | { ok: false; problem: string };

const AGES: Readonly<Record<string, number>> = {
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};
const EXPECTED = "Enter a time (14:30, 2026-01-31 14:30), an age (5 min, 2 h), a seq or a cursor.";

/** `14:30` is the last time that it was 14:30 here. */
export function readPlace(text: string, nowMs: number): ParsedPlace {
  const trimmed = text.trim();
  if (/^(?:start|beginning|oldest)$/i.test(trimmed)) return { ok: true, place: { kind: "start" } };
  const seq = /^#?(\d{1,15})$/.exec(trimmed)?.[1] ?? parseCursor(trimmed)?.seq;
  if (seq !== undefined) return { ok: true, place: { kind: "seq", seq: Number(seq) } };
  const [, count, unit = ""] = /^(?:last )?(\d{1,6})\s*([a-z]+?)s?(?: ago)?$/i.exec(trimmed) ?? [];
  const age = AGES[unit.toLowerCase()];
  if (count !== undefined && age !== undefined) return ofTime(nowMs - Number(count) * age);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/.exec(trimmed);
  if (clock) {
    const [, hours, minutes, seconds = "0", fraction = "0"] = clock;
    const date = new Date(nowMs);
    if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return { ok: false, problem: EXPECTED };
    date.setHours(Number(hours), Number(minutes), Number(seconds), Number(fraction.padEnd(3, "0")));
    if (date.getTime() > nowMs) date.setDate(date.getDate() - 1);
    return ofTime(date.getTime());
  }
  // A day alone begins at midnight here; Date.parse would read it as UTC.
  const day = /^\d{4}-\d{2}-\d{2}$/.test(trimmed) ? `${trimmed}T00:00` : trimmed;
  return /^\d{4}-\d{2}-\d{2}/.test(day) ? ofTime(Date.parse(day.replace(" ", "T"))) : { ok: false, problem: EXPECTED };
}

function ofTime(timeMs: number): ParsedPlace {
  return Number.isNaN(timeMs) || timeMs < 0 ? { ok: false, problem: EXPECTED } : { ok: true, place: { kind: "time", timeMs } };
}

/** The place as a part of the URL: `start`, a seq, or a time in ISO 8601. */
export function formatPlace(place: LogPlace): string {
  if (place.kind === "start") return "start";
  return place.kind === "seq" ? String(place.seq) : new Date(place.timeMs).toISOString();
}

/** The inverse of formatPlace. Undefined for any other text. */
export function parsePlace(text: string): LogPlace | undefined {
  if (text === "start") return { kind: "start" };
  if (/^\d{1,15}$/.test(text)) return { kind: "seq", seq: Number(text) };
  const timeMs = /^\d{4}-\d{2}-/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : { kind: "time", timeMs };
}
