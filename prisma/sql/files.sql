-- Files of records. The row of a file outlives its record until its bytes are deleted from the storage, so that a crash leaves
-- nothing behind. "Endpoint"."fileBytes" counts the files that have a record; quotas use it. Every transaction that attaches or
-- releases a file also writes the record, and so holds the endpoint's row lock.

-- The file gets a record: count its bytes.
CREATE OR REPLACE FUNCTION stored_file_attached() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."endpointId" := (SELECT r."endpointId" FROM "Record" r WHERE r."id" = NEW."recordId");
  UPDATE "Endpoint" SET "fileBytes" = "fileBytes" + NEW."size" WHERE "id" = NEW."endpointId";
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER stored_file_attached BEFORE UPDATE OF "recordId" ON "StoredFile" FOR EACH ROW
  WHEN (OLD."recordId" IS NULL AND NEW."recordId" IS NOT NULL) EXECUTE FUNCTION stored_file_attached();

CREATE OR REPLACE TRIGGER stored_file_inserted BEFORE INSERT ON "StoredFile" FOR EACH ROW
  WHEN (NEW."recordId" IS NOT NULL) EXECUTE FUNCTION stored_file_attached();

-- The file loses its record, because the record is replaced or deleted, alone or with its endpoint. The next sweep deletes the bytes.
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

CREATE OR REPLACE TRIGGER stored_file_released BEFORE UPDATE OF "recordId" ON "StoredFile" FOR EACH ROW
  WHEN (OLD."recordId" IS NOT NULL AND NEW."recordId" IS NULL) EXECUTE FUNCTION stored_file_released();

-- A file's record is replaced by JSON or text.
CREATE OR REPLACE FUNCTION record_releases_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "StoredFile" SET "recordId" = NULL WHERE "recordId" = NEW."id";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER record_releases_file AFTER UPDATE OF "contentType" ON "Record" FOR EACH ROW
  WHEN (OLD."contentType"::text = 'file' AND NEW."contentType"::text <> 'file') EXECUTE FUNCTION record_releases_file();
