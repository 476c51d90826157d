/** Reads the usage of projects, which the database counts with every write, and the projects' own quotas. */
import type { CountedUsage, UsageStore } from "@/src/core/limits/quotas";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";
import { QUOTA_NAMES, type QuotaName } from "@/src/shared/management/quotas";

const SELECT = `SELECT p.id::text AS "projectId", p.quotas::text AS own, count(e.id)::text AS endpoints,
  coalesce(sum(e."recordCount"), 0)::text AS records, coalesce(sum(e."recordBytes"), 0)::text AS "recordBytes",
  coalesce(sum(e."fileBytes"), 0)::text AS "fileBytes", coalesce(sum(e."answerBytes"), 0)::text AS "answerBytes",
  coalesce(sum(e."recordCount") FILTER (WHERE e.kind = 'authentication'), 0)::text AS users
  FROM "Project" p LEFT JOIN "Endpoint" e ON e."projectId" = p.id`;

const READ = nameStatement("rested_read_usage", `${SELECT} WHERE p.id = ANY ($1::uuid[]) GROUP BY p.id`);

const FIND = nameStatement(
  "rested_find_usage",
  `${SELECT} WHERE p.id = (SELECT "projectId" FROM "Endpoint" WHERE id = $1::uuid) GROUP BY p.id`,
);

type Row = { projectId: string; own: string } & Record<QuotaName, string>;

export function createUsageStore({ db }: { db: Pick<RawStatements, "$queryRawUnsafe"> }): UsageStore {
  return {
    async findByEndpoint(endpointId) {
      const [row] = await db.$queryRawUnsafe<Row[]>(FIND, endpointId);
      return row && toUsage(row);
    },
    async read(projectIds) {
      return (await db.$queryRawUnsafe<Row[]>(READ, projectIds)).map(toUsage);
    },
  };
}

function toUsage({ projectId, own, ...counted }: Row): CountedUsage {
  const used: Record<QuotaName, number> = {
    records: Number(counted.records),
    recordBytes: Number(counted.recordBytes),
    fileBytes: Number(counted.fileBytes),
    users: Number(counted.users),
    endpoints: Number(counted.endpoints),
    answerBytes: Number(counted.answerBytes),
  };
  return { projectId, used, own: readOwn(own) };
}

/** Ignores unknown names and values that are not numbers. */
export function readOwn(quotas: string): Partial<Record<QuotaName, number>> {
  const parsed: unknown = JSON.parse(quotas);
  if (typeof parsed !== "object" || parsed === null) return {};
  const own: Partial<Record<QuotaName, number>> = {};
  for (const name of QUOTA_NAMES) {
    const value: unknown = Reflect.get(parsed, name);
    if (typeof value === "number") own[name] = value;
  }
  return own;
}
