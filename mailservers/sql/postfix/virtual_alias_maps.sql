-- virtual_alias_maps, postconf(5) and virtual(5): where mail for an address goes on. The first step that says
-- something ends the search; Postfix never asks for "@domain" here (%u suppresses that), so the catch-all is step 6.
CREATE OR REPLACE FUNCTION postfix.virtual_alias_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := asked_local_part;
    asked_name text := asked_domain;
    answering_id bigint;
    answering_name text;
    target_domain_id bigint;
    base text;
    found_address_id bigint;
    known_answer text;
    found_alias_id bigint;
    alias_delivers boolean;
    mailbox_receives boolean;
BEGIN
    -- One table a statement: a plan over one index is started in half the time of a join, even of two.
    IF starts_with(wanted, '"') THEN
        wanted := mail_map.unquoted(wanted);
    END IF;
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.a_label(asked_name);
    END IF;

    -- 1. The domain, or the target of an alias domain. local(8) has aliases of its own.
    SELECT domain.id, domain.target_id
    INTO answering_id, target_domain_id
    FROM public.domains_domain AS domain
    WHERE domain.name = asked_name
      AND domain.address_class <> 'local'
      AND domain.active;
    answering_name := asked_name;
    IF target_domain_id IS NOT NULL THEN
        SELECT domain.id, domain.name
        INTO answering_id, answering_name
        FROM public.domains_domain AS domain
        WHERE domain.id = target_domain_id
          AND domain.active;
    END IF;
    IF answering_id IS NULL OR wanted = '' THEN
        RETURN;
    END IF;

    IF strpos(wanted, '+') > 0 OR strpos(wanted, '-') > 0 THEN
        base := mail_map.base_of(wanted, mail_map.delimiters());
    END IF;

    -- 2. An alias with exactly this local part that delivers now: its destinations, and the copy of a mailbox beside it.
    -- 3. A mailbox with exactly this local part: nothing, virtual_mailbox_maps answers, or refuses if it is inactive
    --    (the mail of a blocked person is not the catch-all owner's). But its own address when it is asked for through
    --    an alias domain, or when Postfix would split it and ask for the base: this also if it is inactive, because
    --    an alias of the base or the catch-all would get the mail of the blocked person. Postfix then sends it back,
    --    unless the base is an active mailbox: virtual(8) takes the rest for an extension, whatever is said here.
    SELECT address.id, address.answer
    INTO found_address_id, known_answer
    FROM public.mailboxes_address AS address
    WHERE address.domain_id = answering_id
      AND address.local_part = wanted;
    IF FOUND THEN
        -- What all of this comes to is known beforehand for most addresses, see mailboxes/migrations/0020_answers.py.
        IF base IS NULL AND known_answer <> '' THEN
            IF strpos(known_answer, E'\n') = 0 THEN
                RETURN NEXT known_answer;
            ELSE
                RETURN QUERY SELECT unnest(string_to_array(known_answer, E'\n'));
            END IF;
            RETURN;
        ELSIF base IS NULL AND known_answer = '' AND target_domain_id IS NULL THEN
            RETURN;
        END IF;
        SELECT alias.id, mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
        INTO found_alias_id, alias_delivers
        FROM public.mailboxes_alias AS alias
        WHERE alias.address_id = found_address_id;
        IF alias_delivers THEN
            -- Only a pattern or a catch-all delivers to a whole domain, so all that it delivers to is written.
            RETURN QUERY
            SELECT destination.written
            FROM public.mailboxes_aliasdestination AS destination
            WHERE destination.alias_id = found_alias_id
            ORDER BY destination.position;
        ELSIF base IS NULL AND answering_name = asked_name THEN
            RETURN;  -- whatever there is: virtual_mailbox_maps has the word
        END IF;
        SELECT mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at)
        INTO mailbox_receives
        FROM public.mailboxes_mailbox AS mailbox
        WHERE mailbox.address_id = found_address_id;
        IF mailbox_receives OR NOT mailbox_receives AND base IS NOT NULL AND alias_delivers IS NOT TRUE THEN
            RETURN NEXT mail_map.external_form(wanted, answering_name);
        ELSIF base IS NOT NULL AND EXISTS (
            -- A relay recipient whose name Postfix would split: not the mail of its base's alias or of the catch-all.
            SELECT FROM public.mailboxes_relayrecipient AS recipient
            WHERE recipient.address_id = found_address_id
        ) THEN
            RETURN NEXT mail_map.external_form(wanted, answering_name);
        END IF;
        RETURN;
    END IF;

    -- 4. An extension of an address that exists in any state: nothing. Postfix asks again without the extension,
    --    and appends it to what it finds.
    IF base IS NOT NULL AND EXISTS (
        SELECT FROM public.mailboxes_address AS address
        WHERE address.domain_id = answering_id
          AND address.local_part = base
    ) THEN
        RETURN;
    END IF;

    -- 5. The longest pattern that fits, in any state.
    -- 6. The catch-all.
    found_address_id := mail_map.pattern_or_catch_all(answering_id, wanted);
    IF found_address_id IS NULL THEN
        RETURN;
    END IF;
    SELECT alias.id
    INTO found_alias_id
    FROM public.mailboxes_alias AS alias
    WHERE alias.address_id = found_address_id
      AND mail_map.delivers(alias.active, alias.starts_at, alias.ends_at);
    IF FOUND THEN
        RETURN QUERY SELECT * FROM mail_map.destinations(found_alias_id, wanted);
    END IF;
END
$$;
