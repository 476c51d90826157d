-- Search and filters compare text as people read it (G13): whatever its spelling in JSON, its Unicode normal form and, where it says so, its case.
-- src/shared/text-as-read.ts has the same rules for browsers.

-- A JSON text in which escapes are replaced by the characters they stand for, in NFC. It is JSON still: quotes, backslashes and control characters
-- stay escaped. Halves of surrogate pairs and NUL, which PostgreSQL cannot hold, become U+FFFD.
CREATE FUNCTION readable_json(p_json text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_text text := p_json;
  v_composed text;
BEGIN
  IF strpos(v_text, '\u') > 0 THEN
    -- No control character but white space can stand in JSON: U+0001 marks a backslash that begins an escape to be read.
    v_text := pair_surrogates(replace(v_text, '\\', '\u005c'));
    v_text := replace(v_text, '\u', E'\001u');
    v_text := replace(v_text, '\', '\\');
    v_text := replace(v_text, '"', '\"');
    v_text := replace(v_text, E'\001u005c', '\\\\');
    v_text := replace(v_text, E'\001u005C', '\\\\');
    v_text := replace(v_text, E'\001u0022', '\\\"');
    v_text := replace(v_text, E'\001u0000', '\ufffd');
    v_text := replace(v_text, E'\001u000', '\\u000');
    v_text := replace(v_text, E'\001u001', '\\u001');
    v_text := replace(v_text, E'\001', '\');
    v_text := replace(replace(replace(v_text, E'\n', '\n'), E'\r', '\r'), E'\t', '\t');
    v_text := ('"' || v_text || '"')::json #>> '{}';
  END IF;
  v_composed := normalize_text(v_text);
  IF strpos(v_text, '\') = 0 OR v_composed = v_text THEN RETURN v_composed; END IF;
  -- A mark behind an escape must not be composed with the escape's last letter: U+0001 keeps them apart.
  v_text := replace(v_text, '\\', E'\002');
  v_text := regexp_replace(v_text, '(\\(?:[bfnrt]|u.{4}))', E'\\1\001', 'g');
  RETURN replace(replace(normalize_text(v_text), E'\001', ''), E'\002', '\\');
END $$;

-- What is searched: a JSON text in which all escapes are replaced, folded (fold_text).
CREATE FUNCTION search_text(p_json text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_text text := p_json;
BEGIN
  IF strpos(v_text, '\') > 0 THEN
    v_text := replace(v_text, '\\', '\u005c');
    v_text := replace(v_text, '\"', '"');
    v_text := replace(v_text, '"', '\"');
    v_text := replace(v_text, '\u0000', '\ufffd');
    v_text := replace(replace(replace(v_text, E'\n', '\n'), E'\r', '\r'), E'\t', '\t');
    v_text := ('"' || pair_surrogates(v_text) || '"')::json #>> '{}';
  END IF;
  RETURN fold_text(v_text);
END $$;

-- A JSON text whose backslashes are written \u005c: escapes that are half a surrogate pair become U+FFFD.
CREATE FUNCTION pair_surrogates(p_json text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF strpos(p_json, '\ud') = 0 AND strpos(p_json, '\uD') = 0 THEN RETURN p_json; END IF;
  RETURN regexp_replace(
    p_json,
    '\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}',
    '\\ufffd', 'gi'
  );
END $$;

DO $migration$
DECLARE
  v_is_utf8 boolean := getdatabaseencoding() = 'UTF8';
  -- The same letters are lower case to every database, whatever its locale, where it has one of these.
  v_collation text := (
    SELECT collname FROM pg_collation
    WHERE collnamespace = 'pg_catalog'::regnamespace AND collname IN ('pg_c_utf8', 'und-x-icu')
      AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))
    ORDER BY collname = 'pg_c_utf8' DESC LIMIT 1
  );
BEGIN
  -- NFC. Another encoding than UTF-8 has no normal forms.
  EXECUTE format($create$
    CREATE FUNCTION normalize_text(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    BEGIN
      IF octet_length(p_text) = char_length(p_text) THEN RETURN p_text; END IF;
      RETURN %s;
    END $$ $create$,
    CASE WHEN v_is_utf8 THEN 'CASE WHEN p_text IS NFC NORMALIZED THEN p_text ELSE normalize(p_text, NFC) END' ELSE 'p_text' END);

  -- Lower case; a plain statement, so that the planner inlines it.
  EXECUTE format(
    'CREATE FUNCTION lower_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT lower(p_text%s) $$',
    CASE WHEN v_is_utf8 AND v_collation IS NOT NULL THEN format(' COLLATE %I', v_collation) ELSE '' END);
END $migration$;

-- Lower case in NFC; the two forms of a small sigma are one, and so are small i and dotted i.
CREATE FUNCTION fold_text(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_text text;
BEGIN
  IF octet_length(p_text) = char_length(p_text) THEN RETURN lower_text(p_text); END IF;
  v_text := normalize_text(lower_text(replace(p_text, U&'\0130', U&'i\0307')));
  RETURN replace(replace(v_text, U&'i\0307', 'i'), U&'\03C2', U&'\03C3');
END $$;
