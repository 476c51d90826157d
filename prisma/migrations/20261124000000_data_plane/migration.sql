-- AlterEnum
ALTER TYPE "RecordContentType" ADD VALUE 'file';

-- AlterTable
ALTER TABLE "Change" ADD COLUMN     "ownerId" UUID,
ADD COLUMN     "following" INTEGER;

-- AlterTable
ALTER TABLE "Project" ADD COLUMN     "rateLimit" INTEGER,
ADD COLUMN     "tokenRevision" BIGINT NOT NULL DEFAULT 1;

-- AlterTable
ALTER TABLE "Record" ADD COLUMN     "ownerId" UUID;

-- CreateTable
CREATE TABLE "AppUser" (
    "id" UUID NOT NULL,
    "endpointId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "passwordHash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "AppUser_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AccessToken" (
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "userAgent" TEXT,
    "address" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "revokedAt" TIMESTAMPTZ(3),
    "lastUsedAt" TIMESTAMPTZ(3),

    CONSTRAINT "AccessToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "StoredFile" (
    "id" UUID NOT NULL,
    "recordId" UUID,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "size" BIGINT NOT NULL DEFAULT 0,
    "sha256" BYTEA,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sweepAfter" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "StoredFile_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IdempotentRequest" (
    "endpointId" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "answer" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "IdempotentRequest_pkey" PRIMARY KEY ("endpointId","hash")
);

-- CreateIndex
CREATE UNIQUE INDEX "AppUser_endpointId_name_key" ON "AppUser"("endpointId", "name");

-- CreateIndex
CREATE UNIQUE INDEX "AccessToken_hash_key" ON "AccessToken"("hash");

-- CreateIndex
CREATE INDEX "AccessToken_userId_idx" ON "AccessToken"("userId");

-- CreateIndex
CREATE INDEX "AccessToken_projectId_idx" ON "AccessToken"("projectId");

-- CreateIndex
CREATE INDEX "AccessToken_expiresAt_idx" ON "AccessToken"("expiresAt");

-- CreateIndex
CREATE UNIQUE INDEX "StoredFile_recordId_key" ON "StoredFile"("recordId");

-- CreateIndex
CREATE INDEX "StoredFile_sweepAfter_idx" ON "StoredFile"("sweepAfter");

-- CreateIndex
CREATE INDEX "IdempotentRequest_createdAt_idx" ON "IdempotentRequest"("createdAt");

-- CreateIndex
CREATE INDEX "Record_endpointId_ownerId_seq_idx" ON "Record"("endpointId", "ownerId", "seq");

-- AddForeignKey
ALTER TABLE "AppUser" ADD CONSTRAINT "AppUser_id_fkey" FOREIGN KEY ("id") REFERENCES "Record"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AppUser" ADD CONSTRAINT "AppUser_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AccessToken" ADD CONSTRAINT "AccessToken_userId_fkey" FOREIGN KEY ("userId") REFERENCES "AppUser"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AccessToken" ADD CONSTRAINT "AccessToken_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "StoredFile" ADD CONSTRAINT "StoredFile_recordId_fkey" FOREIGN KEY ("recordId") REFERENCES "Record"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "IdempotentRequest" ADD CONSTRAINT "IdempotentRequest_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- ---------------------------------------------------------------------------------------------------------------------
-- Invariants that Prisma's schema can't express.
-- ---------------------------------------------------------------------------------------------------------------------

ALTER TABLE "Project" ADD CONSTRAINT "Project_rateLimit_positive" CHECK ("rateLimit" > 0);
-- A record never names a file whose bytes are not all there.
ALTER TABLE "StoredFile" ADD CONSTRAINT "StoredFile_complete" CHECK ("recordId" IS NULL OR "sha256" IS NOT NULL);

-- Records of people's accounts and other records follow different rules: one never becomes the other.
CREATE FUNCTION endpoint_keeps_its_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an endpoint keeps its kind' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER endpoint_keeps_its_kind BEFORE UPDATE OF "kind" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."kind" IS DISTINCT FROM NEW."kind") EXECUTE FUNCTION endpoint_keeps_its_kind();

-- ---------------------------------------------------------------------------------------------------------------------
-- The change log: the same two paths as before; now they know whom a record belongs to.
-- ---------------------------------------------------------------------------------------------------------------------

DROP FUNCTION record_commit(uuid, text[], uuid[], text[], text[], boolean[], int[]);
CREATE FUNCTION record_commit(
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
    UPDATE "Endpoint" e SET seq = e.seq + n WHERE e.id = p_endpoint RETURNING e.seq - n INTO v_seq;
  ELSE
    SELECT e.seq INTO v_seq FROM "Endpoint" e WHERE e.id = p_endpoint FOR NO KEY UPDATE;
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
  UPDATE "Endpoint" e SET seq = e.seq + 1 WHERE e.id = v_row."endpointId" RETURNING e.seq INTO v_seq;
  IF NOT FOUND THEN
    RETURN NULL; -- the endpoint itself is being deleted, and its log with it
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
-- Lists, in either direction, of everybody's records or of one owner's.
-- ---------------------------------------------------------------------------------------------------------------------

DROP FUNCTION record_page(uuid, bigint, bigint, int, int, boolean);

-- One page of an endpoint's records, as the items of a JSON array, and where the next page starts (null: there is none).
-- Ends after p_rows records, or once p_bytes are reached, so that pages stay small whatever the records' size.
-- Ascending: those with p_after < seq <= p_upto; descending: p_after > seq >= p_upto. p_after null: from the beginning.
-- p_upto null: up to where the endpoint stands now, which is answered for the next pages: records created after the first one was
-- read are left out, or a busy endpoint's list would never end. The SQL is put together so that each form gets its own plan.
CREATE FUNCTION record_page(p_endpoint uuid, p_owner uuid, p_after bigint, p_upto bigint, p_descending boolean, p_rows int, p_bytes int, p_data_only boolean)
RETURNS TABLE (items text, next_after bigint, upto bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_record record;
  v_item text;
  v_items text[] := '{}';
  v_bytes bigint := 0;
BEGIN
  upto := coalesce(p_upto, CASE WHEN p_descending THEN 0 ELSE (SELECT e.seq FROM "Endpoint" e WHERE e.id = p_endpoint) END, 0);
  FOR v_record IN EXECUTE
    'SELECT r."seq", r."id", r."data", r."createdAt", r."updatedAt" FROM "Record" r WHERE r."endpointId" = $1'
    || CASE WHEN p_owner IS NULL THEN '' ELSE ' AND r."ownerId" = $2' END
    || CASE WHEN p_after IS NULL THEN '' WHEN p_descending THEN ' AND r."seq" < $3' ELSE ' AND r."seq" > $3' END
    || CASE WHEN p_descending THEN ' AND r."seq" >= $4 ORDER BY r."seq" DESC' ELSE ' AND r."seq" <= $4 ORDER BY r."seq"' END
    || ' LIMIT $5'
    USING p_endpoint, p_owner, p_after, upto, p_rows
  LOOP
    v_item := CASE WHEN p_data_only THEN v_record."data"::text
      ELSE wire_record(v_record."id", v_record."data", v_record."createdAt", v_record."updatedAt") END;
    v_items := array_append(v_items, v_item);
    v_bytes := v_bytes + octet_length(v_item);
    IF v_bytes >= p_bytes OR cardinality(v_items) >= p_rows THEN
      next_after := v_record."seq";
      EXIT;
    END IF;
  END LOOP;
  items := array_to_string(v_items, ',');
  RETURN NEXT;
END $$;

-- Where a page of p_limit records begins and ends (null: it has none), and whether there are more after it.
-- Known before the page is read, so that a link to the next one can be sent ahead of it.
CREATE FUNCTION record_page_bounds(p_endpoint uuid, p_owner uuid, p_after bigint, p_descending boolean, p_limit int)
RETURNS TABLE (first_seq bigint, last_seq bigint, has_more boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_seqs bigint[];
BEGIN
  EXECUTE 'SELECT array_agg(page."seq") FROM (SELECT r."seq" FROM "Record" r WHERE r."endpointId" = $1 AND r."seq" IS NOT NULL'
    || CASE WHEN p_owner IS NULL THEN '' ELSE ' AND r."ownerId" = $2' END
    || CASE WHEN p_after IS NULL THEN '' WHEN p_descending THEN ' AND r."seq" < $3' ELSE ' AND r."seq" > $3' END
    || CASE WHEN p_descending THEN ' ORDER BY r."seq" DESC' ELSE ' ORDER BY r."seq"' END
    || ' LIMIT $4) AS page'
    INTO v_seqs USING p_endpoint, p_owner, p_after, p_limit + 1;
  has_more := coalesce(cardinality(v_seqs), 0) > p_limit;
  first_seq := v_seqs[1];
  last_seq := v_seqs[least(p_limit, cardinality(v_seqs))];
  RETURN NEXT;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Definitions and tokens: what caches compare.
-- ---------------------------------------------------------------------------------------------------------------------

DROP TRIGGER project_revises_itself ON "Project";
CREATE TRIGGER project_revises_itself BEFORE UPDATE OF "name", "ownerId", "allowedOrigins", "disallowNoOrigin", "masterKeyHash", "rateLimit" ON "Project"
  FOR EACH ROW EXECUTE FUNCTION project_revises_itself();

-- A token that ends before its time: revoked, or deleted with its user. One that has expired ends by itself.
-- Once a transaction: with an endpoint go the tokens of all its users, and a row that is updated a thousand times in one is slow.
CREATE FUNCTION access_token_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('rested.tokens_ended', true) IS DISTINCT FROM OLD."projectId"::text THEN
    UPDATE "Project" SET "tokenRevision" = "tokenRevision" + 1 WHERE "id" = OLD."projectId";
    PERFORM set_config('rested.tokens_ended', OLD."projectId"::text, true);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER access_token_revoked AFTER UPDATE OF "revokedAt" ON "AccessToken" FOR EACH ROW
  WHEN (OLD."revokedAt" IS DISTINCT FROM NEW."revokedAt") EXECUTE FUNCTION access_token_ended();
CREATE TRIGGER access_token_deleted AFTER DELETE ON "AccessToken" FOR EACH ROW
  WHEN (OLD."revokedAt" IS NULL AND OLD."expiresAt" > clock_timestamp()) EXECUTE FUNCTION access_token_ended();

-- ---------------------------------------------------------------------------------------------------------------------
-- Files. The row of a file outlives its record until the bytes are gone from the storage: nothing is left behind by a crash.
-- ---------------------------------------------------------------------------------------------------------------------

-- However the file lost its record (deleted, alone or with its endpoint or project; replaced): the next sweep takes it.
CREATE FUNCTION stored_file_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Not rounded up: a sweep that begins right after shall find it.
  NEW."sweepAfter" := date_trunc('milliseconds', clock_timestamp());
  RETURN NEW;
END $$;
CREATE TRIGGER stored_file_released BEFORE UPDATE OF "recordId" ON "StoredFile" FOR EACH ROW
  WHEN (OLD."recordId" IS NOT NULL AND NEW."recordId" IS NULL) EXECUTE FUNCTION stored_file_released();

CREATE FUNCTION record_releases_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "StoredFile" SET "recordId" = NULL WHERE "recordId" = NEW."id";
  RETURN NULL;
END $$;
CREATE TRIGGER record_releases_file AFTER UPDATE OF "contentType" ON "Record" FOR EACH ROW
  WHEN (OLD."contentType"::text = 'file' AND NEW."contentType"::text <> 'file') EXECUTE FUNCTION record_releases_file();
