/** The data of the deployment: a project, its users, and an open, a private and an e-mail endpoint for each run. */
import { createHash, randomBytes } from "node:crypto";
import type pg from "pg";
import { createUser } from "@/tests/support/clients/users";

/** An endpoint of a run. */
export interface Target {
  endpointId: string;
  /** `/api/1/ce/…?key=…` */
  path: string;
}

/** A user of the application. `id` is the owner of its records, in the form of the database. */
export interface Person {
  id: string;
  headers: Record<string, string>;
}

export interface World {
  /** The endpoints of the run with that number: an open one, one at which users see only their own records, and one that sends mails. */
  targets(run: number): { open: Target; secret: Target; mails: Target };
  projectId: string;
  people: readonly Person[];
  /** Headers that can read everything. */
  masterHeaders: Record<string, string>;
}

const USERS = "fault/users";
const PEOPLE = 4;

/** Needs a migrated database, and a server that uses it at `origin`. */
export async function createWorld({ pool, origin, runs }: { pool: pg.Pool; origin: string; runs: number }): Promise<World> {
  const key = randomBytes(16).toString("hex");
  const masterKey = randomBytes(24).toString("base64url");
  const { rows } = await pool.query<{ id: string; name: string; projectId: string }>(
    `WITH u AS (INSERT INTO "User" (id, email, name) VALUES (gen_random_uuid(), $1, 'Fault') RETURNING id),
          p AS (INSERT INTO "Project" (id, "ownerId", name, "masterKeyHash") SELECT gen_random_uuid(), u.id, 'Fault suite', $2 FROM u RETURNING id),
          k AS (INSERT INTO "ApiKey" (id, "projectId", name, key) SELECT gen_random_uuid(), p.id, 'key', $3 FROM p)
     INSERT INTO "Endpoint" (id, "projectId", name, kind, secure)
     SELECT gen_random_uuid(), p.id, n.name, (CASE WHEN n.name = $4 THEN 'authentication' WHEN n.name LIKE 'fault/mails-%' THEN 'email' ELSE 'data' END)::"EndpointKind",
       n.name LIKE ANY (ARRAY['fault/secret-%', 'fault/mails-%'])
     FROM p, unnest($5::text[]) AS n (name) RETURNING id, name, "projectId"`,
    [`${key}@example.com`, createHash("sha256").update(masterKey).digest(), key, USERS, toNames(runs)],
  );
  const toTarget = (name: string): Target => {
    const endpoint = rows.find((row) => row.name === name);
    if (!endpoint) throw new Error(`There is no endpoint ${name}.`);
    return { endpointId: endpoint.id, path: `/api/1/ce/${name}?key=${key}` };
  };
  const people: Person[] = [];
  for (let n = 0; n < PEOPLE; n++) {
    const { id, headers } = await createUser({ origin, path: toTarget(USERS).path });
    people.push({ id, headers: { ...headers } });
  }
  return {
    targets: (run) => ({
      open: toTarget(`fault/open-${run}`),
      secret: toTarget(`fault/secret-${run}`),
      mails: toTarget(`fault/mails-${run}`),
    }),
    projectId: rows[0]?.projectId ?? "",
    people,
    masterHeaders: { "X-Master-Key": masterKey },
  };
}

function toNames(runs: number): string[] {
  return [USERS, ...Array.from({ length: runs }, (_, run) => [`fault/open-${run}`, `fault/secret-${run}`, `fault/mails-${run}`]).flat()];
}
