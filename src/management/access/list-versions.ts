/** Lists the versions of an endpoint's access (A5). */
import type { Db } from "@/src/db/client";
import type { AccessVersions } from "@/src/shared/management/access";
import { requireOwnEndpoint } from "../ownership";
import { toRulesView } from "./stored-rules";

/** Returns the versions, newest first. Throws `not_found`. */
export async function listAccessVersions({
  db,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint" | "accessVersion">;
  ownerId: string;
  endpointId: string;
}): Promise<AccessVersions> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const rows = await db.accessVersion.findMany({
    where: { endpointId },
    orderBy: { number: "desc" },
    include: { author: { select: { id: true, name: true } } },
  });
  return {
    versions: rows.map(({ number, rules, accessFunction, author, createdAt }) => ({
      number,
      rules: toRulesView(rules),
      accessFunction,
      author,
      createdAt: createdAt.toISOString(),
    })),
  };
}
