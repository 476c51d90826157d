-- The foreign keys from records and changes to their endpoint ran a query for each row, while the endpoint's row was locked: more than half of what
-- publishing an import takes. What they guaranteed holds as before (ADR 0018): record_commit and publish_import lock the endpoint before they write,
-- record_after_write does for plain writes, and the triggers below do the rest.

-- DropForeignKey
ALTER TABLE "Change" DROP CONSTRAINT "Change_endpointId_fkey";

-- DropForeignKey
ALTER TABLE "Record" DROP CONSTRAINT "Record_endpointId_fkey";

-- Whatever else writes to the log.
CREATE FUNCTION change_needs_endpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM "Endpoint" e WHERE e."id" = NEW."endpointId" FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no endpoint %', NEW."endpointId" USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'Change_endpointId_fkey';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER change_needs_endpoint AFTER INSERT OR UPDATE OF "endpointId" ON "Change" FOR EACH ROW
  WHEN (current_setting('rested.door', true) IS DISTINCT FROM 'open') EXECUTE FUNCTION change_needs_endpoint();

-- AFTER, as a foreign key's cascade: writers wait for the row until this transaction ends, then find no endpoint.
CREATE FUNCTION endpoint_deletes_its_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Change" c WHERE c."endpointId" = OLD."id";
  DELETE FROM "Record" r WHERE r."endpointId" = OLD."id";
  RETURN NULL;
END $$;
CREATE TRIGGER endpoint_deletes_its_log AFTER DELETE ON "Endpoint" FOR EACH ROW EXECUTE FUNCTION endpoint_deletes_its_log();

-- TRUNCATE fires no row triggers.
CREATE FUNCTION endpoint_truncates_its_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Endpoint";
  RETURN NULL;
END $$;
CREATE TRIGGER endpoint_truncates_its_log BEFORE TRUNCATE ON "Endpoint" FOR EACH STATEMENT EXECUTE FUNCTION endpoint_truncates_its_log();

-- Nothing follows it any more.
CREATE FUNCTION endpoint_keeps_its_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an endpoint keeps its id' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER endpoint_keeps_its_id BEFORE UPDATE OF "id" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id") EXECUTE FUNCTION endpoint_keeps_its_id();
