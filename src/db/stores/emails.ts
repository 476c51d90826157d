/** Stores mails of e-mail endpoints: the record and the queued mail in one transaction. */
import type { EmailStore, NewEmail, ProjectFile } from "@/src/core/mail/emails";
import { createQueueFullError } from "@/src/core/mail/mailer";
import type { Outbox } from "@/src/core/mail/ports";
import type { WriteResult } from "@/src/core/records/ports";
import type { Db, DbTransaction } from "@/src/db/client";
import type { RawStatements } from "@/src/db/raw-statements";
import type { Read } from "@/src/db/read";
import { commitIdempotent } from "@/src/db/records/commit-idempotent";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { findStoredResponse } from "@/src/db/records/idempotent-requests";
import { nameStatement } from "@/src/db/statement";

// Not from `data`: whoever registers chooses it, so without a proof it could name anybody.
const FIND_ADDRESS = nameStatement(
  "rested_find_verified_address",
  `SELECT u.name AS email FROM "AppUser" u JOIN "Endpoint" e ON e.id = u."endpointId" AND e."projectId" = $1::uuid
  WHERE u.id = $2::uuid AND u."verifiedName" = u.name`,
);

const FIND_FILES = nameStatement(
  "rested_find_mail_files",
  `SELECT r."endpointId"::text AS "endpointId", wire_id(r.id) AS "recordId", f.name, f.type, f.size::float8 AS size FROM "Record" r
  JOIN "Endpoint" e ON e.id = r."endpointId" AND e."projectId" = $1::uuid JOIN "StoredFile" f ON f."recordId" = r.id AND f.sha256 IS NOT NULL
  WHERE r.id = ANY ($2::uuid[])`,
);

export function createEmailStore({
  db,
  read,
  reads,
  queue,
  outbox,
}: {
  db: Db;
  read: Read;
  reads: RawStatements;
  queue: EndpointQueue;
  outbox: Pick<Outbox, "add">;
}): EmailStore {
  /** Locks the endpoint's row first, as all writers of records and mails do. */
  async function write(tx: DbTransaction, { endpointId, projectId, record, mail }: NewEmail): Promise<WriteResult[]> {
    const results = await tx.record.commit(endpointId, [
      { type: "POST", id: record.id, contentType: "json", data: record.data, owner: record.owner },
    ]);
    if (results[0]?.outcome !== "ok") return results;
    if (!(await outbox.add(tx, { ...mail, projectId, record: { endpointId, recordId: record.id } }))) throw createQueueFullError();
    return results;
  }
  const toSize = ({ record, mail }: NewEmail) =>
    Buffer.byteLength(record.data) +
    (mail.message.attachments ?? []).reduce((sum, { content }) => sum + ("base64" in content ? content.base64.length : 0), 0);

  return {
    async create(email) {
      const [result] = await queue.run(email.endpointId, () => db.$transaction((tx) => write(tx, email)), toSize(email));
      if (!result) throw new Error("the record commit of an e-mail returned no result");
      return result;
    },
    createIdempotent: (email, idempotencyKey, toResponse) =>
      commitIdempotent(
        { db, read, queue },
        { endpointId: email.endpointId, idempotencyKey, bytes: toSize(email), commit: (tx) => write(tx, email), toResponse },
      ),
    findStoredResponse: (endpointId, key) => findStoredResponse(read, endpointId, key),
    async findUserAddress(projectId, userId) {
      const [row] = await reads.$queryRawUnsafe<{ email: string }[]>(FIND_ADDRESS, projectId, userId);
      return row?.email;
    },
    findFiles: async (projectId, ids) => reads.$queryRawUnsafe<ProjectFile[]>(FIND_FILES, projectId, [...ids]),
  };
}
