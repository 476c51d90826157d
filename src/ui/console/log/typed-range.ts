/** Reads ranges of time that a person types, and writes them for people. Pure. */
import type { TimeRange } from "@/src/shared/filters/time-range";
import { formatClock, formatMoment } from "../../format/format-time";
import { readPlace } from "./log-place";

type ReadRange = { ok: true; range: TimeRange } | { ok: false; problem: string };

/** Reads `14:30..14:35`: two times or ages as readPlace takes them, of which one can be missing. Undefined: the text has no `..`. */
export function readTypedRange(text: string, nowMs: number): ReadRange | undefined {
  const [from, to, ...others] = text.split("..").map((part) => part.trim());
  if (from === undefined || to === undefined || others.length > 0) return undefined;
  const ends = [from, to].map((part) => (part === "" ? undefined : readPlace(part, nowMs)));
  const wrong = ends.find((end) => end !== undefined && !(end.ok && end.place.kind === "time"));
  if (wrong !== undefined || (from === "" && to === "")) return { ok: false, problem: "Write two times or ages, like 14:30..14:35." };
  const [fromMs, toMs] = ends.map((end) => (end?.ok && end.place.kind === "time" ? end.place.timeMs : undefined));
  if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs) return { ok: false, problem: "Write the earlier time first." };
  return { ok: true, range: { fromMs, toMs } };
}

const TIME_CONDITION = /(?:^|(?<=\s))time:(\S+)(?=\s|$)/i;

/** Takes a condition such as `time:14:30..14:35` out of a filter, because local times mean something else on other computers. */
export function liftRange(text: string, nowMs: number): { text: string; range: TimeRange } | undefined {
  const [whole, typed = ""] = TIME_CONDITION.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const read = readTypedRange(typed, nowMs);
  return read?.ok ? { text: text.replace(whole, "").replace(/\s+/g, " ").trim(), range: read.range } : undefined;
}

/** `10:02:10 to 10:02:40` in local time, with the day if it is not today. */
export function formatRange({ fromMs, toMs }: TimeRange): string {
  if (fromMs === undefined) return toMs === undefined ? "any time" : `before ${formatEnd(toMs)}`;
  if (toMs === undefined) return `since ${formatEnd(fromMs)}`;
  return `${formatEnd(fromMs)} to ${new Date(fromMs).toDateString() === new Date(toMs).toDateString() ? toClock(toMs) : formatEnd(toMs)}`;
}

function formatEnd(ms: number): string {
  const moment = formatMoment(ms);
  return moment.length > 5 ? `${moment.slice(0, -5)}${toClock(ms)}` : toClock(ms);
}

/** Milliseconds only where there are some. */
function toClock(ms: number): string {
  return formatClock(ms).replace(/\.000$/, "");
}
