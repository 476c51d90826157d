/** A world with access rules at the endpoint to try (S7), and requests to it. */
import type { AccessRules } from "@/src/shared/rules/access-rules";
import type { RealtimeServer } from "./servers/realtime-server";
import { addRecord, createSecureWorld, MASTER_KEY, type SecureWorld, type Switches } from "./servers/secure-world";

export type RuledCaller = "ann" | "bob" | "sue" | "nobody" | "master";

export interface RuledRequest {
  query?: string;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface RuledAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed text. */
  body: ReturnType<typeof JSON.parse>;
}

export interface RuledWorld {
  world: SecureWorld;
  /** Stores a record directly. Returns its uniqueId. */
  add(owner: "ann" | "bob" | "sue" | undefined, data?: unknown): Promise<string>;
  ask(as: RuledCaller, method: string, request?: RuledRequest): Promise<RuledAnswer>;
  /** Replaces the rules, as a change of the endpoint does. */
  setRules(rules: AccessRules | null): Promise<void>;
  /** Replaces a user's own record. */
  setUser(name: "ann" | "bob" | "sue", data: object): Promise<void>;
  /** The stored data. */
  dataOf(id: string): Promise<unknown>;
  /** Follows the links from the first page to the last one. Returns the texts of each page. */
  readPages(as: RuledCaller, query: string): Promise<RuledAnswer["body"][]>;
}

export async function createRuledWorld(
  server: RealtimeServer,
  rules: AccessRules | null,
  target: Switches | "people" = {},
): Promise<RuledWorld> {
  const world = await createSecureWorld(server, target);
  const setRules: RuledWorld["setRules"] = async (next) => {
    await server.pool.query(`UPDATE "Endpoint" SET rules = $2 WHERE id = $1`, [world.endpointId, next && JSON.stringify(next)]);
    server.definitions.invalidate(world.projectId);
  };
  await setRules(rules);
  const ask: RuledWorld["ask"] = async (as, method, { query = "", body, headers = {} } = {}) => {
    const answer = await fetch(`${server.httpOrigin}${world.path}?key=${world.keys.both}${query}`, {
      method,
      headers: {
        ...(as === "master" ? { "X-Master-Key": MASTER_KEY } : as === "nobody" ? {} : { Authorization: `Bearer ${world.users[as].token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: text === "" ? undefined : JSON.parse(text) };
  };
  return {
    world,
    add: (owner, data = { n: 0 }) => addRecord(server, world.endpointId, owner && world.users[owner].id, JSON.stringify(data)),
    ask,
    setRules,
    setUser: async (name, data) => {
      const { rows } = await server.pool.query<{ endpointId: string }>(`SELECT "endpointId" FROM "Record" WHERE id = $1`, [
        world.users[name].id,
      ]);
      const endpointId = rows[0]?.endpointId ?? "";
      const text = JSON.stringify({ username: name, ...data });
      await server.records.commit(endpointId, [{ type: "PUT", id: world.users[name].id, contentType: "json", data: text }]);
    },
    dataOf: async (id) => {
      const found = await server.records.readOne(world.endpointId, id);
      return found && JSON.parse(found.data);
    },
    readPages: async (as, query) => {
      const pages: RuledAnswer["body"][] = [];
      for (let cursor = ""; ; ) {
        const { body, headers } = await ask(as, "GET", { query: `${query}${cursor}` });
        pages.push(body);
        const next = /[?&]cursor=([^&>]+)/.exec(headers.get("link") ?? "")?.[1];
        if (next === undefined) return pages;
        cursor = `&cursor=${next}`;
      }
    },
  };
}
