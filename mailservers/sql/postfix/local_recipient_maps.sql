-- local_recipient_maps, postconf(5): the users of the mail host. Any result means yes; local aliases stand beside this in
-- main.cf. smtpd asks only for local domains, which main.cf may name too, so the domain does not matter. Before anybody
-- has imported the users, none is unknown.
CREATE OR REPLACE FUNCTION postfix.local_recipient_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := mail_map.unquoted(asked_local_part);
BEGIN
    RETURN QUERY
    SELECT 'OK'::text
    FROM public.mailboxes_localuser AS local_user
    WHERE local_user.name = wanted;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM public.mailboxes_localuser) THEN
        RETURN NEXT 'OK';
    END IF;
END
$$;
