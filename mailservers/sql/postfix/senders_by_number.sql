-- postfix.senders_of_domain for all domains through one map, access(5): the key is the number of one, a blank and the
-- sender. A map for each would cost every process of proxymap(8) a connection for each.
CREATE OR REPLACE FUNCTION postfix.senders_by_number(asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asked_key ~ '^[0-9]{1,18} ' THEN
        RETURN QUERY
        SELECT *
        FROM postfix.senders_of_domain(
            split_part(asked_key, ' ', 1)::bigint, substr(asked_key, strpos(asked_key, ' ') + 1), known_classes
        );
    END IF;
END
$$;
