-- The id of the address that takes a local part which no address has: the longest pattern that fits (`sales-*`), else the
-- catch-all; NULL if there is none. Most domains have no pattern, and many no catch-all: a partial index holds these alone.
CREATE OR REPLACE FUNCTION mail_map.pattern_or_catch_all(asked_domain_id bigint, asked_local_part text)
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_id bigint;
    found_local_part text;
BEGIN
    -- The last in order: a pattern if there is any, for the catch-all is empty.
    SELECT address.id, address.local_part
    INTO found_id, found_local_part
    FROM public.mailboxes_address AS address
    WHERE address.domain_id = asked_domain_id
      AND (address.local_part LIKE '%*' OR address.local_part = '')
    ORDER BY address.local_part DESC
    LIMIT 1;
    IF found_local_part <> '' THEN
        SELECT address.id
        INTO found_id
        FROM public.mailboxes_address AS address
        WHERE address.domain_id = asked_domain_id
          AND (address.local_part LIKE '%*' OR address.local_part = '')
          AND address.local_part = ANY (
              ARRAY(
                  SELECT left(asked_local_part, length) || '*'
                  FROM generate_series(1, length(asked_local_part)) AS length
              ) || ''::text
          )
        ORDER BY length(address.local_part) DESC
        LIMIT 1;
    END IF;
    RETURN found_id;
END
$$;
