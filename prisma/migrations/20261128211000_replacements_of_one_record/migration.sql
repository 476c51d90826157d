-- PUTs of one record that follow each other in a batch and expect no version update the record once, as chained writes do.

CREATE OR REPLACE FUNCTION record_commit(
  p_endpoint uuid,
  p_types text[],          -- 'POST', 'PUT' or 'DELETE'
  p_ids uuid[],
  p_content_types text[],  -- 'json', 'text' or 'file'; null for DELETE
  p_data text[],           -- JSON text; null for DELETE
  p_same_type boolean[],   -- true: a PUT must keep the record's content type
  p_versions int[],        -- the version that a PUT or DELETE expects; null: any; -1: the write is chained (see below)
  p_owners uuid[],         -- POST: the owner of the new record, or null; PUT and DELETE: the owner the record must have; null: any
  p_following int[]        -- POST: how many records of the same upload come after this one; null: not part of an upload
) RETURNS TABLE (
  ord int, outcome text, seq bigint, version int,
  data text,               -- the deleted data, for DELETE only; the caller has the others
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
  i int := 1;
  v_last int;              -- the last of the PUTs from write i on that are done together
  -- Added to the endpoint's counters at the end.
  v_count bigint := 0;
  v_bytes bigint := 0;
BEGIN
  -- Lock the endpoint. A deleted endpoint has no project.
  IF v_posts_only THEN
    v_bytes := (SELECT coalesce(sum(octet_length(d)), 0) FROM unnest(p_data) AS d);
    UPDATE "Endpoint" e
      SET seq = e.seq + n, "recordCount" = e."recordCount" + n, "recordBytes" = e."recordBytes" + v_bytes
      WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL
      RETURNING e.seq - n INTO v_seq;
  ELSE
    SELECT e.seq INTO v_seq FROM "Endpoint" e WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL FOR NO KEY UPDATE;
  END IF;
  IF NOT FOUND THEN
    RETURN QUERY
      SELECT o, 'endpoint_not_found', NULL::bigint, NULL::int, NULL::text,
        NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::uuid
      FROM generate_series(1, n) AS o;
    RETURN;
  END IF;
  -- Read the clock after the lock, so that times follow the order of commits, as seq does.
  v_now := clock_timestamp();
  PERFORM set_config('rested.logged_by_commit', 'on', true);

  -- Creating many records needs two statements, whatever their number.
  IF v_posts_only THEN
    INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "ownerId", "createdAt", "updatedAt")
      SELECT u.id, p_endpoint, v_seq + u.o, u.c::"RecordContentType", u.d::json, u.w, v_now, v_now
      FROM unnest(p_ids, p_content_types, p_data, p_owners) WITH ORDINALITY AS u(id, c, d, w, o);
    INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
        "recordCreatedAt", "recordUpdatedAt", "at", "following")
      SELECT p_endpoint, v_seq + u.o, 'POST', u.id, u.d::json, u.w, 1, v_now, v_now, v_now, u.t
      FROM unnest(p_ids, p_data, p_owners, p_following) WITH ORDINALITY AS u(id, d, w, t, o);
    PERFORM set_config('rested.logged_by_commit', '', true);
    RETURN QUERY
      SELECT o, 'ok', v_seq + o, 1, NULL::text, v_now::timestamptz, v_now::timestamptz, v_now::timestamptz, p_owners[o]
      FROM generate_series(1, n) AS o;
    RETURN;
  END IF;

  v_first := v_seq;
  WHILE i <= n LOOP
    ord := i; outcome := 'ok'; at := v_now;
    seq := NULL; version := NULL; data := NULL; created_at := NULL; updated_at := NULL; owner := NULL;

    IF p_types[i] = 'POST' THEN
      v_seq := v_seq + 1;
      INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "ownerId", "createdAt", "updatedAt")
        VALUES (p_ids[i], p_endpoint, v_seq, p_content_types[i]::"RecordContentType", p_data[i]::json, p_owners[i], v_now, v_now);
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
          "recordCreatedAt", "recordUpdatedAt", "at", "following")
        VALUES (p_endpoint, v_seq, 'POST', p_ids[i], p_data[i]::json, p_owners[i], 1, v_now, v_now, v_now, p_following[i]);
      v_count := v_count + 1; v_bytes := v_bytes + octet_length(p_data[i]);
      seq := v_seq; version := 1; created_at := v_now; updated_at := v_now; owner := p_owners[i];
      RETURN NEXT;
      i := i + 1;
      CONTINUE;
    END IF;

    -- NOWAIT: a transaction that holds the record without the endpoint is a plain UPDATE or DELETE. It is about to wait for
    -- the endpoint, which is locked here. Waiting for its record would be a deadlock; lock_not_available lets it go first.
    SELECT r.* INTO v_old FROM "Record" r WHERE r."id" = p_ids[i] AND r."endpointId" = p_endpoint FOR UPDATE NOWAIT;
    IF NOT FOUND THEN
      outcome := 'record_not_found';
    ELSIF p_owners[i] IS NOT NULL AND p_owners[i] IS DISTINCT FROM v_old."ownerId" THEN
      outcome := 'access_denied';
    ELSIF p_versions[i] <> v_old."version" THEN
      -- Also a chained write whose predecessor was not done: no record has version -1.
      outcome := 'version_conflict';
    ELSIF p_types[i] = 'PUT' AND p_same_type[i] AND v_old."contentType"::text <> p_content_types[i] THEN
      outcome := 'type_mismatch';
    ELSIF p_types[i] = 'PUT' THEN
      v_last := i;
      -- After a PUT that is done, a chained one is done too, and so is one that expects no version.
      WHILE p_types[v_last + 1] = 'PUT' AND p_ids[v_last + 1] = p_ids[i] AND coalesce(p_versions[v_last + 1], -1) = -1
        AND p_content_types[v_last + 1] = p_content_types[i] AND p_owners[v_last + 1] IS NOT DISTINCT FROM p_owners[i]
      LOOP
        v_last := v_last + 1;
      END LOOP;
      v_version := v_old."version";
      -- If the clock was set back, the record still must not be updated before it was created.
      v_updated := greatest(v_now, v_old."updatedAt");
      UPDATE "Record" r
        SET "contentType" = p_content_types[v_last]::"RecordContentType", "data" = p_data[v_last]::json,
          "version" = v_version + 1 + v_last - i, "updatedAt" = v_updated
        WHERE r."id" = p_ids[i];
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
          "recordCreatedAt", "recordUpdatedAt", "at")
        SELECT p_endpoint, v_seq + o, 'PUT', p_ids[i], p_data[i - 1 + o]::json, v_old."ownerId", v_version + o,
          v_old."createdAt", v_updated, v_now
        FROM generate_series(1, v_last - i + 1) AS o;
      v_bytes := v_bytes + octet_length(p_data[v_last]) - octet_length(v_old."data"::text);
      owner := v_old."ownerId"; created_at := v_old."createdAt"; updated_at := v_updated;
      WHILE i < v_last LOOP
        v_seq := v_seq + 1; v_version := v_version + 1;
        seq := v_seq; version := v_version;
        RETURN NEXT;
        i := i + 1; ord := i;
      END LOOP;
      v_seq := v_seq + 1;
      seq := v_seq; version := v_version + 1;
    ELSE
      v_seq := v_seq + 1;
      DELETE FROM "Record" r WHERE r."id" = p_ids[i];
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
          "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'DELETE', p_ids[i], v_old."data", v_old."ownerId", v_old."version",
          v_old."createdAt", v_old."updatedAt", v_now);
      v_count := v_count - 1; v_bytes := v_bytes - octet_length(v_old."data"::text);
      seq := v_seq; version := v_old."version"; data := v_old."data"::text; owner := v_old."ownerId";
      created_at := v_old."createdAt"; updated_at := v_old."updatedAt";
    END IF;
    RETURN NEXT;
    i := i + 1;
  END LOOP;

  IF v_seq <> v_first THEN
    UPDATE "Endpoint" e
      SET seq = v_seq, "recordCount" = e."recordCount" + v_count, "recordBytes" = e."recordBytes" + v_bytes
      WHERE e.id = p_endpoint;
  END IF;
  PERFORM set_config('rested.logged_by_commit', '', true);
END $$;
