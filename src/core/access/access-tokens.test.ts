/** Tests the cache of access tokens with an in-memory store that counts its queries. */
import { createHash, randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { createTokens, type Tokens } from "@/src/core/access/access-tokens";
import type { StoredToken, TokenStore } from "@/src/core/access/ports";

const NOW = new Date("2026-01-01T00:00:00Z");
const PROJECT = "project-1";

interface World {
  tokens: Tokens;
  /** By the token's SHA-256, in hex. */
  stored: Map<string, StoredToken>;
  revisions: Map<string, number>;
  queries: { find: number; findByIds: (readonly string[])[]; revisions: (readonly string[])[]; touched: Map<string, Date>[] };
  logged: string[];
  /** Stores a token and returns it. */
  issue(changes?: Partial<StoredToken>): string;
  /** Ends a token as another node does, without a notification to this one. */
  revoke(token: string): void;
  /** Holds queries back until the promise settles. */
  gate: { wait: Promise<void> };
  isAway: boolean;
}

const toHex = (token: string): string => createHash("sha256").update(token).digest("hex");

function createWorld(entriesMax?: number): World {
  const stored = new Map<string, StoredToken>();
  const revisions = new Map([[PROJECT, 1]]);
  const queries: World["queries"] = { find: 0, findByIds: [], revisions: [], touched: [] };
  const logged: string[] = [];
  const store: TokenStore = {
    find: async (hash) => {
      queries.find += 1;
      const found = stored.get(Buffer.from(hash).toString("hex"));
      const answer = found && { ...found };
      await world.gate.wait;
      return answer;
    },
    findByIds: async (ids) => {
      queries.findByIds.push(ids);
      return [...stored.values()].filter(({ id }) => ids.includes(id));
    },
    revisions: async (ids) => {
      queries.revisions.push(ids);
      return new Map([...revisions].filter(([id]) => ids.includes(id)));
    },
    touch: async (lastUsed) => {
      if (world.isAway) throw new Error("away");
      queries.touched.push(new Map(lastUsed));
    },
  };
  const log = { error: (_: object, message: string) => void logged.push(message) };
  const world: World = {
    tokens: createTokens({ store, clock: { now: () => NOW }, log, ...(entriesMax === undefined ? {} : { entriesMax }) }),
    stored,
    revisions,
    queries,
    logged,
    gate: { wait: Promise.resolve() },
    isAway: false,
    issue(changes = {}) {
      const token = randomBytes(32).toString("base64url");
      stored.set(toHex(token), {
        id: `token-${stored.size + 1}`,
        userId: "user",
        projectId: PROJECT,
        endpointId: "users",
        expiresAt: new Date(NOW.getTime() + 1000),
        revokedAt: null,
        ...changes,
      });
      return token;
    },
    revoke(token) {
      const found = stored.get(toHex(token));
      if (!found) throw new Error("There is no such token.");
      found.revokedAt = NOW;
      revisions.set(found.projectId, (revisions.get(found.projectId) ?? 0) + 1);
    },
  };
  return world;
}

let world: World;
beforeEach(() => {
  world = createWorld();
});

describe("find", () => {
  it("[L3] shares one query between concurrent calls", async () => {
    const token = world.issue();
    const found = await Promise.all([world.tokens.find(token), world.tokens.find(token)]);
    expect(found[0]).toMatchObject({ id: "token-1", revokedAt: null });
    expect(found[1]).toBe(found[0]);
    expect(await world.tokens.find(token)).toBe(found[0]);
    expect(world.queries.find).toBe(1);
  });

  it.each(["", "x", `${"a".repeat(42)}`, "a".repeat(44), `${"a".repeat(42)}.`, `${"a".repeat(42)}\n`, "é".repeat(43)])(
    "[S1] what can't be a token never reaches the database: %j",
    async (token) => {
      expect(await world.tokens.find(token)).toBeUndefined();
      expect(world.queries.find).toBe(0);
    },
  );

  it("[L3] caches neither a missing nor an ended token", async () => {
    const unknown = randomBytes(32).toString("base64url");
    await world.tokens.find(unknown);
    expect(await world.tokens.find(unknown)).toBeUndefined();
    const revoked = world.issue({ revokedAt: NOW });
    await world.tokens.find(revoked);
    expect(await world.tokens.find(revoked)).toMatchObject({ revokedAt: NOW });
    expect(world.queries.find).toBe(4);
  });

  it("[L3] keeps a limited number of tokens and drops the least recently used one", async () => {
    world = createWorld(2);
    const [a, b, c] = [world.issue(), world.issue(), world.issue()];
    for (const token of [a, b, a, c]) await world.tokens.find(token);
    expect(world.queries.find).toBe(3);
    await world.tokens.find(a);
    expect(world.queries.find).toBe(3);
    await world.tokens.find(b);
    expect(world.queries.find).toBe(4);
  });
});

describe("invalidate", () => {
  it("[L3] drops the project's tokens and notifies all listeners, even if one throws", async () => {
    const heard: string[] = [];
    world.tokens.onInvalidate(() => {
      throw new Error("broken");
    });
    const stop = world.tokens.onInvalidate((projectId) => heard.push(projectId));
    const token = world.issue();
    const other = world.issue({ projectId: "project-2" });
    for (const one of [token, other]) await world.tokens.find(one);
    const before = world.tokens.generation();
    world.revoke(token);
    world.tokens.invalidate(PROJECT);
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: NOW });
    await world.tokens.find(other);
    expect(world.queries.find).toBe(3);
    expect(heard).toEqual([PROJECT]);
    expect(world.logged).toEqual(["a listener for revoked tokens failed"]);
    expect(world.tokens.generation()).toBeGreaterThan(before);
    stop();
    world.tokens.invalidate(PROJECT);
    expect(heard).toEqual([PROJECT]);
  });

  it("[L3] neither caches nor shares a query that was running during an invalidation", async () => {
    const token = world.issue();
    let open = () => {};
    world.gate.wait = new Promise((resolve) => {
      open = resolve;
    });
    const early = world.tokens.find(token);
    world.revoke(token);
    world.tokens.invalidate(PROJECT);
    const late = world.tokens.find(token);
    open();
    expect(await early).toMatchObject({ revokedAt: null });
    expect(await late).toMatchObject({ revokedAt: NOW });
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: NOW });
  });
});

describe("checkRevisions", () => {
  it("[L3] drops tokens that another node ended", async () => {
    const token = world.issue();
    await world.tokens.find(token);
    await world.tokens.checkRevisions();
    await world.tokens.find(token);
    world.revoke(token);
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: null });
    await world.tokens.checkRevisions();
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: NOW });
  });

  it("[L3] drops tokens that another node ended before the first check", async () => {
    const token = world.issue();
    await world.tokens.find(token);
    world.revoke(token);
    await world.tokens.checkRevisions();
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: NOW });
  });

  it("[L3] keeps tokens that are in use and have not ended", async () => {
    const token = world.issue();
    await world.tokens.find(token);
    await world.tokens.checkRevisions();
    await world.tokens.find(token);
    const { find } = world.queries;
    for (let count = 0; count < 3; count += 1) {
      await world.tokens.checkRevisions();
      await world.tokens.find(token);
    }
    expect(world.queries.find).toBe(find);
  });

  it("[L3] reads the revisions of watched and cached projects only", async () => {
    await world.tokens.checkRevisions();
    expect(world.queries.revisions).toEqual([]);
    const stop = world.tokens.watch(PROJECT);
    await world.tokens.checkRevisions();
    await world.tokens.checkRevisions();
    expect(world.queries.revisions).toEqual([[PROJECT], [PROJECT]]);
    stop();
    stop();
    await world.tokens.checkRevisions();
    expect(world.queries.revisions).toHaveLength(2);
  });

  it("[W6] notifies once when a token of a watched project ended, and when the project was deleted", async () => {
    const heard: string[] = [];
    world.tokens.watch(PROJECT);
    await world.tokens.checkRevisions();
    world.tokens.onInvalidate((projectId) => heard.push(projectId));
    world.revoke(world.issue());
    await world.tokens.checkRevisions();
    await world.tokens.checkRevisions();
    expect(heard).toEqual([PROJECT]);
    world.revisions.delete(PROJECT);
    await world.tokens.checkRevisions();
    await world.tokens.checkRevisions();
    expect(heard).toEqual([PROJECT, PROJECT]);
  });
});

describe("findById", () => {
  it("[W6] shares one query between all calls of a tick and caches nothing", async () => {
    world.issue();
    world.issue();
    const found = await Promise.all(["token-1", "token-2", "token-1", "gone"].map((id) => world.tokens.findById(id)));
    expect(found.map((token) => token?.id)).toEqual(["token-1", "token-2", "token-1", undefined]);
    expect(world.queries.findByIds).toEqual([["token-1", "token-2", "gone"]]);
    await world.tokens.findById("token-1");
    expect(world.queries.findByIds).toHaveLength(2);
  });
});

describe("use", () => {
  it("[L3] is stored in batches, and kept while the database is unavailable", async () => {
    world.tokens.noteUse("token-1");
    world.isAway = true;
    await expect(world.tokens.flushUse()).rejects.toThrow("away");
    world.tokens.noteUse("token-2");
    world.isAway = false;
    await world.tokens.flushUse();
    await world.tokens.flushUse();
    expect(world.queries.touched).toEqual([
      new Map([
        ["token-1", NOW],
        ["token-2", NOW],
      ]),
    ]);
  });
});
