-- check_recipient_access, postconf(5) and access(5): the rule for a recipient, or the class that mail to it meets
-- (mail_map.recipient_access). All is said at the first question: DUNNO where there is neither.
CREATE OR REPLACE FUNCTION postfix.check_recipient_access(asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asked_key !~ '@.' THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT found.result FROM mail_map.recipient_access(asked_key, known_classes) AS found;
    IF NOT FOUND THEN
        RETURN NEXT 'DUNNO';
    END IF;
END
$$;
