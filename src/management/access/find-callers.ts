/** Finds the endpoint and the users for whom access is tried (A6). */

import { toUuid } from "@/src/core/records/unique-id";
import { type CompiledRules, compileRules } from "@/src/core/rules/compile-rules";
import type { RuleCaller } from "@/src/core/rules/rule-facts";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccessRulesInput } from "@/src/shared/management/access";
import { toDefaultRules, toHiddenFields } from "@/src/shared/rules/access-rules";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { toRulesView } from "./stored-rules";

export interface TriedEndpoint {
  projectId: string;
  kind: EndpointKind;
  secure: boolean;
  /** The rules of the endpoint, or those to try instead. Undefined: none. */
  rules: CompiledRules | undefined;
  /** The source of the access function. Null: none. */
  accessFunction: string | null;
  /** The rules of operations without a rule of their own. */
  defaults: CompiledRules;
}

/** `rules`: those to try; undefined: the stored ones. Throws `not_found` unless the endpoint is in a project of `ownerId`. */
export async function findTriedEndpoint({
  db,
  ownerId,
  endpointId,
  rules,
}: {
  db: Pick<Db, "endpoint">;
  ownerId: string;
  endpointId: string;
  rules: AccessRulesInput | null | undefined;
}): Promise<TriedEndpoint> {
  const row = await db.endpoint.findFirst({
    where: { id: endpointId, project: { ownerId } },
    select: {
      ...{ projectId: true, kind: true, secure: true, rules: true, accessFunction: true },
      ...{ othersCanRead: true, othersCanUpdate: true, othersCanDelete: true },
    },
  });
  if (row?.projectId == null) throw new AppError("not_found");
  const tried = rules === undefined ? toRulesView(row.rules) : rules;
  const hidden = toHiddenFields({ ...row, rules: tried });
  return {
    projectId: row.projectId,
    kind: row.kind,
    secure: row.secure,
    rules: tried === null && hidden.length === 0 ? undefined : compileRules(tried ?? {}, hidden),
    accessFunction: row.accessFunction,
    defaults: compileRules(toDefaultRules(row)),
  };
}

/** A user, with the authentication endpoint that it belongs to. */
export interface TriedUser {
  id: string;
  endpointId: string;
  name: string;
  /** The name of that endpoint. */
  endpoint: string;
  /** JSON text of its record. */
  data: string;
}

/** Returns those users of a project that have one of these ids, by id. */
export async function readTriedUsers({
  db,
  projectId,
  ids,
}: {
  db: Pick<Db, "$queryRaw">;
  projectId: string;
  ids: readonly (string | null)[];
}): Promise<Map<string, TriedUser>> {
  const uuids = ids.flatMap((id) => (id === null ? [] : [toUuid(id)]));
  const rows =
    uuids.length === 0
      ? []
      : await db.$queryRaw<TriedUser[]>`
        SELECT wire_id(u."id") AS "id", u."endpointId"::text AS "endpointId", u."name", e."name" AS "endpoint", r."data"::text AS "data"
        FROM "AppUser" u JOIN "Record" r ON r."id" = u."id" JOIN "Endpoint" e ON e."id" = u."endpointId"
        WHERE u."id" = ANY (${uuids}::uuid[]) AND e."projectId" = ${projectId}::uuid`;
  return new Map(rows.map((row) => [row.id, row]));
}

/** As `readTriedUsers`. Throws `fields_invalid` for the first id without a user; `field`: the path of the id at an index. */
export async function findTriedUsers({
  field,
  ...request
}: Parameters<typeof readTriedUsers>[0] & { field: (index: number) => string }): Promise<Map<string, TriedUser>> {
  const users = await readTriedUsers(request);
  const { ids } = request;
  const missing = ids.findIndex((id) => id !== null && !users.has(id));
  if (missing >= 0) throw new AppError("fields_invalid", { fields: { [field(missing)]: "The project has no user with this uniqueId." } });
  return users;
}

/** Why the endpoint refuses the user before any rule is asked. Undefined: it does not (S1, L4). */
export function findEndpointRefusal(
  { kind, secure }: Pick<TriedEndpoint, "kind" | "secure">,
  endpointId: string,
  operation: string,
  user: TriedUser | undefined,
): string | undefined {
  if (kind === "authentication") {
    if (operation === "create") return undefined;
    if (!user) return "An authentication endpoint needs an access token: 401 access_token_missing.";
    return user.endpointId === endpointId ? undefined : "The user belongs to another authentication endpoint: 401 access_token_invalid.";
  }
  return secure && !user ? "The endpoint is secure and needs an access token: 401 access_token_missing." : undefined;
}

export function toRuleCaller(user: TriedUser | undefined, keyScope: RuleCaller["keyScope"]): RuleCaller {
  return { user: user ? { id: user.id, endpoint: user.endpoint, data: user.data } : null, keyScope };
}
