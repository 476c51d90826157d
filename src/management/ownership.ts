/** Checks that a project or an endpoint belongs to the account. Everything else is `not_found`, so that ids cannot be probed. */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { toUserEmailSettings, type UserEmailSettings } from "@/src/shared/management/user-emails";
import type { EndpointKind } from "@/src/shared/streams/protocol";

/** Throws `not_found` unless the project exists and belongs to `ownerId`. */
export async function requireOwnProject({
  db,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project">;
  ownerId: string;
  projectId: string;
}): Promise<void> {
  const row = await db.project.findFirst({ where: { id: projectId, ownerId }, select: { id: true } });
  if (!row) throw new AppError("not_found");
}

export interface OwnEndpoint {
  id: string;
  name: string;
  projectId: string;
  /** The epoch of the log, which is part of every cursor. */
  epoch: string;
}

/** Throws `not_found` unless the endpoint exists and is in a project of `ownerId`. */
export async function requireOwnEndpoint({
  db,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint">;
  ownerId: string;
  endpointId: string;
}): Promise<OwnEndpoint> {
  const row = await db.endpoint.findFirst({
    where: { id: endpointId, project: { ownerId } },
    select: { id: true, name: true, projectId: true, epoch: true },
  });
  if (row?.projectId == null) throw new AppError("not_found");
  return { ...row, projectId: row.projectId };
}

export interface OwnTarget {
  projectId: string;
  kind: EndpointKind;
  /** The JSON text of the schema that records must match (R10). Null: none. */
  schema: string | null;
  /** Which e-mails the users of an authentication endpoint receive (L10). Absent: the defaults. */
  emails?: UserEmailSettings | undefined;
}

/** Throws `not_found` unless the endpoint exists and is in a project of `ownerId`. */
export async function requireOwnTarget({
  db,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint">;
  ownerId: string;
  endpointId: string;
}): Promise<OwnTarget> {
  const row = await db.endpoint.findFirst({
    where: { id: endpointId, project: { ownerId } },
    select: { projectId: true, kind: true, schema: true, userEmails: true },
  });
  if (row?.projectId == null) throw new AppError("not_found");
  const { projectId, kind, schema, userEmails } = row;
  return { projectId, kind, schema: schema === null ? null : JSON.stringify(schema), emails: toUserEmailSettings(userEmails) };
}
