-- Lists of an endpoint's records, in either direction, of all records or of one owner's. Both functions build their SQL, so that
-- each form gets a plan of its own.

-- One page as the items of a JSON array, and where the next page starts (null: there is no next page).
-- A page ends after p_rows records, or once it has p_bytes, so that pages stay small whatever the size of the records.
-- Ascending: records with p_after < seq <= p_upto. Descending: p_after > seq >= p_upto. p_after null: from the start.
-- p_upto null: up to the endpoint's present position, which is returned for the next pages. Records that are created after the
-- first page was read are not listed; otherwise the list of a busy endpoint would never end.
CREATE OR REPLACE FUNCTION record_page(
  p_endpoint uuid, p_owner uuid, p_after bigint, p_upto bigint, p_descending boolean, p_rows int, p_bytes int, p_data_only boolean
) RETURNS TABLE (items text, next_after bigint, upto bigint)
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

-- The first and the last seq of a page of p_limit records (null: the page is empty), and whether there are more after it.
-- The server asks before it reads the page, because it sends the link to the next page ahead of the records.
CREATE OR REPLACE FUNCTION record_page_bounds(p_endpoint uuid, p_owner uuid, p_after bigint, p_descending boolean, p_limit int)
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
