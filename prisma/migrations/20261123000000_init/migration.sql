-- CreateEnum
CREATE TYPE "UserRole" AS ENUM ('admin', 'member');

-- CreateEnum
CREATE TYPE "KeyScope" AS ENUM ('read', 'write', 'read_write');

-- CreateEnum
CREATE TYPE "EndpointKind" AS ENUM ('data', 'authentication');

-- CreateEnum
CREATE TYPE "RecordContentType" AS ENUM ('json', 'text');

-- CreateEnum
CREATE TYPE "ChangeType" AS ENUM ('POST', 'PUT', 'DELETE');

-- CreateTable
CREATE TABLE "User" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "passwordHash" TEXT,
    "role" "UserRole" NOT NULL DEFAULT 'member',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Account" (
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "providerAccountId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Session" (
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "userAgent" TEXT,
    "address" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastSeenAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ManagementToken" (
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastUsedAt" TIMESTAMPTZ(3),
    "expiresAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ManagementToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "StreamTicket" (
    "hash" BYTEA NOT NULL,
    "userId" UUID NOT NULL,
    "endpointId" UUID NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "StreamTicket_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "Project" (
    "id" UUID NOT NULL,
    "ownerId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "allowedOrigins" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "disallowNoOrigin" BOOLEAN NOT NULL DEFAULT false,
    "masterKeyHash" BYTEA,
    "revision" BIGINT NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApiKey" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "scope" "KeyScope" NOT NULL DEFAULT 'read_write',
    "expiresAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),
    "lastUsedAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ApiKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Endpoint" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "kind" "EndpointKind" NOT NULL DEFAULT 'data',
    "secure" BOOLEAN NOT NULL DEFAULT false,
    "othersCanRead" BOOLEAN NOT NULL DEFAULT false,
    "othersCanUpdate" BOOLEAN NOT NULL DEFAULT false,
    "othersCanDelete" BOOLEAN NOT NULL DEFAULT false,
    "schema" JSON,
    "epoch" UUID NOT NULL DEFAULT gen_random_uuid(),
    "seq" BIGINT NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Endpoint_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Record" (
    "id" UUID NOT NULL,
    "endpointId" UUID NOT NULL,
    "seq" BIGINT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "contentType" "RecordContentType" NOT NULL DEFAULT 'json',
    "data" JSON NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Record_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Change" (
    "endpointId" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "type" "ChangeType" NOT NULL,
    "recordId" UUID NOT NULL,
    "data" JSON NOT NULL,
    "version" INTEGER NOT NULL,
    "recordCreatedAt" TIMESTAMPTZ(3) NOT NULL,
    "recordUpdatedAt" TIMESTAMPTZ(3) NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Change_pkey" PRIMARY KEY ("endpointId","seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");

-- CreateIndex
CREATE INDEX "Account_userId_idx" ON "Account"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "Account_provider_providerAccountId_key" ON "Account"("provider", "providerAccountId");

-- CreateIndex
CREATE INDEX "Session_userId_idx" ON "Session"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "ManagementToken_hash_key" ON "ManagementToken"("hash");

-- CreateIndex
CREATE INDEX "ManagementToken_userId_idx" ON "ManagementToken"("userId");

-- CreateIndex
CREATE INDEX "StreamTicket_expiresAt_idx" ON "StreamTicket"("expiresAt");

-- CreateIndex
CREATE INDEX "StreamTicket_userId_idx" ON "StreamTicket"("userId");

-- CreateIndex
CREATE INDEX "StreamTicket_endpointId_idx" ON "StreamTicket"("endpointId");

-- CreateIndex
CREATE INDEX "Project_ownerId_idx" ON "Project"("ownerId");

-- CreateIndex
CREATE UNIQUE INDEX "ApiKey_key_key" ON "ApiKey"("key");

-- CreateIndex
CREATE INDEX "ApiKey_projectId_idx" ON "ApiKey"("projectId");

-- CreateIndex
CREATE UNIQUE INDEX "Endpoint_projectId_name_key" ON "Endpoint"("projectId", "name");

-- CreateIndex
CREATE UNIQUE INDEX "Record_endpointId_seq_key" ON "Record"("endpointId", "seq");

-- AddForeignKey
ALTER TABLE "Account" ADD CONSTRAINT "Account_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ManagementToken" ADD CONSTRAINT "ManagementToken_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "StreamTicket" ADD CONSTRAINT "StreamTicket_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "StreamTicket" ADD CONSTRAINT "StreamTicket_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Project" ADD CONSTRAINT "Project_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApiKey" ADD CONSTRAINT "ApiKey_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Endpoint" ADD CONSTRAINT "Endpoint_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Record" ADD CONSTRAINT "Record_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Change" ADD CONSTRAINT "Change_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Invariants that Prisma's schema can't express.
ALTER TABLE "User" ADD CONSTRAINT "User_email_lowercase" CHECK ("email" = lower("email"));
ALTER TABLE "Endpoint" ADD CONSTRAINT "Endpoint_name_form" CHECK (
  length("name") BETWEEN 5 AND 254 AND "name" ~ '^[a-z0-9][a-z0-9/-]*[a-z0-9]$' AND "name" !~ '--|//'
);
ALTER TABLE "Project" ADD CONSTRAINT "Project_name_form" CHECK ("name" ~ '^[A-Za-z0-9 _-]{5,254}$');
ALTER TABLE "Change" ADD CONSTRAINT "Change_seq_positive" CHECK ("seq" > 0);

-- ---------------------------------------------------------------------------------------------------------------------
-- The wire's forms (R1), written by the database so that stored JSON goes from disk to socket unparsed.
-- Plain SQL, so that the planner inlines them.
-- ---------------------------------------------------------------------------------------------------------------------

-- ISO 8601, UTC, milliseconds.
CREATE FUNCTION wire_time(p_time timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_char(p_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- 32 lowercase hex digits.
CREATE FUNCTION wire_id(p_id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(uuid_send(p_id), 'hex')
$$;

CREATE FUNCTION wire_record(p_id uuid, p_data json, p_created timestamptz, p_updated timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"uniqueId":"' || wire_id(p_id) || '","data":' || p_data::text
    || ',"createdAt":"' || wire_time(p_created) || '","updatedAt":"' || wire_time(p_updated) || '"}'
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- The change log. Two paths write records, and both append to "Change" in the same transaction:
--   record_commit(…)  the door: a batch of writes to one endpoint in one statement (src/db/record-door.ts);
--   the triggers      everything else: any Prisma call, any SQL client.
-- Both hold the endpoint's row lock from before they take a number until commit, which makes seq order equal commit order
-- and leaves no hole: a rolled-back write gives its number back.
-- While record_commit runs it sets rested.door for its own statements, so that the triggers don't log them again.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION record_commit(
  p_endpoint uuid,
  p_types text[],          -- 'POST' | 'PUT' | 'DELETE'
  p_ids uuid[],
  p_content_types text[],  -- 'json' | 'text'; null on DELETE
  p_data text[],           -- JSON text; null on DELETE
  p_same_type boolean[],   -- true: a PUT must keep the record's content type
  p_versions int[]         -- the version that a PUT or DELETE expects; null: any
) RETURNS TABLE (
  ord int, outcome text, seq bigint, version int,
  data text,               -- on DELETE only: the caller has the others
  created_at timestamptz, updated_at timestamptz, at timestamptz
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
    RETURN QUERY SELECT o, 'endpoint_not_found', NULL::bigint, NULL::int, NULL::text, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz
      FROM generate_series(1, n) AS o;
    RETURN;
  END IF;
  -- After the lock, so that times follow commit order as seq does.
  v_now := clock_timestamp();
  PERFORM set_config('rested.door', 'open', true);

  IF v_posts_only THEN
    INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "createdAt", "updatedAt")
      SELECT u.id, p_endpoint, v_seq + u.o, u.c::"RecordContentType", u.d::json, v_now, v_now
      FROM unnest(p_ids, p_content_types, p_data) WITH ORDINALITY AS u(id, c, d, o);
    INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
      SELECT p_endpoint, v_seq + u.o, 'POST', u.id, u.d::json, 1, v_now, v_now, v_now
      FROM unnest(p_ids, p_data) WITH ORDINALITY AS u(id, d, o);
    PERFORM set_config('rested.door', '', true);
    RETURN QUERY SELECT o, 'ok', v_seq + o, 1, NULL::text, v_now::timestamptz, v_now::timestamptz, v_now::timestamptz
      FROM generate_series(1, n) AS o;
    RETURN;
  END IF;

  v_first := v_seq;
  FOR i IN 1..n LOOP
    ord := i; outcome := 'ok'; seq := NULL; version := NULL; data := NULL; created_at := NULL; updated_at := NULL; at := v_now;
    IF p_types[i] = 'POST' THEN
      v_seq := v_seq + 1;
      INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "createdAt", "updatedAt")
        VALUES (p_ids[i], p_endpoint, v_seq, p_content_types[i]::"RecordContentType", p_data[i]::json, v_now, v_now);
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'POST', p_ids[i], p_data[i]::json, 1, v_now, v_now, v_now);
      seq := v_seq; version := 1; created_at := v_now; updated_at := v_now;
      RETURN NEXT;
      CONTINUE;
    END IF;

    -- NOWAIT: who holds the record without the endpoint is a plain UPDATE or DELETE that is about to wait for the endpoint,
    -- which we hold. Raising lock_not_available lets it through at once; waiting would be a deadlock. The caller tries again.
    SELECT r.* INTO v_old FROM "Record" r WHERE r."id" = p_ids[i] AND r."endpointId" = p_endpoint FOR UPDATE NOWAIT;
    IF NOT FOUND THEN
      outcome := 'record_not_found';
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
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'PUT', p_ids[i], p_data[i]::json, v_version, v_old."createdAt", v_updated, v_now);
      seq := v_seq; version := v_version; created_at := v_old."createdAt"; updated_at := v_updated;
    ELSE
      v_seq := v_seq + 1;
      DELETE FROM "Record" r WHERE r."id" = p_ids[i];
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
        VALUES (p_endpoint, v_seq, 'DELETE', p_ids[i], v_old."data", v_old."version", v_old."createdAt", v_old."updatedAt", v_now);
      seq := v_seq; version := v_old."version"; data := v_old."data"::text; created_at := v_old."createdAt"; updated_at := v_old."updatedAt";
    END IF;
    RETURN NEXT;
  END LOOP;

  IF v_seq <> v_first THEN
    UPDATE "Endpoint" e SET seq = v_seq WHERE e.id = p_endpoint;
  END IF;
  PERFORM set_config('rested.door', '', true);
END $$;

-- What the database sets is not the writer's to choose.
CREATE FUNCTION record_before_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."seq" := NULL;
  NEW."version" := 1;
  RETURN NEW;
END $$;

-- A plain UPDATE gets the next version and time, and can't move a record.
CREATE FUNCTION record_before_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."id" <> OLD."id" OR NEW."endpointId" <> OLD."endpointId" THEN
    RAISE EXCEPTION 'a record keeps its id and its endpoint' USING ERRCODE = 'check_violation';
  END IF;
  NEW."seq" := OLD."seq";
  NEW."version" := OLD."version" + 1;
  NEW."createdAt" := OLD."createdAt";
  NEW."updatedAt" := greatest(clock_timestamp(), OLD."updatedAt");
  RETURN NEW;
END $$;

-- AFTER, because a BEFORE INSERT trigger also fires for a row that ON CONFLICT then drops, and its number would be a hole.
CREATE FUNCTION record_after_write() RETURNS trigger LANGUAGE plpgsql AS $$
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
  INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
    VALUES (v_row."endpointId", v_seq, (CASE TG_OP WHEN 'INSERT' THEN 'POST' WHEN 'UPDATE' THEN 'PUT' ELSE 'DELETE' END)::"ChangeType",
      v_row."id", v_row."data", v_row."version", v_row."createdAt", v_row."updatedAt", clock_timestamp());
  RETURN NULL;
END $$;

-- TRUNCATE fires no row triggers: its rows are deleted, and logged, before it.
CREATE FUNCTION record_before_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Record";
  RETURN NULL;
END $$;

CREATE TRIGGER record_before_insert BEFORE INSERT ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.door', true) IS DISTINCT FROM 'open') EXECUTE FUNCTION record_before_insert();
CREATE TRIGGER record_before_update BEFORE UPDATE ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.door', true) IS DISTINCT FROM 'open') EXECUTE FUNCTION record_before_update();
CREATE TRIGGER record_after_write AFTER INSERT OR UPDATE OR DELETE ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.door', true) IS DISTINCT FROM 'open') EXECUTE FUNCTION record_after_write();
CREATE TRIGGER record_before_truncate BEFORE TRUNCATE ON "Record" FOR EACH STATEMENT EXECUTE FUNCTION record_before_truncate();

-- One page of an endpoint's records in creation order, as the items of a JSON array, and where the next page starts
-- (null: there is none). Ends after p_rows records, or once p_bytes are reached, so that pages stay small whatever the records' size.
-- Records created after the first page (p_upto null) was read are left out, or a busy endpoint's list would never end.
CREATE FUNCTION record_page(p_endpoint uuid, p_after bigint, p_upto bigint, p_rows int, p_bytes int, p_data_only boolean)
RETURNS TABLE (items text, next_after bigint, upto bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_record record;
  v_item text;
  v_items text[] := '{}';
  v_bytes bigint := 0;
BEGIN
  upto := coalesce(p_upto, (SELECT e.seq FROM "Endpoint" e WHERE e.id = p_endpoint), 0);
  FOR v_record IN
    SELECT r."seq", r."id", r."data", r."createdAt", r."updatedAt" FROM "Record" r
    WHERE r."endpointId" = p_endpoint AND r."seq" > p_after AND r."seq" <= upto ORDER BY r."seq" LIMIT p_rows
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

-- ---------------------------------------------------------------------------------------------------------------------
-- Definitions. Nodes cache compiled projects, keys and endpoints; what they compare is "Project"."revision".
-- The column list leaves out "Endpoint"."seq" and "ApiKey"."lastUsedAt", which change all the time and define nothing.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION project_revised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Two when it moves from one project to another.
  UPDATE "Project" SET "revision" = "revision" + 1 WHERE "id" IN (OLD."projectId", NEW."projectId");
  RETURN NULL;
END $$;

CREATE TRIGGER api_key_revises AFTER INSERT OR DELETE OR UPDATE OF "projectId", "name", "key", "scope", "expiresAt", "revokedAt" ON "ApiKey"
  FOR EACH ROW EXECUTE FUNCTION project_revised();
CREATE TRIGGER endpoint_revises AFTER INSERT OR DELETE OR UPDATE OF "projectId", "name", "kind", "secure", "othersCanRead", "othersCanUpdate", "othersCanDelete", "schema", "epoch" ON "Endpoint"
  FOR EACH ROW EXECUTE FUNCTION project_revised();

CREATE FUNCTION project_revises_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."revision" := OLD."revision" + 1;
  RETURN NEW;
END $$;
CREATE TRIGGER project_revises_itself BEFORE UPDATE OF "name", "ownerId", "allowedOrigins", "disallowNoOrigin", "masterKeyHash" ON "Project"
  FOR EACH ROW EXECUTE FUNCTION project_revises_itself();

-- Every commit updates one endpoint row; room in its page keeps those updates off the indexes (HOT).
ALTER TABLE "Endpoint" SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
