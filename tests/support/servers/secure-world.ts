/** A project of two authentication endpoints and one endpoint to try, with users, tokens and keys of every kind; made by SQL, so that a test can have its own. */
import { createHash, randomBytes } from "node:crypto";
import { createUniqueId } from "@/src/core/records/unique-id";
import { addTicket } from "../clients/tickets";
import type { RealtimeServer } from "./realtime-server";

export interface Switches {
  secure?: boolean;
  othersCanRead?: boolean;
  othersCanUpdate?: boolean;
  othersCanDelete?: boolean;
}

/** A user of an application, who identifies its records. */
export interface WorldUser {
  /** The uniqueId of the user's record. */
  id: string;
  token: string;
}

export interface SecureWorld {
  projectId: string;
  /** The endpoint that is tried. */
  endpointId: string;
  /** `/api/1/ce/…` without a query. */
  path: string;
  keys: { both: string; read: string; write: string };
  /** ann and bob are users of one authentication endpoint of the project, sue of another one, and fox of another project. */
  users: { ann: WorldUser; bob: WorldUser; sue: WorldUser; fox: WorldUser };
  /** Tokens of ann that have ended. */
  ended: { expired: string; revoked: string };
  /** A ticket of the console for the endpoint. */
  ticket: string;
}

export const MASTER_KEY = "the-right-master-key";

/** `people`: the endpoint to try is the authentication endpoint of ann and bob. */
export async function createSecureWorld(server: RealtimeServer, target: Switches | "people"): Promise<SecureWorld> {
  const people = await server.seed({ kind: "authentication", endpointName: "people/of-test", masterKey: MASTER_KEY });
  const foreign = await server.seed({ kind: "authentication", endpointName: "people/of-test" });
  const { projectId } = people;
  const staffId = await addEndpoint(server, { projectId, name: "staff/of-test", kind: "authentication" });
  const name = target === "people" ? people.endpointName : "things/of-test";
  const endpointId = target === "people" ? people.endpointId : await addEndpoint(server, { projectId, name, kind: "data", ...target });
  if (target === "people") {
    const sql = `UPDATE "Endpoint" SET "othersCanRead" = true, "othersCanUpdate" = true, "othersCanDelete" = true WHERE id = $1`;
    await server.pool.query(sql, [endpointId]);
  }
  const addUserOf = (at: { endpointId: string; projectId: string }, username: string) => addUser(server, { ...at, username });
  const ann = await addUserOf(people, "ann");
  const users = {
    ann,
    bob: await addUserOf(people, "bob"),
    sue: await addUserOf({ endpointId: staffId, projectId }, "sue"),
    fox: await addUserOf(foreign, "fox"),
  };
  const hour = 3_600_000;
  const now = server.clock.at.getTime();
  return {
    projectId,
    endpointId,
    path: `/api/1/ce/${name}`,
    keys: { both: people.key, read: await addKey(server, projectId, "read"), write: await addKey(server, projectId, "write") },
    users,
    ended: {
      expired: await addToken(server, { userId: ann.id, projectId, expiresAt: new Date(now - hour) }),
      revoked: await addToken(server, { userId: ann.id, projectId, revokedAt: new Date(now - hour) }),
    },
    ticket: (await addTicket(server, { projectId, endpointId })).ticket,
  };
}

/** Stores a record directly in the database, as if its owner had; without an owner it has none. Returns its uniqueId. */
export async function addRecord(server: RealtimeServer, endpointId: string, owner: string | undefined, data = '{"n":0}'): Promise<string> {
  const id = createUniqueId();
  const [result] = await server.records.commit(endpointId, [{ type: "POST", id, contentType: "json", data, owner }]);
  if (result?.outcome !== "ok") throw new Error(`A record was not stored: ${result?.outcome}`);
  return id;
}

/** Creates another endpoint of the project, and returns its id. */
export async function addEndpoint(
  server: RealtimeServer,
  endpoint: { projectId: string; name: string; kind?: "data" | "authentication" } & Switches,
): Promise<string> {
  const {
    projectId,
    name,
    kind = "data",
    secure = false,
    othersCanRead = false,
    othersCanUpdate = false,
    othersCanDelete = false,
  } = endpoint;
  const { rows } = await server.pool.query<{ id: string }>(
    `INSERT INTO "Endpoint" ("id", "projectId", "name", "kind", "secure", "othersCanRead", "othersCanUpdate", "othersCanDelete")
     VALUES (gen_random_uuid(), $1, $2, $3::"EndpointKind", $4, $5, $6, $7) RETURNING id`,
    [projectId, name, kind, secure, othersCanRead, othersCanUpdate, othersCanDelete],
  );
  return idOf(rows);
}

/** A user without a password, logged in. */
export async function addUser(
  server: RealtimeServer,
  { endpointId, projectId, username }: { endpointId: string; projectId: string; username: string },
): Promise<WorldUser> {
  const id = createUniqueId();
  const data = JSON.stringify({ username });
  const [result] = await server.records.commit(endpointId, [{ type: "POST", id, contentType: "json", data, owner: id }]);
  if (result?.outcome !== "ok") throw new Error(`A user was not stored: ${result?.outcome}`);
  await server.pool.query(`INSERT INTO "AppUser" ("id", "endpointId", "name", "passwordHash") VALUES ($1, $2, $3, 'none')`, [
    id,
    endpointId,
    username,
  ]);
  return { id, token: await addToken(server, { userId: id, projectId }) };
}

/** An access token of a user; by default it lasts for an hour. */
export async function addToken(
  server: RealtimeServer,
  { userId, projectId, expiresAt, revokedAt = null }: { userId: string; projectId: string; expiresAt?: Date; revokedAt?: Date | null },
): Promise<string> {
  const token = randomBytes(32).toString("base64url");
  await server.pool.query(
    `INSERT INTO "AccessToken" ("id", "userId", "projectId", "hash", "expiresAt", "revokedAt") VALUES (gen_random_uuid(), $1, $2, $3, $4, $5)`,
    [userId, projectId, sha256(token), expiresAt ?? new Date(server.clock.at.getTime() + 3_600_000), revokedAt],
  );
  return token;
}

async function addKey(server: RealtimeServer, projectId: string, scope: "read" | "write"): Promise<string> {
  const key = randomBytes(16).toString("hex");
  await server.pool.query(
    `INSERT INTO "ApiKey" ("id", "projectId", "name", "key", "scope") VALUES (gen_random_uuid(), $1, 'Another key', $2, $3::"KeyScope")`,
    [projectId, key, scope],
  );
  return key;
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

function idOf(rows: { id: string }[]): string {
  const [row] = rows;
  if (!row) throw new Error("Nothing was stored.");
  return row.id;
}
