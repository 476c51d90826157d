/** What a management token may do (G21): it reads or writes, in all projects of its account or in some. */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { TokenScope } from "@/src/shared/management/schemas";

export interface TokenAccess {
  scope: TokenScope;
  /** The projects that it is limited to; null: all of its account. */
  projectIds: readonly string[] | null;
  /** When it ends by itself; null: never. */
  expiresAt: Date | null;
}

/** These carry a body, or issue a ticket, but change nothing. */
const READING_POST = /^endpoints\/[^/]+\/(?:export|schema-check|stream-ticket)$/;

/**
 * Throws `token_scope_insufficient` unless the token may send such a request, and `not_found` for what is in a project that it is not for, as for
 * what belongs to another account. `path`: behind `/api/manage/`; `id`: the path's id, if it has one.
 */
export async function requireTokenAccess({
  db,
  access: { scope, projectIds },
  method,
  path,
  id,
}: {
  db: Pick<Db, "endpoint" | "apiKey" | "openStream">;
  access: Pick<TokenAccess, "scope" | "projectIds">;
  method: string;
  path: string;
  id: string;
}): Promise<void> {
  const isRead = method === "GET" || method === "HEAD" || (method === "POST" && READING_POST.test(path));
  if (scope === "read" && !isRead) throw refuse("This token can only read. Use one with the scope write.");
  if (projectIds === null) return;
  const [area] = path.split("/");
  // Its own account's name and address; never what would make it stronger. The list of projects is short by what it is not for.
  if ((path === "account" || path === "projects") && isRead) return;
  if (id === "" || area === "account") throw refuse("This token is limited to some projects. Use one for all projects.");
  const projectId = await findProject(db, area, id);
  if (projectId === null || !projectIds.includes(projectId)) throw new AppError("not_found");
}

/** The project that the path's id belongs to; null: nothing has the id, or it is in no project. */
async function findProject(
  db: Pick<Db, "endpoint" | "apiKey" | "openStream">,
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
