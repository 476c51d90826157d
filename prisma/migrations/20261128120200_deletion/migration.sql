-- Deletion takes an endpoint from its project at once, and its rows in batches afterwards: a cascade over a million records holds
-- the endpoint's row for many seconds, and every writer waits for it.
-- An endpoint without a project is deleted: nothing finds it, nothing can be written to it, its name is free.
-- Deleting a project, or an account with its projects, does the same to every endpoint of it.

-- DropForeignKey
ALTER TABLE "AccessToken" DROP CONSTRAINT "AccessToken_projectId_fkey";

-- DropForeignKey
ALTER TABLE "Endpoint" DROP CONSTRAINT "Endpoint_projectId_fkey";

-- DropIndex
DROP INDEX "AccessToken_projectId_idx";

-- AlterTable
ALTER TABLE "Endpoint" ALTER COLUMN "projectId" DROP NOT NULL;

-- AddForeignKey
ALTER TABLE "Endpoint" ADD CONSTRAINT "Endpoint_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- Its rows are being deleted: with a project again it would be an endpoint whose log has holes.
CREATE FUNCTION endpoint_stays_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the endpoint was deleted' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER endpoint_stays_deleted BEFORE UPDATE OF "projectId" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."projectId" IS NULL AND NEW."projectId" IS NOT NULL) EXECUTE FUNCTION endpoint_stays_deleted();

-- The access tokens of its users end now, not when the job deletes them.
CREATE FUNCTION endpoint_ends_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "Project" SET "tokenRevision" = "tokenRevision" + 1 WHERE "id" = OLD."projectId";
  RETURN NULL;
END $$;
CREATE TRIGGER endpoint_ends_tokens AFTER UPDATE OF "projectId" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."kind" = 'authentication' AND OLD."projectId" IS NOT NULL AND NEW."projectId" IS NULL) EXECUTE FUNCTION endpoint_ends_tokens();

CREATE OR REPLACE FUNCTION access_token_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('rested.purge', true) = 'on' THEN
    RETURN NULL; -- ended when its endpoint was deleted
  END IF;
  IF current_setting('rested.tokens_ended', true) IS DISTINCT FROM OLD."projectId"::text THEN
    UPDATE "Project" SET "tokenRevision" = "tokenRevision" + 1 WHERE "id" = OLD."projectId";
    PERFORM set_config('rested.tokens_ended', OLD."projectId"::text, true);
  END IF;
  RETURN NULL;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- The change log: the same two paths as before. To both a deleted endpoint is one that does not exist.
-- ---------------------------------------------------------------------------------------------------------------------

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
BEGIN
  IF v_posts_only THEN
    UPDATE "Endpoint" e SET seq = e.seq + n WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL RETURNING e.seq - n INTO v_seq;
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
      seq := v_seq; version := v_version; created_at := v_old."createdAt"; updated_at := v_updated; owner := v_old."ownerId";
    ELSE
      v_seq := v_seq + 1;
      DELETE FROM "Record" r WHERE r."id" = p_ids[i];
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "ownerId", "version", "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'DELETE', p_ids[i], v_old."data", v_old."ownerId", v_old."version", v_old."createdAt", v_old."updatedAt", v_now);
      seq := v_seq; version := v_old."version"; data := v_old."data"::text; created_at := v_old."createdAt"; updated_at := v_old."updatedAt"; owner := v_old."ownerId";
    END IF;
    RETURN NEXT;
  END LOOP;

  IF v_seq <> v_first THEN
    UPDATE "Endpoint" e SET seq = v_seq WHERE e.id = p_endpoint;
  END IF;
  PERFORM set_config('rested.door', '', true);
END $$;

CREATE OR REPLACE FUNCTION record_after_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_row "Record"%ROWTYPE := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  v_seq bigint;
BEGIN
  UPDATE "Endpoint" e SET seq = e.seq + 1 WHERE e.id = v_row."endpointId" AND e."projectId" IS NOT NULL RETURNING e.seq INTO v_seq;
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

-- ---------------------------------------------------------------------------------------------------------------------
-- The rows of deleted endpoints.
-- ---------------------------------------------------------------------------------------------------------------------

-- Deletes up to p_limit records, as many changes and as many idempotency answers of a deleted endpoint, as a transaction of its own.
-- p_after: the seq up to which earlier calls have deleted; they need not look at the dead rows again. 0: from the beginning.
-- state: 'more': call again with next_after; 'left': somebody holds rows, call again later from 0; 'gone': the endpoint's own row is
-- deleted, too; 'busy': another server deletes rows of endpoints right now. No two batches run at the same time.
CREATE FUNCTION purge_endpoint(p_endpoint uuid, p_after bigint, p_limit int) RETURNS TABLE (state text, next_after bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_records bigint[];
  v_changes bigint[];
  v_answers int;
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
  -- Nothing of this is logged (the log goes, too), and the tokens of its users have ended already.
  PERFORM set_config('rested.door', 'open', true), set_config('rested.purge', 'on', true);

  DELETE FROM "StreamTicket" t WHERE t."endpointId" = p_endpoint;
  DELETE FROM "IdempotentRequest" i WHERE i."endpointId" = p_endpoint AND i."hash" IN (
    SELECT a."hash" FROM "IdempotentRequest" a WHERE a."endpointId" = p_endpoint LIMIT p_limit FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS v_answers = ROW_COUNT;
  v_changes := ARRAY(SELECT c."seq" FROM "Change" c WHERE c."endpointId" = p_endpoint AND c."seq" > p_after ORDER BY c."seq" LIMIT p_limit FOR UPDATE SKIP LOCKED);
  DELETE FROM "Change" c WHERE c."endpointId" = p_endpoint AND c."seq" = ANY (v_changes);
  v_records := ARRAY(SELECT r."seq" FROM "Record" r WHERE r."endpointId" = p_endpoint AND r."seq" > p_after ORDER BY r."seq" LIMIT p_limit FOR UPDATE SKIP LOCKED);
  DELETE FROM "Record" r WHERE r."endpointId" = p_endpoint AND r."seq" = ANY (v_records);

  IF cardinality(v_changes) = p_limit OR cardinality(v_records) = p_limit OR v_answers = p_limit THEN
    state := 'more';
    next_after := least(
      CASE WHEN cardinality(v_changes) = p_limit THEN v_changes[p_limit] END,
      CASE WHEN cardinality(v_records) = p_limit THEN v_records[p_limit] END);
    -- Only answers are left.
    next_after := coalesce(next_after, greatest(p_after, v_changes[cardinality(v_changes)], v_records[cardinality(v_records)]));
  ELSE
    DELETE FROM "Endpoint" e WHERE e."id" = p_endpoint AND e."projectId" IS NULL
      AND NOT EXISTS (SELECT FROM "Record" r WHERE r."endpointId" = p_endpoint)
      AND NOT EXISTS (SELECT FROM "Change" c WHERE c."endpointId" = p_endpoint)
      AND NOT EXISTS (SELECT FROM "IdempotentRequest" i WHERE i."endpointId" = p_endpoint);
    state := CASE WHEN FOUND THEN 'gone' ELSE 'left' END;
  END IF;
  PERFORM set_config('rested.door', '', true), set_config('rested.purge', '', true);
  RETURN NEXT;
END $$;
