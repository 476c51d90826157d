-- Counters of what an endpoint holds, for quotas. Counting a million rows takes a second, so the counters are updated in the
-- transaction that writes. record_commit.sql, imports.sql and change_log.sql count records, files.sql counts files; this file
-- counts the stored responses of requests with an Idempotency-Key ("Endpoint"."answerBytes").
-- Writers of stored responses hold the endpoint's row lock; the sweep takes it first.

CREATE OR REPLACE FUNCTION answers_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "Endpoint" e SET "answerBytes" = e."answerBytes" + s.bytes
    FROM (SELECT n."endpointId", sum(octet_length(n."answer")) AS bytes FROM added n GROUP BY n."endpointId") AS s
    WHERE e."id" = s."endpointId";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER answers_added AFTER INSERT ON "IdempotentRequest" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION answers_added();

CREATE OR REPLACE FUNCTION answers_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "Endpoint" e SET "answerBytes" = e."answerBytes" + s.bytes
    FROM (SELECT c."endpointId", sum(c.bytes) AS bytes FROM (
        SELECT n."endpointId", octet_length(n."answer") AS bytes FROM added n
        UNION ALL SELECT o."endpointId", -octet_length(o."answer") FROM removed o) AS c
      GROUP BY c."endpointId" HAVING sum(c.bytes) <> 0) AS s
    WHERE e."id" = s."endpointId";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER answers_replaced AFTER UPDATE ON "IdempotentRequest" REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION answers_replaced();

-- The counters of a deleted endpoint are not used any more.
CREATE OR REPLACE FUNCTION answers_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('rested.purge', true) = 'on' THEN
    RETURN NULL;
  END IF;
  UPDATE "Endpoint" e SET "answerBytes" = e."answerBytes" - s.bytes
    FROM (SELECT o."endpointId", sum(octet_length(o."answer")) AS bytes FROM removed o GROUP BY o."endpointId") AS s
    WHERE e."id" = s."endpointId";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER answers_removed AFTER DELETE ON "IdempotentRequest" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION answers_removed();
