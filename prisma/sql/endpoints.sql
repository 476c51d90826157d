-- Rules of an endpoint's row, and the deletion of endpoints.
--
-- Deletion takes an endpoint from its project at once ("projectId" becomes null) and deletes its rows in batches afterwards. A
-- cascade over a million records would lock the endpoint's row for many seconds while every writer waits. A deleted endpoint
-- cannot be found or written to, and its name is available. Deleting a project or an account does the same to its endpoints.

-- Users and other records follow different rules.
CREATE OR REPLACE FUNCTION endpoint_keeps_its_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an endpoint keeps its kind' USING ERRCODE = 'check_violation';
END $$;

CREATE OR REPLACE TRIGGER endpoint_keeps_its_kind BEFORE UPDATE OF "kind" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."kind" IS DISTINCT FROM NEW."kind") EXECUTE FUNCTION endpoint_keeps_its_kind();

-- No foreign key would update the records and changes (ADR 18).
CREATE OR REPLACE FUNCTION endpoint_keeps_its_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an endpoint keeps its id' USING ERRCODE = 'check_violation';
END $$;

CREATE OR REPLACE TRIGGER endpoint_keeps_its_id BEFORE UPDATE OF "id" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id") EXECUTE FUNCTION endpoint_keeps_its_id();

-- The rows of a deleted endpoint are being deleted. With a project again, its log would have holes.
CREATE OR REPLACE FUNCTION endpoint_stays_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the endpoint was deleted' USING ERRCODE = 'check_violation';
END $$;

CREATE OR REPLACE TRIGGER endpoint_stays_deleted BEFORE UPDATE OF "projectId" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."projectId" IS NULL AND NEW."projectId" IS NOT NULL) EXECUTE FUNCTION endpoint_stays_deleted();

-- When the endpoint's row is deleted, its changes and records are too, as by a foreign key's cascade.
-- AFTER: writers wait for the row until this transaction ends, and then find no endpoint.
CREATE OR REPLACE FUNCTION endpoint_deletes_its_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Change" c WHERE c."endpointId" = OLD."id";
  DELETE FROM "Record" r WHERE r."endpointId" = OLD."id";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER endpoint_deletes_its_log AFTER DELETE ON "Endpoint" FOR EACH ROW EXECUTE FUNCTION endpoint_deletes_its_log();

-- TRUNCATE fires no row triggers. The endpoints are deleted before it, so that the trigger above fires.
CREATE OR REPLACE FUNCTION endpoint_truncates_its_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Endpoint";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER endpoint_truncates_its_log BEFORE TRUNCATE ON "Endpoint" FOR EACH STATEMENT
  EXECUTE FUNCTION endpoint_truncates_its_log();

-- Deletes a batch of the rows of a deleted endpoint: up to p_limit records, as many changes, and as many stored responses of
-- idempotent requests. Each batch is a transaction of its own, and one batch runs at a time in the whole database.
-- p_after is the seq up to which earlier calls have deleted; it avoids reading their dead rows again. 0: from the start.
-- `state` is one of
--   'more'  there are more rows: call again with next_after
--   'left'  other transactions hold rows: call again later from 0
--   'gone'  the endpoint's own row is deleted too, or was deleted before
--   'busy'  another server runs a batch
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

-- What CHECK constraints would say. PostgreSQL checks those at every update of a row, and every commit of writes updates the
-- row of its endpoint: the two regular expressions took 30 µs each time. This trigger runs when one of the columns is written.
CREATE OR REPLACE FUNCTION endpoint_has_form() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF length(NEW."name") NOT BETWEEN 1 AND 254 OR NEW."name" !~ '^[a-z0-9]([a-z0-9/-]*[a-z0-9])?$' OR NEW."name" ~ '--|//' THEN
    RAISE EXCEPTION 'the name of an endpoint has another form' USING ERRCODE = 'check_violation', CONSTRAINT = 'Endpoint_name_form';
  END IF;
  IF NEW."fileCacheSeconds" NOT BETWEEN 0 AND 31536000 THEN
    RAISE EXCEPTION 'fileCacheSeconds is out of range' USING ERRCODE = 'check_violation', CONSTRAINT = 'Endpoint_fileCacheSeconds_check';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER endpoint_has_form BEFORE INSERT OR UPDATE OF "name", "fileCacheSeconds" ON "Endpoint" FOR EACH ROW
  EXECUTE FUNCTION endpoint_has_form();
