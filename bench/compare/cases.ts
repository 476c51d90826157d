/** The cases, in their order in the report. */

export interface Case {
  name: string;
  title: string;
  /** Compared with a bare `node:http` server that answers the same bytes. */
  bare?: boolean;
  /** Compared with PostgreSQL alone (pgbench). */
  pgbench?: boolean;
  /**
   * The open loop, which gives the latency. `shared`: at half of the throughput of the slowest server, the same for all. `own`: at half of
   * each server's own. Absent: only the closed loop runs.
   */
  openLoop?: "shared" | "own";
}

export const CASES: readonly Case[] = [
  { name: "create", title: "create, 150 bytes", bare: true, pgbench: true, openLoop: "shared" },
  { name: "get-one", title: "get one of 200", bare: true, pgbench: true, openLoop: "shared" },
  { name: "list-same", title: "list of 50, the same", bare: true, openLoop: "shared" },
  { name: "list-pages", title: "list of 50, 200 pages", openLoop: "shared" },
  { name: "update-force", title: "update, replace", openLoop: "shared" },
  { name: "update-merge", title: "update, merge into one record", openLoop: "shared" },
  { name: "bulk", title: "bulk of 200 (records)", openLoop: "shared" },
  { name: "no-key", title: "403 without a key", bare: true, openLoop: "shared" },
  { name: "create-endpoints", title: "create, 50 endpoints", openLoop: "shared" },
  { name: "get-one-keys", title: "get one, 200 keys", openLoop: "shared" },
  { name: "get-one-secure", title: "get one, access token", openLoop: "shared" },
  { name: "mixed", title: "80 % get one, 20 % create", openLoop: "shared" },
  { name: "create-streams", title: "create, 100 streams open", openLoop: "shared" },
  { name: "create-lone", title: "create, one connection" },
  { name: "deliver", title: "delivery at half of the ceiling", openLoop: "own" },
];

/** `counted`: what the throughput counts. */
export const FAN_OUTS = [
  { name: "fan-out-10", title: "publishes to 10 subscribers", subscribers: 10, counted: "publishes" },
  { name: "fan-out-1000", title: "deliveries, 1 to 1,000", subscribers: 1_000, counted: "deliveries" },
  { name: "fan-out-10000", title: "deliveries, 1 to 10,000", subscribers: 10_000, counted: "deliveries" },
] as const;

/** The cases to run. Throws for an unknown name. Without names: all. */
export function selectCases(names: readonly string[]): { cases: readonly Case[]; fanOuts: readonly (typeof FAN_OUTS)[number][] } {
  const known: string[] = [...CASES, ...FAN_OUTS].map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`Unknown case: ${unknown.join(", ")}. The cases are: ${known.join(", ")}.`);
  const isWanted = ({ name }: { name: string }) => names.length === 0 || names.includes(name);
  return { cases: CASES.filter(isWanted), fanOuts: FAN_OUTS.filter(isWanted) };
}
