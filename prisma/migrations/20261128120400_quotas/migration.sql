-- Quotas of a project, and the counters that they need beside those of records.

-- AlterTable
ALTER TABLE "Endpoint" ADD COLUMN     "answerBytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "fileBytes" BIGINT NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "Project" ADD COLUMN     "quotas" JSONB NOT NULL DEFAULT '{}';

-- AlterTable
ALTER TABLE "StoredFile" ADD COLUMN     "endpointId" UUID;

UPDATE "StoredFile" f SET "endpointId" = r."endpointId" FROM "Record" r WHERE r."id" = f."recordId";

UPDATE "Endpoint" e SET "fileBytes" = held.bytes
  FROM (SELECT "endpointId", sum("size") AS bytes FROM "StoredFile" WHERE "recordId" IS NOT NULL GROUP BY "endpointId") AS held
  WHERE held."endpointId" = e."id" AND e."projectId" IS NOT NULL;

UPDATE "Endpoint" e SET "answerBytes" = held.bytes
  FROM (SELECT "endpointId", sum(octet_length("answer")) AS bytes FROM "IdempotentRequest" GROUP BY "endpointId") AS held
  WHERE held."endpointId" = e."id" AND e."projectId" IS NOT NULL;

ALTER TABLE "Project" ADD CONSTRAINT "Project_quotas_object" CHECK (jsonb_typeof("quotas") = 'object');

-- ---------------------------------------------------------------------------------------------------------------------
-- Files: one counts from when a record has it until none has. The transactions in which that happens write the record, and so hold the endpoint's row.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION stored_file_attached() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."endpointId" := (SELECT r."endpointId" FROM "Record" r WHERE r."id" = NEW."recordId");
  UPDATE "Endpoint" SET "fileBytes" = "fileBytes" + NEW."size" WHERE "id" = NEW."endpointId";
  RETURN NEW;
END $$;
CREATE TRIGGER stored_file_attached BEFORE UPDATE OF "recordId" ON "StoredFile" FOR EACH ROW
  WHEN (OLD."recordId" IS NULL AND NEW."recordId" IS NOT NULL) EXECUTE FUNCTION stored_file_attached();
CREATE TRIGGER stored_file_inserted BEFORE INSERT ON "StoredFile" FOR EACH ROW
  WHEN (NEW."recordId" IS NOT NULL) EXECUTE FUNCTION stored_file_attached();

CREATE OR REPLACE FUNCTION stored_file_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A deleted endpoint counts nothing any more.
  IF current_setting('rested.purge', true) IS DISTINCT FROM 'on' THEN
    UPDATE "Endpoint" SET "fileBytes" = "fileBytes" - OLD."size" WHERE "id" = OLD."endpointId";
  END IF;
  -- Not rounded up: a sweep that begins right after shall find it.
  NEW."sweepAfter" := date_trunc('milliseconds', clock_timestamp());
  RETURN NEW;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Answers to requests with an Idempotency-Key. Writers hold the endpoint's row; the sweep takes it first.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION answers_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "Endpoint" e SET "answerBytes" = e."answerBytes" + s.bytes
    FROM (SELECT n."endpointId", sum(octet_length(n."answer")) AS bytes FROM added n GROUP BY n."endpointId") AS s
    WHERE e."id" = s."endpointId";
  RETURN NULL;
END $$;
CREATE TRIGGER answers_added AFTER INSERT ON "IdempotentRequest" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION answers_added();

CREATE FUNCTION answers_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "Endpoint" e SET "answerBytes" = e."answerBytes" + s.bytes
    FROM (SELECT c."endpointId", sum(c.bytes) AS bytes FROM (
        SELECT n."endpointId", octet_length(n."answer") AS bytes FROM added n
        UNION ALL SELECT o."endpointId", -octet_length(o."answer") FROM removed o) AS c
      GROUP BY c."endpointId" HAVING sum(c.bytes) <> 0) AS s
    WHERE e."id" = s."endpointId";
  RETURN NULL;
END $$;
CREATE TRIGGER answers_replaced AFTER UPDATE ON "IdempotentRequest" REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION answers_replaced();

CREATE FUNCTION answers_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('rested.purge', true) = 'on' THEN
    RETURN NULL;
  END IF;
  UPDATE "Endpoint" e SET "answerBytes" = e."answerBytes" - s.bytes
    FROM (SELECT o."endpointId", sum(octet_length(o."answer")) AS bytes FROM removed o GROUP BY o."endpointId") AS s
    WHERE e."id" = s."endpointId";
  RETURN NULL;
END $$;
CREATE TRIGGER answers_removed AFTER DELETE ON "IdempotentRequest" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION answers_removed();
