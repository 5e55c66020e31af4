-- A domain as it is stored. An SMTPUTF8 client (RFC 6531) names it in its own script, and Postfix does not turn that into
-- the A-label before it asks. Postfix 3.7 sends the bytes of UTF-8 as LATIN1; later ones send what they mean.
CREATE OR REPLACE FUNCTION mail_map.a_label(asked_domain text)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    readable text := asked_domain;
    found_name text;
BEGIN
    IF asked_domain ~ '^[ -~]*$' THEN
        RETURN asked_domain;
    END IF;
    BEGIN
        readable := convert_from(convert_to(asked_domain, 'LATIN1'), 'UTF8');
    EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN
        readable := asked_domain;
    END;
    SELECT domain.name
    INTO found_name
    FROM public.domains_domain AS domain
    WHERE domain.u_label = readable
      AND domain.u_label <> '';
    RETURN COALESCE(found_name, asked_domain);
END
$$;
