-- An access table with a name of its own, access(5): the rule for a key, of whatever the restriction looks at.
CREATE OR REPLACE FUNCTION postfix.access_table(table_name text, asked_key text, known_classes text[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys text[] := mail_map.access_keys(asked_key);
    asked_id bigint;
BEGIN
    SELECT access_table.id
    INTO asked_id
    FROM public.restrictions_accesstable AS access_table
    WHERE access_table.name = table_name;

    RETURN QUERY
    SELECT mail_map.access_result(rule.action, rule.code, rule.text, class.name)
    FROM public.restrictions_accessrule AS rule
    CROSS JOIN LATERAL mail_map.name_of_class(rule.of_class_id, known_classes) AS class (name)
    WHERE rule.table_id = asked_id
      AND rule.key = ANY (keys)
      AND mail_map.delivers(rule.active, rule.starts_at, rule.ends_at)
      AND (rule.of_class_id IS NULL OR class.name IS NOT NULL)
    ORDER BY array_position(keys, rule.key::text)
    LIMIT 1;
END
$$;
