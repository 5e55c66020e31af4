-- A table of check_recipient_access, access(5), that stands before all others: the classes that the panel makes of who may
-- write to an alias, and of the rules that a domain has for senders. Only those that main.cf has, see mail_map.access.
CREATE OR REPLACE FUNCTION postfix.recipient_classes(asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    recipient record;
    classes text[];
BEGIN
    IF asked_key !~ '@.' THEN
        RETURN;
    END IF;
    SELECT * INTO recipient FROM mail_map.recipient(asked_key);

    SELECT array_agg('Writers_' || protected.id)
    INTO classes
    FROM public.restrictions_protectedalias AS protected
    JOIN public.mailboxes_alias AS alias ON alias.id = protected.alias_id
    WHERE alias.address_id = recipient.address_ids[1];
    classes := classes || ARRAY['Senders_' || recipient.asked_id, 'Senders_' || recipient.answering_id];
    RETURN NEXT COALESCE(
        NULLIF(
            array_to_string(ARRAY(
                SELECT class.name
                FROM unnest(classes) WITH ORDINALITY AS class (name, place)
                WHERE class.name = ANY (known_classes)
                GROUP BY class.name
                ORDER BY min(class.place)
            ), ', '),
            ''
        ),
        'DUNNO'
    );
END
$$;
