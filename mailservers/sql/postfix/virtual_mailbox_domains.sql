-- virtual_mailbox_domains, postconf(5): the domains whose mail is stored here. Any result means yes.
CREATE OR REPLACE FUNCTION postfix.virtual_mailbox_domains(domain_name text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_name text := domain_name;
BEGIN
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.a_label(asked_name);
    END IF;
    RETURN QUERY
    SELECT domain.name::text
    FROM public.domains_domain AS domain
    WHERE domain.name = asked_name
      AND domain.address_class = 'virtual_mailbox'
      AND domain.active;
END
$$;
