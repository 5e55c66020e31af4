-- check_sender_access, postconf(5) and access(5): the rule for a sender. All is said at the first question: DUNNO where there
-- is no rule, so that Postfix does not ask for each part of the key again.
CREATE OR REPLACE FUNCTION postfix.check_sender_access(asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM mail_map.access('sender', asked_key, known_classes);
    IF NOT FOUND THEN
        RETURN NEXT 'DUNNO';
    END IF;
END
$$;
