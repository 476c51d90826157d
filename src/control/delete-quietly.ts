/** Deletes what has records below it without logging each of them: their log goes too. */
import type { Db } from "@/src/db/client";

/** Millions of records may hang below an endpoint. */
const TIMEOUT_MS = 10 * 60_000;

/** What a deletion may use inside its transaction. */
export type Deletion = Pick<Db, "project" | "endpoint">;

/** Runs `remove` in a transaction in which the record triggers are mute, and answers its count. */
export function deleteQuietly({
  db,
  remove,
}: {
  db: Pick<Db, "$transaction">;
  remove: (tx: Deletion) => Promise<number>;
}): Promise<number> {
  return db.$transaction(
    async (tx) => {
      await tx.$executeRaw`SELECT set_config('rested.door', 'open', true)`;
      return remove(tx);
    },
    { timeout: TIMEOUT_MS },
  );
}
