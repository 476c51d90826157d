/** Forgets the oldest changes of every log (W10), so that it takes no more room than its streams need. It must not wait for writers, nor make them wait. */
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

/** What is kept of each endpoint's log: changes that are young enough, and no more than so many. */
export interface Retention {
  hours: number;
  changesMax: number;
}

/** So many endpoints are looked at in one statement; each costs one look into an index. */
const ENDPOINTS_PER_PAGE = 1_000;
/** So many changes go in one transaction, in some ten milliseconds. */
const BATCH = 2_000;

/** Of a page of endpoints: where the next page begins (null: there is none), and those whose oldest change is to go. */
const FIND = nameStatement(
  "rested_find_old_changes",
  `WITH page AS (SELECT id, seq FROM "Endpoint" WHERE id > $1::uuid AND "projectId" IS NOT NULL ORDER BY id LIMIT $2::int)
  SELECT (SELECT (array_agg(id::text ORDER BY id DESC))[1] FROM page HAVING count(*) = $2::int) AS next,
    ARRAY(SELECT page.id::text FROM page CROSS JOIN LATERAL
      (SELECT c.seq, c.at FROM "Change" c WHERE c."endpointId" = page.id ORDER BY c.seq LIMIT 1) AS oldest
      WHERE oldest.at < clock_timestamp() - make_interval(hours => $3::int) OR oldest.seq <= page.seq - $4::bigint) AS ids`,
);

// From the oldest on: times rise with seq, so what is left has no holes. A second server that sweeps at the same time waits for the rows, and finds them gone.
// Of the last one that goes its identity stays (W26). The endpoint is locked first, as by its deletion, which then deletes its log; writers do not wait for that lock.
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

/** Looks at every endpoint once. Several servers may do it at once. */
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
