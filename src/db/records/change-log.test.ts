import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Change, RecordStore, Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { proofOf } from "@/src/core/streams/change-proof";
import type { ChangeLog } from "@/src/core/streams/ports";
import { createChangeLog } from "@/src/db/records/change-log";
import { createRecordStore } from "@/src/db/records/record-store";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;
let log: ChangeLog;
let store: RecordStore;

beforeAll(async () => {
  world = await createRecordsDatabase();
  log = createChangeLog({ db: world.db });
  store = createRecordStore(world);
});
afterAll(() => world.close());

const post = (data: string): Write & { type: "POST" } => ({ type: "POST", id: createUniqueId(), contentType: "json", data });

/** The changes as the log has them: only the result of a write names the seq within its record. */
async function commit(endpointId: string, writes: Write[]): Promise<Change[]> {
  const results = await store.commit(endpointId, writes);
  return results.flatMap((result) => {
    if (result.outcome !== "ok") return [];
    const { seq, ...record } = result.change.record;
    expect(seq).toBe(result.change.seq);
    return [{ ...result.change, record }];
  });
}

describe("the change log", () => {
  it("[W6] knows whether a record has changed since a place, and says so if it does not know", async () => {
    const [{ id }, { id: other }] = [await world.createEndpoint(), await world.createEndpoint()];
    const [first, second] = [post("1"), post("2")];
    await commit(id, [first, second]);
    await commit(other, [post("3")]);
    const put: Write = { type: "PUT", id: first.id, contentType: "json", data: "4" };
    await commit(id, [put, post("5")]);
    const ask = (recordId: string | undefined, seq: number, endpointId = id) => ({ endpointId, recordId, seq });
    const places = [
      ...[ask(first.id, 1), ask(first.id, 2), ask(first.id, 3), ask(second.id, 1), ask(second.id, 2), ask(first.id, 0, other)],
      // Any record that is not new.
      ...[ask(undefined, 2), ask(undefined, 3), ask(undefined, 0, other)],
      // The log has lost its end, and there is no such endpoint.
      ...[ask(second.id, 5), ask(second.id, 1, randomUUID())],
    ];
    const changed = [true, true, false, true, false, false, true, false, false, true, true];
    expect(await log.findChanged(places)).toEqual(changed);
    expect(await log.findChanged([...places].reverse())).toEqual([...changed].reverse());
    expect(await log.findChanged([])).toEqual([]);
    // Some changes have expired.
    await world.db.$executeRaw`DELETE FROM "Change" WHERE "endpointId" = ${id}::uuid AND seq <= 3`;
    expect(await log.findChanged([ask(second.id, 2), ask(second.id, 3), ask(second.id, 4)])).toEqual([true, false, false]);
  });

  it("[W4] reads exactly the committed changes, ascending, after a position, up to a limit", async () => {
    const { id } = await world.createEndpoint();
    const other = await world.createEndpoint();
    const writes = [post('{"a" : 1.50}'), post("2")];
    const [first] = writes;
    const changes = [
      ...(await commit(id, writes)),
      ...(await commit(id, [{ type: "PUT", id: first?.id ?? "", contentType: "text", data: '"3"' }])),
      ...(await commit(id, [{ type: "DELETE", id: first?.id ?? "" }])),
    ];
    await commit(other.id, [post("0")]);
    expect(changes.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(await log.read(id, 0, 100)).toEqual(changes);
    expect(await log.read(id, 1, 2)).toEqual(changes.slice(1, 3));
    expect(await log.read(id, 4, 100)).toEqual([]);
    expect(await log.read(randomUUID(), 0, 100)).toEqual([]);
  });

  it("[W5] reads it for a user: changes of records of others, or of nobody, are hidden", async () => {
    const { id } = await world.createEndpoint();
    const [ann, bob] = [createUniqueId(), createUniqueId()];
    const [mine, others, nobodys] = [{ ...post('"mine"'), owner: ann }, { ...post('"secret"'), owner: bob }, post('"nobody\'s"')];
    const changes = await commit(id, [
      mine,
      others,
      nobodys,
      { type: "PUT", id: others.id, contentType: "json", data: '"secret, too"' },
      { type: "PUT", id: mine.id, contentType: "json", data: "null" },
      { type: "DELETE", id: others.id },
      { type: "DELETE", id: mine.id },
    ]);
    expect(changes.map(({ owner }) => owner)).toEqual([ann, bob, null, bob, ann, bob, ann]);
    const seen = changes.map((change) => (change.owner === ann ? change : { seq: change.seq, hidden: true, proof: proofOf(change) }));
    expect(await log.readFor(ann, id, 0, 100)).toEqual(seen);
    expect(await log.readFor(ann, id, 2, 3)).toEqual(seen.slice(2, 5));
    expect(await log.readFor(ann, id, 7, 100)).toEqual([]);
    expect(await log.readFor(createUniqueId(), id, 0, 100)).toEqual(
      changes.map((change) => ({ seq: change.seq, hidden: true, proof: proofOf(change) })),
    );
    expect(await log.read(id, 0, 100)).toEqual(changes);
  });

  it("[W9] returns the end of each log, and omits unknown endpoints", async () => {
    const [a, b] = [await world.createEndpoint(), await world.createEndpoint()];
    await commit(a.id, [post("1"), post("2")]);
    const positions = await log.positions([a.id, randomUUID(), b.id]);
    expect([...positions.keys()].sort()).toEqual([a.id, b.id].sort());
    expect([positions.get(a.id)?.seq, positions.get(b.id)?.seq]).toEqual([2, 0]);
    expect(positions.get(a.id)?.epoch).toMatch(/^[0-9a-f]{32}$/);
    expect(positions.get(a.id)?.epoch).not.toBe(positions.get(b.id)?.epoch);
    expect(await log.positions([])).toEqual(new Map());
  });

  it("[W26] returns the proofs of changes at the requested positions, at the end and before, if the log has them", async () => {
    const { id } = await world.createEndpoint();
    await commit(id, [post("1"), post("2"), post("3"), post("4")]);
    const changes = await log.read(id, 0, 100);
    const places = [0, 1, 2, 3, 900].map((seq) => ({ endpointId: id, seq }));
    const found = (await log.positions([], places)).get(id);
    const last = changes.at(-1);
    expect([found?.seq, found?.proof]).toEqual([last?.seq, last && proofOf(last)]);
    expect(found?.proofs).toEqual(new Map(changes.slice(0, 3).map((change) => [change.seq, proofOf(change)])));
  });

  it("[W9] counts beyond 32 bits", async () => {
    const { id } = await world.createEndpoint();
    await world.db.endpoint.update({ where: { id }, data: { seq: 5_000_000_000n } });
    await commit(id, [post("1")]);
    expect(await log.read(id, 5_000_000_000, 10)).toMatchObject([{ seq: 5_000_000_001 }]);
    expect((await log.positions([id])).get(id)?.seq).toBe(5_000_000_001);
  });
});
