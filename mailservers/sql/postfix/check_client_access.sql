-- check_client_access, postconf(5) and access(5): the rule for a client. Postfix asks for its host name and the names above,
-- then for its address and what is left of that without the last part. 2001:db8::1 may be such a rest, so the whole
-- address, which comes first, is always answered: with DUNNO where neither it nor a network around it has a rule.
CREATE OR REPLACE FUNCTION postfix.check_client_access(asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM mail_map.access('client', asked_key, known_classes);
    IF NOT FOUND AND asked_key ~ '^[0-9.]+$|:' THEN
        RETURN NEXT 'DUNNO';
    END IF;
END
$$;
