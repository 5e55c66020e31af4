-- An address as it is written, quoted only where it must be, as quote_822_local() of Postfix does (RFC 5321, 4.1.2).
-- Not STRICT, no SET: the planner puts its body in place of the call. The first line answers for nearly all addresses.
CREATE OR REPLACE FUNCTION mail_map.external_form(local_part text, domain_name text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN translate(local_part, 'abcdefghijklmnopqrstuvwxyz0123456789_+-', '') = ''
            THEN local_part
        WHEN local_part ~ '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*$'
            THEN local_part
        ELSE '"' || regexp_replace(local_part, '(["\\])', '\\\1', 'g') || '"'
    END || '@' || domain_name
$$;
