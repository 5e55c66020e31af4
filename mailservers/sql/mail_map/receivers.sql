-- The logins of the mailboxes that get the mail of an address and may send: its own mailbox, and those to which aliases
-- lead, hop by hop, as cleanup(8) walks. A mailbox counts here also if it takes no mail itself.
CREATE OR REPLACE FUNCTION mail_map.receivers(asked_address text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 1
AS $$
DECLARE
    ways text[] := ARRAY[asked_address];
    place integer := 1;
    part text;
    here_name text;
    wanted text;
    asked_name text;
    base text;
    here_class text;
    answering_id bigint;
    answering_name text;
    target_domain_id bigint;
    mailbox_sends boolean;
    onward text[];
BEGIN
    -- Nothing is walked twice, and virtual_alias_expansion_limit is 1000 (postconf(5)). A loop that grows an extension in
    -- each round ends where a local part would be longer than RFC 5321, section 4.5.3.1.1, allows.
    WHILE place <= least(cardinality(ways), 1000) LOOP
        here_name := substring(ways[place] FROM '[^@]*$');
        wanted := mail_map.unquoted(left(ways[place], -length(here_name) - 1));
        place := place + 1;

        SELECT domain.id, domain.name, domain.address_class, domain.target_id
        INTO answering_id, answering_name, here_class, target_domain_id
        FROM public.domains_domain AS domain
        WHERE domain.name = here_name
          AND domain.active;
        IF target_domain_id IS NOT NULL THEN
            SELECT domain.id, domain.name
            INTO answering_id, answering_name
            FROM public.domains_domain AS domain
            WHERE domain.id = target_domain_id
              AND domain.active;
        END IF;
        CONTINUE WHEN answering_id IS NULL;

        -- The address, then its base: Postfix asks in this order, and appends the extension to what the base leads to.
        base := CASE
            WHEN strpos(wanted, '+') > 0 OR strpos(wanted, '-') > 0
                THEN mail_map.base_of(wanted, mail_map.delimiters())
        END;
        FOREACH part IN ARRAY array_remove(ARRAY[wanted, base], NULL) LOOP
            SELECT mail_map.sends(mailbox.active, mailbox.sends, mailbox.expires_at, mailbox.stopped_at)
            INTO mailbox_sends
            FROM public.mailboxes_address AS address
            JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
            WHERE address.domain_id = answering_id
              AND address.local_part = part;
            IF mailbox_sends THEN
                RETURN NEXT mail_map.external_form(part, answering_name);
            END IF;

            asked_name := rtrim(mail_map.external_form(part, ''), '@');
            IF here_class = 'local' THEN
                onward := ARRAY(SELECT * FROM postfix.alias_maps(asked_name));
            ELSE
                onward := ARRAY(SELECT * FROM postfix.virtual_alias_maps(asked_name, here_name));
            END IF;
            IF cardinality(onward) > 0 THEN
                ways := ways || ARRAY(
                    SELECT DISTINCT way.address
                    FROM unnest(onward) AS found (address),
                        mail_map.with_extension(lower(found.address), substr(wanted, length(part) + 1)) AS way (address)
                    WHERE way.address <> ALL (ways)
                      AND length(mail_map.unquoted(substring(way.address FROM '^(.*)@'))) <= 64
                );
            END IF;
            EXIT WHEN mailbox_sends IS NOT NULL OR cardinality(onward) > 0;
        END LOOP;
    END LOOP;
END
$$;
