-- mydestination, postconf(5): the local domains, beside the host's own names that main.cf keeps. Any result means yes.
CREATE OR REPLACE FUNCTION postfix.mydestination(domain_name text)
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
      AND domain.address_class = 'local'
      AND domain.active;
END
$$;
