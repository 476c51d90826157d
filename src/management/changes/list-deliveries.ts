/** Lists the open streams of an endpoint with a verdict for one of its changes: delivered or not, and why (G17). */
import { type CallerPath, toOwnerPath } from "@/src/core/access/caller-path";
import type { RecordJudges } from "@/src/core/access/record-judge";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Change } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import { toUuid } from "@/src/core/records/unique-id";
import type { Sandbox } from "@/src/core/sandbox";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { CONNECTIONS_LIMIT_MAX, type Deliveries } from "@/src/shared/management/schemas";
import { readOpenStreams, toConnectionView } from "../connections/connections";
import { requireOwnEndpoint } from "../ownership";
import { judgeDelivery } from "./judge-delivery";
import { judgeStreams } from "./judge-streams";

/** The number of different filters that are evaluated. The verdict of further ones is unknown. */
const FILTERS_MAX = 16;

/** Throws `not_found`, also for a change that the log no longer keeps. */
export async function listDeliveries({
  db,
  changes,
  sandbox,
  judges,
  definitions,
  ownerId,
  endpointId,
  seq,
}: {
  db: Pick<Db, "endpoint" | "appUser" | "$queryRaw">;
  changes: Pick<ChangeLog, "read">;
  sandbox: Pick<Sandbox, "filter">;
  judges: RecordJudges;
  definitions: Pick<Definitions, "findEndpoint">;
  ownerId: string;
  endpointId: string;
  /** As sent in the path. */
  seq: string;
}): Promise<Deliveries> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const change = await readChange({ changes, endpointId, seq });
  const rows = await readOpenStreams({ db, projectId, endpointId, limit: CONNECTIONS_LIMIT_MAX });
  const ownerName = change.owner === null ? undefined : await readName(db, change.owner);
  const caller = toOwnerPath(ownerId, projectId);
  const rules = await judgeStreams({ judges, definitions, endpointId, change, caller, rows });
  const verdicts = await judgeFilters({
    sandbox,
    change,
    caller,
    filters: rows.map(({ filter }) => filter),
  });
  const owner = change.owner === null ? undefined : { id: change.owner, name: ownerName };
  return {
    at: change.at,
    owner: ownerName ?? change.owner,
    streams: rows.map((row) => ({
      ...toConnectionView(row),
      ...judgeDelivery(
        { seq: change.seq, owner },
        {
          openedSeq: Number(row.openedSeq),
          isResumable: row.isResumable,
          onlyOwner: row.onlyOwner ?? undefined,
          rules: rules.get(row.id),
          filter: row.filter === null ? undefined : (verdicts.get(row.filter) ?? "unknown"),
          replayedTo: row.replayedTo === null ? undefined : Number(row.replayedTo),
        },
      ),
    })),
    total: Number(rows[0]?.total ?? 0),
  };
}

async function readChange({
  changes,
  endpointId,
  seq,
}: {
  changes: Pick<ChangeLog, "read">;
  endpointId: string;
  seq: string;
}): Promise<Change> {
  if (!/^\d{1,15}$/.test(seq)) throw new AppError("not_found");
  const [change] = await changes.read(endpointId, Number(seq) - 1, 1);
  if (change?.seq !== Number(seq)) throw new AppError("not_found");
  return change;
}

/** Returns the name that a user logs in with, or undefined if the user was deleted. */
async function readName(db: Pick<Db, "appUser">, id: string): Promise<string | undefined> {
  return (await db.appUser.findUnique({ where: { id: toUuid(id) }, select: { name: true } }))?.name;
}

/** Returns for each expression whether it matches the record, or undefined if that is unknown. */
async function judgeFilters(options: {
  sandbox: Pick<Sandbox, "filter">;
  change: Change;
  caller: CallerPath;
  filters: readonly (string | null)[];
}): Promise<Map<string, boolean | undefined>> {
  const { sandbox, change, caller, filters } = options;
  const text = toRecordText(change.record);
  const judge = async (expression: string): Promise<[string, boolean | undefined]> => {
    const [isTrue] = await sandbox.filter(expression, [text], { caller }).catch(() => []);
    return [expression, isTrue];
  };
  const expressions = [...new Set(filters)].filter((filter) => filter !== null).slice(0, FILTERS_MAX);
  return new Map(await Promise.all(expressions.map(judge)));
}
