-- Imports (ADR 18): records are staged in short transactions that lock nothing of the endpoint, then published in one.

-- Creates the p_count records of an import, in the order of their positions and without any other change in between: all of
-- them or none. It returns 'ok', 'endpoint_not_found', or 'incomplete' when not all records are staged, for example because the
-- database crashed. It locks the endpoint's row last, and holds it only while it copies the rows.
CREATE OR REPLACE FUNCTION publish_import(p_endpoint uuid, p_import uuid, p_count int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
  v_bytes bigint;
  v_seq bigint;
  v_now timestamptz(3);
BEGIN
  SELECT count(*), coalesce(sum(octet_length(s."data"::text)), 0) INTO v_count, v_bytes
    FROM "StagedRecord" s WHERE s."importId" = p_import;
  IF v_count <> p_count THEN
    RETURN 'incomplete';
  END IF;
  UPDATE "Endpoint" e
    SET seq = e.seq + p_count, "recordCount" = e."recordCount" + p_count, "recordBytes" = e."recordBytes" + v_bytes
    WHERE e.id = p_endpoint AND e."projectId" IS NOT NULL
    RETURNING e.seq - p_count INTO v_seq;
  IF NOT FOUND THEN
    RETURN 'endpoint_not_found';
  END IF;
  -- Read the clock after the lock, so that times follow the order of commits, as seq does.
  v_now := clock_timestamp();
  PERFORM set_config('rested.logged_by_commit', 'on', true);
  INSERT INTO "Record" ("id", "endpointId", "seq", "contentType", "data", "createdAt", "updatedAt")
    SELECT s."recordId", p_endpoint, v_seq + s."position", 'json', s."data", v_now, v_now
    FROM "StagedRecord" s WHERE s."importId" = p_import ORDER BY s."position";
  INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
    SELECT p_endpoint, v_seq + s."position", 'POST', s."recordId", s."data", 1, v_now, v_now, v_now
    FROM "StagedRecord" s WHERE s."importId" = p_import ORDER BY s."position";
  PERFORM set_config('rested.logged_by_commit', '', true);
  RETURN 'ok';
END $$;
