-- A text as a quoted string of Sieve (RFC 5228, section 2.4.2): a backslash before each " and each backslash.
CREATE OR REPLACE FUNCTION mail_map.sieve_string(plain text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT '"' || replace(replace(plain, '\', '\\'), '"', '\"') || '"'
$$;
