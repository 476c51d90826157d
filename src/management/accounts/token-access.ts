/** Access of management tokens (G21): scope `read` or `write`, in all projects of the account or in some of them. */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { TokenScope } from "@/src/shared/management/schemas";

export interface TokenAccess {
  scope: TokenScope;
  /** The projects that the token is limited to. Null: all projects of the account. */
  projectIds: readonly string[] | null;
  /** When the token expires. Null: never. */
  expiresAt: Date | null;
}

/** These operations use POST but change nothing. */
const READING_POST =
  /^endpoints\/[^/]+\/(?:access-check|access-preview|export|records\/update\/preview|schema-check|stream-ticket|user-emails\/preview)$/;

/**
 * Throws `token_scope_insufficient` if the token may not send such a request, and `not_found` if the resource is in a project outside of the
 * token's list, as for resources of other accounts. `path` is the part after `/api/manage/`; `id` is the path's id, if it has one.
 */
export async function requireTokenAccess({
  db,
  access: { scope, projectIds },
  method,
  path,
  id,
}: {
  db: Pick<Db, "endpoint" | "apiKey" | "openStream" | "webhook">;
  access: Pick<TokenAccess, "scope" | "projectIds">;
  method: string;
  path: string;
  id: string;
}): Promise<void> {
  const isRead = method === "GET" || method === "HEAD" || (method === "POST" && READING_POST.test(path));
  if (scope === "read" && !isRead) throw refuse("This token can only read. Use one with the scope write.");
  if (projectIds === null) return;
  const [area] = path.split("/");
  // A limited token may read its account's name and address, but nothing that would widen its access. The list of projects leaves out the others.
  if ((path === "account" || path === "projects" || path === "projects/traffic") && isRead) return;
  if (id === "" || area === "account") throw refuse("This token is limited to some projects. Use one for all projects.");
  const projectId = await findProject(db, area, id);
  if (projectId === null || !projectIds.includes(projectId)) throw new AppError("not_found");
}

/** Returns the project that the path's id belongs to, or null if the id is unknown or belongs to no project. */
async function findProject(
  db: Pick<Db, "endpoint" | "apiKey" | "openStream" | "webhook">,
  area: string | undefined,
  id: string,
): Promise<string | null> {
  const select = { projectId: true } as const;
  switch (area) {
    case "projects":
      return id;
    case "endpoints":
      return (await db.endpoint.findUnique({ where: { id }, select }))?.projectId ?? null;
    case "keys":
      return (await db.apiKey.findUnique({ where: { id }, select }))?.projectId ?? null;
    case "webhooks":
      return (await db.webhook.findUnique({ where: { id }, select }))?.projectId ?? null;
    case "connections": {
      const stream = await db.openStream.findUnique({ where: { id }, select: { endpointId: true } });
      return stream && findProject(db, "endpoints", stream.endpointId);
    }
    default:
      return null;
  }
}

function refuse(detail: string): AppError {
  return new AppError("token_scope_insufficient", { detail });
}
