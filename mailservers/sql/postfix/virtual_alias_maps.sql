-- virtual_alias_maps, postconf(5) and virtual(5): where mail for an address goes on. The first step that says
-- something ends the search; Postfix never asks for "@domain" here (%u suppresses that), so the catch-all is step 6.
CREATE OR REPLACE FUNCTION postfix.virtual_alias_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_plain boolean;
    answering_id bigint;
    answering_name text;
    target_domain_id bigint;
    found_address_id bigint;
    known_answer text COLLATE "C";
    base text;
    found_alias_id bigint;
    alias_delivers boolean;
    mailbox_receives boolean;
BEGIN
    -- What most addresses need comes first, with few expressions: ten of them take as long as finding a row.
    LOOP
        -- 1. The domain, or the target of an alias domain. local(8) has aliases of its own.
        SELECT domain.id, domain.target_id, address.id, address.answer
        INTO answering_id, target_domain_id, found_address_id, known_answer
        FROM public.domains_domain AS domain
        LEFT JOIN public.mailboxes_address AS address ON address.domain_id = COALESCE(domain.target_id, domain.id)
            AND address.local_part = asked_local_part
        WHERE domain.name = asked_domain
          AND domain.address_class <> 'local'
          AND domain.active;

        -- What steps 2 and 3 come to is known beforehand for most addresses: mailboxes/migrations/0020_answers.py.
        IF known_answer = '' AND target_domain_id IS NULL THEN
            RETURN;
        END IF;
        IF known_answer > ' ' AND target_domain_id IS NULL THEN
            RETURN NEXT known_answer;
            RETURN;
        END IF;

        EXIT WHEN is_plain OR NOT starts_with(asked_local_part, '"') AND octet_length(asked_domain) = length(asked_domain);
        asked_local_part := mail_map.unquoted(asked_local_part);
        asked_domain := mail_map.a_label(asked_domain);
        is_plain := true;
    END LOOP;
    IF answering_id IS NULL OR asked_local_part = '' THEN
        RETURN;
    END IF;
    IF found_address_id IS NULL THEN
        -- Most unknown people: whatever comes below, there is nothing that could take their mail.
        PERFORM FROM public.mailboxes_address AS address
        WHERE address.domain_id = COALESCE(target_domain_id, answering_id)
          AND (address.local_part LIKE '%*' OR address.local_part = '')
        LIMIT 1;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;

    answering_name := asked_domain;
    IF target_domain_id IS NOT NULL THEN
        SELECT domain.id, domain.name
        INTO answering_id, answering_name
        FROM public.domains_domain AS domain
        WHERE domain.id = target_domain_id
          AND domain.active;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;

    IF strpos(asked_local_part, '+') > 0 OR strpos(asked_local_part, '-') > 0 THEN
        base := mail_map.base_of(asked_local_part, mail_map.delimiters());
    END IF;

    -- 2. An alias with exactly this local part that delivers now: its destinations, and the copy of a mailbox beside it.
    -- 3. A mailbox with exactly this local part: nothing, virtual_mailbox_maps answers, or refuses if it is inactive
    --    (the mail of a blocked person is not the catch-all owner's). But its own address when it is asked for through
    --    an alias domain, or when Postfix would split it and ask for the base: this also if it is inactive, because
    --    an alias of the base or the catch-all would get the mail of the blocked person. Postfix then sends it back,
    --    unless the base is an active mailbox: virtual(8) takes the rest for an extension, whatever is said here.
    IF found_address_id IS NOT NULL THEN
        IF base IS NULL AND ltrim(known_answer, E'\n') <> '' THEN
            RETURN QUERY SELECT unnest(string_to_array(ltrim(known_answer, E'\n'), E'\n'));
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
        ELSIF base IS NULL AND target_domain_id IS NULL THEN
            RETURN;  -- whatever there is: virtual_mailbox_maps has the word
        END IF;
        SELECT mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at)
        INTO mailbox_receives
        FROM public.mailboxes_mailbox AS mailbox
        WHERE mailbox.address_id = found_address_id;
        IF mailbox_receives OR NOT mailbox_receives AND base IS NOT NULL AND alias_delivers IS NOT TRUE THEN
            RETURN NEXT mail_map.external_form(asked_local_part, answering_name);
        ELSIF base IS NOT NULL AND EXISTS (
            -- A relay recipient whose name Postfix would split: not the mail of its base's alias or of the catch-all.
            SELECT FROM public.mailboxes_relayrecipient AS recipient
            WHERE recipient.address_id = found_address_id
        ) THEN
            RETURN NEXT mail_map.external_form(asked_local_part, answering_name);
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
    found_address_id := mail_map.pattern_or_catch_all(answering_id, asked_local_part);
    IF found_address_id IS NULL THEN
        RETURN;
    END IF;
    SELECT alias.id
    INTO found_alias_id
    FROM public.mailboxes_alias AS alias
    WHERE alias.address_id = found_address_id
      AND mail_map.delivers(alias.active, alias.starts_at, alias.ends_at);
    IF FOUND THEN
        RETURN QUERY SELECT * FROM mail_map.destinations(found_alias_id, asked_local_part);
    END IF;
END
$$;
