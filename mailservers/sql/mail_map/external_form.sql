-- An address as it is written, quoted only where it must be, as quote_822_local() of Postfix does (RFC 5321, 4.1.2).
CREATE OR REPLACE FUNCTION mail_map.external_form(local_part text, domain_name text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN local_part ~ '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*$' THEN local_part
        ELSE '"' || regexp_replace(local_part, '(["\\])', '\\\1', 'g') || '"'
    END || '@' || domain_name
$$;
