/** Tests with a real database how access tokens are read, and what changes a project's token revision. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenStore } from "@/src/core/access/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { UserStore } from "@/src/core/users/ports";
import { createTokenStore } from "@/src/db/stores/tokens";
import { createUserStore } from "@/src/db/stores/users";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let database: RecordsDatabase;
let tokens: TokenStore;
let users: UserStore;
let endpointId: string;
let projectId: string;

const now = new Date("2030-01-01T00:00:00.123Z");
const expiresAt = new Date("2030-01-08T00:00:00.123Z");
const hashOf = (text: string) => createHash("sha256").update(text).digest();
const HASH = "a hash";

beforeAll(async () => {
  database = await createRecordsDatabase();
  tokens = createTokenStore({ db: database.db });
  users = createUserStore(database);
});
afterAll(() => database.close());
beforeEach(async () => {
  ({ id: endpointId, projectId } = await database.createEndpoint());
});

async function register(name = "ada"): Promise<string> {
  const id = createUniqueId();
  expect(await users.register({ endpointId, id, data: `{"username":"${name}"}`, name, passwordHash: HASH })).toMatchObject({
    outcome: "ok",
    change: { type: "POST", owner: id, record: { id, version: 1 } },
  });
  return id;
}

/** Stores a token and returns its hash. */
async function issue(userId: string, changes: { provenHash?: string; liveMax?: number; now?: Date; expiresAt?: Date } = {}) {
  const hash = hashOf(createUniqueId());
  const rest = { userAgent: "browser", address: "192.0.2.1", now, expiresAt, liveMax: 100, provenHash: HASH, ...changes };
  return { hash, stored: await users.createToken({ userId, projectId, hash, ...rest }) };
}

const revision = async () => (await tokens.revisions([projectId])).get(projectId) ?? 0;

describe("tokens", () => {
  it("[L3] are found by their hash and by id", async () => {
    const userId = await register();
    const { hash } = await issue(userId);
    const found = await tokens.find(hash);
    expect(found).toEqual({ id: expect.any(String), userId, projectId, endpointId, expiresAt, revokedAt: null });
    expect(await tokens.findByIds([found?.id ?? "", crypto.randomUUID()])).toEqual([found]);
    expect(await tokens.findByIds([])).toEqual([]);
    expect(await tokens.find(hashOf("another"))).toBeUndefined();
    const { hash: otherHash } = await issue(await register("bob"));
    const together = await Promise.all([hash, hashOf("another"), otherHash, hash].map((each) => tokens.find(each)));
    expect(together).toEqual([found, undefined, { ...found, id: expect.any(String), userId: expect.any(String) }, found]);
    expect(together[2]?.userId).not.toBe(userId);
    await users.revokeToken(found?.id ?? "", now);
    expect(await tokens.find(hash)).toEqual({ ...found, revokedAt: now });
    await users.revokeToken(found?.id ?? "", expiresAt);
    expect(await tokens.find(hash)).toEqual({ ...found, revokedAt: now });
  });

  it("[L3] keep the later time of use", async () => {
    const { hash } = await issue(await register());
    const id = (await tokens.find(hash))?.id ?? "";
    const lastUse = async () => (await database.db.accessToken.findUniqueOrThrow({ where: { id } })).lastUsedAt;
    await tokens.touch(
      new Map([
        [id, now],
        [crypto.randomUUID(), now],
      ]),
    );
    expect(await lastUse()).toEqual(now);
    await tokens.touch(new Map([[id, new Date(0)]]));
    await tokens.touch(new Map());
    expect(await lastUse()).toEqual(now);
    await tokens.touch(new Map([[id, expiresAt]]));
    expect(await lastUse()).toEqual(expiresAt);
  });

  it("[L3] increase the project's revision once per transaction when one ends early", async () => {
    const [ada, eve] = [await register("ada"), await register("eve")];
    const first = await issue(ada);
    for (const user of [ada, ada, eve]) await issue(user);
    const old = await issue(eve, { expiresAt: new Date(0) });
    const before = await revision();
    await users.revokeToken((await tokens.find(first.hash))?.id ?? "", now);
    expect(await revision()).toBe(before + 1);
    await users.setPassword({ endpointId, id: ada, hash: "another", now });
    expect(await revision()).toBe(before + 2);
    expect(await users.deleteExpiredTokens(now, 10)).toBe(1);
    expect(await tokens.find(old.hash)).toBeUndefined();
    expect(await revision()).toBe(before + 2);
    await database.db.endpoint.delete({ where: { id: endpointId } });
    expect(await revision()).toBe(before + 3);
    expect((await tokens.revisions([crypto.randomUUID()])).size).toBe(0);
  });

  it("[L3] of several projects change only their own revisions, even in one transaction", async () => {
    const here = { projectId, userId: await register(), before: await revision() };
    const { hash: one } = await issue(here.userId);
    ({ id: endpointId, projectId } = await database.createEndpoint());
    const before = await revision();
    const { hash: other } = await issue(await register());
    await database.db.accessToken.updateMany({
      where: { hash: { in: [one, other].map((hash) => new Uint8Array(hash)) } },
      data: { revokedAt: now },
    });
    expect(await revision()).toBe(before + 1);
    expect((await tokens.revisions([here.projectId])).get(here.projectId)).toBe(here.before + 1);
  });

  it("[L2] are only stored if the user still has the password that was verified", async () => {
    const id = await register();
    expect((await issue(id, { provenHash: "another" })).stored).toBe(false);
    expect((await issue(createUniqueId())).stored).toBe(false);
    expect((await issue(id)).stored).toEqual({ endedOthers: false });
  });

  it("[L2] the oldest end if there are too many; expired ones do not count", async () => {
    const id = await register();
    const at = (ms: number) => ({ now: new Date(now.getTime() + ms), liveMax: 2 });
    const gone = await issue(id, { ...at(0), expiresAt: new Date(now.getTime() + 1) });
    const [first, second] = [await issue(id, at(2)), await issue(id, at(3))];
    expect([first.stored, second.stored]).toEqual([{ endedOthers: false }, { endedOthers: false }]);
    const third = await issue(id, at(4));
    expect(third.stored).toEqual({ endedOthers: true });
    const states = await Promise.all([gone, first, second, third].map(async ({ hash }) => (await tokens.find(hash))?.revokedAt ?? null));
    expect(states).toEqual([null, new Date(now.getTime() + 4), null, null]);
  });
});

describe("users", () => {
  it("[L1] a taken name rolls the record back and leaves no gap in the log", async () => {
    await register();
    database.takeNotifications();
    const again = { endpointId, id: createUniqueId(), data: "{}", name: "ada", passwordHash: HASH };
    expect(await users.register(again)).toEqual({ outcome: "username_taken" });
    expect(database.takeNotifications()).toEqual([]);
    await register("eve");
    expect(await database.expectSound(endpointId)).toHaveLength(2);
    expect(database.takeNotifications()).toEqual([{ kind: "endpoint", endpointId }]);
  });

  it("[L4] a change is all or nothing", async () => {
    const [ada] = [await register("ada"), await register("eve")];
    const change = { endpointId, id: ada, data: '{"n":1}', expectedVersion: 1, now };
    database.takeNotifications();
    expect(await users.change({ ...change, name: "eve", password: { hash: "new" } })).toEqual({ outcome: "username_taken" });
    expect(await users.change({ ...change, password: { hash: "new" }, provenHash: "another" })).toEqual({ outcome: "password_changed" });
    expect(await users.change({ ...change, expectedVersion: 2 })).toEqual({ outcome: "version_conflict" });
    expect(await users.change({ ...change, id: createUniqueId() })).toEqual({ outcome: "record_not_found" });
    expect(await users.change({ ...change, endpointId: crypto.randomUUID() })).toEqual({ outcome: "endpoint_not_found" });
    expect(database.takeNotifications()).toEqual([]);
    expect(await users.find(endpointId, ada)).toMatchObject({ name: "ada", passwordHash: HASH, record: { data: '{"username":"ada"}' } });
    expect(await users.change({ ...change, name: "grace", password: { hash: "new" }, provenHash: HASH })).toMatchObject({ outcome: "ok" });
    expect(await users.findByName(endpointId, "grace")).toMatchObject({
      name: "grace",
      passwordHash: "new",
      record: { version: 2, data: '{"n":1}' },
    });
    expect(await users.findByName(endpointId, "ada")).toBeUndefined();
    expect(await database.expectSound(endpointId)).toHaveLength(3);
  });
});
