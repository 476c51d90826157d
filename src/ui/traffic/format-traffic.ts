/** Formats numbers over time. Pure. */

import type { ProjectTraffic } from "@/src/shared/management/traffic";
import type { TrafficRange } from "@/src/shared/traffic-limits";
import { formatCount } from "../format/format-number";

export const RANGE_LABELS: Readonly<Record<TrafficRange, string>> = { hour: "Hour", day: "Day", month: "30 days" };
export const RANGE_TEXTS: Readonly<Record<TrafficRange, string>> = {
  hour: "in the last hour",
  day: "in the last 24 hours",
  month: "in the last 30 days",
};

/** `0.42 ms`, `12 ms`, `1.4 s`; `–` without requests. */
export function formatLatency(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(ms < 1 ? 2 : 1)) : Math.round(ms)} ms`;
  return `${Number((ms / 1000).toFixed(1))} s`;
}

/** A count on an axis, which also has values between counts: they have no text. */
export function formatWhole(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : "";
}

/** `12 a minute`, or `0.2 a minute`. `seconds`: the time in which `count` things happened. */
export function formatRate(count: number, seconds: number): string {
  const rate = (count * 60) / seconds;
  return `${rate >= 10 || rate === 0 ? formatCount(Math.round(rate)) : rate < 0.1 ? "< 0.1" : rate.toFixed(1).replace(".0", "")} a minute`;
}

/** The share of `part` in `all`: `0 %`, `0.3 %`, `12 %`. */
export function formatShare(part: number, all: number): string {
  if (all === 0 || part === 0) return "0 %";
  const percent = (part / all) * 100;
  return `${percent < 0.1 ? "< 0.1" : percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

export interface Health {
  tone: "quiet" | "good" | "warn" | "bad";
  text: string;
}

/** How a project is, in one sentence. Server errors weigh more than refusals, which are the clients' mistakes. */
export function toHealth({ totals, codes }: Pick<ProjectTraffic, "totals" | "codes">): Health {
  const { requests, errors, p99, streams } = totals;
  const open = streams > 0 ? ` Up to ${formatCount(streams)} ${streams === 1 ? "stream" : "streams"} open.` : "";
  if (requests === 0)
    return { tone: "quiet", text: streams > 0 ? `No requests in the last hour.${open}` : "No requests in the last hour." };
  const failures = codes.filter(({ status }) => status >= 500).reduce((sum, { count }) => sum + count, 0);
  const served = `${formatCount(requests)} ${requests === 1 ? "request" : "requests"} in the last hour, 99 % within ${formatLatency(p99)}.`;
  if (failures > 0) return { tone: "bad", text: `${formatCount(failures)} failed on the server. ${served}${open}` };
  if (errors / requests > REFUSED_SHARE_MAX) return { tone: "warn", text: `${formatShare(errors, requests)} refused. ${served}${open}` };
  return {
    tone: "good",
    text: errors === 0 ? `${served} None failed.${open}` : `${served} ${formatShare(errors, requests)} refused.${open}`,
  };
}

/** More refusals than this hint at a broken client. */
const REFUSED_SHARE_MAX = 0.05;
