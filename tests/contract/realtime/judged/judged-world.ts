/** Endpoints with access rules, over HTTP and on streams, as users of an application use them. */
import type { AccessRules } from "@/src/shared/rules/access-rules";
import type { RealtimeServer } from "@/tests/support/servers/realtime-server";
import type { SecureWorld, WorldUser } from "@/tests/support/servers/secure-world";

/** Stores the rules of the endpoint that is tried, as the management API does. Null: it has none. */
export async function setRules(server: RealtimeServer, { endpointId }: { endpointId: string }, rules: AccessRules | null): Promise<void> {
  await server.pool.query(`UPDATE "Endpoint" SET rules = $2::json WHERE id = $1`, [endpointId, rules && JSON.stringify(rules)]);
}

/** Replaces the data of a user's own record. */
export async function setUserData(server: RealtimeServer, { id }: WorldUser, data: unknown): Promise<void> {
  const { rows } = await server.pool.query<{ endpointId: string }>(`SELECT "endpointId" FROM "AppUser" WHERE id = $1`, [id]);
  const write = { type: "PUT", id, contentType: "json", data: JSON.stringify(data) } as const;
  const [result] = await server.records.commit(rows[0]?.endpointId ?? "", [write]);
  if (result?.outcome !== "ok") throw new Error(`The data was not stored: ${result?.outcome}`);
}

/** The sender of a request or a stream. */
export interface Caller {
  name: string;
  headers: Record<string, string>;
}

export const toCaller = (name: string, user?: WorldUser): Caller => ({
  name,
  headers: user ? { Authorization: `Bearer ${user.token}` } : {},
});

/** The JSON texts of the records that GET shows to the caller, by their ids. `ids`: only these. */
export async function readAs(
  server: RealtimeServer,
  world: SecureWorld,
  caller: Caller,
  ids?: readonly string[],
): Promise<Map<string, string>> {
  const query = ids === undefined ? "" : `&uniqueId=${ids.join()}`;
  const response = await fetch(`${server.httpOrigin}${world.path}?key=${world.keys.both}${query}`, { headers: caller.headers });
  const text = await response.text();
  if (response.status === 403) return new Map();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  // The texts of records contain no line breaks, and their ends differ from everything within their data.
  const records: { uniqueId: string }[] = JSON.parse(text);
  return new Map(records.map((record) => [record.uniqueId, JSON.stringify(record)]));
}
