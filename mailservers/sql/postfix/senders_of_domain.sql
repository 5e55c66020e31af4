-- check_sender_access in the class of a domain, access(5): the rule that this domain has for a sender.
-- senders_by_number calls it, and so do .cf files from before that was there.
CREATE OR REPLACE FUNCTION postfix.senders_of_domain(of_domain_id bigint, asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys text[] := mail_map.access_keys(asked_key);
BEGIN
    RETURN QUERY
    SELECT mail_map.access_result(rule.action, rule.code, rule.text, class.name)
    FROM public.restrictions_accessrule AS rule
    CROSS JOIN LATERAL mail_map.name_of_class(rule.of_class_id, known_classes) AS class (name)
    WHERE rule.domain_id = of_domain_id
      AND rule.applies_to = 'sender'
      AND rule.key = ANY (keys)
      AND mail_map.delivers(rule.active, rule.starts_at, rule.ends_at)
      AND (rule.of_class_id IS NULL OR class.name IS NOT NULL)
    ORDER BY array_position(keys, rule.key::text)
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NEXT 'DUNNO';
    END IF;
END
$$;
