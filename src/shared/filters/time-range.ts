/** Reads and writes ranges of time in filter expressions (G27): `time:2026-01-31T14:30Z..2026-01-31T14:31Z`. Pure. */

/** In milliseconds since 1970: from `fromMs` on and before `toMs`. Undefined: without that end. */
export interface TimeRange {
  fromMs: number | undefined;
  toMs: number | undefined;
}

/** `offset`: where in the text the problem is. */
type ReadTimeRange = { ok: true; range: TimeRange } | { ok: false; message: string; offset: number };

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/i;
const EXPECTED = "After time: write two times with their zone, like 2026-01-31T14:30Z..2026-01-31T14:31Z. One of them can be left out.";

/** Reads `FROM..TO`. Times are ISO 8601 with a zone, so that they mean the same everywhere. */
export function readTimeRange(text: string): ReadTimeRange {
  const dots = text.indexOf("..");
  if (dots < 0 || text === "..") return { ok: false, message: EXPECTED, offset: 0 };
  const fromMs = readTime(text.slice(0, dots));
  const toMs = readTime(text.slice(dots + 2));
  if (Number.isNaN(fromMs)) return { ok: false, message: EXPECTED, offset: 0 };
  if (Number.isNaN(toMs)) return { ok: false, message: EXPECTED, offset: dots + 2 };
  if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs)
    return { ok: false, message: "Write the earlier time first.", offset: dots + 2 };
  return { ok: true, range: { fromMs, toMs } };
}

/** The inverse of readTimeRange. */
export function writeTimeRange({ fromMs, toMs }: TimeRange): string {
  const write = (ms: number | undefined) => (ms === undefined ? "" : new Date(ms).toISOString());
  return `${write(fromMs)}..${write(toMs)}`;
}

/** Undefined for no text, NaN for one that is not a time. */
function readTime(text: string): number | undefined {
  if (text === "") return undefined;
  const ms = TIME.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN;
  return ms >= 0 ? ms : Number.NaN;
}
