/** Stores the access rules of endpoints with their versions (A5). */
import type { Db } from "@/src/db/client";
import type { AccessRulesInput, StoredRules } from "@/src/shared/management/access";
import { ACCESS_VERSIONS_MAX } from "@/src/shared/management/access";

/** The rules in the form in which they are stored and shown. Null if there is not one. */
export function toStoredRules(rules: AccessRulesInput | null): StoredRules | null {
  if (rules === null) return null;
  const { read = null, create = null, update = null, delete: remove = null, hide } = rules;
  const stored: StoredRules = { read, create, update, delete: remove, hide: hide ?? [] };
  const isEmpty = [read, create, update, remove].every((rule) => rule === null) && stored.hide.length === 0;
  return isEmpty ? null : stored;
}

/** The rules of a row, which only this file writes. Members that are absent are null. */
export function toRulesView(rules: unknown): StoredRules | null {
  if (typeof rules !== "object" || rules === null) return null;
  const text = (name: string): string | null => {
    const value = Object.entries(rules).find(([key]) => key === name)?.[1];
    return typeof value === "string" ? value : null;
  };
  const hide = "hide" in rules && Array.isArray(rules.hide) ? rules.hide.filter((entry) => typeof entry === "string") : [];
  return { read: text("read"), create: text("create"), update: text("update"), delete: text("delete"), hide };
}

/** Stores the rules of an endpoint. A statement of its own, because the Prisma client would store null as JSON null instead of SQL NULL. */
export async function storeRules({
  tx,
  endpointId,
  rules,
}: {
  tx: Pick<Db, "$executeRaw">;
  endpointId: string;
  rules: StoredRules | null;
}): Promise<void> {
  const text = rules && JSON.stringify(rules);
  await tx.$executeRaw`
    UPDATE "Endpoint" SET "rules" = ${text}::json, "updatedAt" = now()
    WHERE "id" = ${endpointId}::uuid AND "rules"::text IS DISTINCT FROM ${text}::text`;
}

/**
 * Stores the rules and the access function of an endpoint as its newest version if they differ from the one before, and deletes the oldest versions. Call
 * it in the transaction of the change, which has locked the endpoint's row if there was one.
 */
export async function storeAccessVersion({
  tx,
  endpointId,
  authorId,
}: {
  tx: Pick<Db, "$executeRaw">;
  endpointId: string;
  authorId: string;
}): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO "AccessVersion" ("endpointId", "number", "rules", "accessFunction", "authorId")
    SELECT e."id", coalesce(v."number", 0) + 1, e."rules", e."accessFunction", ${authorId}::uuid
    FROM "Endpoint" e
    LEFT JOIN LATERAL (SELECT * FROM "AccessVersion" v WHERE v."endpointId" = e."id" ORDER BY v."number" DESC LIMIT 1) v ON true
    WHERE e."id" = ${endpointId}::uuid
      AND (e."rules"::text IS DISTINCT FROM v."rules"::text OR e."accessFunction" IS DISTINCT FROM v."accessFunction")`;
  await tx.$executeRaw`
    DELETE FROM "AccessVersion" WHERE "endpointId" = ${endpointId}::uuid
      AND "number" <= (SELECT max("number") FROM "AccessVersion" WHERE "endpointId" = ${endpointId}::uuid) - ${ACCESS_VERSIONS_MAX}`;
}
