-- Two changes of prisma/sql; no function does anything else than before.
--
-- The setting that record_commit, publish_import, purge_endpoint and record_after_write set for their own statements is
-- rested.logged_by_commit = 'on'; it was rested.door = 'open'. The triggers accept both: a function of the former release may be
-- waiting for an endpoint while this migration runs, and goes on afterwards as it began. The next release can drop the old name.
--
-- The comments inside the functions are in plain English.

CREATE OR REPLACE TRIGGER record_before_insert BEFORE INSERT ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION record_before_insert();

CREATE OR REPLACE TRIGGER record_before_update BEFORE UPDATE ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION record_before_update();

CREATE OR REPLACE TRIGGER record_after_write AFTER INSERT OR UPDATE OR DELETE ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION record_after_write();

CREATE OR REPLACE TRIGGER change_needs_endpoint AFTER INSERT OR UPDATE OF "endpointId" ON "Change" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION change_needs_endpoint();

CREATE OR REPLACE FUNCTION record_commit(
  p_endpoint uuid,
  p_types text[],          -- 'POST', 'PUT' or 'DELETE'
  p_ids uuid[],
  p_content_types text[],  -- 'json', 'text' or 'file'; null for DELETE
  p_data text[],           -- JSON text; null for DELETE
  p_same_type boolean[],   -- true: a PUT must keep the record's content type
  p_versions int[],        -- the version that a PUT or DELETE expects; null: any
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
  FOR i IN 1..n LOOP
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
      outcome := 'version_conflict';
    ELSIF p_types[i] = 'PUT' AND p_same_type[i] AND v_old."contentType"::text <> p_content_types[i] THEN
      outcome := 'type_mismatch';
    ELSIF p_types[i] = 'PUT' THEN
      v_seq := v_seq + 1;
      v_version := v_old."version" + 1;
      -- If the clock was set back, the record still must not be updated before it was created.
      v_updated := greatest(v_now, v_old."updatedAt");
      UPDATE "Record" r
        SET "contentType" = p_content_types[i]::"RecordContentType", "data" = p_data[i]::json,
          "version" = v_version, "updatedAt" = v_updated
        WHERE r."id" = p_ids[i];
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
          "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'PUT', p_ids[i], p_data[i]::json, v_old."ownerId", v_version,
          v_old."createdAt", v_updated, v_now);
      v_bytes := v_bytes + octet_length(p_data[i]) - octet_length(v_old."data"::text);
      seq := v_seq; version := v_version; owner := v_old."ownerId";
      created_at := v_old."createdAt"; updated_at := v_updated;
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
  END LOOP;

  IF v_seq <> v_first THEN
    UPDATE "Endpoint" e
      SET seq = v_seq, "recordCount" = e."recordCount" + v_count, "recordBytes" = e."recordBytes" + v_bytes
      WHERE e.id = p_endpoint;
  END IF;
  PERFORM set_config('rested.logged_by_commit', '', true);
END $$;

CREATE OR REPLACE FUNCTION record_after_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_row "Record"%ROWTYPE := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  v_type "ChangeType" := CASE TG_OP WHEN 'INSERT' THEN 'POST' WHEN 'UPDATE' THEN 'PUT' ELSE 'DELETE' END;
  v_seq bigint;
  v_count int := CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'DELETE' THEN -1 ELSE 0 END;
  v_bytes int := (CASE WHEN TG_OP = 'DELETE' THEN 0 ELSE octet_length(NEW."data"::text) END)
    - (CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE octet_length(OLD."data"::text) END);
BEGIN
  UPDATE "Endpoint" e
    SET seq = e.seq + 1, "recordCount" = e."recordCount" + v_count, "recordBytes" = e."recordBytes" + v_bytes
    WHERE e.id = v_row."endpointId" AND e."projectId" IS NOT NULL
    RETURNING e.seq INTO v_seq;
  IF NOT FOUND THEN
    -- A deleted record of a deleted endpoint needs no change: the endpoint's log is deleted too.
    IF TG_OP = 'DELETE' THEN
      RETURN NULL;
    END IF;
    -- The row of a deleted endpoint may still exist. The error is the one that a foreign key would report.
    RAISE EXCEPTION 'there is no endpoint %', v_row."endpointId"
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'Record_endpointId_fkey';
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM set_config('rested.logged_by_commit', 'on', true);
    UPDATE "Record" r SET "seq" = v_seq WHERE r."id" = v_row."id";
    PERFORM set_config('rested.logged_by_commit', '', true);
  END IF;
  INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version",
      "recordCreatedAt", "recordUpdatedAt", "at")
    VALUES (v_row."endpointId", v_seq, v_type, v_row."id", v_row."data", v_row."ownerId", v_row."version",
      v_row."createdAt", v_row."updatedAt", clock_timestamp());
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION publish_import(p_endpoint uuid, p_import uuid, p_count int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
  v_bytes bigint;
  v_seq bigint;
  v_now timestamptz(3);
BEGIN
  SELECT count(*), coalesce(sum(octet_length(s."data"::text)), 0) INTO v_count, v_bytes
    FROM "StagedRecord" s WHERE s."importId" = p_import;
  IF v_count <> p_count THEN
    RETURN 'incomplete';
  END IF;
  UPDATE "Endpoint" e
    SET seq = e.seq + p_count, "recordCount" = e."recordCount" + p_count, "recordBytes" = e."recordBytes" + v_bytes
    WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL
    RETURNING e.seq - p_count INTO v_seq;
  IF NOT FOUND THEN
    RETURN 'endpoint_not_found';
  END IF;
  -- Read the clock after the lock, so that times follow the order of commits, as seq does.
  v_now := clock_timestamp();
  PERFORM set_config('rested.logged_by_commit', 'on', true);
  INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "createdAt", "updatedAt")
    SELECT s."recordId", p_endpoint, v_seq + s."position", 'json', s."data", v_now, v_now
    FROM "StagedRecord" s WHERE s."importId" = p_import ORDER BY s."position";
  INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
    SELECT p_endpoint, v_seq + s."position", 'POST', s."recordId", s."data", 1, v_now, v_now, v_now
    FROM "StagedRecord" s WHERE s."importId" = p_import ORDER BY s."position";
  PERFORM set_config('rested.logged_by_commit', '', true);
  RETURN 'ok';
END $$;

CREATE OR REPLACE FUNCTION purge_endpoint(p_endpoint uuid, p_after bigint, p_limit int) RETURNS TABLE (state text, next_after bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_records bigint[];
  v_changes bigint[];
  v_responses int;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('rested.purge', 0)) THEN
    state := 'busy';
    RETURN NEXT;
    RETURN;
  END IF;
  PERFORM 1 FROM "Endpoint" e WHERE e."id" = p_endpoint AND e."projectId" IS NULL;
  IF NOT FOUND THEN
    state := 'gone';
    RETURN NEXT;
    RETURN;
  END IF;
  -- These deletions need no changes, because the log is deleted too, and no revisions, because the tokens have ended already.
  PERFORM set_config('rested.logged_by_commit', 'on', true), set_config('rested.purge', 'on', true);

  DELETE FROM "StreamTicket" t WHERE t."endpointId" = p_endpoint;
  DELETE FROM "IdempotentRequest" i WHERE i."endpointId" = p_endpoint AND i."hash" IN (
    SELECT a."hash" FROM "IdempotentRequest" a WHERE a."endpointId" = p_endpoint LIMIT p_limit FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS v_responses = ROW_COUNT;
  v_changes := ARRAY(
    SELECT c."seq" FROM "Change" c WHERE c."endpointId" = p_endpoint AND c."seq" > p_after
    ORDER BY c."seq" LIMIT p_limit FOR UPDATE SKIP LOCKED);
  DELETE FROM "Change" c WHERE c."endpointId" = p_endpoint AND c."seq" = ANY (v_changes);
  v_records := ARRAY(
    SELECT r."seq" FROM "Record" r WHERE r."endpointId" = p_endpoint AND r."seq" > p_after
    ORDER BY r."seq" LIMIT p_limit FOR UPDATE SKIP LOCKED);
  DELETE FROM "Record" r WHERE r."endpointId" = p_endpoint AND r."seq" = ANY (v_records);

  IF cardinality(v_changes) = p_limit OR cardinality(v_records) = p_limit OR v_responses = p_limit THEN
    state := 'more';
    next_after := least(
      CASE WHEN cardinality(v_changes) = p_limit THEN v_changes[p_limit] END,
      CASE WHEN cardinality(v_records) = p_limit THEN v_records[p_limit] END);
    -- If only stored responses are left, the position moves past the last rows that were deleted.
    next_after := coalesce(next_after, greatest(p_after, v_changes[cardinality(v_changes)], v_records[cardinality(v_records)]));
  ELSE
    DELETE FROM "Endpoint" e WHERE e."id" = p_endpoint AND e."projectId" IS NULL
      AND NOT EXISTS (SELECT FROM "Record" r WHERE r."endpointId" = p_endpoint)
      AND NOT EXISTS (SELECT FROM "Change" c WHERE c."endpointId" = p_endpoint)
      AND NOT EXISTS (SELECT FROM "IdempotentRequest" i WHERE i."endpointId" = p_endpoint);
    state := CASE WHEN FOUND THEN 'gone' ELSE 'left' END;
  END IF;
  PERFORM set_config('rested.logged_by_commit', '', true), set_config('rested.purge', '', true);
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION project_revised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Two projects if the row moves from one to the other.
  UPDATE "Project" SET "revision" = "revision" + 1 WHERE "id" IN (OLD."projectId", NEW."projectId");
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION access_token_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- endpoint_ends_tokens counted them when the endpoint was deleted.
  IF current_setting('rested.purge', true) = 'on' THEN
    RETURN NULL;
  END IF;
  IF current_setting('rested.tokens_ended', true) IS DISTINCT FROM OLD."projectId"::text THEN
    UPDATE "Project" SET "tokenRevision" = "tokenRevision" + 1 WHERE "id" = OLD."projectId";
    PERFORM set_config('rested.tokens_ended', OLD."projectId"::text, true);
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stored_file_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The counters of a deleted endpoint are not used any more.
  IF current_setting('rested.purge', true) IS DISTINCT FROM 'on' THEN
    UPDATE "Endpoint" SET "fileBytes" = "fileBytes" - OLD."size" WHERE "id" = OLD."endpointId";
  END IF;
  -- Rounded down, so that a sweep that starts in the same millisecond finds it.
  NEW."sweepAfter" := date_trunc('milliseconds', clock_timestamp());
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION readable_json(p_json text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_text text := p_json;
  v_composed text;
BEGIN
  IF strpos(v_text, '\u') > 0 THEN
    -- White space is the only control character that JSON can contain. So U+0001 can mark the backslashes of escapes to replace.
    v_text := pair_surrogates(replace(v_text, '\\', '\u005c'));
    v_text := replace(v_text, '\u', E'\001u');
    v_text := replace(v_text, '\', '\\');
    v_text := replace(v_text, '"', '\"');
    v_text := replace(v_text, E'\001u005c', '\\\\');
    v_text := replace(v_text, E'\001u005C', '\\\\');
    v_text := replace(v_text, E'\001u0022', '\\\"');
    v_text := replace(v_text, E'\001u0000', '\ufffd');
    v_text := replace(v_text, E'\001u000', '\\u000');
    v_text := replace(v_text, E'\001u001', '\\u001');
    v_text := replace(v_text, E'\001', '\');
    v_text := replace(replace(replace(v_text, E'\n', '\n'), E'\r', '\r'), E'\t', '\t');
    v_text := ('"' || v_text || '"')::json #>> '{}';
  END IF;
  v_composed := normalize_text(v_text);
  IF strpos(v_text, '\') = 0 OR v_composed = v_text THEN RETURN v_composed; END IF;
  -- A mark after an escape must not be composed with the escape's last letter. U+0001 keeps them apart.
  v_text := replace(v_text, '\\', E'\002');
  v_text := regexp_replace(v_text, '(\\(?:[bfnrt]|u.{4}))', E'\\1\001', 'g');
  RETURN replace(replace(normalize_text(v_text), E'\001', ''), E'\002', '\\');
END $$;
