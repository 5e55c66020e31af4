-- The name that main.cf has for a restriction class, NULL where it has none: Postfix would answer 451 to a class that it
-- does not know. The .cf that was written together with main.cf says `number=name` for each, so a class with a new name is
-- answered by the old one until both are written again. A .cf from before that has names alone.
CREATE OR REPLACE FUNCTION mail_map.name_of_class(of_class_id bigint, known_classes text[])
RETURNS text
LANGUAGE plpgsql STABLE STRICT
AS $$
DECLARE
    name_there text;
BEGIN
    SELECT substr(known, strpos(known, '=') + 1)
    INTO name_there
    FROM unnest(known_classes) AS known
    WHERE starts_with(known, of_class_id || '=');
    IF NOT FOUND THEN
        SELECT class.name
        INTO name_there
        FROM public.restrictions_restrictionclass AS class
        WHERE class.id = of_class_id
          AND class.name = ANY (known_classes);
    END IF;
    RETURN name_there;
END
$$;
