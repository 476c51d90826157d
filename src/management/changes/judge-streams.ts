/** Asks whether access rules and access functions let open streams receive a change (G17, W29). */
import { toJudgeRequest } from "@/src/core/access/access-checks";
import type { CallerPath } from "@/src/core/access/caller-path";
import type { RecordJudge, RecordJudges } from "@/src/core/access/record-judge";
import type { Definitions, ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { Change } from "@/src/core/records/ports";
import type { OpenStreamRow } from "../connections/connections";

/** `refused`: why the stream does not receive the change. Null: its rules allow it. `unknown`: they could not be evaluated. */
export type RuleVerdict = { refused: string | null } | "unknown";

/** The number of different callers that are judged. The verdict of further ones is unknown. */
const CALLERS_MAX = 50;

/** Returns the verdicts of those streams that have a judge, by their ids. The rules are the current ones. `caller`: on whose behalf functions are evaluated. */
export async function judgeStreams({
  judges,
  definitions,
  endpointId,
  change,
  caller,
  rows,
}: {
  judges: RecordJudges;
  definitions: Pick<Definitions, "findEndpoint">;
  endpointId: string;
  change: Change;
  caller: CallerPath;
  rows: readonly OpenStreamRow[];
}): Promise<Map<string, RuleVerdict>> {
  const judged = rows.filter(({ isJudged }) => isJudged);
  const resolved = judged.length > 0 ? await definitions.findEndpoint(endpointId) : undefined;
  const byCaller = new Map<string, RuleVerdict>();
  const byIdentity = new Map<string, RuleVerdict>();
  const verdicts = new Map<string, RuleVerdict>();
  for (const row of judged) {
    const name = JSON.stringify([row.userId, row.keyId, row.origin]);
    if (!byCaller.has(name) && resolved !== undefined && byCaller.size < CALLERS_MAX) {
      const judge = await findJudge(judges, resolved, row);
      const verdict = judge && (byIdentity.get(judge.identity) ?? (await judgeChange(judge, change, caller)));
      if (judge && verdict) byIdentity.set(judge.identity, verdict);
      byCaller.set(name, verdict ?? "unknown");
    }
    verdicts.set(row.id, byCaller.get(name) ?? "unknown");
  }
  return verdicts;
}

/** Undefined: the key or the user was deleted, or there is no judge for another reason. */
async function findJudge(judges: RecordJudges, resolved: ResolvedEndpoint, row: OpenStreamRow): Promise<RecordJudge | undefined> {
  const { keyId: id, keyScope: scope, keyName: name, userId, userEndpointId, origin } = row;
  if (id === null || scope === null || name === null || (userId !== null && userEndpointId === null)) return undefined;
  const user = userId === null || userEndpointId === null ? null : { id: userId, endpointId: userEndpointId };
  const key = { id, scope, name, expiresAt: null, revokedAt: null };
  try {
    return await judges.find(toJudgeRequest({ ...resolved, key }, user, origin ?? undefined));
  } catch {
    return undefined;
  }
}

async function judgeChange(judge: RecordJudge, { record, owner }: Change, caller: CallerPath): Promise<RuleVerdict> {
  const judged = { uniqueId: record.id, owner, data: record.data };
  try {
    const [isAllowed] = await judge.judge("subscribe", [judged], { caller });
    return { refused: isAllowed === true ? null : (judge.explainRefusal?.(judged) ?? toFunctionRefusal(judge)) };
  } catch {
    return "unknown";
  }
}

function toFunctionRefusal({ lastRefusal }: RecordJudge): string {
  if (lastRefusal?.code === "access_function_failed") return "The access function failed on the record, which refuses it.";
  return lastRefusal ? `The access function refuses it: ${lastRefusal.message}` : "The access function refuses it.";
}
