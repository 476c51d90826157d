/** Times in the grid: short, local, to the second. In a browser only. */

const format = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const formatYear = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric" });

/** `24 Nov, 04:31:12`; of another year than this one `24 Nov 2025`. `time` is ISO 8601. */
export function formatMoment(time: string): string {
  const date = new Date(time);
  return date.getFullYear() === new Date().getFullYear() ? format.format(date) : formatYear.format(date);
}
