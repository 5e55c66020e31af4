-- smtpd_sender_login_maps, postconf(5): the logins that may send as an envelope sender. A login is the address of a
-- mailbox. Whoever gets the mail of an address may send as it, and whoever is permitted by name; all is said at once.
CREATE OR REPLACE FUNCTION postfix.smtpd_sender_login_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := asked_local_part;
    asked_name text := asked_domain;
    base text;
    answering_id bigint;
    answering_name text;
    is_active boolean;
    names text[];
    logins text[];
BEGIN
    -- What few addresses need is asked for these alone: it takes as long as all the rest.
    IF starts_with(wanted, '"') THEN
        wanted := mail_map.unquoted(wanted);
    END IF;
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.a_label(asked_name);
    END IF;
    IF strpos(wanted, '+') > 0 OR strpos(wanted, '-') > 0 THEN
        base := mail_map.base_of(wanted, mail_map.delimiters());
    END IF;

    -- The domain, or the target of an alias domain. One that is not ours has nobody but those who are permitted.
    SELECT COALESCE(target.id, asked.id), COALESCE(target.name, asked.name), asked.active AND COALESCE(target.active, true)
    INTO answering_id, answering_name, is_active
    FROM public.domains_domain AS asked
    LEFT JOIN public.domains_domain AS target ON target.id = asked.target_id
    WHERE asked.name = asked_name;
    IF wanted = '' OR NOT is_active THEN
        RETURN;
    END IF;

    logins := ARRAY(SELECT * FROM mail_map.receivers(mail_map.external_form(wanted, asked_name)));

    -- In few domains somebody is permitted by name.
    PERFORM FROM public.mailboxes_permittedsender AS permitted WHERE permitted.domain_name = asked_name LIMIT 1;
    IF NOT FOUND AND answering_name <> asked_name THEN
        PERFORM FROM public.mailboxes_permittedsender AS permitted WHERE permitted.domain_name = answering_name LIMIT 1;
    END IF;
    IF FOUND THEN
        -- A permission for the base holds for its extensions, but not where one is an address of its own.
        PERFORM FROM public.mailboxes_address AS address
        WHERE address.domain_id = answering_id
          AND address.local_part = wanted;
        names := CASE WHEN FOUND THEN ARRAY['', wanted] ELSE ARRAY['', wanted, base] END;
        logins := logins || ARRAY(
            SELECT mail_map.external_form(address.local_part, domain.name)
            FROM public.mailboxes_permittedsender AS permitted
            JOIN public.mailboxes_mailbox AS mailbox ON mailbox.id = permitted.mailbox_id
            JOIN public.mailboxes_address AS address ON address.id = mailbox.address_id
            JOIN public.domains_domain AS domain ON domain.id = address.domain_id
            WHERE permitted.domain_name = ANY (ARRAY[asked_name, answering_name])
              AND permitted.local_part = ANY (names)
              AND mail_map.sends(mailbox.active, mailbox.sends, mailbox.expires_at, mailbox.stopped_at)
              AND domain.active
        );
    END IF;

    -- Postfix parts logins at commas and blanks: who has one in the name could never be meant.
    logins := ARRAY(
        SELECT DISTINCT login
        FROM unnest(logins) AS login
        WHERE login !~ '[, ]'
        ORDER BY login
    );
    IF cardinality(logins) = 0 AND base IS NOT NULL THEN
        -- Postfix asks again without the extension and would take those: say that this belongs to nobody.
        PERFORM FROM postfix.smtpd_sender_login_maps(rtrim(mail_map.external_form(base, ''), '@'), asked_name);
        IF FOUND THEN
            RETURN NEXT '<>';
        END IF;
        RETURN;
    END IF;
    RETURN QUERY SELECT unnest(logins);
END
$$;
