/** Creates a webhook, and rotates its secret (H1, H6). */
import { randomUUID } from "node:crypto";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Clock } from "@/src/core/clock";
import type { Sandbox } from "@/src/core/sandbox";
import type { SecretBox } from "@/src/core/secrets/secret-box";
import type { ChangeLog } from "@/src/core/streams/ports";
import { createWebhookSecret, toSecretPurpose } from "@/src/core/webhooks/signature";
import type { Db, DbTransaction } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import {
  WEBHOOKS_PER_ACCOUNT_MAX,
  WEBHOOKS_PER_PROJECT_MAX,
  type WebhookCreate,
  type WebhookWithSecret,
} from "@/src/shared/management/webhooks";
import { CHANGE_TYPES } from "@/src/shared/streams/protocol";
import { requireOwnProject } from "../ownership";
import { readWebhook } from "./own-webhook";
import { findStartPositions, type StartPosition } from "./start-positions";
import { findEndpoints } from "./webhook-endpoints";

/** Checks what the schema cannot: the address by the server's settings, and the filter by its interpreter. */
export interface WebhookChecks {
  sandbox: Pick<Sandbox, "filter">;
  /** Describes what is wrong with an address. Undefined: nothing. */
  findUrlProblem: (url: string) => string | undefined;
}

/** Throws `fields_invalid` for the address, and `jsonata_invalid`, `jsonata_limit` or `server_busy` for the filter. */
export async function checkWebhook(
  { sandbox, findUrlProblem }: WebhookChecks,
  { url, filter, ownerId, projectId }: { url: string | undefined; filter: string | null | undefined; ownerId: string; projectId: string },
): Promise<void> {
  const problem = url === undefined ? undefined : findUrlProblem(url);
  if (problem !== undefined)
    throw new AppError("fields_invalid", { detail: `Some fields are not valid. url: ${problem}`, fields: { url: problem } });
  if (filter != null) await sandbox.filter(filter, [], { caller: toOwnerPath(ownerId, projectId) });
}

/** Returns the webhook with its secret, which is shown only here. Throws `not_found`, `quota_exceeded`, and what {@link checkWebhook} throws. */
export async function createWebhook({
  db,
  changes,
  clock,
  secrets,
  checks,
  ownerId,
  creatorId,
  projectId,
  input,
}: {
  db: Pick<Db, "project" | "endpoint" | "$queryRaw" | "$transaction">;
  changes: Pick<ChangeLog, "positions">;
  clock: Clock;
  secrets: Pick<SecretBox, "seal">;
  checks: WebhookChecks;
  ownerId: string;
  /** The account that sends the request. */
  creatorId: string;
  projectId: string;
  input: WebhookCreate;
}): Promise<WebhookWithSecret> {
  await requireOwnProject({ db, ownerId, projectId });
  const { url, endpoints: names = null, operations = [...CHANGE_TYPES], filter = null, from = "now" } = input;
  await checkWebhook(checks, { url, filter, ownerId, projectId });
  const endpoints = await findEndpoints(db, projectId, names);
  const positions = await findStartPositions({ db, changes, clock, endpoints, from });
  // A cursor is of one endpoint. The others begin now.
  const chosen = new Set(positions.map(({ endpointId }) => endpointId));
  const others = endpoints.filter(({ id }) => !chosen.has(id));
  const rest = others.length === 0 ? [] : await findStartPositions({ db, changes, clock, endpoints: others, from: "now" });
  const id = randomUUID();
  const secret = createWebhookSecret();
  await db.$transaction(async (tx) => {
    await requireRoom(tx, ownerId, projectId);
    const endpointIds = names === null ? [] : endpoints.map((endpoint) => endpoint.id);
    const sealed = secrets.seal(toSecretPurpose(id), secret);
    await tx.webhook.create({
      data: { id, projectId, url, allEndpoints: names === null, endpointIds, operations, filter, secret: sealed, createdById: creatorId },
    });
    await writePositions(tx, id, [...positions, ...rest]);
  });
  return { ...(await readWebhook({ db, ownerId, webhookId: id })), secret };
}

/** Locks the account's row, so that the numbers are exact. */
async function requireRoom(tx: Pick<DbTransaction, "webhook" | "$queryRaw">, ownerId: string, projectId: string): Promise<void> {
  const [project] = await tx.$queryRaw<object[]>`
    SELECT 1 FROM "User" u JOIN "Project" p ON p."ownerId" = u.id WHERE u.id = ${ownerId}::uuid AND p.id = ${projectId}::uuid FOR NO KEY UPDATE OF u`;
  if (!project) throw new AppError("not_found");
  if ((await tx.webhook.count({ where: { projectId } })) >= WEBHOOKS_PER_PROJECT_MAX)
    throw new AppError("quota_exceeded", {
      detail: `This project has ${WEBHOOKS_PER_PROJECT_MAX} webhooks, which is the limit. Delete one first.`,
    });
  if ((await tx.webhook.count({ where: { project: { ownerId } } })) >= WEBHOOKS_PER_ACCOUNT_MAX)
    throw new AppError("quota_exceeded", {
      detail: `Your projects have ${WEBHOOKS_PER_ACCOUNT_MAX} webhooks, which is the limit. Delete one first.`,
    });
}

/** Moves a webhook to these places. */
export async function writePositions(
  tx: Pick<DbTransaction, "$executeRaw">,
  webhookId: string,
  positions: readonly StartPosition[],
): Promise<void> {
  const rows = JSON.stringify(positions.map((position) => ({ ...position, seq: String(position.seq) })));
  await tx.$executeRaw`
    INSERT INTO "WebhookPosition" ("webhookId", "endpointId", epoch, seq, proof)
    SELECT ${webhookId}::uuid, r."endpointId", r.epoch, r.seq, r.proof
    FROM json_to_recordset(${rows}::json) AS r("endpointId" uuid, epoch uuid, seq bigint, proof text)
    ON CONFLICT ("webhookId", "endpointId") DO UPDATE SET epoch = EXCLUDED.epoch, seq = EXCLUDED.seq, proof = EXCLUDED.proof, "movedAt" = now()`;
}

/**
 * Returns the webhook with its new secret, which is shown only here. For `graceSeconds`, deliveries are signed with the previous secret too. One that was
 * rotated before and is still in its grace period is dropped: there are at most two. Throws `not_found`.
 */
export async function rotateSecret({
  db,
  clock,
  secrets,
  ownerId,
  webhookId,
  graceSeconds,
}: {
  db: Pick<Db, "$queryRaw" | "$transaction">;
  clock: Clock;
  secrets: Pick<SecretBox, "seal">;
  ownerId: string;
  webhookId: string;
  graceSeconds: number;
}): Promise<WebhookWithSecret> {
  const secret = createWebhookSecret();
  const sealed = secrets.seal(toSecretPurpose(webhookId), secret);
  const until = new Date(clock.now().getTime() + graceSeconds * 1000);
  const count = await db.$transaction(
    (tx) => tx.$executeRaw`
      UPDATE "Webhook" w SET secret = ${sealed}::bytea, "previousSecret" = CASE WHEN ${graceSeconds}::int > 0 THEN w.secret END,
        "previousSecretUntil" = CASE WHEN ${graceSeconds}::int > 0 THEN ${until}::timestamptz END, revision = w.revision + 1, "updatedAt" = now()
      FROM "Project" p WHERE w.id = ${webhookId}::uuid AND p.id = w."projectId" AND p."ownerId" = ${ownerId}::uuid`,
  );
  if (count === 0) throw new AppError("not_found");
  return { ...(await readWebhook({ db, ownerId, webhookId })), secret };
}
