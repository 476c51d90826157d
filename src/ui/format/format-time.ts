/** Formats times for people. Local times depend on the browser, so they are formatted there only. */

const STEPS: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

// One style everywhere: 24 Nov 2026, 04:31:12. Parts that are clear from the context are left out.
const DAY = { day: "numeric", month: "short" } as const;
const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const short = new Intl.DateTimeFormat("en-GB", { ...DAY, ...CLOCK, second: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { ...DAY, year: "numeric" });
const full = new Intl.DateTimeFormat("en-GB", { ...DAY, year: "numeric", ...CLOCK, second: "2-digit", timeZoneName: "short" });
const minute = new Intl.DateTimeFormat("en-GB", CLOCK);
const dayAndMinute = new Intl.DateTimeFormat("en-GB", { ...DAY, ...CLOCK });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

/** `time` (ISO 8601) relative to `nowMs`: “just now”, “3 min. ago”, “in 2 days”. */
export function formatRelative(time: string, nowMs: number): string {
  const seconds = (Date.parse(time) - nowMs) / 1000;
  if (Math.abs(seconds) < 45) return "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size * 0.95) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(Math.sign(seconds), "minute");
}

/** The full local date and time: `24 Nov 2026, 04:31:12 UTC`. `time` is ISO 8601. */
export function formatAbsolute(time: string): string {
  return full.format(new Date(time));
}

/** The local date: `24 Nov 2026`. `time` is ISO 8601. */
export function formatDate(time: string): string {
  return date.format(new Date(time));
}

/** `14:02` in local time, or `24 Nov, 14:02` if it is not today. */
export function formatMoment(ms: number): string {
  const moment = new Date(ms);
  return (moment.toDateString() === new Date().toDateString() ? minute : dayAndMinute).format(moment);
}

/** `HH:MM:SS.mmm` in local time, from milliseconds since 1970. */
export function formatClock(ms: number): string {
  const date = new Date(ms);
  const pad = (value: number, width = 2) => String(value).padStart(width, "0");
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/** `24 Nov, 04:31:12` in local time, or `24 Nov 2025` if the year is not the current one. `time` is ISO 8601. */
export function formatTime(time: string): string {
  const moment = new Date(time);
  return (moment.getFullYear() === new Date().getFullYear() ? short : date).format(moment);
}
