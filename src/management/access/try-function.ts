/** Tries the access function of an endpoint on one record (A6). */
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { CallerPath } from "@/src/core/access/caller-path";
import type { JudgedRecord } from "@/src/core/access/record-judge";
import { toFunctionCases, toFunctionCommon } from "@/src/core/access-functions/function-input";
import type { FunctionVerdicts } from "@/src/core/access-functions/function-verdicts";
import type { Clock } from "@/src/core/clock";
import { AppError } from "@/src/shared/errors";
import type { AccessCheck, AccessChecked } from "@/src/shared/management/access";
import type { TriedUser } from "./find-callers";

export type FunctionTrial = NonNullable<AccessChecked["function"]>;

const CAUSES: Readonly<Record<Exclude<FunctionTrial["cause"], null>, string>> = {
  exception: "it throws",
  type: "it returns something else than a verdict",
  pending: "its promise never settles",
  source: "its source is not one function",
  time: "it takes too much time",
  memory: "it needs too much memory",
  depth: "it recurses too deeply",
  output: "its reason is too long",
};

/**
 * Calls the function as for a request, and returns its verdict, its reason or its failure with the line. The CPU time counts for `caller`. Throws `server_busy`,
 * `rate_limited` and `database_unavailable`.
 */
export async function tryFunction({
  verdicts,
  clock,
  source,
  endpointId,
  projectId,
  caller,
  user,
  record,
  body,
  input,
}: {
  verdicts: FunctionVerdicts;
  clock: Clock;
  source: string;
  endpointId: string;
  projectId: string;
  caller: CallerPath;
  user: TriedUser | undefined;
  record: JudgedRecord;
  /** The body of an update as JSON text. */
  body: string | undefined;
  input: Pick<AccessCheck, "operation" | "origin" | "keyName" | "keyScope">;
}): Promise<FunctionTrial> {
  const { operation, origin = null, keyName = "", keyScope = "read_write" } = input;
  const start = performance.now();
  const common = toFunctionCommon({ user: user ?? null, origin, key: { name: keyName, scope: keyScope }, now: clock.now() });
  const all = await verdicts.evaluate({
    ...{ source, endpointId, projectId, caller, common },
    ownerId: caller[0],
    identity: toTrialIdentity(source, common),
    cases: toFunctionCases(operation, record, body),
  });
  const millis = Math.round((performance.now() - start) * 1000) / 1000;
  // Of a stream, the first verdict that refuses.
  const verdict = all.find((each) => each.outcome === "failed" || !each.allow) ?? all[0];
  if (!verdict) throw new AppError("internal_error", { internal: "there is no verdict" });
  if (verdict.outcome === "failed") {
    const { cause, message = null, line = null, column = null } = verdict;
    return { outcome: "failed", reason: null, cause, message, line, column, millis };
  }
  const { allow, reason = null } = verdict;
  return { outcome: allow ? "allowed" : "refused", reason, cause: null, message: null, line: null, column: null, millis };
}

/** How many of the records the function lets the user read. All are asked about, unless the sandbox or the database is busy meanwhile. */
export async function trySample({
  verdicts,
  clock,
  source,
  endpointId,
  projectId,
  caller,
  user,
  records,
}: {
  verdicts: FunctionVerdicts;
  clock: Clock;
  source: string;
  endpointId: string;
  projectId: string;
  caller: CallerPath;
  user: TriedUser | undefined;
  records: readonly JudgedRecord[];
}): Promise<{ asked: number; allowed: number; failed: number }> {
  if (records.length === 0) return { asked: 0, allowed: 0, failed: 0 };
  const common = toFunctionCommon({ user: user ?? null, origin: null, key: { name: "", scope: "read_write" }, now: clock.now() });
  const all = await verdicts.evaluate({
    ...{ source, endpointId, projectId, caller, common },
    ownerId: caller[0],
    identity: toTrialIdentity(source, common),
    cases: records.flatMap((record) => toFunctionCases("read", record)),
  });
  const allowed = all.filter((verdict) => verdict.outcome === "verdict" && verdict.allow).length;
  return { asked: all.length, allowed, failed: all.filter(({ outcome }) => outcome === "failed").length };
}

/** A trial is shared neither with requests nor with trials of another function or user. */
function toTrialIdentity(source: string, common: string): string {
  return `trial ${createHash("sha256")
    .update(JSON.stringify([source, common]))
    .digest("base64url")}`;
}

/** The decision of a function that was asked last. */
export function toFunctionDecision(trial: FunctionTrial): Pick<AccessChecked, "allowed" | "decidedBy"> {
  const { outcome, reason, cause, message, line, column } = trial;
  const why = cause === null ? "" : `${CAUSES[cause]}${message === null ? "" : ` (${message})`}`;
  const said = reason ?? `The access function ${outcome === "allowed" ? "allows" : "refuses"} it.`;
  return {
    allowed: outcome === "allowed",
    decidedBy: {
      kind: "function",
      rule: null,
      part: null,
      verdict: outcome === "failed" ? null : outcome === "allowed" ? "true" : "false",
      line,
      column,
      reason: outcome === "failed" ? `The access function fails, because ${why}. Access is refused.` : said,
    },
  };
}
