-- What postfix.check_recipient_access answers about a recipient, and the row that says it: a rule, of the server or of its
-- domain, or the class that mail to its address, to its domain or to everybody meets. What is nearer to the address
-- wins; on the same step the server, then the domain, then a class. A domain's own rule does not hold in domains below it.
CREATE OR REPLACE FUNCTION mail_map.recipient_access(
    asked_key text, known_classes text[], OUT result text, OUT rule_id bigint, OUT met_id bigint
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 1
AS $$
DECLARE
    keys text[] := mail_map.access_keys(asked_key);
    domain_keys text[] := keys[1:3];
    recipient record;
BEGIN
    SELECT * INTO recipient FROM mail_map.recipient(asked_key);

    RETURN QUERY
    SELECT found.result, found.rule_id, found.met_id
    FROM (
        SELECT
            array_position(keys, rule.key::text) AS step,
            1 AS rank,
            mail_map.access_result(rule.action, rule.code, rule.text, class.name) AS result,
            rule.id AS rule_id,
            NULL::bigint AS met_id
        FROM public.restrictions_accessrule AS rule
        CROSS JOIN LATERAL mail_map.name_of_class(rule.of_class_id, known_classes) AS class (name)
        WHERE rule.applies_to = 'recipient'
          AND rule.key = ANY (keys)
          AND rule.table_id IS NULL
          AND rule.domain_id IS NULL
          AND mail_map.delivers(rule.active, rule.starts_at, rule.ends_at)
          AND (rule.of_class_id IS NULL OR class.name IS NOT NULL)
        UNION ALL
        SELECT
            array_position(domain_keys, rule.key::text),
            2,
            mail_map.access_result(rule.action, rule.code, rule.text, class.name),
            rule.id,
            NULL
        FROM public.restrictions_accessrule AS rule
        CROSS JOIN LATERAL mail_map.name_of_class(rule.of_class_id, known_classes) AS class (name)
        WHERE rule.domain_id = recipient.asked_id
          AND rule.applies_to = 'recipient'
          AND rule.key = ANY (domain_keys)
          AND mail_map.delivers(rule.active, rule.starts_at, rule.ends_at)
          AND (rule.of_class_id IS NULL OR class.name IS NOT NULL)
        UNION ALL
        SELECT array_position(recipient.address_ids, met.address_id), 3, class.name, NULL, met.id
        FROM public.restrictions_recipientclass AS met
        CROSS JOIN LATERAL mail_map.name_of_class(met.of_class_id, known_classes) AS class (name)
        WHERE met.address_id = ANY (recipient.address_ids)
          AND class.name IS NOT NULL
        UNION ALL
        SELECT 3, CASE met.domain_id WHEN recipient.asked_id THEN 3 ELSE 4 END, class.name, NULL, met.id
        FROM public.restrictions_recipientclass AS met
        CROSS JOIN LATERAL mail_map.name_of_class(met.of_class_id, known_classes) AS class (name)
        WHERE met.domain_id = ANY (ARRAY[recipient.asked_id, recipient.answering_id])
          AND class.name IS NOT NULL
        UNION ALL
        SELECT 1000, 3, class.name, NULL, met.id
        FROM public.restrictions_recipientclass AS met
        CROSS JOIN LATERAL mail_map.name_of_class(met.of_class_id, known_classes) AS class (name)
        WHERE met.address_id IS NULL
          AND met.domain_id IS NULL
          AND class.name IS NOT NULL
    ) AS found
    ORDER BY found.step, found.rank
    LIMIT 1;
END
$$;
