/** Tests with a real database that the forms of the record commit give the same results and leave the same rows. */
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createRecordStore } from "@/src/db/records/record-store";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

const OWNERS = [randomUUID(), randomUUID()];
/** The data of writes that fail must not be counted. */
const DATA = ["1", '"\\"{é😀}\\\\"', '{"b":1,"a":[1.0,null]}', "null"];

let world: RecordsDatabase;
let client: pg.PoolClient;
let endpointId: string;
/** Records of several types, versions and owners. */
let known: string[];

beforeAll(async () => {
  world = await createRecordsDatabase();
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId } = await world.createEndpoint());
  const store = createRecordStore({ db: world.db, pool: world.pool, queue: world.queue });
  const posts = DATA.flatMap((data) =>
    [undefined, ...OWNERS].map((owner) => ({
      type: "POST" as const,
      id: createUniqueId(),
      contentType: data.startsWith('"') ? ("text" as const) : ("json" as const),
      data,
      owner: owner?.replaceAll("-", ""),
    })),
  );
  await store.commit(endpointId, posts);
  known = posts.map(({ id }) => id);
  // Half of them have version 2, and one was updated "in the future": the clock was set back since.
  await store.commit(
    endpointId,
    known.slice(0, 6).map((id) => ({ type: "PUT", id, contentType: "json", data: "[2]" })),
  );
  client = await world.pool.connect();
  await client.query("BEGIN");
  await client.query("SET LOCAL rested.logged_by_commit = 'on'");
  await client.query(`UPDATE "Record" SET "updatedAt" = '2100-01-01' WHERE id = $1`, [known[0]]);
});
afterEach(async () => {
  await client.query("ROLLBACK");
  client.release();
});

type Form = "record_commit" | "record_commit_distinct";

/** The results, and all rows that the statement left, without times; then rolls it back. */
async function observe(form: Form, writes: readonly Write[]): Promise<unknown> {
  await client.query("SAVEPOINT before");
  const results = await client.query(
    `SELECT ord, outcome, seq, version, data::text, created_at = at AS "isNew", updated_at = at AS "isUpdated", at IS NULL AS "hasNoTime", owner
    FROM ${form}($1, $2, $3, $4, $5::text[]${form === "record_commit" ? "" : "::json[]"}, $6, $7, $8, $9) ORDER BY ord`,
    [
      endpointId,
      writes.map(({ type }) => type),
      writes.map(({ id }) => id),
      writes.map((write) => (write.type === "DELETE" ? null : write.contentType)),
      writes.map((write) => (write.type === "DELETE" ? null : write.data)),
      writes.map((write) => write.type === "PUT" && write.sameType === true),
      writes.map((write) => (write.type === "POST" ? null : (write.expectedVersion ?? null))),
      writes.map((write) => (write.type === "POST" ? write.owner : write.onlyOwner) ?? null),
      writes.map((write) => (write.type === "POST" ? (write.remainingInUpload ?? null) : null)),
    ],
  );
  const rows = [];
  for (const sql of [
    `SELECT id, seq, version, "contentType", "ownerId", data::text, "updatedAt" > now() + interval '1 day' AS "isInFuture"
    FROM "Record" WHERE "endpointId" = $1 ORDER BY seq`,
    `SELECT seq, type, "recordId", data::text, "ownerId", version, following, at = "recordCreatedAt" AS "isNew", at = "recordUpdatedAt" AS "isUpdated",
      "recordUpdatedAt" > now() + interval '1 day' AS "isInFuture" FROM "Change" WHERE "endpointId" = $1 ORDER BY seq`,
    `SELECT seq, "recordCount", "recordBytes", current_setting('rested.logged_by_commit') AS setting FROM "Endpoint" WHERE id = $1`,
  ]) {
    rows.push((await client.query(sql, [endpointId])).rows);
  }
  await client.query("ROLLBACK TO SAVEPOINT before");
  return { results: results.rows, rows };
}

const owner = fc.constantFrom(undefined, ...OWNERS);
const contentType = fc.constantFrom("json" as const, "text" as const);
const data = fc.constantFrom(...DATA);
const expectedVersion = fc.constantFrom(undefined, undefined, 1, 2);

function toWrite(id: string): fc.Arbitrary<Write> {
  const mutations = fc.oneof(
    fc.record({
      type: fc.constant("PUT" as const),
      id: fc.constant(id),
      contentType,
      data,
      sameType: fc.boolean(),
      expectedVersion,
      onlyOwner: owner,
    }),
    fc.record({ type: fc.constant("DELETE" as const), id: fc.constant(id), expectedVersion, onlyOwner: owner }),
  );
  if (known.includes(id)) return mutations;
  const remainingInUpload = fc.constantFrom(undefined, 0, 1);
  const post = fc.record({ type: fc.constant("POST" as const), id: fc.constant(id), contentType, data, owner, remainingInUpload });
  return fc.oneof({ arbitrary: post, weight: 3 }, mutations);
}

it("[W4] writes to different records: the statement for all gives what the loop gives", async () => {
  const fresh = Array.from({ length: 8 }, () => createUniqueId());
  const batches = fc.shuffledSubarray([...known, ...fresh], { minLength: 1 }).chain((ids) => fc.tuple(...ids.map((id) => toWrite(id))));
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(batches, async (writes) => {
      const expected = await observe("record_commit", writes);
      expect(await observe("record_commit_distinct", writes)).toEqual(expected);
      for (const [, outcome = ""] of JSON.stringify(expected).matchAll(/"outcome":"(\w+)"/g)) outcomes.add(outcome);
    }),
    { numRuns: 60 },
  );
  expect([...outcomes].toSorted()).toEqual(["access_denied", "ok", "record_not_found", "type_mismatch", "version_conflict"]);
});

it("[R4] an unknown endpoint: both report it for each write", async () => {
  endpointId = randomUUID();
  const writes = known.slice(0, 3).map((id) => ({ type: "DELETE" as const, id }));
  const expected = await observe("record_commit", writes);
  expect(await observe("record_commit_distinct", writes)).toEqual(expected);
});
