-- Whose mail an address of ours is, for what hangs on addresses and domains: the domain that was asked for, the one that
-- answers for it, and the addresses in order: this one, its base, the pattern or catch-all that takes it.
CREATE OR REPLACE FUNCTION mail_map.recipient(
    asked_key text, OUT asked_id bigint, OUT answering_id bigint, OUT address_ids bigint[]
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    asked_name text := substring(asked_key FROM '[^@]*$');
    wanted text := mail_map.unquoted(left(asked_key, -length(asked_name) - 1));
    base text := mail_map.base_of(wanted, mail_map.delimiters());
BEGIN
    SELECT domain.id, COALESCE(domain.target_id, domain.id)
    INTO asked_id, answering_id
    FROM public.domains_domain AS domain
    WHERE domain.name = mail_map.a_label(asked_name);
    address_ids := ARRAY(
        SELECT address.id
        FROM public.mailboxes_address AS address
        WHERE address.domain_id = answering_id
          AND address.local_part = ANY (ARRAY[wanted, base])
        ORDER BY address.local_part <> wanted
    );
    IF answering_id IS NOT NULL AND cardinality(address_ids) = 0 THEN
        address_ids := array_remove(ARRAY[mail_map.pattern_or_catch_all(answering_id, wanted)], NULL);
    END IF;
END
$$;
