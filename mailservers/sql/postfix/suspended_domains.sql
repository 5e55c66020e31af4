-- A table of check_recipient_access, access(5), that smtpd asks first of smtpd_recipient_restrictions (postconf(5)): mail
-- for a suspended domain is put off before anything is said about the address, so that no sender hears 550 meanwhile.
-- It is keyed by an address: Postfix asks other access tables for ".parent" and "parent" too, but %u and %d keep such
-- keys away, and a subdomain is a domain of its own.
CREATE OR REPLACE FUNCTION postfix.suspended_domains(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_name text := asked_domain;
BEGIN
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.a_label(asked_name);
    END IF;
    RETURN QUERY
    SELECT '450 4.2.1 Mail for this domain is suspended for a time. Try again later.'::text
    FROM public.domains_domain AS domain
    LEFT JOIN public.domains_domain AS target ON target.id = domain.target_id
    WHERE domain.name = asked_name
      AND domain.active
      AND COALESCE(target.active, true)
      AND (domain.suspended OR COALESCE(target.suspended, false));
END
$$;
