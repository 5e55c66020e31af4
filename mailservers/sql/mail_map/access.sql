-- The rule of the server for a key of an access table that stands by itself. A class counts only where main.cf has it:
-- Postfix would answer 451 to one that it does not know. The .cf names those that were written together with main.cf.
CREATE OR REPLACE FUNCTION mail_map.access(of_applies_to text, asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 1
AS $$
DECLARE
    keys text[] := mail_map.access_keys(asked_key);
BEGIN
    RETURN QUERY
    SELECT mail_map.access_result(rule.action, rule.code, rule.text, class.name)
    FROM public.restrictions_accessrule AS rule
    CROSS JOIN LATERAL mail_map.name_of_class(rule.of_class_id, known_classes) AS class (name)
    WHERE rule.applies_to = of_applies_to
      AND rule.key = ANY (keys)
      AND rule.table_id IS NULL
      AND rule.domain_id IS NULL
      AND mail_map.delivers(rule.active, rule.starts_at, rule.ends_at)
      AND (rule.of_class_id IS NULL OR class.name IS NOT NULL)
    ORDER BY array_position(keys, rule.key::text)
    LIMIT 1;
END
$$;
