-- The triggers that keep the change log complete, whatever writes records: Prisma calls, psql, another program (ADR 1).
--
-- record_commit, publish_import and purge_endpoint write the log themselves, or need none. They set rested.logged_by_commit to
-- 'on' for their own statements, so that these triggers do not fire. Servers of the former release set rested.door to 'open'
-- instead; the triggers accept both until the next release.
--
-- Records and changes have no foreign key to their endpoint, because its check costs as much as the write (ADR 18). The last
-- triggers of this file and of endpoints.sql guarantee what the foreign keys did.

-- A plain INSERT cannot choose the values that the database sets.
CREATE OR REPLACE FUNCTION record_before_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."seq" := NULL;
  NEW."version" := 1;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER record_before_insert BEFORE INSERT ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION record_before_insert();

-- A plain UPDATE gets the next version and time, and cannot move a record.
CREATE OR REPLACE FUNCTION record_before_update() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE TRIGGER record_before_update BEFORE UPDATE ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION record_before_update();

-- Logs a plain write, and counts it. It locks the endpoint's row before it takes a number, as record_commit does.
-- AFTER, because a BEFORE INSERT trigger also fires for a row that ON CONFLICT then skips; its number would be a hole.
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

CREATE OR REPLACE TRIGGER record_after_write AFTER INSERT OR UPDATE OR DELETE ON "Record" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION record_after_write();

-- TRUNCATE fires no row triggers. Its rows are deleted, and logged, before it.
CREATE OR REPLACE FUNCTION record_before_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Record";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER record_before_truncate BEFORE TRUNCATE ON "Record" FOR EACH STATEMENT EXECUTE FUNCTION record_before_truncate();

-- A plain write to the log needs an endpoint, as with a foreign key.
CREATE OR REPLACE FUNCTION change_needs_endpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM "Endpoint" e WHERE e."id" = NEW."endpointId" FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no endpoint %', NEW."endpointId" USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'Change_endpointId_fkey';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER change_needs_endpoint AFTER INSERT OR UPDATE OF "endpointId" ON "Change" FOR EACH ROW
  WHEN (current_setting('rested.logged_by_commit', true) IS DISTINCT FROM 'on'
    AND current_setting('rested.door', true) IS DISTINCT FROM 'open')
  EXECUTE FUNCTION change_needs_endpoint();
