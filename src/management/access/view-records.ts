/** Shows an endpoint's records as one of its callers reads them (A7). */
import { toJudgeRequest } from "@/src/core/access/access-checks";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { RecordJudges } from "@/src/core/access/record-judge";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/records/record-search";
import { AppError, isAppError } from "@/src/shared/errors";
import { ANONYMOUS } from "@/src/shared/record-limits";
import { formatCursor } from "@/src/shared/streams/cursor";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { readLogPosition } from "../changes/list-changes";
import { requireOwnEndpoint } from "../ownership";
import { type JudgedPage, readJudgedPage } from "../records/judged-page";
import { toGridRecordText, toNextText } from "../records/read-record-page";
import type { RecordPageQuery } from "../records/record-query";
import { findEndpointRefusal, readTriedUsers, type TriedUser } from "./find-callers";

/** The key for access functions: as in access-check, one without a name that may do everything. */
const VIEWING_KEY = { id: "", name: "", scope: "read_write", expiresAt: null, revokedAt: null } as const;

/**
 * Returns the JSON text of a page (see viewedPageSchema). `viewAs`: the uniqueId of a user of the project, or `anonymous`. Throws `not_found`,
 * `parameter_invalid` for `viewAs` and if the query takes too long, and what the evaluation of an access function throws (`server_busy`, `rate_limited`).
 */
export async function viewRecords({
  db,
  changes,
  search,
  judges,
  definitions,
  ownerId,
  endpointId,
  query,
  viewAs,
  limits = {},
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  changes: Pick<ChangeLog, "positions">;
  search: RecordSearch;
  judges: RecordJudges;
  definitions: Pick<Definitions, "findEndpoint">;
  ownerId: string;
  endpointId: string;
  query: RecordPageQuery;
  viewAs: string;
  /** Of a page. */
  limits?: { charactersMax?: number; examinedMax?: number };
}): Promise<string> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const user = await findViewer(db, projectId, viewAs);
  const resolved = await definitions.findEndpoint(endpointId);
  if (resolved?.project.ownerId !== ownerId) throw new AppError("not_found");
  const position = await readLogPosition(changes, endpointId);
  const refused = findEndpointRefusal(resolved.endpoint, endpointId, "read", user) ?? null;
  let page: JudgedPage = { rows: [], next: null };
  if (refused === null) {
    const request = toJudgeRequest(
      { ...resolved, key: VIEWING_KEY },
      user ? { id: user.id, endpointId: user.endpointId } : null,
      undefined,
    );
    const judge = await Promise.resolve(judges.find(request)).catch((error: unknown) => {
      // The user was deleted meanwhile. The error of the data plane would end the sign-in of the dashboard.
      throw isAppError(error) && error.code === "access_token_invalid" ? createUnknown() : error;
    });
    const caller = toOwnerPath(ownerId, projectId);
    page = await readJudgedPage({ search, accountId: ownerId, caller, endpointId, judge, query, ...limits });
  }
  const viewedAs = JSON.stringify({ user: user ? { uniqueId: user.id, name: user.name } : null, refused });
  const records = page.rows.map(toGridRecordText).join(",");
  return `{"records":[${records}],"next":${toNextText(page.next)},"since":"${formatCursor(position)}","viewedAs":${viewedAs}}`;
}

/** Undefined: nobody. */
async function findViewer(db: Pick<Db, "$queryRaw">, projectId: string, viewAs: string): Promise<TriedUser | undefined> {
  if (viewAs === ANONYMOUS) return undefined;
  if (!isUniqueId(viewAs)) throw createInvalid(`Use the uniqueId of a user (32 lowercase hex digits), or ${ANONYMOUS}.`);
  const user = (await readTriedUsers({ db, projectId, ids: [viewAs] })).get(viewAs);
  if (!user) throw createUnknown();
  return user;
}

function createUnknown(): AppError {
  return createInvalid("The project has no user with this uniqueId.");
}

function createInvalid(message: string): AppError {
  return new AppError("parameter_invalid", { detail: `viewAs: ${message}`, fields: { viewAs: message } });
}
