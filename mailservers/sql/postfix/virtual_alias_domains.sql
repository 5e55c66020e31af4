-- virtual_alias_domains, postconf(5): the domains that hold aliases only, and the alias domains that answer for
-- another one. Any result means yes.
CREATE OR REPLACE FUNCTION postfix.virtual_alias_domains(domain_name text)
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
    LEFT JOIN public.domains_domain AS target ON target.id = domain.target_id
    WHERE domain.name = asked_name
      AND domain.address_class IN ('virtual_alias', 'alias_domain')
      AND domain.active
      AND COALESCE(target.active, true);
END
$$;
