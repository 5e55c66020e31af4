-- postfix.access_table for a restriction that looks at one client: check_client_access and
-- check_reverse_client_hostname_access, access(5). As in postfix.check_client_access the whole address is always answered,
-- so that 2001:db8::1 is never found for 2001:db8::1:7. What looks at the servers of a domain must not get a DUNNO: it
-- would not go on to the next one.
CREATE OR REPLACE FUNCTION postfix.client_access_table(table_name text, asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM postfix.access_table(table_name, asked_key, known_classes);
    IF NOT FOUND AND asked_key ~ '^[0-9.]+$|:' THEN
        RETURN NEXT 'DUNNO';
    END IF;
END
$$;
