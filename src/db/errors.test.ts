/** Tests which failures count as "the database is unavailable" (E3). Real failures are used where possible. */
import net, { type AddressInfo } from "node:net";
import { afterEach, describe, expect, inject, it } from "vitest";
import type { Log } from "@/src/core/log";
import type { Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createDb, createPool } from "@/src/db/client";
import { isContention, isRowBusyError, retryContention, toDatabaseError } from "@/src/db/errors";
import { createChangeLog } from "@/src/db/records/change-log";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";
import { createGroupCommit } from "@/src/db/records/group-commit";
import { createRecordStore } from "@/src/db/records/record-store";
import { createDefinitionStore } from "@/src/db/stores/definitions";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createRecordsDatabase } from "@/tests/support/servers/records-database";
import { createSeverableProxy } from "@/tests/support/servers/severable-proxy";
import { until } from "@/tests/support/until";

const UNAVAILABLE = { code: "database_unavailable", retryAfterSeconds: 2 };
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function createClient(url: string, connectTimeoutMs?: number) {
  const pool = createPool({ url, log, max: 2, ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }) });
  cleanUps.push(() => pool.end());
  return { pool, queue: createEndpointQueue(), db: createDb({ pool, notifications: createProcessNotifications(), log }) };
}

/** A server that responds to the first message of every connection with `answer`. */
async function listen(answer: Buffer | undefined): Promise<string> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("data", () => answer && socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `postgresql://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d`;
}

/** A FATAL ErrorResponse of PostgreSQL. */
function toFatal(code: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0Mfatal ${code}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

describe("a database that is unavailable", () => {
  it("[E3] fails every call of every store with database_unavailable", async () => {
    // A port on which nothing listens, because it was just released.
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));

    const { db, pool, queue } = createClient(`postgresql://u:p@127.0.0.1:${port}/d`);
    const [records, changes] = [createRecordStore({ db, pool, queue }), createChangeLog({ db })];
    const definitions = createDefinitionStore({ db, clock: { now: () => new Date() } });
    const id = createUniqueId();
    const calls: (() => Promise<unknown>)[] = [
      () => records.commit(id, [{ type: "DELETE", id }]),
      () => records.merge(id, id, ({ data }) => data),
      () => records.readOne(id, id),
      () => records.readByIds(id, [id], { dataOnly: false })[Symbol.asyncIterator]().next(),
      () => records.readAll(id, { dataOnly: false })[Symbol.asyncIterator]().next(),
      () => changes.positions([id]),
      () => changes.read(id, 0, 1),
      () => definitions.find("key", "name"),
      () => definitions.findEndpoint(id),
      () => definitions.redeemTicket("ticket"),
      () => definitions.revisions([id]),
      () => definitions.touchKeys(new Map([[id, new Date()]])),
      () => db.user.findMany(),
      () => db.$transaction([db.user.findMany()]),
      () => db.$transaction(() => expect.unreachable()),
      () => db.$executeRaw`SELECT 1`,
    ];
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(["57P03", "57P01", "53300", "08006", "28P01", "3D000"])("[E3] refuses connections with %s", async (code) => {
    await expect(createClient(await listen(toFatal(code))).db.user.count()).rejects.toMatchObject(UNAVAILABLE);
  });

  it("[E3] closes the connection, or never responds", async () => {
    await expect(createClient(await listen(Buffer.alloc(0))).db.user.count()).rejects.toMatchObject(UNAVAILABLE);
    await expect(createClient(await listen(undefined), 50).db.user.count()).rejects.toMatchObject(UNAVAILABLE);
  });

  it("[E3] has no socket file, or no address", async () => {
    await expect(createClient("postgresql://u:p@/d?host=/nonexistent").db.user.count()).rejects.toMatchObject(UNAVAILABLE);
    const lookup = Object.assign(new Error("getaddrinfo ENOTFOUND db"), { code: "ENOTFOUND", syscall: "getaddrinfo" });
    expect(toDatabaseError(lookup)).toMatchObject(UNAVAILABLE);
    const both = new AggregateError([Object.assign(new Error("refused"), { code: "ECONNREFUSED", syscall: "connect" })], "");
    expect(toDatabaseError(both)).toMatchObject(UNAVAILABLE);
  });

  it("[E3] stops in the middle of a query or a transaction, and comes back", async () => {
    const proxy = await createSeverableProxy(inject("postgres"));
    cleanUps.push(() => proxy.close());
    const world = await createRecordsDatabase({ via: proxy });
    cleanUps.push(() => world.close());
    const { id: endpointId } = await world.createEndpoint();
    const records = createRecordStore(world);

    const asleep = world.db.$queryRaw`SELECT pg_sleep(60)`;
    const rejected = expect(asleep).rejects.toMatchObject(UNAVAILABLE);
    const open = world.db.$transaction(async (tx) => {
      await tx.record.create({ data: { endpointId, data: 1 } });
      await proxy.sever();
      return tx.record.create({ data: { endpointId, data: 2 } });
    });
    await expect(open).rejects.toMatchObject(UNAVAILABLE);
    await rejected;
    world.takeNotifications();
    await expect(records.commit(endpointId, [{ type: "DELETE", id: createUniqueId() }])).rejects.toMatchObject(UNAVAILABLE);

    await proxy.restore();
    expect(await records.commit(endpointId, [{ type: "POST", id: createUniqueId(), contentType: "json", data: "3" }])).toMatchObject([
      { outcome: "ok", change: { seq: 1 } },
    ]);
    expect(world.takeNotifications()).toMatchObject([{ kind: "changes" }]);
    await world.expectSound(endpointId);
  });

  it("[E3] is unreachable for a node in a transaction: the others wait for its locks only until the idle timeout", async () => {
    const proxy = await createSeverableProxy(inject("postgres"));
    cleanUps.push(() => proxy.close());
    const world = await createRecordsDatabase({ via: proxy, idleInTransactionMs: 200 });
    cleanUps.push(() => world.close());
    const { id: endpointId } = await world.createEndpoint();
    const other = createClient(world.database.url);

    let rejected: Promise<void> | undefined;
    await new Promise<void>((onLocked) => {
      const open = world.db.$transaction(async (tx) => {
        await tx.record.create({ data: { endpointId, data: 1 } });
        proxy.stall();
        onLocked();
        return tx.record.create({ data: { endpointId, data: 2 } });
      });
      rejected = expect(open).rejects.toMatchObject(UNAVAILABLE);
    });
    const write = { type: "POST", id: createUniqueId(), contentType: "json", data: "3" } as const;
    const [result] = await createRecordStore(other).commit(endpointId, [write]);
    expect(result).toMatchObject({ outcome: "ok", change: { seq: 1 } });

    await proxy.sever();
    await rejected;
    await proxy.restore();
    expect(await world.expectSound(endpointId)).toHaveLength(1);
  });

  it.each([
    { code: "ECONNABORTED", syscall: "read" },
    { code: "EPROTO", syscall: "write" },
    { code: "ENETRESET", syscall: "read" },
    { code: "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC" },
    { code: "ERR_STREAM_DESTROYED" },
  ])("[E3] [R14] loses a connection with $code: the outcome is unknown, so no write of the batch is run again", async (properties) => {
    const lost = Object.assign(new Error("the connection was lost"), properties);
    expect(toDatabaseError(lost)).toMatchObject(UNAVAILABLE);
    let statements = 0;
    const commit = createGroupCommit({
      queue: createEndpointQueue(),
      commit: async () => {
        statements += 1;
        throw toDatabaseError(lost);
      },
    });
    const writes = [1, 2].map(() => commit("endpoint", [{ type: "POST", id: createUniqueId(), contentType: "json", data: "1" }]));
    for (const write of writes) await expect(write).rejects.toMatchObject(UNAVAILABLE);
    expect(statements).toBe(1);
  });

  it("[E3] has no free connection in time", async () => {
    const world = await createRecordsDatabase({ max: 1, connectTimeoutMs: 50 });
    cleanUps.push(() => world.close());
    // The limit also covers opening a connection, which may take longer on a busy machine.
    const held = await until("a connection", () => world.pool.connect().catch(() => undefined));
    await expect(world.db.user.count()).rejects.toMatchObject(UNAVAILABLE);
    await expect(world.db.$transaction(() => expect.unreachable())).rejects.toMatchObject(UNAVAILABLE);
    held.release();
    expect(await world.db.user.count()).toBe(0);
  });
});

describe("a database that is available", () => {
  it("passes every other error on unchanged", async () => {
    const world = await createRecordsDatabase();
    cleanUps.push(() => world.close());
    const { db } = world;
    await expect(db.$queryRaw`SELECT 1 / 0`).rejects.toMatchObject({ code: "P2010" });
    await expect(db.$queryRaw`SELECT '"\\u0000"'::jsonb`).rejects.toMatchObject({ code: "P2010" });
    await expect(db.$queryRaw`SELECT ${"x"}::uuid`).rejects.toMatchObject({ code: "P2010" });
    await expect(db.user.delete({ where: { email: "nobody@example.org" } })).rejects.toMatchObject({ code: "P2025" });
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });
    const callback = db.$transaction(async () => {
      throw refused; // of another service
    });
    await expect(callback).rejects.toBe(refused);
  });

  it("[E4] has a row that stays locked: whoever waits for it gets one retryable error, and nothing is written", async () => {
    const world = await createRecordsDatabase({ lockTimeoutMs: 50 });
    cleanUps.push(() => world.close());
    const { db } = world;
    const { id: endpointId } = await world.createEndpoint();
    const holder = await world.pool.connect();
    cleanUps.push(async () => holder.release(true));
    await holder.query("BEGIN");
    await holder.query(`SELECT 1 FROM "Endpoint" WHERE id = $1 FOR NO KEY UPDATE`, [endpointId]);
    const post = (): Write => ({ type: "POST", id: createUniqueId(), contentType: "json", data: "1" });
    let attempts = 0;
    const writes: (() => Promise<unknown>)[] = [
      () => createRecordStore(world).commit(endpointId, [post()]),
      () =>
        retryContention(() =>
          db.$transaction((tx) => {
            attempts += 1;
            return tx.record.commit(endpointId, [post()]);
          }),
        ),
      () => db.endpoint.update({ where: { id: endpointId }, data: { description: "x" } }),
    ];
    for (const write of writes) {
      const error: unknown = await write().catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "server_busy", retryAfterSeconds: 1 });
      expect(isRowBusyError(error)).toBe(true);
    }
    expect(attempts).toBe(1);
    await holder.query("ROLLBACK");
    expect(await world.expectSound(endpointId)).toEqual([]);
  });

  it("[E4] cancels a statement or a transaction that takes too long, with a retryable error", async () => {
    const world = await createRecordsDatabase();
    cleanUps.push(() => world.close());
    const { db } = world;
    const { id: endpointId } = await world.createEndpoint();
    const BUSY = { code: "server_busy", retryAfterSeconds: 1 };
    const cancelled = db.$transaction(async (tx) => {
      await tx.$executeRawUnsafe("SET LOCAL statement_timeout TO 20");
      await tx.$queryRawUnsafe("SELECT pg_sleep(60)::text");
    });
    await expect(cancelled).rejects.toMatchObject(BUSY);
    const late = db.$transaction(
      async (tx) => {
        await tx.record.create({ data: { endpointId, data: 1 } });
        await tx.$queryRawUnsafe("SELECT pg_sleep(0.2)::text");
        return tx.record.create({ data: { endpointId, data: 2 } });
      },
      { timeout: 100 },
    );
    await expect(late).rejects.toMatchObject(BUSY);
    expect(await world.expectSound(endpointId)).toEqual([]);
  });

  it("recognises contention, and tries again a limited number of times", async () => {
    const world = await createRecordsDatabase();
    cleanUps.push(() => world.close());
    // The client does not retry a transaction of this form.
    const raise = (code: string) =>
      world.db
        .$transaction([world.db.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${code}'; END $$`)])
        .catch((error: unknown) => error);
    for (const code of ["40P01", "40001", "55P03"]) expect(isContention(await raise(code))).toBe(true);
    for (const code of ["23505", "40002", "57014"]) expect(isContention(await raise(code))).toBe(false);

    const deadlock = await raise("40P01");
    let attempts = 0;
    const twice = retryContention(async () => {
      if (++attempts < 3) throw deadlock;
      return "done";
    });
    expect(await twice).toBe("done");
    attempts = 0;
    await expect(
      retryContention(async () => {
        attempts++;
        throw deadlock;
      }),
    ).rejects.toMatchObject({ code: "server_busy", retryAfterSeconds: 1, cause: deadlock });
    expect(attempts).toBe(20);
    attempts = 0;
    await expect(
      retryContention(async () => {
        attempts++;
        throw new Error("other");
      }),
    ).rejects.toThrow("other");
    expect(attempts).toBe(1);
  });
});
