/** Tests the cache of definitions with an in-memory store. */
import { describe, expect, it } from "vitest";
import type { Definition, DefinitionStore } from "@/src/core/access/ports";
import { createDefinitions, type Definitions } from "@/src/core/access/resolved-endpoints";
import type { Log } from "@/src/core/log";

const SIGN_IN = { kind: "session", id: "session", userId: "owner" } as const;
const CLOSED = {
  secure: false,
  othersCanRead: false,
  othersCanUpdate: false,
  othersCanDelete: false,
  fileCacheSeconds: 0,
  schema: null,
  rules: null,
  accessFunction: null,
};

interface FakeStore extends DefinitionStore {
  /** By `key name`. */
  stored: Map<string, Definition>;
  finds: string[];
  touched: ReadonlyMap<string, Date>[];
  /** Thrown by the next calls while it is set. */
  failure: Error | undefined;
  /** Awaited by `find` after it has read. */
  gate: Promise<void>;
}

function createStore(): FakeStore {
  const store: FakeStore = {
    stored: new Map(),
    finds: [],
    touched: [],
    failure: undefined,
    gate: Promise.resolve(),
    async find(key, name) {
      store.finds.push(`${key} ${name}`);
      const found = store.stored.get(`${key} ${name}`);
      await store.gate;
      if (store.failure) throw store.failure;
      return found;
    },
    async findEndpoint(id) {
      return [...store.stored.values()].find(({ endpoint }) => endpoint.id === id);
    },
    async redeemTicket() {
      const [found] = store.stored.values();
      return found && { ...found, signIn: SIGN_IN };
    },
    async revisions(ids) {
      const all = new Map([...store.stored.values()].map(({ project }) => [project.id, project.revision]));
      return new Map([...all].filter(([id]) => ids.includes(id)));
    },
    async touchKeys(lastUsed) {
      if (store.failure) throw store.failure;
      store.touched.push(lastUsed);
    },
  };
  return store;
}

function put(store: FakeStore, at: { key: string; name?: string; project?: string; revision?: number; origins?: string[] }): void {
  const { key, name = "some/endpoint", project = "p1", revision = 1, origins = [] } = at;
  store.stored.set(`${key} ${name}`, {
    key: { id: `id-${key}`, name: key, scope: "read_write", expiresAt: null, revokedAt: null },
    endpoint: { id: `e-${name}`, name, kind: "data", ...CLOSED },
    project: {
      id: project,
      ownerId: "owner",
      revision,
      rateLimit: null,
      allowedOrigins: origins,
      allowNullOrigin: false,
      disallowNoOrigin: false,
      masterKeyHash: null,
      userEndpoints: new Map(),
    },
  });
}

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function setUp(options: { entriesMax?: number } = {}): {
  store: FakeStore;
  definitions: Definitions;
  now: { at: Date };
  invalidated: string[];
} {
  const store = createStore();
  const now = { at: new Date("2026-01-01T00:00:00Z") };
  const definitions = createDefinitions({ store, clock: { now: () => now.at }, log: silent, ...options });
  const invalidated: string[] = [];
  definitions.onInvalidate((projectId) => invalidated.push(projectId));
  return { store, definitions, now, invalidated };
}

describe("find", () => {
  it("queries the store once, also for concurrent calls", async () => {
    const { store, definitions } = setUp();
    put(store, { key: "k" });
    const [one, two] = await Promise.all([definitions.find("k", "some/endpoint"), definitions.find("k", "some/endpoint")]);
    expect(one?.key?.id).toBe("id-k");
    expect(two).toBe(one);
    expect(await definitions.find("k", "some/endpoint")).toBe(one);
    expect(store.finds).toHaveLength(1);
  });

  it("[S9] a definition is cached until its project changes, or newer ones need its place", async () => {
    const { store, definitions } = setUp({ entriesMax: 1 });
    for (const key of ["a", "b"]) put(store, { key, project: `p-${key}` });
    const first = await definitions.find("a", "some/endpoint");
    expect(first?.isCached).toBe(true);
    definitions.invalidate("p-b");
    expect(first?.isCached).toBe(true);
    definitions.invalidate("p-a");
    const second = await definitions.find("a", "some/endpoint");
    expect([first?.isCached, second?.isCached]).toEqual([false, true]);
    await definitions.find("b", "some/endpoint");
    expect(second?.isCached).toBe(false);
    const overtaken = definitions.find("a", "some/endpoint");
    definitions.invalidate("p-a");
    expect((await overtaken)?.isCached).toBe(false);
  });

  it("does not cache misses, so a new endpoint is found immediately", async () => {
    const { store, definitions } = setUp();
    expect(await definitions.find("k", "some/endpoint")).toBeUndefined();
    put(store, { key: "k" });
    expect(await definitions.find("k", "some/endpoint")).toBeDefined();
  });

  it.each([
    ["", "some/endpoint"],
    ["a\0b", "some/endpoint"],
    ["k".repeat(129), "some/endpoint"],
    ["k k", "some/endpoint"],
    ["k?x", "some/endpoint"],
    ["k", "some/endpoint/"],
    ["k", "Some/endpoint"],
    ["k", "../secret"],
    ["k", "-"],
  ])("[U3] never asks the store for key %j and name %j", async (key, name) => {
    const { store, definitions } = setUp();
    expect(await definitions.find(key, name)).toBeUndefined();
    expect(store.finds).toEqual([]);
  });

  it("converts origins to the form that browsers send", async () => {
    const { store, definitions } = setUp();
    put(store, { key: "k", origins: ["https://Example.com:443", "http://localhost:3000"] });
    const found = await definitions.find("k", "some/endpoint");
    expect([...(found?.project.allowedOrigins ?? [])]).toEqual(["https://example.com", "http://localhost:3000"]);
  });

  it("throws the store's error and queries again afterwards", async () => {
    const { store, definitions } = setUp();
    put(store, { key: "k" });
    store.failure = new Error("away");
    await expect(definitions.find("k", "some/endpoint")).rejects.toThrow("away");
    store.failure = undefined;
    expect(await definitions.find("k", "some/endpoint")).toBeDefined();
  });

  it("keeps a limited number of definitions and drops the least recently used ones", async () => {
    const { store, definitions } = setUp({ entriesMax: 2 });
    for (const key of ["a", "b", "c"]) put(store, { key, project: `p-${key}` });
    for (const key of ["a", "b", "a", "c", "a"]) await definitions.find(key, "some/endpoint");
    expect(store.finds).toEqual(["a some/endpoint", "b some/endpoint", "c some/endpoint"]);
    await definitions.find("b", "some/endpoint");
    expect(store.finds.at(-1)).toBe("b some/endpoint");
  });
});

describe("invalidate", () => {
  it("[U7] drops only the project's definitions and notifies listeners until they unsubscribe", async () => {
    const { store, definitions, invalidated } = setUp();
    put(store, { key: "a", project: "p1" });
    put(store, { key: "b", project: "p2" });
    await definitions.find("a", "some/endpoint");
    await definitions.find("b", "some/endpoint");
    const heard: string[] = [];
    const stop = definitions.onInvalidate((projectId) => heard.push(projectId));
    definitions.invalidate("p1");
    stop();
    definitions.invalidate("p1");
    await definitions.find("a", "some/endpoint");
    await definitions.find("b", "some/endpoint");
    expect(store.finds).toEqual(["a some/endpoint", "b some/endpoint", "a some/endpoint"]);
    expect([invalidated, heard]).toEqual([["p1", "p1"], ["p1"]]);
  });

  it("[U7] neither caches a definition that was read before an invalidation nor returns it to later callers", async () => {
    const { store, definitions } = setUp();
    put(store, { key: "k", revision: 1 });
    let open = (): void => undefined;
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const early = definitions.find("k", "some/endpoint");
    put(store, { key: "k", revision: 2 });
    definitions.invalidate("p1");
    const late = definitions.find("k", "some/endpoint");
    open();
    expect((await early)?.project.revision).toBe(1);
    expect((await late)?.project.revision).toBe(2);
    expect((await definitions.find("k", "some/endpoint"))?.project.revision).toBe(2);
  });

  it("notifies the other listeners if one throws", () => {
    const { definitions } = setUp();
    const heard: string[] = [];
    definitions.onInvalidate(() => {
      throw new Error("broken");
    });
    definitions.onInvalidate((projectId) => heard.push(projectId));
    definitions.invalidate("p1");
    expect(heard).toEqual(["p1"]);
  });
});

describe("checkRevisions", () => {
  it("[U7] invalidates changed and deleted projects once", async () => {
    const { store, definitions, invalidated } = setUp();
    for (const project of ["same", "moved", "gone", "restored"]) put(store, { key: project, project, revision: 5 });
    for (const key of ["same", "moved", "gone", "restored"]) await definitions.find(key, "some/endpoint");
    put(store, { key: "moved", project: "moved", revision: 6 });
    put(store, { key: "restored", project: "restored", revision: 4 });
    store.stored.delete("gone some/endpoint");
    await definitions.checkRevisions();
    await definitions.checkRevisions();
    expect(invalidated).toEqual(["moved", "gone", "restored"]);
    expect((await definitions.find("moved", "some/endpoint"))?.project.revision).toBe(6);
    expect(await definitions.find("gone", "some/endpoint")).toBeUndefined();
  });

  it("invalidates the project's other definitions when a newer state is read", async () => {
    const { store, definitions, invalidated } = setUp();
    put(store, { key: "a", revision: 1 });
    await definitions.find("a", "some/endpoint");
    put(store, { key: "b", revision: 2 });
    await definitions.find("b", "some/endpoint");
    expect(invalidated).toEqual(["p1"]);
    await definitions.find("a", "some/endpoint");
    expect(store.finds).toHaveLength(3);
  });

  it("[W6] checks a watched project, cached or not, until it is no longer watched", async () => {
    const { store, definitions, invalidated } = setUp();
    put(store, { key: "k", revision: 1 });
    const stopOne = definitions.watch({ id: "p1", revision: 1 });
    const stopTwo = definitions.watch({ id: "p1", revision: 1 });
    await definitions.checkRevisions();
    expect(invalidated).toEqual([]);
    put(store, { key: "k", revision: 2 });
    await definitions.checkRevisions();
    await definitions.checkRevisions();
    expect(invalidated).toEqual(["p1"]);
    stopOne();
    stopOne();
    store.stored.clear();
    await definitions.checkRevisions();
    await definitions.checkRevisions();
    expect(invalidated).toEqual(["p1", "p1"]);
    stopTwo();
    put(store, { key: "k", revision: 9 });
    await definitions.checkRevisions();
    expect(invalidated).toEqual(["p1", "p1"]);
  });

  it("[W6] notifies a watcher that was granted at an older revision than the known one", async () => {
    const { store, definitions, invalidated } = setUp();
    put(store, { key: "k", revision: 2 });
    await definitions.find("k", "some/endpoint");
    definitions.watch({ id: "p1", revision: 1 });
    await definitions.checkRevisions();
    await definitions.checkRevisions();
    expect(invalidated).toEqual(["p1"]);
  });
});

describe("redeemTicket and findEndpoint", () => {
  it("work without a key and are not cached", async () => {
    const { store, definitions } = setUp();
    put(store, { key: "k" });
    expect(await definitions.redeemTicket("t")).toMatchObject({ key: null, signIn: SIGN_IN });
    expect((await definitions.findEndpoint("e-some/endpoint"))?.key).toBeNull();
    store.stored.clear();
    expect(await definitions.redeemTicket("t")).toBeUndefined();
    expect(await definitions.findEndpoint("e-some/endpoint")).toBeUndefined();
    expect(await definitions.redeemTicket("t\0")).toBeUndefined();
  });
});

describe("noteUse", () => {
  it("[U7] stores the last use of each key, and keeps it if that fails", async () => {
    const { store, definitions, now } = setUp();
    const first = now.at;
    definitions.noteUse("a");
    store.failure = new Error("away");
    await expect(definitions.flushUse()).rejects.toThrow("away");
    store.failure = undefined;
    now.at = new Date(first.getTime() + 1000);
    definitions.noteUse("b");
    await definitions.flushUse();
    await definitions.flushUse();
    expect(store.touched).toEqual([
      new Map([
        ["a", first],
        ["b", now.at],
      ]),
    ]);
  });
});
