/** Executes the finds of access functions (S8): records of the project's endpoints, as the project's owner reads them. */
import * as z from "zod/mini";
import { FUNCTION_FOUND_BYTES_MAX, FUNCTION_FOUND_RECORDS_MAX } from "@/src/core/access-functions/limits";
import type { FoundRecords, RecordFinder } from "@/src/core/access-functions/ports";
import type { Read } from "@/src/db/read";
import type { RecordSearch } from "@/src/db/records/record-search";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { FILTERS_MAX, parseRecordFilter, type RecordFilter } from "@/src/shared/streams/record-filter";
import { endpointNameProblem } from "@/src/shared/text/names";
import { isTimeout } from "../search/query-errors";
import { toPageStatement } from "./record-query";

/** The time limit of one search. */
const STATEMENT_MS = 2_000;
/** The maximum number of finds that are read at a time. */
const GROUP_MAX = 32;
/** After this number of searches that exceed the time limit, the others of a group are not run. */
const SLOW_MAX = 2;

const keySchema = z.strictObject({
  endpoint: z.string(),
  uniqueId: z.nullable(z.string()),
  filters: z.array(z.string()),
  limit: z.int().check(z.gte(1), z.lte(FUNCTION_FOUND_RECORDS_MAX)),
});

/** One find, or the text of its error. */
type Find = IdFind | FilterFind | string;
interface IdFind {
  endpoint: string;
  uniqueId: string;
}
interface FilterFind {
  endpoint: string;
  filters: RecordFilter[];
  limit: number;
}

const FIND_ENDPOINT = `SELECT "id"::text AS "id", "seq"::text AS "seq" FROM "Endpoint" WHERE "projectId" = $1::uuid AND "name" = $2::text`;

const FIND_BY_ID = `SELECT asked.n::int AS "n", e."id"::text AS "endpointId", e."seq"::text AS "seq", wire_id(r."id") AS "uniqueId",
    wire_id(r."ownerId") AS "owner", CASE WHEN octet_length(r."data"::text) <= $4::int THEN r."data"::text END AS "data"
  FROM unnest($2::text[], $3::uuid[]) WITH ORDINALITY AS asked(name, id, n)
  LEFT JOIN "Endpoint" e ON e."projectId" = $1::uuid AND e."name" = asked.name
  LEFT JOIN "Record" r ON r."id" = asked.id AND r."endpointId" = e."id"`;

interface FoundRow {
  uniqueId: string;
  owner: string | null;
  /** Null: too large. */
  data: string | null;
}

/** `endpointId` is null if there is no such endpoint, and `uniqueId` if there is no such record. */
type IdRow = { n: number; endpointId: string | null; seq: string } & (FoundRow | { uniqueId: null });

/** `read` is for finds by id; `search` for those that may scan an endpoint. */
export function createRecordFinder({ read, search }: { read: Read; search: RecordSearch }): RecordFinder {
  async function findById(projectId: string, finds: readonly IdFind[]): Promise<FoundRecords[]> {
    if (finds.length === 0) return [];
    const names = finds.map(({ endpoint }) => endpoint);
    const ids = finds.map(({ uniqueId }) => uniqueId);
    const results = new Array<FoundRecords>(finds.length).fill({ text: NOT_FOUND });
    for (const row of await read<IdRow>(FIND_BY_ID, [projectId, names, ids, FUNCTION_FOUND_BYTES_MAX])) {
      if (row.endpointId === null) continue;
      const source = { endpointId: row.endpointId, recordId: ids[row.n - 1], seq: Number(row.seq) };
      results[row.n - 1] = { text: toFoundText(row.uniqueId === null ? [] : [row]), source };
    }
    return results;
  }

  async function findByFilters(accountId: string, projectId: string, finds: readonly FilterFind[]): Promise<FoundRecords[]> {
    const results: FoundRecords[] = [];
    for (let slow = 0; results.length < finds.length; ) {
      if (slow >= SLOW_MAX) results.push({ text: TOO_SLOW });
      // One turn in the queue of searches for all of them.
      else
        await search
          .run(accountId, STATEMENT_MS, async (readInTurn) => {
            for (const find of finds.slice(results.length)) results.push(await findByFilter(readInTurn, projectId, find));
          })
          .catch((error: unknown) => {
            if (!isTimeout(error)) throw error;
            results.push({ text: TOO_SLOW });
            slow += 1;
          });
    }
    return results;
  }

  return {
    async find({ projectId, ownerId, keys, lengthMax, signal }) {
      const results: FoundRecords[] = [];
      for (let length = 0; results.length < keys.length && length <= lengthMax; ) {
        signal?.throwIfAborted();
        const finds = keys.slice(results.length, results.length + GROUP_MAX).map(parseFind);
        const named = finds.flatMap((find) => (typeof find !== "string" && "uniqueId" in find ? [find] : []));
        const filtered = finds.flatMap((find) => (typeof find !== "string" && "filters" in find ? [find] : []));
        const byId = await findById(projectId, named);
        const byFilters = await findByFilters(ownerId, projectId, filtered);
        for (const find of finds) {
          const result = typeof find === "string" ? { text: find } : "uniqueId" in find ? byId.shift() : byFilters.shift();
          if (!result) throw new Error("A find has no result.");
          results.push(result);
          length += result.text.length;
        }
      }
      return results;
    },
  };
}

async function findByFilter(read: Read, projectId: string, { endpoint, filters, limit }: FilterFind): Promise<FoundRecords> {
  // Read first, so that every change that the page lacks comes after its seq.
  const [found] = await read<{ id: string; seq: string }>(FIND_ENDPOINT, [projectId, endpoint]);
  if (!found) return { text: NOT_FOUND };
  const query = { order: "-created" as const, search: null, filters, uniqueIds: null, limit, after: null };
  const { sql, values } = toPageStatement({ endpointId: found.id, query, uptoSeq: null, charactersMax: FUNCTION_FOUND_BYTES_MAX });
  const rows = await read<FoundRow & { found: number }>(sql, values);
  const [first] = rows;
  // The page ends early where its records have too many characters.
  const text = first && rows.length < Math.min(limit, first.found) ? TOO_LARGE : toFoundText(rows);
  return { text, source: { endpointId: found.id, recordIds: rows.map(({ uniqueId }) => uniqueId), seq: Number(found.seq) } };
}

function parseFind(key: string): Find {
  const { endpoint, uniqueId, filters: texts, limit } = keySchema.parse(JSON.parse(key));
  if (endpointNameProblem(endpoint) !== undefined) return NOT_FOUND;
  if (uniqueId !== null)
    return isUniqueId(uniqueId)
      ? { endpoint, uniqueId }
      : toErrorText(400, "unique_id_invalid", "find: a uniqueId has 32 lowercase hex digits.");
  if (texts.length > FILTERS_MAX) return toErrorText(400, "parameter_invalid", `find: use ${FILTERS_MAX} filters at most.`);
  const filters: RecordFilter[] = [];
  for (const text of texts) {
    const parsed = parseRecordFilter(text);
    if (!parsed.ok) return toErrorText(400, "parameter_invalid", `find: the filter is not valid. ${parsed.problem}`);
    filters.push(parsed.filter);
  }
  return { endpoint, filters, limit };
}

function toErrorText(status: number, code: string, message: string): string {
  return JSON.stringify({ error: { status, code, message } });
}

const NOT_FOUND = toErrorText(404, "not_found", "find: this project has no endpoint with this name.");
const TOO_LARGE = toErrorText(
  413,
  "find_limit",
  `find: the records have more than ${FUNCTION_FOUND_BYTES_MAX} characters. Use a smaller limit.`,
);
const TOO_SLOW = toErrorText(503, "find_limit", `find: the search takes more than ${STATEMENT_MS} ms.`);

function toFoundText(rows: readonly FoundRow[]): string {
  if (rows.some(({ data }) => data === null)) return TOO_LARGE;
  const items = rows.map(
    ({ uniqueId, data, owner }) => `{"uniqueId":"${uniqueId}","data":${data},"owner":${owner === null ? "null" : `"${owner}"`}}`,
  );
  const text = `{"records":[${items.join(",")}]}`;
  return text.length > FUNCTION_FOUND_BYTES_MAX ? TOO_LARGE : text;
}
