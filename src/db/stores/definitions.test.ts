import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DefinitionStore } from "@/src/core/access/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createDefinitionStore } from "@/src/db/stores/definitions";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

const NOW = new Date("2030-01-01T00:00:00.000Z");

let world: RecordsDatabase;
let definitions: DefinitionStore;
let projectId: string;
let endpointId: string;
let userId: string;

beforeAll(async () => {
  world = await createRecordsDatabase();
  definitions = createDefinitionStore({ db: world.db, clock: { now: () => NOW } });
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId, projectId, userId } = await world.createEndpoint());
  await world.db.endpoint.update({ where: { id: endpointId }, data: { name: "some/endpoint" } });
});

const createKey = (data: { expiresAt?: Date; revokedAt?: Date; scope?: "read" | "write" | "read_write" } = {}) =>
  world.db.apiKey.create({ data: { ...data, projectId, name: "a key", key: createUniqueId() } });

async function readRevision(): Promise<number> {
  return (await definitions.revisions([projectId])).get(projectId) ?? Number.NaN;
}

describe("find", () => {
  it("[U3] returns key, endpoint and project", async () => {
    const masterKeyHash = new Uint8Array(createHash("sha256").update("master").digest());
    await world.db.project.update({
      where: { id: projectId },
      data: { allowedOrigins: ["https://a.example", "http://b.example:8080"], disallowNoOrigin: true, masterKeyHash },
    });
    await world.db.endpoint.update({
      where: { id: endpointId },
      data: { secure: true, othersCanUpdate: true, schema: { type: "object" }, rules: { read: "true" } },
    });
    const expiresAt = new Date("2031-02-03T04:05:06.789Z");
    const key = await createKey({ scope: "read", expiresAt });
    expect(await definitions.find(key.key, "some/endpoint")).toEqual({
      key: { id: key.id, name: "a key", scope: "read", expiresAt, revokedAt: null },
      endpoint: {
        ...{ id: endpointId, name: "some/endpoint", kind: "data", secure: true },
        ...{
          othersCanRead: false,
          othersCanUpdate: true,
          othersCanDelete: false,
          fileCacheSeconds: 0,
          schema: '{"type":"object"}',
          rules: '{"read":"true"}',
          accessFunction: null,
        },
      },
      project: {
        id: projectId,
        ownerId: userId,
        revision: await readRevision(),
        rateLimit: null,
        allowedOrigins: ["https://a.example", "http://b.example:8080"],
        allowNullOrigin: false,
        disallowNoOrigin: true,
        masterKeyHash,
        userEndpoints: new Map(),
      },
    });
  });

  it("[U7] returns revoked keys too; the access decision checks them", async () => {
    const revokedAt = new Date("2029-01-01T00:00:00.000Z");
    const key = await createKey({ revokedAt });
    expect((await definitions.find(key.key, "some/endpoint"))?.key.revokedAt).toEqual(revokedAt);
  });

  it("[U3] [U7] finds those of concurrent requests with one statement, each its own", async () => {
    const statements: string[] = [];
    const counted = createDefinitionStore({
      db: {
        $queryRawUnsafe: (sql, ...values) => {
          statements.push(sql);
          return world.db.$queryRawUnsafe(sql, ...values);
        },
        $executeRawUnsafe: (sql, ...values) => world.db.$executeRawUnsafe(sql, ...values),
      },
      clock: { now: () => NOW },
    });
    const other = await world.createEndpoint();
    await world.db.endpoint.update({ where: { id: other.id }, data: { name: "other/endpoint" } });
    const key = await createKey();
    const otherKey = await world.db.apiKey.create({ data: { projectId: other.projectId, name: "another key", key: createUniqueId() } });
    const asked: [string, string][] = [
      [key.key, "some/endpoint"],
      [otherKey.key, "some/endpoint"],
      [createUniqueId(), "some/endpoint"],
      [otherKey.key, "other/endpoint"],
      [key.key, "other/endpoint"],
      [key.key, "some/endpoint"],
    ];
    const found = await Promise.all(asked.map(([of, name]) => counted.find(of, name)));
    expect(found.map((definition) => definition && [definition.key.id, definition.endpoint.id])).toEqual([
      [key.id, endpointId],
      undefined,
      undefined,
      [otherKey.id, other.id],
      undefined,
      [key.id, endpointId],
    ]);
    expect(statements).toHaveLength(1);
  });

  it("[U3] finds nothing for an unknown key, an unknown name, another project's endpoint, or text that cannot be stored", async () => {
    const key = await createKey();
    const other = await world.createEndpoint();
    await world.db.endpoint.update({ where: { id: other.id }, data: { name: "other/endpoint" } });
    expect(await definitions.find(key.key, "other/endpoint")).toBeUndefined();
    expect(await definitions.find(createUniqueId(), "some/endpoint")).toBeUndefined();
    expect(await definitions.find("\0", "some/endpoint")).toBeUndefined();
    expect(await definitions.find(key.key, "some/\0")).toBeUndefined();
    expect(await definitions.find("\ud800' OR true --", "some/endpoint")).toBeUndefined();
  });
});

describe("findEndpoint", () => {
  it("returns endpoint and project until the endpoint is deleted", async () => {
    expect(await definitions.findEndpoint(endpointId)).toMatchObject({ endpoint: { id: endpointId }, project: { id: projectId } });
    await world.db.endpoint.update({ where: { id: endpointId }, data: { projectId: null } });
    expect(await definitions.findEndpoint(endpointId)).toBeUndefined();
  });
});

describe("redeemTicket", () => {
  const LATER = new Date(NOW.getTime() + 1);
  const addSession = (data: { expiresAt?: Date; revokedAt?: Date } = {}) =>
    world.db.session.create({ data: { userId, expiresAt: LATER, ...data } });
  const addToken = (data: { expiresAt?: Date; revokedAt?: Date } = {}) =>
    world.db.managementToken.create({ data: { userId, name: "a token", prefix: "mk_", hash: randomBytes(32), ...data } });
  const issue = async (ticket: string, expiresAt: Date, askedBy?: { sessionId: string } | { managementTokenId: string }) => {
    const data = {
      hash: createHash("sha256").update(ticket).digest(),
      userId,
      endpointId,
      expiresAt,
      ...(askedBy ?? { sessionId: (await addSession()).id }),
    };
    await world.db.streamTicket.create({ data });
  };

  it("returns the endpoint once, even for concurrent calls", async () => {
    const ticket = createUniqueId();
    const session = await addSession();
    await issue(ticket, LATER, { sessionId: session.id });
    const answers = await Promise.all(Array.from({ length: 5 }, () => definitions.redeemTicket(ticket)));
    const found = answers.filter((answer) => answer !== undefined);
    expect(found).toMatchObject([{ endpoint: { id: endpointId, name: "some/endpoint" }, project: { id: projectId } }]);
    expect(found[0]).not.toHaveProperty("key");
    expect(found[0]?.signIn).toEqual({ kind: "session", id: session.id, userId });
    expect(await definitions.redeemTicket(ticket)).toBeUndefined();
  });

  it("returns nothing for an expired or unknown ticket", async () => {
    const ticket = createUniqueId();
    await issue(ticket, NOW);
    expect(await definitions.redeemTicket(ticket)).toBeUndefined();
    expect(await definitions.redeemTicket("\0")).toBeUndefined();
  });

  it("[W6] returns the management token that requested it", async () => {
    const [ticket, token] = [createUniqueId(), await addToken()];
    await issue(ticket, LATER, { managementTokenId: token.id });
    expect((await definitions.redeemTicket(ticket))?.signIn).toEqual({ kind: "token", id: token.id, userId });
  });

  it.each<[string, () => Promise<{ sessionId: string } | { managementTokenId: string }>]>([
    ["the session was revoked", async () => ({ sessionId: (await addSession({ revokedAt: NOW })).id })],
    ["the session has expired", async () => ({ sessionId: (await addSession({ expiresAt: NOW })).id })],
    ["the token was revoked", async () => ({ managementTokenId: (await addToken({ revokedAt: NOW })).id })],
    ["the token has expired", async () => ({ managementTokenId: (await addToken({ expiresAt: NOW })).id })],
  ])("[W6] returns nothing, and consumes the ticket, if %s", async (_, toSignIn) => {
    const ticket = createUniqueId();
    await issue(ticket, LATER, await toSignIn());
    expect(await definitions.redeemTicket(ticket)).toBeUndefined();
    expect(await world.db.streamTicket.count({ where: { endpointId } })).toBe(0);
  });

  it("[W6] returns nothing once another account owns the project", async () => {
    const [ticket, other] = [createUniqueId(), await world.createEndpoint()];
    await issue(ticket, LATER);
    await world.db.project.update({ where: { id: projectId }, data: { ownerId: other.userId } });
    expect(await definitions.redeemTicket(ticket)).toBeUndefined();
  });

  it("[W6] is deleted with its session, and belongs to exactly one sign-in", async () => {
    const [session, token] = [await addSession(), await addToken()];
    await issue(createUniqueId(), LATER, { sessionId: session.id });
    await world.db.session.delete({ where: { id: session.id } });
    expect(await world.db.streamTicket.count({ where: { endpointId } })).toBe(0);
    const data = { hash: randomBytes(32), userId, endpointId, expiresAt: LATER };
    await expect(world.db.streamTicket.create({ data })).rejects.toThrow("StreamTicket_asked_by_one");
    const both = { sessionId: (await addSession()).id, managementTokenId: token.id };
    await expect(world.db.streamTicket.create({ data: { ...data, ...both } })).rejects.toThrow("StreamTicket_asked_by_one");
  });
});

describe("revisions", () => {
  it("increase with every change of a definition", async () => {
    const { db } = world;
    const key = await createKey();
    const other = await world.createEndpoint();
    const changes: Record<string, () => Promise<unknown>> = {
      "a new key": () => createKey(),
      "a revoked key": () => db.apiKey.update({ where: { id: key.id }, data: { revokedAt: NOW } }),
      "a key's scope": () => db.apiKey.update({ where: { id: key.id }, data: { scope: "read" } }),
      "a key's expiry": () => db.apiKey.update({ where: { id: key.id }, data: { expiresAt: NOW } }),
      "a key's deletion": () => db.apiKey.delete({ where: { id: key.id } }),
      "a new endpoint": () => db.endpoint.create({ data: { projectId, name: "another/endpoint" } }),
      "a secured endpoint": () => db.endpoint.update({ where: { id: endpointId }, data: { secure: true } }),
      "a renamed endpoint": () => db.endpoint.update({ where: { id: endpointId }, data: { name: "renamed/endpoint" } }),
      "access rules": () => db.endpoint.update({ where: { id: endpointId }, data: { rules: { read: "true" } } }),
      "a renewed epoch": () => db.endpoint.update({ where: { id: endpointId }, data: { epoch: randomUUID() } }),
      "the origins": () => db.project.update({ where: { id: projectId }, data: { allowedOrigins: ["https://c.example"] } }),
      "the switch for the origin null": () => db.project.update({ where: { id: projectId }, data: { allowNullOrigin: true } }),
      "the origin switch": () => db.project.update({ where: { id: projectId }, data: { disallowNoOrigin: true } }),
      "the master key": () => db.project.update({ where: { id: projectId }, data: { masterKeyHash: new Uint8Array(32) } }),
      "an endpoint that leaves": () => db.endpoint.update({ where: { id: endpointId }, data: { projectId: other.projectId } }),
      "an endpoint that is taken from it": async () => {
        const { id } = await db.endpoint.create({ data: { projectId, name: "taken/endpoint" } });
        const before = await readRevision();
        await db.endpoint.update({ where: { id }, data: { projectId: null } });
        expect(await readRevision()).toBeGreaterThan(before);
      },
      "an endpoint's deletion": () => db.endpoint.deleteMany({ where: { projectId } }),
    };
    for (const [what, change] of Object.entries(changes)) {
      const before = await readRevision();
      await change();
      expect(await readRevision(), what).toBeGreaterThan(before);
    }
  });

  it("do not change when records are written and keys are used", async () => {
    const key = await createKey();
    const before = await readRevision();
    await world.db.record.commit(endpointId, [{ type: "POST", id: createUniqueId(), contentType: "json", data: "1" }]);
    await world.db.record.create({ data: { endpointId, data: 1 } });
    await definitions.touchKeys(new Map([[key.id, NOW]]));
    await world.db.endpoint.update({ where: { id: endpointId }, data: { description: "words" } });
    expect(await readRevision()).toBe(before);
  });

  it("are returned for those projects that exist", async () => {
    expect([...(await definitions.revisions([projectId, randomUUID()])).keys()]).toEqual([projectId]);
    expect(await definitions.revisions([])).toEqual(new Map());
  });
});

describe("touchKeys", () => {
  it("[U7] keeps the later of stored and given time for each key, without a notification", async () => {
    const [a, b] = [await createKey(), await createKey()];
    const later = new Date(NOW.getTime() + 5);
    world.takeNotifications();
    await definitions.touchKeys(
      new Map([
        [a.id, later],
        [b.id, NOW],
        [randomUUID(), NOW],
      ]),
    );
    await definitions.touchKeys(new Map([[a.id, NOW]]));
    await definitions.touchKeys(new Map());
    const keys = await world.db.apiKey.findMany({ where: { projectId }, select: { id: true, lastUsedAt: true } });
    expect(new Map(keys.map((key) => [key.id, key.lastUsedAt]))).toEqual(
      new Map([
        [a.id, later],
        [b.id, NOW],
      ]),
    );
    expect(world.takeNotifications()).toEqual([]);
  });
});

describe("the form of an endpoint, whatever writes it", () => {
  const refusal = (constraint: string) => ({ code: "23514", constraint });

  it("[U2] refuses names that are too long or have other characters, at an insert and an update", async () => {
    const insert = `INSERT INTO "Endpoint" (id, "projectId", name, "updatedAt") VALUES ($1, $2, $3, now())`;
    for (const name of ["", "A", "a b", "-a", "a-", "a--b", "a//b", "/a", "é", "a\n", "a".repeat(255)]) {
      await expect(world.pool.query(insert, [randomUUID(), projectId, name])).rejects.toMatchObject(refusal("Endpoint_name_form"));
      const update = world.pool.query(`UPDATE "Endpoint" SET name = $2 WHERE id = $1`, [endpointId, name]);
      await expect(update).rejects.toMatchObject(refusal("Endpoint_name_form"));
    }
    for (const name of ["a", "0", "a-b/c-1", "a".repeat(254)]) await world.pool.query(insert, [randomUUID(), projectId, name]);
  });

  it("[F2] refuses a cache time outside of a year", async () => {
    const update = `UPDATE "Endpoint" SET "fileCacheSeconds" = $2 WHERE id = $1`;
    for (const seconds of [-1, 31_536_001]) {
      const refused = expect(world.pool.query(update, [endpointId, seconds])).rejects;
      await refused.toMatchObject(refusal("Endpoint_fileCacheSeconds_check"));
    }
    for (const seconds of [0, 31_536_000]) await world.pool.query(update, [endpointId, seconds]);
  });
});
