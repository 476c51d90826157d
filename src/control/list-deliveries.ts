/** Tells who of those who listen to an endpoint now gets one of its changes, and who does not, and why (G17). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { CONNECTIONS_LIMIT_MAX, type Deliveries } from "@/src/shared/management";
import { type JudgedChange, judgeDelivery } from "./judge-delivery";
import { toConnectionView } from "./list-connections";
import { readOpenStreams } from "./read-open-streams";
import { requireOwnEndpoint } from "./require-own-endpoint";

/** Raises `not_found`, also for a change that the log no longer keeps. */
export async function listDeliveries({
  db,
  ownerId,
  endpointId,
  seq,
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  ownerId: string;
  endpointId: string;
  /** As it stands in the path. */
  seq: string;
}): Promise<Deliveries> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const change = /^\d{1,15}$/.test(seq) ? await readChange(db, endpointId, Number(seq)) : undefined;
  if (!change) throw new AppError("not_found");
  const rows = await readOpenStreams({ db, projectId, endpointId, limit: CONNECTIONS_LIMIT_MAX });
  return {
    at: change.at.toISOString(),
    owner: change.owner?.name ?? change.owner?.id ?? null,
    streams: rows.map((row) => ({
      ...toConnectionView(row),
      ...judgeDelivery(change, {
        openedSeq: Number(row.openedSeq),
        isResumable: row.isResumable,
        onlyOwner: row.onlyOwner ?? undefined,
        replayedTo: row.replayedTo === null ? undefined : Number(row.replayedTo),
      }),
    })),
    total: Number(rows[0]?.total ?? 0),
  };
}

async function readChange(db: Pick<Db, "$queryRaw">, endpointId: string, seq: number): Promise<(JudgedChange & { at: Date }) | undefined> {
  const [row] = await db.$queryRaw<{ at: Date; owner: string | null; name: string | null }[]>`
    SELECT c."at", replace(c."ownerId"::text, '-', '') AS "owner", u."name"
    FROM "Change" c LEFT JOIN "AppUser" u ON u."id" = c."ownerId"
    WHERE c."endpointId" = ${endpointId}::uuid AND c."seq" = ${seq}::bigint`;
  if (!row) return undefined;
  return { seq, at: row.at, owner: row.owner === null ? undefined : { id: row.owner, name: row.name ?? undefined } };
}
