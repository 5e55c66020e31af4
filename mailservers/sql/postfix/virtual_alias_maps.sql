-- virtual_alias_maps, postconf(5) and virtual(5): where mail for an address goes on. The first step that says
-- something ends the search; Postfix never asks for "@domain" here (%u suppresses that), so the catch-all is step 5.
CREATE OR REPLACE FUNCTION postfix.virtual_alias_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := mail_map.unquoted(asked_local_part);
    asked_name text := mail_map.a_label(asked_domain);
    answering_id bigint;
    answering_name text;
    target_domain_id bigint;
    base text;
    found_alias_id bigint;
    mailbox_is_active boolean;
BEGIN
    -- 1. The domain, or the target of an alias domain. local(8) has aliases of its own.
    SELECT domain.id, domain.name, domain.target_id
    INTO answering_id, answering_name, target_domain_id
    FROM public.domains_domain AS domain
    WHERE domain.name = asked_name
      AND domain.address_class <> 'local'
      AND domain.active;
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

    -- 2. An active alias with exactly this local part: its destinations, and the copy of a mailbox beside it.
    -- 3. A mailbox with exactly this local part: nothing, virtual_mailbox_maps answers, or refuses if it is inactive
    --    (the mail of a blocked person is not the catch-all owner's). But its own address when it is asked for through
    --    an alias domain, or when Postfix would split it and ask for the base: this also if it is inactive, because
    --    an alias of the base or the catch-all would get the mail of the blocked person. Postfix then sends it back,
    --    unless the base is an active mailbox: virtual(8) takes the rest for an extension, whatever is said here.
    SELECT alias.id, mailbox.active
    INTO found_alias_id, mailbox_is_active
    FROM public.mailboxes_address AS address
    LEFT JOIN public.mailboxes_alias AS alias ON alias.address_id = address.id AND alias.active
    LEFT JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    WHERE address.domain_id = answering_id
      AND address.local_part = wanted;
    IF FOUND THEN
        IF found_alias_id IS NOT NULL THEN
            RETURN QUERY SELECT * FROM mail_map.destinations(found_alias_id, wanted);
        END IF;
        IF mailbox_is_active AND (found_alias_id IS NOT NULL OR answering_name <> asked_name OR base IS NOT NULL)
           OR NOT mailbox_is_active AND found_alias_id IS NULL AND base IS NOT NULL THEN
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

    -- 5. The catch-all.
    SELECT alias.id
    INTO found_alias_id
    FROM public.mailboxes_address AS address
    JOIN public.mailboxes_alias AS alias ON alias.address_id = address.id AND alias.active
    WHERE address.domain_id = answering_id
      AND address.local_part = '';
    IF FOUND THEN
        RETURN QUERY SELECT * FROM mail_map.destinations(found_alias_id, wanted);
    END IF;
END
$$;
