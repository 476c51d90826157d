-- How much an endpoint holds, kept with every write in the transaction that writes: counting a million records takes a second, and quotas ask often.
-- Both ways to write update the endpoint's row anyway.

-- AlterTable
ALTER TABLE "Endpoint" ADD COLUMN     "recordBytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "recordCount" BIGINT NOT NULL DEFAULT 0;

-- Writers wait for the endpoint's row, and so for this: what they write after it is counted by the functions below.
UPDATE "Endpoint" e SET "recordCount" = held.records, "recordBytes" = held.bytes
  FROM (SELECT "endpointId", count(*) AS records, sum(octet_length("data"::text)) AS bytes FROM "Record" GROUP BY "endpointId") AS held
  WHERE held."endpointId" = e."id" AND e."projectId" IS NOT NULL;

CREATE OR REPLACE FUNCTION record_commit(
  p_endpoint uuid,
  p_types text[],          -- 'POST' | 'PUT' | 'DELETE'
  p_ids uuid[],
  p_content_types text[],  -- 'json' | 'text' | 'file'; null on DELETE
  p_data text[],           -- JSON text; null on DELETE
  p_same_type boolean[],   -- true: a PUT must keep the record's content type
  p_versions int[],        -- the version that a PUT or DELETE expects; null: any
  p_owners uuid[],         -- POST: whom the record shall belong to, null: nobody; PUT and DELETE: whose record it must be, null: anybody's
  p_following int[]        -- POST: how many more of the same upload come right after it; null: none
) RETURNS TABLE (
  ord int, outcome text, seq bigint, version int,
  data text,               -- on DELETE only: the caller has the others
  created_at timestamptz, updated_at timestamptz, at timestamptz,
  owner uuid               -- of the record
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  n int := cardinality(p_ids);
  v_posts_only boolean := 'POST' = ALL (p_types);
  v_seq bigint;
  v_first bigint;
  v_now timestamptz(3);
  v_old "Record"%ROWTYPE;
  v_version int;
  v_updated timestamptz(3);
  v_count bigint := 0;     -- what the writes add to the endpoint's counters
  v_bytes bigint := 0;
BEGIN
  IF v_posts_only THEN
    v_bytes := (SELECT coalesce(sum(octet_length(d)), 0) FROM unnest(p_data) AS d);
    UPDATE "Endpoint" e SET seq = e.seq + n, "recordCount" = e."recordCount" + n, "recordBytes" = e."recordBytes" + v_bytes
      WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL RETURNING e.seq - n INTO v_seq;
  ELSE
    SELECT e.seq INTO v_seq FROM "Endpoint" e WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL FOR NO KEY UPDATE;
  END IF;
  IF NOT FOUND THEN
    RETURN QUERY SELECT o, 'endpoint_not_found', NULL::bigint, NULL::int, NULL::text, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::uuid
      FROM generate_series(1, n) AS o;
    RETURN;
  END IF;
  -- After the lock, so that times follow commit order as seq does.
  v_now := clock_timestamp();
  PERFORM set_config('rested.door', 'open', true);

  IF v_posts_only THEN
    INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "ownerId", "createdAt", "updatedAt")
      SELECT u.id, p_endpoint, v_seq + u.o, u.c::"RecordContentType", u.d::json, u.w, v_now, v_now
      FROM unnest(p_ids, p_content_types, p_data, p_owners) WITH ORDINALITY AS u(id, c, d, w, o);
    INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version", "recordCreatedAt", "recordUpdatedAt", "at", "following")
      SELECT p_endpoint, v_seq + u.o, 'POST', u.id, u.d::json, u.w, 1, v_now, v_now, v_now, u.t
      FROM unnest(p_ids, p_data, p_owners, p_following) WITH ORDINALITY AS u(id, d, w, t, o);
    PERFORM set_config('rested.door', '', true);
    RETURN QUERY SELECT o, 'ok', v_seq + o, 1, NULL::text, v_now::timestamptz, v_now::timestamptz, v_now::timestamptz, p_owners[o]
      FROM generate_series(1, n) AS o;
    RETURN;
  END IF;

  v_first := v_seq;
  FOR i IN 1..n LOOP
    ord := i; outcome := 'ok'; seq := NULL; version := NULL; data := NULL; created_at := NULL; updated_at := NULL; at := v_now; owner := NULL;
    IF p_types[i] = 'POST' THEN
      v_seq := v_seq + 1;
      INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "ownerId", "createdAt", "updatedAt")
        VALUES (p_ids[i], p_endpoint, v_seq, p_content_types[i]::"RecordContentType", p_data[i]::json, p_owners[i], v_now, v_now);
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version", "recordCreatedAt", "recordUpdatedAt", "at", "following")
        VALUES (p_endpoint, v_seq, 'POST', p_ids[i], p_data[i]::json, p_owners[i], 1, v_now, v_now, v_now, p_following[i]);
      v_count := v_count + 1; v_bytes := v_bytes + octet_length(p_data[i]);
      seq := v_seq; version := 1; created_at := v_now; updated_at := v_now; owner := p_owners[i];
      RETURN NEXT;
      CONTINUE;
    END IF;

    -- NOWAIT: who holds the record without the endpoint is a plain UPDATE or DELETE that is about to wait for the endpoint,
    -- which we hold. Raising lock_not_available lets it through at once; waiting would be a deadlock. The caller tries again.
    SELECT r.* INTO v_old FROM "Record" r WHERE r."id" = p_ids[i] AND r."endpointId" = p_endpoint FOR UPDATE NOWAIT;
    IF NOT FOUND THEN
      outcome := 'record_not_found';
    ELSIF p_owners[i] IS NOT NULL AND p_owners[i] IS DISTINCT FROM v_old."ownerId" THEN
      outcome := 'access_denied';
    ELSIF p_versions[i] <> v_old."version" THEN
      outcome := 'version_conflict';
    ELSIF p_types[i] = 'PUT' AND p_same_type[i] AND v_old."contentType"::text <> p_content_types[i] THEN
      outcome := 'type_mismatch';
    ELSIF p_types[i] = 'PUT' THEN
      v_seq := v_seq + 1;
      v_version := v_old."version" + 1;
      -- A clock that was set back must not let a record be updated before it was created.
      v_updated := greatest(v_now, v_old."updatedAt");
      UPDATE "Record" r SET "contentType" = p_content_types[i]::"RecordContentType", "data" = p_data[i]::json, "version" = v_version, "updatedAt" = v_updated
        WHERE r."id" = p_ids[i];
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version", "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'PUT', p_ids[i], p_data[i]::json, v_old."ownerId", v_version, v_old."createdAt", v_updated, v_now);
      v_bytes := v_bytes + octet_length(p_data[i]) - octet_length(v_old."data"::text);
      seq := v_seq; version := v_version; created_at := v_old."createdAt"; updated_at := v_updated; owner := v_old."ownerId";
    ELSE
      v_seq := v_seq + 1;
      DELETE FROM "Record" r WHERE r."id" = p_ids[i];
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version", "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'DELETE', p_ids[i], v_old."data", v_old."ownerId", v_old."version", v_old."createdAt", v_old."updatedAt", v_now);
      v_count := v_count - 1; v_bytes := v_bytes - octet_length(v_old."data"::text);
      seq := v_seq; version := v_old."version"; data := v_old."data"::text; created_at := v_old."createdAt"; updated_at := v_old."updatedAt"; owner := v_old."ownerId";
    END IF;
    RETURN NEXT;
  END LOOP;

  IF v_seq <> v_first THEN
    UPDATE "Endpoint" e SET seq = v_seq, "recordCount" = e."recordCount" + v_count, "recordBytes" = e."recordBytes" + v_bytes
      WHERE e.id = p_endpoint;
  END IF;
  PERFORM set_config('rested.door', '', true);
END $$;

CREATE OR REPLACE FUNCTION record_after_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_row "Record"%ROWTYPE := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  v_seq bigint;
  v_count int := CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'DELETE' THEN -1 ELSE 0 END;
  v_bytes int := (CASE WHEN TG_OP = 'DELETE' THEN 0 ELSE octet_length(NEW."data"::text) END)
    - (CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE octet_length(OLD."data"::text) END);
BEGIN
  UPDATE "Endpoint" e SET seq = e.seq + 1, "recordCount" = e."recordCount" + v_count, "recordBytes" = e."recordBytes" + v_bytes
    WHERE e.id = v_row."endpointId" AND e."projectId" IS NOT NULL RETURNING e.seq INTO v_seq;
  IF NOT FOUND THEN
    IF TG_OP = 'DELETE' THEN
      RETURN NULL; -- the endpoint is being deleted, and its log with it
    END IF;
    -- The row may still be there, and satisfy the foreign key.
    RAISE EXCEPTION 'there is no endpoint %', v_row."endpointId" USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'Record_endpointId_fkey';
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM set_config('rested.door', 'open', true);
    UPDATE "Record" r SET "seq" = v_seq WHERE r."id" = v_row."id";
    PERFORM set_config('rested.door', '', true);
  END IF;
  INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version", "recordCreatedAt", "recordUpdatedAt", "at")
    VALUES (v_row."endpointId", v_seq, (CASE TG_OP WHEN 'INSERT' THEN 'POST' WHEN 'UPDATE' THEN 'PUT' ELSE 'DELETE' END)::"ChangeType",
      v_row."id", v_row."data", v_row."ownerId", v_row."version", v_row."createdAt", v_row."updatedAt", clock_timestamp());
  RETURN NULL;
END $$;
