-- The local part as it is stored: quotes and their backslashes taken off (RFC 5321, section 4.1.2).
CREATE OR REPLACE FUNCTION mail_map.unquoted(local_part text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN local_part LIKE '"%"' THEN regexp_replace(substr(local_part, 2, length(local_part) - 2), '\\(.)', '\1', 'g')
        ELSE local_part
    END
$$;
