/** Reads webhooks for their owner, as the management API shows them. */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { WebhookView } from "@/src/shared/management/webhooks";
import type { TokenAccess } from "../accounts/token-access";
import { requireOwnProject } from "../ownership";

interface WebhookRow {
  id: string;
  projectId: string;
  url: string;
  endpoints: string[] | null;
  operations: WebhookView["operations"];
  filter: string | null;
  state: WebhookView["state"];
  pausedReason: string | null;
  pausedDetail: string | null;
  previousSecretUntil: Date | null;
  lag: bigint;
  parked: bigint;
  isBlocked: boolean;
  lastTriedAt: Date | null;
  lastStatus: number | null;
  lastError: string | null;
  lastDeliveredAt: Date | null;
  createdAt: Date;
  createdBy: WebhookView["createdBy"];
  updatedAt: Date;
}

export type ReadingAccess = Pick<TokenAccess, "scope"> | null;

/** Returns the webhooks of a project, oldest first. Throws `not_found`. */
export async function listWebhooks({
  db,
  ownerId,
  projectId,
  access,
}: {
  db: Pick<Db, "project" | "$queryRaw">;
  ownerId: string;
  projectId: string;
  access: ReadingAccess;
}): Promise<WebhookView[]> {
  await requireOwnProject({ db, ownerId, projectId });
  return (await readRows(db, { ownerId, projectId, webhookId: null })).map((row) => toView(row, access));
}

/** Throws `not_found`. */
export async function readWebhook({
  db,
  ownerId,
  webhookId,
  access = null,
}: {
  db: Pick<Db, "$queryRaw">;
  ownerId: string;
  webhookId: string;
  access?: ReadingAccess;
}): Promise<WebhookView> {
  const [row] = await readRows(db, { ownerId, projectId: null, webhookId });
  if (!row) throw new AppError("not_found");
  return toView(row, access);
}

function readRows(
  db: Pick<Db, "$queryRaw">,
  { ownerId, projectId, webhookId }: { ownerId: string; projectId: string | null; webhookId: string | null },
): Promise<WebhookRow[]> {
  return db.$queryRaw<WebhookRow[]>`
    SELECT w.id, w."projectId", w.url, w.operations::text[] AS operations, w.filter, w.state::text AS state, w."pausedReason", w."pausedDetail",
      CASE WHEN w."previousSecretUntil" > clock_timestamp() THEN w."previousSecretUntil" END AS "previousSecretUntil", w."isBlocked",
      CASE WHEN NOT w."allEndpoints" THEN
        ARRAY(SELECT e.name FROM "Endpoint" e WHERE e.id = ANY (w."endpointIds") AND e."projectId" = w."projectId" ORDER BY e.name) END AS endpoints,
      (SELECT coalesce(sum(CASE WHEN p.epoch <> e.epoch THEN 1 ELSE greatest(e.seq - coalesce(p.seq, 0), 0) END), 0)::bigint
        FROM "Endpoint" e LEFT JOIN "WebhookPosition" p ON p."webhookId" = w.id AND p."endpointId" = e.id
        WHERE e."projectId" = w."projectId" AND (w."allEndpoints" OR e.id = ANY (w."endpointIds"))) AS lag,
      (SELECT count(*) FROM "WebhookDelivery" d WHERE d."webhookId" = w.id AND d.state IN ('retrying', 'waiting')) AS parked,
      w."lastTriedAt", w."lastStatus", w."lastError", w."lastDeliveredAt", w."createdAt", w."updatedAt",
      CASE WHEN creator.id IS NOT NULL THEN json_build_object('id', creator.id, 'name', creator.name) END AS "createdBy"
    FROM "Webhook" w JOIN "Project" project ON project.id = w."projectId" LEFT JOIN "User" creator ON creator.id = w."createdById"
    WHERE project."ownerId" = ${ownerId}::uuid AND (${projectId}::uuid IS NULL OR w."projectId" = ${projectId}::uuid)
      AND (${webhookId}::uuid IS NULL OR w.id = ${webhookId}::uuid)
    ORDER BY w."createdAt", w.id`;
}

/** The path of a URL can be a secret of the receiver, which a token that only reads must not get. */
function toView({ isBlocked, lag, parked, ...row }: WebhookRow, access: ReadingAccess): WebhookView {
  return {
    ...row,
    url: access?.scope === "read" ? `${new URL(row.url).origin}/…` : row.url,
    blocked: isBlocked && row.state === "active",
    lag: Number(lag),
    parked: Number(parked),
    previousSecretUntil: toTime(row.previousSecretUntil),
    lastTriedAt: toTime(row.lastTriedAt),
    lastDeliveredAt: toTime(row.lastDeliveredAt),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

function toTime(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
