-- The id of the address that takes a local part which no address has: the longest pattern that fits (`sales-*`), else the
-- catch-all; NULL if there is none. Most domains have no pattern, and the small partial index says so at once.
CREATE OR REPLACE FUNCTION mail_map.pattern_or_catch_all(asked_domain_id bigint, asked_local_part text)
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_id bigint;
BEGIN
    PERFORM FROM public.mailboxes_address AS address
    WHERE address.domain_id = asked_domain_id
      AND address.local_part LIKE '%*'
    LIMIT 1;
    IF FOUND THEN
        SELECT address.id
        INTO found_id
        FROM public.mailboxes_address AS address
        WHERE address.domain_id = asked_domain_id
          AND address.local_part LIKE '%*'
          AND address.local_part = ANY (
              ARRAY(
                  SELECT left(asked_local_part, length) || '*'
                  FROM generate_series(1, length(asked_local_part)) AS length
              )
          )
        ORDER BY length(address.local_part) DESC
        LIMIT 1;
    END IF;
    IF found_id IS NULL THEN
        SELECT address.id
        INTO found_id
        FROM public.mailboxes_address AS address
        WHERE address.domain_id = asked_domain_id
          AND address.local_part = '';
    END IF;
    RETURN found_id;
END
$$;
