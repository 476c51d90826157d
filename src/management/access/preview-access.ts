/** Counts how many of an endpoint's records users could read under some rules, before the rules are saved (A6). */
import { performance } from "node:perf_hooks";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { FunctionVerdicts } from "@/src/core/access-functions/function-verdicts";
import type { Clock } from "@/src/core/clock";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/records/record-search";
import { type AccessPreview, type AccessPreviewed, PREVIEW_RECORDS_MAX, PREVIEW_SAMPLE_MAX } from "@/src/shared/management/access";
import { type RecordRow, readRecordPage } from "../records/read-record-page";
import { parseRecordPageQuery, type RecordPlace } from "../records/record-query";
import { findEndpointRefusal, findTriedEndpoint, findTriedUsers, toRuleCaller } from "./find-callers";
import { requireFunction } from "./require-function";
import { trySample } from "./try-function";

/** The time limit of a preview, after which it returns what it has examined. */
const PREVIEW_MS = 2_000;
/** Records in one statement, which also has a limit of 4 Mi characters. */
const PAGE_RECORDS = 200;
/** The time after which the access function is not asked for another user, and the length of the records that are kept to ask it. */
const SAMPLE_MS = 5_000;
const SAMPLE_LENGTH_MAX = 2 * 1024 * 1024;
/** How many records are judged before other work runs. */
const STEP_RECORDS = 20;

/**
 * Examines the newest records, up to PREVIEW_RECORDS_MAX and for up to `previewMs`, but some of them in any case. The access function is asked about a sample: for each user, the newest
 * records that the rules allow, up to PREVIEW_SAMPLE_MAX. Throws `not_found` for the endpoint, `fields_invalid` for a user that does not exist and for a
 * function that is not valid, and what its evaluation throws (`server_busy`, `rate_limited`).
 */
export async function previewAccess({
  db,
  search,
  sandbox,
  verdicts,
  clock,
  ownerId,
  endpointId,
  input: { rules, accessFunction, users: ids },
  previewMs = PREVIEW_MS,
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  search: RecordSearch;
  sandbox: Pick<Sandbox, "checkFunction">;
  verdicts: FunctionVerdicts;
  clock: Clock;
  ownerId: string;
  endpointId: string;
  input: AccessPreview;
  previewMs?: number;
}): Promise<AccessPreviewed> {
  const start = performance.now();
  const endpoint = await findTriedEndpoint({ db, ownerId, endpointId, rules });
  const payer = toOwnerPath(ownerId, endpoint.projectId);
  if (typeof accessFunction === "string") await requireFunction({ sandbox, source: accessFunction, caller: payer });
  const source = accessFunction === undefined ? endpoint.accessFunction : accessFunction;
  const found = await findTriedUsers({ db, projectId: endpoint.projectId, ids, field: (index) => `users.${index}` });
  const readers = ids.map((id) => {
    const user = id === null ? undefined : found.get(id);
    const isRefused = findEndpointRefusal(endpoint, endpointId, "read", user) !== undefined;
    return { id, user, isRefused, caller: toRuleCaller(user, "read_write"), readable: 0, redacted: 0, sample: [] as RecordRow[] };
  });
  const kept = new Set<string>();
  let keptLength = 0;
  const rule = endpoint.rules?.rules.read ?? endpoint.defaults.rules.read;
  let examined = 0;
  let after: RecordPlace | null = null;
  let complete = false;
  // Not from the start: the check of the function can wait for its turn.
  const examinedFrom = performance.now();
  const isLate = () => performance.now() - examinedFrom >= previewMs;
  while (examined < PREVIEW_RECORDS_MAX && !complete && (examined === 0 || !isLate())) {
    const query = { ...parseRecordPageQuery(new URLSearchParams()), limit: Math.min(PAGE_RECORDS, PREVIEW_RECORDS_MAX - examined), after };
    const page = await readRecordPage({ search, accountId: ownerId, endpointId, query });
    let judged = 0;
    for (const record of page.rows) {
      if (judged > 0 && judged % STEP_RECORDS === 0) {
        await yieldToOthers();
        if (isLate()) break;
      }
      for (const reader of readers) {
        if (reader.isRefused || rule?.isMet({ record, caller: reader.caller }) !== true) continue;
        reader.readable += 1;
        if (source !== null && reader.sample.length < PREVIEW_SAMPLE_MAX && (kept.has(record.uniqueId) || keptLength < SAMPLE_LENGTH_MAX)) {
          reader.sample.push(record);
          // Records of several samples are kept once.
          if (!kept.has(record.uniqueId)) keptLength += record.data.length;
          kept.add(record.uniqueId);
        }
        if (endpoint.rules && endpoint.rules.redact(record, reader.caller) !== record.data) reader.redacted += 1;
      }
      judged += 1;
    }
    examined += judged;
    complete = judged === page.rows.length && page.next === null;
    after = page.next;
    if (judged < page.rows.length) break;
  }
  const sampledFrom = performance.now();
  const users: AccessPreviewed["users"] = [];
  for (const { id, user, readable, redacted, sample } of readers) {
    const records = performance.now() - sampledFrom < SAMPLE_MS ? sample : [];
    const asked =
      source === null
        ? null
        : await trySample({ verdicts, clock, source, endpointId, projectId: endpoint.projectId, caller: payer, user, records });
    users.push({ user: id, readable, redacted, sample: asked });
  }
  return {
    examined,
    complete,
    users,
    millis: Math.round((performance.now() - start) * 1000) / 1000,
  };
}
