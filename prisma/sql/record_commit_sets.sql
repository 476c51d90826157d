-- Two forms of record_commit that need the same few statements for any number of writes. They give the results that record_commit
-- gives for the same writes (record_commit.sql), and keep its rules: the lock, the order, the clock and rested.logged_by_commit.
--
-- record_commit decides for each write in turn, so it is the form for writes that depend on each other: several to one record.
--
-- Both keep their plans (plan_cache_mode), because planning costs more than running them. set_config is called in assignments,
-- which PL/pgSQL evaluates without running a query.

-- Creates records. Returns one row: the seq of the first one, and the time. Both are null if there is no endpoint.
CREATE OR REPLACE FUNCTION record_commit_posts(
  p_endpoint uuid,
  p_ids uuid[],
  p_content_types text[],
  p_data json[],
  p_owners uuid[],         -- null: no record has an owner
  p_following int[],       -- null: no record is part of an upload
  OUT first_seq bigint,
  OUT at timestamptz
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  n int := cardinality(p_ids);
  v_seq bigint;
  v_now timestamptz(3);
  v_setting text;
BEGIN
  UPDATE "Endpoint" e
    SET seq = e.seq + n, "recordCount" = e."recordCount" + n,
      "recordBytes" = e."recordBytes" + (SELECT coalesce(sum(octet_length(d::text)), 0) FROM unnest(p_data) AS d)
    WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL
    RETURNING e.seq - n INTO v_seq;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  v_now := clock_timestamp();
  v_setting := set_config('rested.logged_by_commit', 'on', true);
  -- unnest fills a shorter array, and one that is null, with nulls.
  INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "ownerId", "createdAt", "updatedAt")
    SELECT u.id, p_endpoint, v_seq + u.o, u.c::"RecordContentType", u.d, u.w, v_now, v_now
    FROM unnest(p_ids, p_content_types, p_data, p_owners) WITH ORDINALITY AS u(id, c, d, w, o);
  INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
      "recordCreatedAt", "recordUpdatedAt", "at", "following")
    SELECT p_endpoint, v_seq + u.o, 'POST', u.id, u.d, u.w, 1, v_now, v_now, v_now, u.t
    FROM unnest(p_ids, p_data, p_owners, p_following) WITH ORDINALITY AS u(id, d, w, t, o);
  v_setting := set_config('rested.logged_by_commit', '', true);
  first_seq := v_seq + 1;
  at := v_now;
END $$;

-- Applies writes to records that are all different. Arguments, result and errors are those of record_commit.
CREATE OR REPLACE FUNCTION record_commit_distinct(
  p_endpoint uuid,
  p_types text[],
  p_ids uuid[],            -- each once
  p_content_types text[],
  p_data json[],
  p_same_type boolean[],
  p_versions int[],
  p_owners uuid[],
  p_following int[]
) RETURNS TABLE (
  ord int, outcome text, seq bigint, version int, data text,
  created_at timestamptz, updated_at timestamptz, at timestamptz, owner uuid
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v_seq bigint;
  v_now timestamptz(3);
  v_setting text;
BEGIN
  SELECT e.seq INTO v_seq FROM "Endpoint" e WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY
      SELECT o, 'endpoint_not_found', NULL::bigint, NULL::int, NULL::text,
        NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::uuid
      FROM generate_series(1, cardinality(p_ids)) AS o;
    RETURN;
  END IF;
  v_now := clock_timestamp();
  v_setting := set_config('rested.logged_by_commit', 'on', true);
  RETURN QUERY
    WITH judged AS MATERIALIZED (
      SELECT w.o, w.type, w.id, w.content_type, w.data, w.following, r.row_id, r.data AS old_data,
        r.bytes AS old_bytes, v.outcome,
        v_seq + count(*) FILTER (WHERE v.outcome = 'ok') OVER (ORDER BY w.o ROWS UNBOUNDED PRECEDING) AS seq,
        CASE w.type WHEN 'POST' THEN 1 WHEN 'PUT' THEN r.version + 1 ELSE r.version END AS version,
        CASE w.type WHEN 'POST' THEN w.owner ELSE r.owner END AS owner,
        CASE w.type WHEN 'POST' THEN v_now ELSE r.created_at END AS created_at,
        -- If the clock was set back, the record still must not be updated before it was created.
        CASE w.type WHEN 'POST' THEN v_now WHEN 'PUT' THEN greatest(v_now, r.updated_at) ELSE r.updated_at END AS updated_at
      FROM unnest(p_types, p_ids, p_content_types, p_data, p_same_type, p_versions, p_owners, p_following)
          WITH ORDINALITY AS w(type, id, content_type, data, same_type, version, owner, following, o)
        -- NOWAIT: see record_commit. A lookup by id for each write, whatever the planner believes of the table's size.
        LEFT JOIN LATERAL (
          SELECT r.ctid AS row_id, r."version", r."contentType"::text AS content_type, r."ownerId" AS owner,
            r."createdAt" AS created_at, r."updatedAt" AS updated_at, octet_length(r."data"::text) AS bytes,
            CASE WHEN w.type = 'DELETE' THEN r."data" END AS data
          FROM "Record" r WHERE w.type <> 'POST' AND r."id" = w.id AND r."endpointId" = p_endpoint FOR UPDATE NOWAIT
        ) AS r ON true
        CROSS JOIN LATERAL (
          SELECT CASE
            WHEN w.type = 'POST' THEN 'ok'
            WHEN r.row_id IS NULL THEN 'record_not_found'
            WHEN w.owner IS NOT NULL AND w.owner IS DISTINCT FROM r.owner THEN 'access_denied'
            WHEN w.version <> r.version THEN 'version_conflict'
            WHEN w.type = 'PUT' AND w.same_type AND w.content_type <> r.content_type THEN 'type_mismatch'
            ELSE 'ok' END AS outcome
        ) AS v
    ), inserted AS (
      INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "ownerId", "createdAt", "updatedAt")
        SELECT j.id, p_endpoint, j.seq, j.content_type::"RecordContentType", j.data, j.owner, j.created_at, j.updated_at
        FROM judged j WHERE j.type = 'POST'
    ), updated AS (
      UPDATE "Record" r
        SET "contentType" = j.content_type::"RecordContentType", "data" = j.data, "version" = j.version, "updatedAt" = j.updated_at
        -- The rows are locked, so they are where they were found. This needs no second lookup.
        FROM judged j WHERE j.type = 'PUT' AND j.outcome = 'ok' AND r.ctid = j.row_id
    ), deleted AS (
      DELETE FROM "Record" r USING judged j WHERE j.type = 'DELETE' AND j.outcome = 'ok' AND r.ctid = j.row_id
    ), logged AS (
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
          "recordCreatedAt", "recordUpdatedAt", "at", "following")
        SELECT p_endpoint, j.seq, j.type::"ChangeType", j.id, CASE j.type WHEN 'DELETE' THEN j.old_data ELSE j.data END, j.owner,
          j.version, j.created_at, j.updated_at, v_now, CASE j.type WHEN 'POST' THEN j.following END
        FROM judged j WHERE j.outcome = 'ok'
    ), counted AS (
      UPDATE "Endpoint" e
        SET seq = v_seq + s.changes, "recordCount" = e."recordCount" + s.records, "recordBytes" = e."recordBytes" + s.bytes
        FROM (
          SELECT count(*) AS changes,
            count(*) FILTER (WHERE j.type = 'POST') - count(*) FILTER (WHERE j.type = 'DELETE') AS records,
            sum(coalesce(octet_length(j.data::text), 0) - coalesce(j.old_bytes, 0)) AS bytes
          FROM judged j WHERE j.outcome = 'ok'
        ) AS s
        WHERE e.id = p_endpoint AND s.changes > 0
    )
    -- The joined row is null unless the write was done.
    SELECT j.o::int, j.outcome, d.seq, d.version, d.old_data::text,
      d.created_at::timestamptz, d.updated_at::timestamptz, v_now::timestamptz, d.owner
    FROM judged j LEFT JOIN LATERAL (
      SELECT j.seq, j.version, j.old_data, j.created_at, j.updated_at, j.owner WHERE j.outcome = 'ok'
    ) AS d ON true ORDER BY j.o;
  v_setting := set_config('rested.logged_by_commit', '', true);
END $$;
