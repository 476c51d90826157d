-- The forms that clients receive [R1]. The database writes them, so that stored JSON goes from disk to socket unparsed.
-- All three are plain SQL, so that the planner inlines them.

-- A time in ISO 8601: UTC, milliseconds.
CREATE OR REPLACE FUNCTION wire_time(p_time timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_char(p_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- An id as 32 lowercase hex digits.
CREATE OR REPLACE FUNCTION wire_id(p_id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(uuid_send(p_id), 'hex')
$$;

-- A record as JSON.
CREATE OR REPLACE FUNCTION wire_record(p_id uuid, p_data json, p_created timestamptz, p_updated timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"uniqueId":"' || wire_id(p_id) || '","data":' || p_data::text
    || ',"createdAt":"' || wire_time(p_created) || '","updatedAt":"' || wire_time(p_updated) || '"}'
$$;
