-- Two CHECK constraints of "Endpoint" become a trigger. PostgreSQL parses and evaluates CHECK constraints at every update of a row,
-- and every commit of writes updates the row of its endpoint.
--
-- Both statements block the writers of the table, the second one also readers, for milliseconds: they read no row. The trigger
-- comes first, so that at no time a row can be written unchecked.

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

ALTER TABLE "Endpoint" DROP CONSTRAINT "Endpoint_name_form", DROP CONSTRAINT "Endpoint_fileCacheSeconds_check";
