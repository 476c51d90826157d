/** Sums the runs of each fault, and formats them as a table. */
import type { Fault } from "./fault";
import type { RunResult } from "./run";

type Sums = Omit<RunResult, "problems" | "recoveryMs">;

export interface Tally {
  readonly fault: Fault;
  runs: number;
  sums: Sums;
  recoveriesMs: number[];
  /** A sentence for each problem. Empty: the fault passed. */
  problems: string[];
  /** How the fault was done, or why it was skipped. */
  note: string | undefined;
  add(result: RunResult): void;
}

const COLUMNS = ["fault", "runs", "writes", "deliveries", "lost", "doubled", "out of order", "unauthorised", "recovery, median", "max"];

export function createTally(fault: Fault): Tally {
  const tally: Tally = {
    fault,
    runs: 0,
    sums: { writes: 0, deliveries: 0, delivered: 0, repeated: 0, lost: 0, doubled: 0, outOfOrder: 0, unauthorised: 0 },
    recoveriesMs: [],
    problems: [],
    note: undefined,
    add: ({ problems, recoveryMs, ...numbers }) => {
      tally.runs++;
      for (const name of Object.keys(tally.sums) as (keyof Sums)[]) tally.sums[name] += numbers[name];
      tally.recoveriesMs.push(recoveryMs);
      tally.problems.push(...problems);
    },
  };
  return tally;
}

/** The table in Markdown. */
export function toTable(tallies: readonly Tally[]): string {
  const rows = tallies.map(({ fault, runs, sums, recoveriesMs, note }) => {
    const delivered = `${sums.delivered.toLocaleString("en")} ${fault.delivers}, ${sums.repeated.toLocaleString("en")} of them sent again`;
    const notes = [...(note === undefined ? [] : [note]), ...(fault.delivers === undefined || runs === 0 ? [] : [delivered])];
    const title = notes.length === 0 ? fault.title : `${fault.title} (${notes.join("; ")})`;
    const counts = [runs, sums.writes, sums.deliveries, sums.lost, sums.doubled, sums.outOfOrder, sums.unauthorised];
    const sorted = recoveriesMs.toSorted((a, b) => a - b);
    return [title, ...counts.map((count) => count.toLocaleString("en")), toSeconds(sorted[sorted.length >> 1]), toSeconds(sorted.at(-1))];
  });
  return [COLUMNS, COLUMNS.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function toSeconds(ms: number | undefined): string {
  return ms === undefined ? "" : `${(ms / 1_000).toFixed(1)} s`;
}
