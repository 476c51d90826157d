/** Checks one table of access rules (U6, U7, L4, S1, S2, S6, S7, S8, W5) over HTTP and on streams. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "@/src/shared/errors";
import { toDefaultRules } from "@/src/shared/rules/access-rules";
import { ACCESS_TOKEN_COOKIE, toAccessTokenCookie } from "@/src/shared/streams/protocol";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, createSecureWorld, MASTER_KEY, type SecureWorld, type Switches } from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

// ---------------------------------------------------------------------------------------------------------------------
// The table
// ---------------------------------------------------------------------------------------------------------------------

const ENDPOINTS = {
  open: {},
  secure: { secure: true },
  "secure, others read": { secure: true, othersCanRead: true },
  "secure, others update": { secure: true, othersCanUpdate: true },
  "secure, others delete": { secure: true, othersCanDelete: true },
  /** An endpoint with users ann and bob. All switches are on, but have no effect. */
  authentication: "people",
} as const satisfies Record<string, Switches | "people">;

/**
 * The credentials that a caller sends. ann is "the owner", bob another user of the same authentication endpoint, sue one of another endpoint, fox one of another
 * project.
 */
const CALLERS = {
  nobody: () => ({}),
  "a bad token": () => ({ bearer: "bad" }),
  "a made-up token": () => ({ bearer: "A".repeat(43) }),
  "an expired token": ({ ended }: SecureWorld) => ({ bearer: ended.expired }),
  "a revoked token": ({ ended }: SecureWorld) => ({ bearer: ended.revoked }),
  "a foreign token": ({ users }: SecureWorld) => ({ bearer: users.fox.token }),
  ann: ({ users }: SecureWorld) => ({ bearer: users.ann.token }),
  "ann by cookie": ({ users }: SecureWorld) => ({ cookie: users.ann.token }),
  "ann by the project's cookie": ({ users }: SecureWorld) => ({ projectCookie: users.ann.token }),
  "ann by cookie, a page of the server's own": ({ users }: SecureWorld) => ({ cookie: users.ann.token, origin: server.httpOrigin }),
  "ann by cookie, a listed origin": ({ users }: SecureWorld) => ({ projectCookie: users.ann.token, origin: SITE, listed: [SITE] }),
  "ann by cookie, another site": ({ users }: SecureWorld) => ({ cookie: users.ann.token, origin: SITE }),
  "ann by the project's cookie, another site": ({ users }: SecureWorld) => ({ projectCookie: users.ann.token, origin: SITE }),
  "ann by cookie, an opaque origin": ({ users }: SecureWorld) => ({ cookie: users.ann.token, origin: "null" }),
  "ann by cookie, a link on another site": ({ users }: SecureWorld) => ({ cookie: users.ann.token, fetchSite: "cross-site" }),
  "ann by cookie, a link on a sibling domain": ({ users }: SecureWorld) => ({ cookie: users.ann.token, fetchSite: "same-site" }),
  "ann, another site": ({ users }: SecureWorld) => ({ bearer: users.ann.token, origin: SITE }),
  "ann by parameter": ({ users }: SecureWorld) => ({ parameter: users.ann.token }),
  'ann by parameter with "Bearer"': ({ users }: SecureWorld) => ({ parameter: `Bearer ${users.ann.token}` }),
  bob: ({ users }: SecureWorld) => ({ bearer: users.bob.token }),
  "bob by header, ann by cookie": ({ users }: SecureWorld) => ({ bearer: users.bob.token, cookie: users.ann.token }),
  "bob by parameter, ann by cookie": ({ users }: SecureWorld) => ({ parameter: users.bob.token, cookie: users.ann.token }),
  sue: ({ users }: SecureWorld) => ({ bearer: users.sue.token }),
  "the master key": () => ({ master: MASTER_KEY }),
  "the master key, a bad token": () => ({ master: MASTER_KEY, bearer: "bad" }),
  "a wrong master key": () => ({ master: "wrong" }),
  "ann, a wrong master key": ({ users }: SecureWorld) => ({ bearer: users.ann.token, master: "wrong" }),
  "ann, a key that reads": ({ users, keys }: SecureWorld) => ({ bearer: users.ann.token, key: keys.read }),
  "ann, a key that writes": ({ users, keys }: SecureWorld) => ({ bearer: users.ann.token, key: keys.write }),
  "the master key, a key that reads": ({ keys }: SecureWorld) => ({ master: MASTER_KEY, key: keys.read }),
  "a ticket": ({ ticket }: SecureWorld) => ({ ticket }),
} satisfies Record<string, (world: SecureWorld) => Sent>;

interface Sent {
  bearer?: string;
  /** The cookie with the name that all projects shared. */
  cookie?: string;
  projectCookie?: string;
  origin?: string;
  /** `Sec-Fetch-Site` */
  fetchSite?: string;
  /** The origins that the project lists. Default: none. */
  listed?: string[];
  /** `accessToken` */
  parameter?: string;
  master?: string;
  key?: string;
  ticket?: string;
}

const SITE = "https://site.example";

type EndpointKind = keyof typeof ENDPOINTS;
type Caller = keyof typeof CALLERS;
/** The owner of a record. */
type Owner = "ann" | "bob" | "sue" | "nobody";
/**
 * The owners whose records are returned or can be changed. Those of others are omitted, or refused with `access_denied`. Otherwise: the error of the
 * operation.
 */
type Verdict = readonly Owner[] | ErrorCode;

interface Row {
  at: EndpointKind;
  as: readonly Caller[];
  /** The owner of a created record. `itself`: a new user. */
  create: Owner | "itself" | ErrorCode;
  /** Also what a stream shows. */
  read: Verdict;
  update: Verdict;
  delete: Verdict;
  /** The row applies to one of them only. */
  only?: "http" | "stream";
}

const ALL = ["ann", "bob", "sue", "nobody"] as const;
const ANN = ["ann"] as const;
const refused = (code: ErrorCode) => ({ create: code, read: code, update: code, delete: code });
const everything = (create: Row["create"]) => ({ create, read: ALL, update: ALL, delete: ALL });
const own = (name: "ann" | "bob" | "sue") => ({ create: name, read: [name], update: [name], delete: [name] });

const ANN_ANYHOW = [
  "ann",
  "ann by cookie",
  "ann by the project's cookie",
  "ann by cookie, a page of the server's own",
  "ann by cookie, a listed origin",
  "ann, another site",
] as const;
/** S6: the browser added the cookie, but ann's application may not have sent the request. */
const COOKIE_IGNORED = [
  "ann by cookie, another site",
  "ann by the project's cookie, another site",
  "ann by cookie, an opaque origin",
  "ann by cookie, a link on another site",
  "ann by cookie, a link on a sibling domain",
] as const;
const BOB_ANYHOW = ["bob", "bob by header, ann by cookie"] as const;
const INVALID = ["a bad token", "a made-up token", "an expired token", "a revoked token", "a foreign token"] as const;
const WRONG_MASTER = ["a wrong master key", "ann, a wrong master key"] as const;
const MASTER = ["the master key", "the master key, a bad token"] as const;
const SECURE_KINDS = ["secure", "secure, others read", "secure, others update", "secure, others delete"] as const;
const SCOPE = "key_scope_insufficient";

const ROWS: readonly Row[] = [
  // An open endpoint ignores tokens, and created records have no owner.
  { at: "open", as: ["nobody", ...INVALID, ...ANN_ANYHOW, ...COOKIE_IGNORED, ...BOB_ANYHOW, "sue", ...MASTER], ...everything("nobody") },
  { at: "open", as: WRONG_MASTER, ...refused("master_key_invalid") },
  { at: "open", as: ["ann, a key that reads"], ...refused(SCOPE), read: ALL },
  { at: "open", as: ["ann, a key that writes"], ...everything("nobody"), read: SCOPE },
  { at: "open", as: ["the master key, a key that reads"], ...refused(SCOPE), read: ALL },
  { at: "open", as: ["a ticket"], ...everything("nobody"), only: "stream" },

  // A secure endpoint refuses everybody without a user or the master key, whatever the switches say.
  ...SECURE_KINDS.flatMap((at): Row[] => [
    { at, as: ["nobody", ...COOKIE_IGNORED], ...refused("access_token_missing") },
    { at, as: INVALID, ...refused("access_token_invalid") },
    { at, as: WRONG_MASTER, ...refused("master_key_invalid") },
    { at, as: MASTER, ...everything("nobody") },
    { at, as: ["a ticket"], ...everything("nobody"), only: "stream" },
    // `accessToken` is only for sockets.
    { at, as: ["ann by parameter", 'ann by parameter with "Bearer"'], ...refused("access_token_missing"), only: "http" },
    { at, as: ['ann by parameter with "Bearer"'], ...refused("access_token_invalid"), only: "stream" },
  ]),

  { at: "secure", as: ANN_ANYHOW, ...own("ann") },
  { at: "secure", as: BOB_ANYHOW, ...own("bob") },
  { at: "secure", as: ["sue"], ...own("sue") },
  { at: "secure", as: ["ann by parameter"], ...own("ann"), only: "stream" },
  { at: "secure", as: ["bob by parameter, ann by cookie"], ...own("ann"), only: "http" },
  { at: "secure", as: ["bob by parameter, ann by cookie"], ...own("bob"), only: "stream" },
  { at: "secure", as: ["ann, a key that reads"], ...refused(SCOPE), read: ANN },
  { at: "secure", as: ["ann, a key that writes"], ...own("ann"), read: SCOPE },
  { at: "secure", as: ["the master key, a key that reads"], ...refused(SCOPE), read: ALL },

  // Each switch allows its own operation to users and nothing else, including for records without an owner.
  { at: "secure, others read", as: ANN_ANYHOW, ...own("ann"), read: ALL },
  { at: "secure, others read", as: BOB_ANYHOW, ...own("bob"), read: ALL },
  { at: "secure, others read", as: ["sue"], ...own("sue"), read: ALL },
  { at: "secure, others update", as: ANN_ANYHOW, ...own("ann"), update: ALL },
  { at: "secure, others update", as: BOB_ANYHOW, ...own("bob"), update: ALL },
  { at: "secure, others update", as: ["sue"], ...own("sue"), update: ALL },
  { at: "secure, others delete", as: ANN_ANYHOW, ...own("ann"), delete: ALL },
  { at: "secure, others delete", as: BOB_ANYHOW, ...own("bob"), delete: ALL },
  { at: "secure, others delete", as: ["sue"], ...own("sue"), delete: ALL },

  // An authentication endpoint: everybody can register; after that each user has access only to their own account, whatever the switches say.
  { at: "authentication", as: ["nobody", ...COOKIE_IGNORED], ...refused("access_token_missing"), create: "itself" },
  { at: "authentication", as: [...INVALID, "sue"], ...refused("access_token_invalid"), create: "itself" },
  { at: "authentication", as: WRONG_MASTER, ...refused("master_key_invalid") },
  { at: "authentication", as: ANN_ANYHOW, ...own("ann"), create: "itself" },
  { at: "authentication", as: BOB_ANYHOW, ...own("bob"), create: "itself" },
  { at: "authentication", as: ["ann by parameter"], ...own("ann"), create: "itself", only: "stream" },
  { at: "authentication", as: ["ann, a key that reads"], ...refused(SCOPE), read: ANN },
  { at: "authentication", as: ["ann, a key that writes"], ...own("ann"), create: "itself", read: SCOPE },
  { at: "authentication", as: MASTER, ...everything("itself") },
  { at: "authentication", as: ["a ticket"], ...everything("itself"), only: "stream" },
];

// ---------------------------------------------------------------------------------------------------------------------
// The same verdicts, decided by rules and functions
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Decided by the endpoint's switches, rules that say the same, or an access function that does. With rules or a function, all switches are on, so that
 * they alone refuse.
 */
type By = "switches" | "rules" | "a function";

const ALL_ON: Switches = { secure: true, othersCanRead: true, othersCanUpdate: true, othersCanDelete: true };

async function createDecidedWorld({ at, by }: { at: EndpointKind; by: By }): Promise<SecureWorld> {
  const target = ENDPOINTS[at];
  const world = await createSecureWorld(server, by === "switches" || target === "people" ? target : ALL_ON);
  await decideBy(world, at, by);
  return world;
}

async function decideBy({ endpointId, projectId }: SecureWorld, at: EndpointKind, by: By): Promise<void> {
  const endpoint = ENDPOINTS[at];
  const closed = { secure: false, othersCanRead: false, othersCanUpdate: false, othersCanDelete: false };
  if (by === "rules") {
    const rules =
      endpoint === "people"
        ? toDefaultRules({ ...closed, kind: "authentication" })
        : toDefaultRules({ ...closed, kind: "data", ...endpoint });
    await server.pool.query(`UPDATE "Endpoint" SET rules = $2 WHERE id = $1`, [endpointId, JSON.stringify(rules)]);
  }
  if (by === "a function") {
    const switches = JSON.stringify(endpoint);
    const source = `({ operation, user, record }) => {
      const others = { read: "othersCanRead", subscribe: "othersCanRead", update: "othersCanUpdate", delete: "othersCanDelete" };
      return operation === "create" || (${switches})[others[operation]] === true || (record.owner !== null && record.owner === user?.uniqueId);
    }`;
    await server.pool.query(`UPDATE "Endpoint" SET "accessFunction" = $2 WHERE id = $1`, [endpointId, source]);
  }
  server.definitions.invalidate(projectId);
}

// ---------------------------------------------------------------------------------------------------------------------
// The same rows for both
// ---------------------------------------------------------------------------------------------------------------------

interface Case extends Omit<Row, "as" | "only"> {
  as: Caller;
  by: By;
}

/** Rules and functions can decide at every endpoint that needs a token. A function is only tried where there are no other users: it is slower. */
const waysOf = (at: EndpointKind): By[] => {
  if (at === "open") return ["switches"];
  return at === "secure" ? ["switches", "rules", "a function"] : ["switches", "rules"];
};

const casesOf = (transport: "http" | "stream"): Case[] =>
  ROWS.filter(({ only }) => only === undefined || only === transport).flatMap(({ as, ...row }) =>
    as.flatMap((caller) => waysOf(row.at).map((by) => ({ ...row, as: caller, by }))),
  );

async function send(world: SecureWorld, caller: Caller): Promise<{ path: string; headers: Record<string, string> }> {
  const sent: Sent = CALLERS[caller](world);
  if (sent.listed) await server.pool.query(`UPDATE "Project" SET "allowedOrigins" = $2 WHERE id = $1`, [world.projectId, sent.listed]);
  const parameters = new URLSearchParams(sent.ticket ? { ticket: sent.ticket } : { key: sent.key ?? world.keys.both });
  if (sent.parameter) parameters.set("accessToken", sent.parameter);
  return {
    path: `${world.path}?${parameters}`,
    headers: {
      ...(sent.bearer ? { Authorization: `Bearer ${sent.bearer}` } : {}),
      ...(sent.projectCookie ? { Cookie: `${toAccessTokenCookie(world.projectId)}=${sent.projectCookie}` } : {}),
      ...(sent.origin ? { Origin: sent.origin } : {}),
      ...(sent.fetchSite ? { "Sec-Fetch-Site": sent.fetchSite } : {}),
      ...(sent.cookie ? { Cookie: `other=1; ${ACCESS_TOKEN_COOKIE}=${sent.cookie}` } : {}),
      ...(sent.master ? { "X-Master-Key": sent.master } : {}),
    },
  };
}

/** A record of each owner. At an authentication endpoint: the existing accounts. */
async function addRecords(world: SecureWorld, at: EndpointKind): Promise<Map<Owner, string>> {
  const { ann, bob, sue } = world.users;
  if (at === "authentication")
    return new Map([
      ["ann", ann.id],
      ["bob", bob.id],
    ]);
  const records = new Map<Owner, string>();
  for (const [owner, id] of [
    ["ann", ann.id],
    ["bob", bob.id],
    ["sue", sue.id],
    ["nobody", undefined],
  ] as const)
    records.set(owner, await addRecord(server, world.endpointId, id));
  return records;
}

const nameOf = ({ users }: SecureWorld, id: string | null): Owner | undefined =>
  id === null ? "nobody" : (["ann", "bob", "sue"] as const).find((name) => users[name].id === id);

/** The records of the owners that the verdict names. Undefined: an error is expected. */
const allowed = (verdict: Verdict, owners: Iterable<Owner>): Owner[] | undefined =>
  typeof verdict === "string" ? undefined : [...owners].filter((owner) => verdict.includes(owner));

describe("over HTTP", () => {
  it.each(casesOf("http"))("[U6] [U7] [L4] [S1] [S2] [S3] [S4] [S6] [S7] [S8] $at, $as, by $by", async (row) => {
    const world = await createDecidedWorld(row);
    const records = await addRecords(world, row.at);
    const { path, headers } = await send(world, row.as);
    const ask = async (method: string, query = "", body?: object) => {
      const content = body ? { body: JSON.stringify(body) } : {};
      const type = body ? { "Content-Type": "application/json" } : {};
      const answer = await fetch(`${server.httpOrigin}${path}${query}`, { method, headers: { ...headers, ...type }, ...content });
      const answered = await answer.json();
      if (!answer.ok) expect(answer.status).toBe(Object.entries(ERRORS).find(([code]) => code === answered.code)?.[1].status);
      return { ok: answer.ok, code: answered.code, answered };
    };
    const stateOf = async (id: string) => (await server.records.readOne(world.endpointId, id))?.version;
    const ownersOf = (list: { uniqueId: string }[]) => {
      const byId = new Map([...records].map(([owner, id]) => [id, owner]));
      return list.map(({ uniqueId }) => byId.get(uniqueId));
    };

    // Reads: the list, several records, and each record.
    const shown = allowed(row.read, records.keys());
    for (const query of ["", `&uniqueId=${[...records.values()].join()}`]) {
      const read = await ask("GET", query);
      if (shown) expect(ownersOf(read.answered)).toEqual(shown);
      else expect(read.code).toBe(row.read);
    }
    for (const [owner, id] of records) {
      const read = await ask("GET", `&uniqueId=${id}`);
      if (shown?.includes(owner)) expect(ownersOf(read.answered)).toEqual([owner]);
      else expect(read.code, owner).toBe(shown ? "access_denied" : row.read);
    }

    // Creates.
    const created = await ask("POST", "", row.at === "authentication" ? { username: "new one", password: "long enough" } : { n: 1 });
    if (created.ok) {
      const id: string = created.answered.uniqueId;
      const { owner } = (await server.records.readOne(world.endpointId, id)) ?? {};
      expect(owner === id ? "itself" : nameOf(world, owner ?? null)).toBe(row.create);
    } else expect(created.code).toBe(row.create);

    // Changes: a refused change writes nothing.
    for (const [owner, id] of records) {
      const before = await stateOf(id);
      const changed = await ask("PUT", `&uniqueId=${id}&strategy=merge`, { note: 1 });
      const mayChange = allowed(row.update, records.keys());
      expect(changed.code, owner).toBe(mayChange ? (mayChange.includes(owner) ? undefined : "access_denied") : row.update);
      expect(await stateOf(id)).toBe(changed.ok ? (before ?? 0) + 1 : before);
    }
    for (const [owner, id] of [...records].sort(ownAccountLast(world, headers))) {
      const before = await stateOf(id);
      const deleted = await ask("DELETE", `&uniqueId=${id}`);
      const mayDelete = allowed(row.delete, records.keys());
      expect(deleted.code, owner).toBe(mayDelete ? (mayDelete.includes(owner) ? undefined : "access_denied") : row.delete);
      expect(await stateOf(id)).toBe(deleted.ok ? undefined : before);
    }
  });

  it.each<[Caller, "ok" | ErrorCode, "ok" | ErrorCode]>([
    ["nobody", "login_failed", "access_token_missing"],
    ["a bad token", "login_failed", "access_token_invalid"],
    ["an expired token", "login_failed", "access_token_invalid"],
    ["a revoked token", "login_failed", "access_token_invalid"],
    ["a foreign token", "login_failed", "access_token_invalid"],
    ["sue", "login_failed", "access_token_invalid"],
    ["ann", "login_failed", "ok"],
    ["ann by cookie", "login_failed", "ok"],
    ["ann by cookie, a page of the server's own", "login_failed", "ok"],
    ["ann by cookie, a listed origin", "login_failed", "ok"],
    ["ann by cookie, another site", "cookie_origin_not_listed", "access_token_missing"],
    ["ann by cookie, an opaque origin", "cookie_origin_not_listed", "access_token_missing"],
    ["ann by cookie, a link on another site", "cookie_origin_not_listed", "access_token_missing"],
    ["ann by parameter", "login_failed", "access_token_missing"],
    ["ann, a key that reads", "login_failed", "ok"],
    ["ann, a key that writes", "login_failed", "ok"],
    ["a wrong master key", "master_key_invalid", "master_key_invalid"],
  ])("[L2] [L3] [S6] %s: a login needs only the password; a logout needs a token", async (caller, login, logout) => {
    const world = await createSecureWorld(server, "people");
    const { path, headers } = await send(world, caller);
    const ask = async (query: string, body?: object) => {
      const type = body ? { "Content-Type": "application/json" } : {};
      const content = body ? { body: JSON.stringify(body) } : {};
      const answer = await fetch(`${server.httpOrigin}${path}${query}`, { method: "POST", headers: { ...headers, ...type }, ...content });
      const answered = await answer.json();
      return answer.ok ? "ok" : answered.code;
    };
    expect(await ask("&login=true", { username: "nobody knows", password: "long enough" })).toBe(login);
    expect(await ask("&logout=true")).toBe(logout);
    // The token is invalid now, and a cookie that contains it is cleared.
    if (logout === "ok") expect(await ask("&logout=true")).toBe(caller.includes("by cookie") ? "ok" : "access_token_invalid");
  });
});

/** A user that deletes its own account has no access afterwards. */
function ownAccountLast({ users }: SecureWorld, headers: Record<string, string>): (a: [Owner, string], b: [Owner, string]) => number {
  const sent = Object.values(headers).join();
  const isOwn = ([name]: [Owner, string]) => name !== "nobody" && sent.includes(users[name].token);
  const rank = (entry: [Owner, string]) => (isOwn(entry) ? 1 : 0);
  return (a, b) => rank(a) - rank(b);
}

describe("on the stream", () => {
  it.each(casesOf("stream"))("[W1] [W3] [W5] [S6] [W29] $at, $as, by $by", async (row) => {
    const world = await createDecidedWorld(row);
    const { path, headers } = await send(world, row.as);
    if (typeof row.read === "string") {
      for (const mode of ["", "&since=now"]) {
        const refusedClient = await server.connect(`${path}${mode}`, { headers });
        const reason = COOKIE_IGNORED.some((name) => name === row.as) ? expect.stringMatching(/cookie/i) : ERRORS[row.read].message;
        expect(await refusedClient.closed).toEqual({ code: 4000, reason });
        expect(refusedClient.texts).toEqual([]);
      }
      return;
    }

    const client = await server.connect(`${path}&since=now`, { headers });
    const { cursor } = await client.at(0);
    const { ann, bob, sue } = world.users;
    const expected: string[] = [];
    // Records are created, changed and deleted as their owners would. The caller may read the last change.
    const owners = [...ALL].sort((a, b) => Number(row.read.includes(a)) - Number(row.read.includes(b)));
    const records = new Map<Owner, string>();
    for (const owner of owners) {
      const ownerId = { ann: ann.id, bob: bob.id, sue: sue.id, nobody: undefined }[owner];
      records.set(owner, await addRecord(server, world.endpointId, ownerId));
    }
    for (const id of records.values()) await server.records.commit(world.endpointId, [{ type: "PUT", id, contentType: "json", data: "1" }]);
    for (const id of records.values()) await server.records.commit(world.endpointId, [{ type: "DELETE", id }]);
    for (const type of ["POST", "PUT", "DELETE"])
      for (const [owner, id] of records) if (row.read.includes(owner)) expected.push(`${type} ${id}`);

    const brief = ({ type, record }: { type: string; record?: { uniqueId: string } }) => `${type} ${record?.uniqueId}`;
    expect((await client.take(1 + expected.length)).slice(1).map(brief)).toEqual(expected);

    // The same in a replay. A ticket opens only one stream.
    const again = row.as === "a ticket" ? undefined : await server.connect(`${path}&since=${cursor}`, { headers });
    expect((await again?.take(1 + expected.length))?.slice(1).map(brief)).toEqual(again && expected);
  });
});
