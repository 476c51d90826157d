/** Deletes the oldest changes of every log (W10), to limit its size to what streams need. Neither the sweep nor writers wait for each other. */
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

/** The retained part of each endpoint's log: changes younger than `hours`, at most `changesMax`. */
export interface Retention {
  hours: number;
  changesMax: number;
}

/** How many endpoints one statement examines. Each needs one index lookup. */
const ENDPOINTS_PER_PAGE = 1_000;
/** How many changes one transaction deletes. It takes some ten milliseconds. */
const BATCH = 2_000;

/** For a page of endpoints: where the next page begins (null: there is none), and those whose oldest change has expired. */
const FIND = nameStatement(
  "rested_find_old_changes",
  `WITH page AS (SELECT id, seq FROM "Endpoint" WHERE id > $1::uuid AND "projectId" IS NOT NULL ORDER BY id LIMIT $2::int)
  SELECT (SELECT (array_agg(id::text ORDER BY id DESC))[1] FROM page HAVING count(*) = $2::int) AS next,
    ARRAY(SELECT page.id::text FROM page CROSS JOIN LATERAL
      (SELECT c.seq, c.at FROM "Change" c WHERE c."endpointId" = page.id ORDER BY c.seq LIMIT 1) AS oldest
      WHERE oldest.at < clock_timestamp() - make_interval(hours => $3::int) OR oldest.seq <= page.seq - $4::bigint) AS ids`,
);

// Deletes from the oldest change on. Times increase with seq, so the remaining log has no gaps. A second server that sweeps at the same time waits
// for the rows and then finds them deleted. The identity of the last deleted change is kept (W26). The endpoint is locked first, as when it is
// deleted, which also deletes its log. Writers do not wait for that lock.
const DELETE = nameStatement(
  "rested_expire_changes",
  `WITH endpoint AS (
    SELECT id FROM "Endpoint" WHERE id = $1::uuid FOR KEY SHARE
  ), expired AS (
    DELETE FROM "Change" WHERE "endpointId" = (SELECT id FROM endpoint) AND seq IN (
      SELECT oldest.seq FROM (SELECT c.seq, c.at FROM "Change" c WHERE c."endpointId" = $1::uuid ORDER BY c.seq LIMIT $2::int) AS oldest
      WHERE oldest.at < clock_timestamp() - make_interval(hours => $3::int)
        OR oldest.seq <= (SELECT seq FROM "Endpoint" WHERE id = $1::uuid) - $4::bigint)
    RETURNING seq, "recordId", at
  ), remembered AS (
    INSERT INTO "ExpiredChange" AS known ("endpointId", seq, "recordId", at)
    SELECT endpoint.id, expired.seq, expired."recordId", expired.at FROM endpoint, expired ORDER BY expired.seq DESC LIMIT 1
    ON CONFLICT ("endpointId") DO UPDATE SET seq = EXCLUDED.seq, "recordId" = EXCLUDED."recordId", at = EXCLUDED.at WHERE known.seq < EXCLUDED.seq
  )
  SELECT count(*)::int AS count FROM expired`,
);

const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** Examines every endpoint once. Several servers may run it at the same time. */
export async function sweepChanges({ db, retention }: { db: RawStatements; retention: Retention }): Promise<void> {
  const { hours, changesMax } = retention;
  for (let after: string | null = FIRST_ID; after !== null; ) {
    const [page]: Page[] = await db.$queryRawUnsafe<Page[]>(FIND, after, ENDPOINTS_PER_PAGE, hours, String(changesMax));
    for (const id of page?.ids ?? []) {
      for (let count = BATCH; count === BATCH; ) {
        const [batch] = await db.$queryRawUnsafe<{ count: number }[]>(DELETE, id, BATCH, hours, String(changesMax));
        count = batch?.count ?? 0;
      }
    }
    after = page?.next ?? null;
  }
}

interface Page {
  next: string | null;
  ids: string[];
}
