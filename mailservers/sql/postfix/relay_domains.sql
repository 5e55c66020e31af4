-- relay_domains, postconf(5): the domains whose mail is taken here and handed on to another server. Any result means yes.
-- Postfix asks for the parents too, with a dot before them: a subdomain is a domain of its own, so that is never one.
CREATE OR REPLACE FUNCTION postfix.relay_domains(domain_name text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_name text := domain_name;
BEGIN
    IF starts_with(asked_name, '.') THEN
        RETURN;
    END IF;
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.a_label(asked_name);
    END IF;
    RETURN QUERY
    SELECT domain.name::text
    FROM public.domains_domain AS domain
    WHERE domain.name = asked_name
      AND domain.address_class = 'relay'
      AND domain.active;
END
$$;
