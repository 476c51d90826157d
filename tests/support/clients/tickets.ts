/** Stores stream tickets, with the sign-in that requested them, directly in the database. */
import { createHash, randomBytes } from "node:crypto";
import type pg from "pg";

/** A ticket and its session. */
export interface TestTicket {
  ticket: string;
  userId: string;
  sessionId: string;
}

/** A ticket of the project's owner, valid for 30 s, as the console gets one. `sessionId`: default is a new session, valid for a day. */
export async function addTicket(
  { pool, clock }: { pool: pg.Pool; clock: { at: Date } },
  { projectId, endpointId, sessionId }: { projectId: string; endpointId: string; sessionId?: string },
): Promise<TestTicket> {
  const ticket = randomBytes(24).toString("base64url");
  const later = (ms: number) => new Date(clock.at.getTime() + ms);
  const session = sessionId ?? (await addSession(pool, { projectId, expiresAt: later(86_400_000) }));
  const { rows } = await pool.query<{ userId: string }>(
    `INSERT INTO "StreamTicket" ("hash", "userId", "endpointId", "sessionId", "expiresAt")
     SELECT $1, "ownerId", $2, $3, $4 FROM "Project" WHERE id = $5 RETURNING "userId"`,
    [createHash("sha256").update(ticket).digest(), endpointId, session, later(30_000), projectId],
  );
  return { ticket, userId: rows[0]?.userId ?? "", sessionId: session };
}

async function addSession(pool: pg.Pool, { projectId, expiresAt }: { projectId: string; expiresAt: Date }): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO "Session" ("id", "userId", "expiresAt") SELECT gen_random_uuid(), "ownerId", $1 FROM "Project" WHERE id = $2 RETURNING "id"`,
    [expiresAt, projectId],
  );
  return rows[0]?.id ?? "";
}
