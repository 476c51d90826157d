/** Tests with a real database that the data held by queued writers is counted in bytes of UTF-8, for every kind of write. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { createRecordStore } from "@/src/db/records/record-store";
import { createFileStore } from "@/src/db/stores/files";
import { createUserStore } from "@/src/db/stores/users";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

/** 4 characters, 8 bytes. */
const DATA = '"漢字"';

let world: RecordsDatabase;
let queue: EndpointQueue;
/** The bytes that each writer held, in order. */
let held: (number | undefined)[];
let endpointId: string;

beforeAll(async () => {
  world = await createRecordsDatabase();
  queue = {
    running: 0,
    waiting: 0,
    run: (id, work, bytes) => {
      held.push(bytes);
      return world.queue.run(id, work, bytes);
    },
  };
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId } = await world.createEndpoint());
  held = [];
});

const post = (): Write & { type: "POST" } => ({ type: "POST", id: createUniqueId(), contentType: "json", data: DATA });
const idempotencyKey = () => ({ hash: randomBytes(32), fingerprint: createHash("sha256").update("request").digest() });

it("[E4] requests with an Idempotency-Key", async () => {
  await createRecordStore({ db: world.db, pool: world.pool, queue }).commitIdempotent(
    endpointId,
    idempotencyKey(),
    [post(), post()],
    () => "[]",
  );
  expect(held).toEqual([16]);
});

it("[E4] uploads, with an Idempotency-Key and without", async () => {
  const files = createFileStore({ db: world.db, queue });
  const createUpload = async () => {
    const id = createUniqueId();
    const file = { id, name: "a.txt", type: "text/plain" };
    await files.begin(file, 60_000, { endpointId, mayReplay: false });
    return { write: { ...post(), contentType: "file" as const }, file: { ...file, size: 1, sha256: "0".repeat(64) } };
  };
  await files.commit(endpointId, [await createUpload(), await createUpload()]);
  await files.commit(endpointId, [await createUpload()], { key: idempotencyKey(), toResponse: () => "{}" });
  expect(held).toEqual([16, 8]);
});

it("[E4] registrations, and changes of users", async () => {
  const users = createUserStore({ db: world.db, queue });
  const id = createUniqueId();
  await users.register({ endpointId, id, data: DATA, name: "ann", passwordHash: "hash" });
  await users.change({ endpointId, id, data: DATA, expectedVersion: 1, now: new Date() });
  expect(held).toEqual([8, 8]);
});
