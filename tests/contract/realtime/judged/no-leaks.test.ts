/** Streams of endpoints with access rules deliver what a GET by the same caller shows in the state of each message: live, replayed, filtered and in snapshots (W29). */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { openEvents } from "@/tests/support/clients/event-client";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { createSecureWorld, type SecureWorld } from "@/tests/support/servers/secure-world";
import { until } from "@/tests/support/until";
import { type Caller, readAs, setRules, setUserData, toCaller } from "./judged-world";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const ROOMS = ["red", "blue"];
const USERS = ["ann", "bob", "sue"] as const;

const rules = fc.record({
  read: fc.constantFrom(
    null,
    "false",
    "data.isPublic = true",
    "@owner = @user.id",
    "data.room = @user.data.room",
    "data.members ~ @user.data.name | @owner = @user.id",
    "data.isPublic = true & data.n > 2 | data.room = @user.data.room",
  ),
  hide: fc.subarray([
    "phone",
    "n unless @owner = @user.id",
    'inner.secret unless @user.data.role = "admin"',
    "room unless data.isPublic = true",
  ]),
});

const data = fc.record(
  {
    isPublic: fc.boolean(),
    n: fc.nat({ max: 5 }),
    room: fc.constantFrom(...ROOMS),
    members: fc.subarray(["ann", "bob"]),
    phone: fc.constantFrom("1", "2"),
    inner: fc.record({ secret: fc.nat({ max: 9 }), open: fc.nat({ max: 9 }) }),
  },
  { requiredKeys: [] },
);

const history = fc.array(
  fc.record({
    type: fc.constantFrom("POST" as const, "POST" as const, "PUT" as const, "PUT" as const, "DELETE" as const),
    /** Which of the stored records it changes. */
    record: fc.nat({ max: 9 }),
    owner: fc.constantFrom(undefined, "ann" as const, "bob" as const),
    data,
  }),
  { minLength: 6, maxLength: 14 },
);

type History = typeof history extends fc.Arbitrary<infer Steps> ? Steps : never;

const pathOf = (world: SecureWorld, query: string) => `${world.path}?key=${world.keys.both}${query}`;

/** The changes among the messages, as `type text`. Snapshots are left out. */
const toChanges = (texts: readonly string[]) =>
  texts
    .map((text) => JSON.parse(text))
    .flatMap(({ type, record }) => (/^(POST|PUT|DELETE)$/.test(type) ? [`${type} ${JSON.stringify(record)}`] : []));

/** Writes the history, and returns for each caller the messages that it may receive, by what GET shows. */
async function write(world: SecureWorld, callers: readonly Caller[], steps: History): Promise<Map<Caller, string[]>> {
  const expected = new Map(callers.map((caller): [Caller, string[]] => [caller, []]));
  const stored: string[] = [];
  for (const step of steps) {
    const id = step.type === "POST" ? createUniqueId() : stored[step.record % Math.max(stored.length, 1)];
    if (id === undefined) continue;
    const look = async () => {
      for (const caller of callers) {
        const text = (await readAs(server, world, caller, [id])).get(id);
        if (text !== undefined) expected.get(caller)?.push(`${step.type} ${text}`);
      }
    };
    if (step.type === "DELETE") {
      await look();
      stored.splice(stored.indexOf(id), 1);
      await server.records.commit(world.endpointId, [{ type: "DELETE", id }]);
      continue;
    }
    const body = { id, contentType: "json", data: JSON.stringify(step.data) } as const;
    const owner = step.owner && world.users[step.owner].id;
    await server.records.commit(world.endpointId, [step.type === "POST" ? { ...body, type: "POST", owner } : { ...body, type: "PUT" }]);
    if (step.type === "POST") stored.push(id);
    await look();
  }
  return expected;
}

describe("what a stream of an endpoint with rules delivers", () => {
  it("[W29] [W5] [W11] [W12] [W13] is what GET shows to the same caller, for random rules and histories", async () => {
    await fc.assert(
      fc.asyncProperty(rules, fc.boolean(), history, async (itsRules, secure, steps) => {
        const world = await createSecureWorld(server, { secure });
        await setUserData(server, world.users.ann, { name: "ann", room: "red", role: "admin" });
        await setUserData(server, world.users.bob, { name: "bob", room: "blue" });
        await setRules(server, world, itsRules);
        const callers = [...USERS.map((name) => toCaller(name, world.users[name])), ...(secure ? [] : [toCaller("nobody")])];
        const connect = (caller: Caller, query: string) => server.connect(pathOf(world, query), { headers: caller.headers });
        const streams: { caller: Caller; plain: StreamClient; filtered: StreamClient; cursors: StreamClient }[] = [];
        for (const caller of callers)
          streams.push({
            caller,
            plain: await connect(caller, ""),
            filtered: await connect(caller, "&jsonata=data.n>1"),
            cursors: await connect(caller, "&since=now"),
          });
        const expected = await write(world, callers, steps);
        for (const { caller, plain, filtered, cursors } of streams) {
          const changes = expected.get(caller) ?? [];
          const matching = changes.filter((text) => JSON.parse(text.slice(text.indexOf(" "))).data.n > 1);
          await until("every change has arrived", () => toChanges(plain.texts).length >= changes.length);
          await until("every matching change has arrived", () => toChanges(filtered.texts).length >= matching.length);
          expect([caller.name, toChanges(plain.texts)]).toEqual([caller.name, changes]);
          expect(toChanges(filtered.texts)).toEqual(matching);
          await until("the same with cursors", () => toChanges(cursors.texts).length >= changes.length);
          expect(toChanges(cursors.texts)).toEqual(changes);

          const since = JSON.parse(cursors.texts[0] ?? "").cursor;
          const replayed = await connect(caller, `&since=${since}`);
          await until("the replay has arrived", () => toChanges(replayed.texts).length >= changes.length);
          expect(toChanges(replayed.texts)).toEqual(changes);
          const events = await openEvents(`${server.httpOrigin}${pathOf(world, `&lastEventId=${since}`)}`, caller.headers);
          await until("the replay has arrived as events", () => events.messages().length >= changes.length);
          expect(toChanges(events.messages().map((message) => JSON.stringify(message)))).toEqual(changes);
          events.drop();

          const shown = await readAs(server, world, caller);
          const snapshot = await connect(caller, "&since=now&snapshot=true");
          await until("the snapshot is complete", () => snapshot.texts.some((text) => /"type":"SNAPSHOT".*"cursor"/.test(text)));
          const records = snapshot.texts.map((text) => JSON.parse(text)).flatMap(({ type, record }) => (type === "SNAPSHOT" ? record : []));
          expect(records.map((record: unknown) => JSON.stringify(record))).toEqual([...shown.values()]);
          await Promise.all([plain, filtered, cursors, replayed, snapshot].map((client) => client.close()));
        }
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});
