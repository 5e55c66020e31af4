-- True if a domain that was somebody else's when it was typed as a destination takes mail for a local part. It may have
-- become ours since: then it answers as ours do. Of what is not ours we know nothing, so that is true.
CREATE OR REPLACE FUNCTION mail_map.takes(domain_name text, asked_local_part text, way bigint[] DEFAULT '{}')
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT domain.id
    INTO found_id
    FROM public.domains_domain AS domain
    WHERE domain.name = domain_name
      AND domain.address_class <> 'local';
    RETURN NOT FOUND OR mail_map.answers(found_id, asked_local_part, way);
END
$$;
