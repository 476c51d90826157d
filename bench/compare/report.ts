/** The results of a comparison, and a table of them for the terminal. */
import { CASES, FAN_OUTS } from "./cases";
import type { CaseResult } from "./run-case";

export interface Report {
  /** ISO 8601. */
  at: string;
  machine: { processors: number; model: string; platform: string };
  options: { rounds: number; seconds: number; load: "wrk" | "own" };
  subjects: { name: string; version: string }[];
  /** By case. */
  results: Record<string, CaseResult[]>;
  /** The cases that failed, and why. */
  failures: string[];
}

/** The peers, in the order in which a case is compared with them. */
const PEERS = ["PocketBase", "Centrifugo", "bare node:http", "bare ws"];

/** How many times as fast a result is as each peer. */
export function toRatios(result: CaseResult, all: readonly CaseResult[]): { peer: string; ratio: number }[] {
  return all
    .filter((other) => PEERS.includes(other.contender) && other.contender !== result.contender)
    .map((other) => ({ peer: other.contender, ratio: result.perSecond / other.perSecond }));
}

export function isRested(contender: string): boolean {
  return contender.startsWith("Rested");
}

export function toTable({ subjects, machine, options, results, failures }: Report): string {
  const lines = [
    "",
    `${machine.processors} × ${machine.model}; ${subjects.map(({ name, version }) => `${name} ${version}`.trim()).join(", ")}`,
    `Medians of ${options.rounds} alternating rounds of ${options.seconds} s, 50 connections (${options.load}). Open loop: at the rate in brackets, latency from the due time.`,
    "",
    toRow(["case", "server", "per second", "p50", "p99", "open p50", "open p99", "µs CPU", "cores", "memory", "ratio"]),
  ];
  for (const { name, title } of [...CASES, ...FAN_OUTS]) {
    const all = results[name] ?? [];
    for (const [index, result] of all.entries()) {
      const { contender, perSecond, closed, open, delivery, cpuMicros, cores, memoryBytes } = result;
      const ratios = isRested(contender) ? toRatios(result, all).map(({ peer, ratio }) => `${ratio.toFixed(2)} × ${peer}`) : [];
      lines.push(
        toRow([
          index === 0 ? title : "",
          contender,
          Math.round(perSecond).toLocaleString("en"),
          ...[closed.p50, closed.p99].map(toMs),
          ...(open ? [`${toMs(open.p50)} (${Math.round(open.rate)})`, toMs(open.p99)] : ["", ""]),
          Number.isNaN(cpuMicros) ? "" : cpuMicros.toFixed(cpuMicros < 10 ? 1 : 0),
          Number.isNaN(cores) ? "" : cores.toFixed(2),
          Number.isNaN(memoryBytes) ? "" : `${Math.round(memoryBytes / 2 ** 20)} MB`,
          ratios.join(", "),
        ]),
      );
      if (delivery) lines.push(toRow(["", "  delivered", "", "", "", toMs(delivery.p50), toMs(delivery.p99)]));
      const losses = toLosses(result);
      if (losses !== "") lines.push(toRow(["", `  ${losses}`]));
    }
  }
  return [...lines, ...failures].join("\n");
}

/** A row for each case: the throughput and the p99 of each contender, and the ratios of each checkout. */
export function toMarkdown({ results }: Report): string {
  const lines = ["| case | per second, p99 | open loop: rate, p50, p99 | µs CPU each | memory | ratio |", "|---|---|---|---|---|---|"];
  for (const { name, title } of [...CASES, ...FAN_OUTS]) {
    const all = results[name] ?? [];
    for (const [index, result] of all.entries()) {
      const { contender, perSecond, closed, open, delivery, cpuMicros, memoryBytes } = result;
      const ratios = isRested(contender) ? toRatios(result, all).map(({ peer, ratio }) => `**${ratio.toFixed(2)}** × ${peer}`) : [];
      const delivered = delivery ? `; delivered ${toMs(delivery.p50)}, ${toMs(delivery.p99)}` : "";
      const cells = [
        index === 0 ? title : "",
        `${contender}: ${[Math.round(perSecond).toLocaleString("en"), toMs(closed.p99), toLosses(result)].filter((text) => text !== "").join(", ")}`,
        open ? `${Math.round(open.rate).toLocaleString("en")}/s, ${toMs(open.p50)}, ${toMs(open.p99)}${delivered}` : "",
        Number.isNaN(cpuMicros) ? "" : cpuMicros.toFixed(cpuMicros < 10 ? 1 : 0),
        Number.isNaN(memoryBytes) ? "" : `${Math.round(memoryBytes / 2 ** 20)} MB`,
        ratios.join(", "),
      ];
      lines.push(`| ${cells.join(" | ")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The streams and publishes that a server lost in a fan-out, as text. */
function toLosses({ lostStreams = 0, unanswered = 0 }: CaseResult): string {
  const losses = [
    ...(lostStreams > 0 ? [`closed ${lostStreams} streams`] : []),
    ...(unanswered > 0 ? [`${unanswered} publishes unanswered`] : []),
  ];
  return losses.join(", ");
}

const WIDTHS = [32, 26, 11, 9, 9, 17, 9, 8, 6, 8];

function toRow(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index < 2 ? cell.padEnd(WIDTHS[index] ?? 0) : index === 10 ? `  ${cell}` : cell.padStart(WIDTHS[index] ?? 0)))
    .join(" ")
    .trimEnd();
}

function toMs(milliseconds: number): string {
  return Number.isNaN(milliseconds) ? "" : `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`;
}
