-- A domain as it is stored. An SMTPUTF8 client (RFC 6531) names it in its own script, and Postfix does not turn that into
-- the A-label before it asks, but folds it: ß to ss, ς to σ. What is ASCII then is the name of another domain, which has its
-- own answer. What two domains with different addresses could mean is neither of them.
CREATE OR REPLACE FUNCTION mail_map.a_label(asked_domain text)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    readable text;
    found_name text;
BEGIN
    IF asked_domain ~ '^[ -~]*$' THEN
        RETURN asked_domain;
    END IF;
    readable := mail_map.readable(asked_domain);
    SELECT domain.name
    INTO found_name
    FROM public.domains_domain AS domain
    WHERE domain.u_label = readable
      AND domain.u_label <> ''
      AND NOT EXISTS (
          SELECT FROM public.domains_domain AS other
          WHERE other.u_label = readable
            AND other.u_label <> ''
            AND COALESCE(other.target_id, other.id) <> COALESCE(domain.target_id, domain.id)
      )
    ORDER BY domain.target_id NULLS FIRST, domain.name
    LIMIT 1;
    RETURN COALESCE(found_name, asked_domain);
END
$$;
