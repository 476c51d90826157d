/** The cache of access tokens, over a store in memory that counts its questions. */
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
  asked: { find: number; findByIds: (readonly string[])[]; revisions: (readonly string[])[]; touched: Map<string, Date>[] };
  logged: string[];
  /** Stores a token and answers it. */
  issue(changes?: Partial<StoredToken>): string;
  /** Ends a token as another node does: this one is not told. */
  revoke(token: string): void;
  /** Holds queries back until the promise settles. */
  gate: { wait: Promise<void> };
  isAway: boolean;
}

const toHex = (token: string): string => createHash("sha256").update(token).digest("hex");

function createWorld(entriesMax?: number): World {
  const stored = new Map<string, StoredToken>();
  const revisions = new Map([[PROJECT, 1]]);
  const asked: World["asked"] = { find: 0, findByIds: [], revisions: [], touched: [] };
  const logged: string[] = [];
  const store: TokenStore = {
    find: async (hash) => {
      asked.find += 1;
      const found = stored.get(Buffer.from(hash).toString("hex"));
      const answer = found && { ...found };
      await world.gate.wait;
      return answer;
    },
    findByIds: async (ids) => {
      asked.findByIds.push(ids);
      return [...stored.values()].filter(({ id }) => ids.includes(id));
    },
    revisions: async (ids) => {
      asked.revisions.push(ids);
      return new Map([...revisions].filter(([id]) => ids.includes(id)));
    },
    touch: async (lastUsed) => {
      if (world.isAway) throw new Error("away");
      asked.touched.push(new Map(lastUsed));
    },
  };
  const log = { error: (_: object, message: string) => void logged.push(message) };
  const world: World = {
    tokens: createTokens({ store, clock: { now: () => NOW }, log, ...(entriesMax === undefined ? {} : { entriesMax }) }),
    stored,
    revisions,
    asked,
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
  it("[L3] asks once, also when many ask at once", async () => {
    const token = world.issue();
    const found = await Promise.all([world.tokens.find(token), world.tokens.find(token)]);
    expect(found[0]).toMatchObject({ id: "token-1", revokedAt: null });
    expect(found[1]).toBe(found[0]);
    expect(await world.tokens.find(token)).toBe(found[0]);
    expect(world.asked.find).toBe(1);
  });

  it.each(["", "x", `${"a".repeat(42)}`, "a".repeat(44), `${"a".repeat(42)}.`, `${"a".repeat(42)}\n`, "é".repeat(43)])(
    "[S1] what can't be a token never reaches the database: %j",
    async (token) => {
      expect(await world.tokens.find(token)).toBeUndefined();
      expect(world.asked.find).toBe(0);
    },
  );

  it("[L3] remembers neither that there is none, nor one that has ended", async () => {
    const unknown = randomBytes(32).toString("base64url");
    await world.tokens.find(unknown);
    expect(await world.tokens.find(unknown)).toBeUndefined();
    const revoked = world.issue({ revokedAt: NOW });
    await world.tokens.find(revoked);
    expect(await world.tokens.find(revoked)).toMatchObject({ revokedAt: NOW });
    expect(world.asked.find).toBe(4);
  });

  it("[L3] keeps so many, and forgets the one that was longest unused", async () => {
    world = createWorld(2);
    const [a, b, c] = [world.issue(), world.issue(), world.issue()];
    for (const token of [a, b, a, c]) await world.tokens.find(token);
    expect(world.asked.find).toBe(3);
    await world.tokens.find(a);
    expect(world.asked.find).toBe(3);
    await world.tokens.find(b);
    expect(world.asked.find).toBe(4);
  });
});

describe("invalidate", () => {
  it("[L3] forgets the project's tokens and tells the listeners, even behind one that fails", async () => {
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
    expect(world.asked.find).toBe(3);
    expect(heard).toEqual([PROJECT]);
    expect(world.logged).toEqual(["a listener of tokens failed"]);
    expect(world.tokens.generation()).toBeGreaterThan(before);
    stop();
    world.tokens.invalidate(PROJECT);
    expect(heard).toEqual([PROJECT]);
  });

  it("[L3] a question that was under way meanwhile is not remembered, nor shared with those who ask afterwards", async () => {
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
  it("[L3] forgets what another node ended", async () => {
    const token = world.issue();
    await world.tokens.find(token);
    await world.tokens.checkRevisions();
    await world.tokens.find(token);
    world.revoke(token);
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: null });
    await world.tokens.checkRevisions();
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: NOW });
  });

  it("[L3] forgets what another node ended before the first check", async () => {
    const token = world.issue();
    await world.tokens.find(token);
    world.revoke(token);
    await world.tokens.checkRevisions();
    expect(await world.tokens.find(token)).toMatchObject({ revokedAt: NOW });
  });

  it("[L3] keeps what is in use and has not ended", async () => {
    const token = world.issue();
    await world.tokens.find(token);
    await world.tokens.checkRevisions();
    await world.tokens.find(token);
    const { find } = world.asked;
    for (let count = 0; count < 3; count += 1) {
      await world.tokens.checkRevisions();
      await world.tokens.find(token);
    }
    expect(world.asked.find).toBe(find);
  });

  it("[L3] asks about watched and cached projects alone", async () => {
    await world.tokens.checkRevisions();
    expect(world.asked.revisions).toEqual([]);
    const stop = world.tokens.watch(PROJECT);
    await world.tokens.checkRevisions();
    await world.tokens.checkRevisions();
    expect(world.asked.revisions).toEqual([[PROJECT], [PROJECT]]);
    stop();
    stop();
    await world.tokens.checkRevisions();
    expect(world.asked.revisions).toHaveLength(2);
  });

  it("[W6] tells of a watched project that something ended there, once; of a deleted one too", async () => {
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
  it("[W6] asks once for all of a turn, and afresh each time", async () => {
    world.issue();
    world.issue();
    const found = await Promise.all(["token-1", "token-2", "token-1", "gone"].map((id) => world.tokens.findById(id)));
    expect(found.map((token) => token?.id)).toEqual(["token-1", "token-2", "token-1", undefined]);
    expect(world.asked.findByIds).toEqual([["token-1", "token-2", "gone"]]);
    await world.tokens.findById("token-1");
    expect(world.asked.findByIds).toHaveLength(2);
  });
});

describe("use", () => {
  it("[L3] is stored in batches, and kept while the database is away", async () => {
    world.tokens.noteUse("token-1");
    world.isAway = true;
    await expect(world.tokens.flushUse()).rejects.toThrow("away");
    world.tokens.noteUse("token-2");
    world.isAway = false;
    await world.tokens.flushUse();
    await world.tokens.flushUse();
    expect(world.asked.touched).toEqual([
      new Map([
        ["token-1", NOW],
        ["token-2", NOW],
      ]),
    ]);
  });
});
