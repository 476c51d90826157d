/** Tests rules and functions that depend on the authentication endpoint of the user (A1.7, S8.7). */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRuledWorld } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

/** ann is a user of people/of-test, sue of staff/of-test. */
const STAFF_ONLY = { read: "true", create: "true", update: '@user.endpoint = "staff/of-test"', delete: '@user.endpoint = "staff/of-test"' };

it("[A1] [S7] only users of one authentication endpoint may change records, and lists show only them some", async () => {
  const { ask, add, setRules } = await createRuledWorld(server, STAFF_ONLY, { secure: true });
  const query = `&uniqueId=${await add("ann")}`;
  expect((await ask("ann", "PUT", { query, body: { n: 1 } })).body.code).toBe("access_denied");
  expect((await ask("sue", "PUT", { query, body: { n: 1 } })).status).toBe(200);
  expect((await ask("ann", "DELETE", { query })).body.code).toBe("access_denied");
  await setRules({ read: '@user.endpoint = "staff/of-test" & n = 1 | $.for = @user.endpoint' });
  await add(undefined, { for: "people/of-test" });
  expect((await ask("ann", "GET")).body.map(({ data }: { data: unknown }) => data)).toEqual([{ for: "people/of-test" }]);
  expect((await ask("sue", "GET")).body.map(({ data }: { data: unknown }) => data)).toEqual([{ n: 1 }]);
  await setRules({ read: "@user.endpoint missing" });
  expect((await ask("ann", "GET")).body).toEqual([]);
});

it("[S8] access functions see the endpoint of the user", async () => {
  const { ask, add, world } = await createRuledWorld(server, null, { secure: true, othersCanRead: true });
  await add("ann");
  await server.pool.query(`UPDATE "Endpoint" SET "accessFunction" = $2 WHERE id = $1`, [
    world.endpointId,
    '({ user }) => user.endpoint === "staff/of-test"',
  ]);
  server.definitions.invalidate(world.projectId);
  expect((await ask("ann", "GET")).body).toEqual([]);
  expect((await ask("sue", "GET")).body).toHaveLength(1);
});

it("[A1] [W6] a new name of the authentication endpoint counts at once, and ends streams that depend on it", async () => {
  const { ask, add, world } = await createRuledWorld(server, { read: '@user.endpoint = "staff/of-test"' }, { secure: true });
  await add(undefined);
  const headers = { Authorization: `Bearer ${world.users.sue.token}` };
  const stream = await server.connect(`${world.path}?key=${world.keys.both}`, { headers });
  expect((await ask("sue", "GET")).body).toHaveLength(1);
  await server.pool.query(`UPDATE "Endpoint" SET name = 'crew/of-test' WHERE name = 'staff/of-test' AND "projectId" = $1`, [
    world.projectId,
  ]);
  await server.tick();
  expect((await stream.closed).code).toBe(1000);
  expect((await ask("sue", "GET")).body).toEqual([]);
});
