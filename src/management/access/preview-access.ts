/** Counts how many of an endpoint's records users could read under some rules, before the rules are saved (A6). */
import { performance } from "node:perf_hooks";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/records/record-search";
import { type AccessPreview, type AccessPreviewed, PREVIEW_RECORDS_MAX } from "@/src/shared/management/access";
import { readRecordPage } from "../records/read-record-page";
import { parseRecordPageQuery, type RecordPlace } from "../records/record-query";
import { findEndpointRefusal, findTriedEndpoint, findTriedUsers, toRuleCaller } from "./find-callers";

/** The time limit of a preview, after which it returns what it has examined. */
const PREVIEW_MS = 2_000;
/** Records in one statement, which also has a limit of 4 Mi characters. */
const PAGE_RECORDS = 200;
/** How many records are judged before other work runs. */
const STEP_RECORDS = 20;

/**
 * Examines the newest records, up to PREVIEW_RECORDS_MAX and for up to `previewMs`. Throws `not_found` for the endpoint, `fields_invalid` for a user that
 * does not exist, and `server_busy`.
 */
export async function previewAccess({
  db,
  search,
  ownerId,
  endpointId,
  input: { rules, users: ids },
  previewMs = PREVIEW_MS,
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  search: RecordSearch;
  ownerId: string;
  endpointId: string;
  input: AccessPreview;
  previewMs?: number;
}): Promise<AccessPreviewed> {
  const start = performance.now();
  const endpoint = await findTriedEndpoint({ db, ownerId, endpointId, rules });
  const found = await findTriedUsers({ db, projectId: endpoint.projectId, ids, field: (index) => `users.${index}` });
  const readers = ids.map((id) => {
    const user = id === null ? undefined : found.get(id);
    const isRefused = findEndpointRefusal(endpoint, endpointId, "read", user) !== undefined;
    return { user: id, isRefused, caller: toRuleCaller(user, "read_write"), readable: 0, redacted: 0 };
  });
  const rule = endpoint.rules?.rules.read ?? endpoint.defaults.rules.read;
  let examined = 0;
  let after: RecordPlace | null = null;
  let complete = false;
  while (examined < PREVIEW_RECORDS_MAX && !complete && performance.now() - start < previewMs) {
    const query = { ...parseRecordPageQuery(new URLSearchParams()), limit: Math.min(PAGE_RECORDS, PREVIEW_RECORDS_MAX - examined), after };
    const page = await readRecordPage({ search, accountId: ownerId, endpointId, query });
    let judged = 0;
    for (const record of page.rows) {
      if (judged > 0 && judged % STEP_RECORDS === 0) {
        await yieldToOthers();
        if (performance.now() - start >= previewMs) break;
      }
      for (const reader of readers) {
        if (reader.isRefused || rule?.isMet({ record, caller: reader.caller }) !== true) continue;
        reader.readable += 1;
        if (endpoint.rules && endpoint.rules.redact(record, reader.caller) !== record.data) reader.redacted += 1;
      }
      judged += 1;
    }
    examined += judged;
    complete = judged === page.rows.length && page.next === null;
    after = page.next;
    if (judged < page.rows.length) break;
  }
  return {
    examined,
    complete,
    users: readers.map(({ user, readable, redacted }) => ({ user, readable, redacted })),
    millis: Math.round((performance.now() - start) * 1000) / 1000,
  };
}
