-- check_sender_access in the class of a protected alias, access(5): may this sender write to it? Who is named, may. An
-- address whose mailbox is here is believed only of who has signed in, or of hosts in mynetworks: the class Signed_in.
-- writers_by_number calls it, and so do .cf files from before that was there.
CREATE OR REPLACE FUNCTION postfix.writers(of_protected_id bigint, asked_key text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sender_name text := mail_map.a_label(substring(asked_key FROM '[^@]*$'));
    wanted text := mail_map.unquoted(left(asked_key, -length(substring(asked_key FROM '[^@]*$')) - 1));
    base text := mail_map.base_of(wanted, mail_map.delimiters());
    senders text[];
    sender_domain record;
    here record;
    is_permitted boolean;
BEGIN
    SELECT protected.writers, address.domain_id, mail_map.external_form(address.local_part, domain.name) AS address
    INTO here
    FROM public.restrictions_protectedalias AS protected
    JOIN public.mailboxes_alias AS alias ON alias.id = protected.alias_id
    JOIN public.mailboxes_address AS address ON address.id = alias.address_id
    JOIN public.domains_domain AS domain ON domain.id = address.domain_id
    WHERE protected.id = of_protected_id;
    IF NOT FOUND THEN
        RETURN NEXT 'DUNNO';  -- protected no longer, but main.cf has not heard of that yet
        RETURN;
    END IF;

    -- As it was written, and as the domain that answers for an alias domain has it.
    SELECT COALESCE(target.id, domain.id) AS id, COALESCE(target.name, domain.name) AS name,
        COALESCE(target.address_class, domain.address_class) AS address_class
    INTO sender_domain
    FROM public.domains_domain AS domain
    LEFT JOIN public.domains_domain AS target ON target.id = domain.target_id
    WHERE domain.name = sender_name;
    senders := array_remove(ARRAY[
        mail_map.external_form(wanted, sender_name),
        mail_map.external_form(base, sender_name),
        mail_map.external_form(wanted, sender_domain.name),
        mail_map.external_form(base, sender_domain.name)
    ], NULL);

    is_permitted := strpos(asked_key, '@') > 0 AND (
        EXISTS (
            SELECT FROM public.restrictions_namedwriter AS writer
            WHERE writer.protected_id = of_protected_id
              AND writer.key = ANY (senders || ARRAY['@' || sender_name, '@' || sender_domain.name])
        )
        OR here.writers = 'domain' AND sender_domain.id = here.domain_id
        OR here.writers = 'members' AND mail_map.leads_to(here.address, senders)
    );
    IF is_permitted AND sender_domain.address_class <> 'relay' THEN
        RETURN NEXT 'Signed_in';
    ELSIF is_permitted THEN
        RETURN NEXT 'DUNNO';
    ELSE
        RETURN NEXT '550 5.7.1 You may not write to this address';
    END IF;
END
$$;
