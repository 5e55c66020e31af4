-- True if a domain of ours takes mail for a local part. `@a -> @b` asks this of b, so that nobody is told 250 for an
-- address that does not exist (backscatter). The same order as postfix.virtual_alias_maps. A domain that was asked on the
-- way here adds nothing; without that, whole domains that lead to each other would be asked a thousand times.
CREATE OR REPLACE FUNCTION mail_map.answers(asked_domain_id bigint, asked_local_part text, way bigint[] DEFAULT '{}')
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    answering_id bigint;
    found_active boolean;
    takes_any_recipient boolean;
BEGIN
    SELECT COALESCE(target.id, asked.id), asked.any_recipient
    INTO answering_id, takes_any_recipient
    FROM public.domains_domain AS asked
    LEFT JOIN public.domains_domain AS target ON target.id = asked.target_id
    WHERE asked.id = asked_domain_id
      AND asked.active
      AND COALESCE(target.active, true);
    IF NOT FOUND OR asked_domain_id = ANY (way) OR cardinality(way) > 10 THEN
        RETURN false;
    END IF;
    IF takes_any_recipient THEN
        RETURN true;
    END IF;

    SELECT COALESCE(mail_map.delivers(alias.active, alias.starts_at, alias.ends_at), false)
        OR COALESCE(mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at), false)
        OR EXISTS (SELECT FROM public.mailboxes_relayrecipient AS recipient WHERE recipient.address_id = address.id)
    INTO found_active
    FROM (VALUES (1, asked_local_part), (2, mail_map.base_of(asked_local_part, mail_map.delimiters()))) AS part (step, name)
    JOIN public.mailboxes_address AS address ON address.domain_id = answering_id AND address.local_part = part.name
    LEFT JOIN public.mailboxes_alias AS alias ON alias.address_id = address.id
    LEFT JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    ORDER BY part.step
    LIMIT 1;
    IF FOUND THEN
        RETURN found_active;
    END IF;

    RETURN EXISTS (
        SELECT FROM public.mailboxes_address AS address
        JOIN public.mailboxes_alias AS alias ON alias.address_id = address.id
        JOIN public.mailboxes_aliasdestination AS destination ON destination.alias_id = alias.id
        WHERE address.id = mail_map.pattern_or_catch_all(answering_id, asked_local_part)
          AND mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
          AND CASE
              WHEN destination.domain_id IS NOT NULL AND destination.text = ''
                  THEN mail_map.answers(destination.domain_id, asked_local_part, way || asked_domain_id)
              WHEN destination.text LIKE '@%'
                  THEN mail_map.takes(substr(destination.text, 2), asked_local_part, way || asked_domain_id)
              ELSE true
          END
    );
END
$$;
