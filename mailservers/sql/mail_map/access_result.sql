-- What Postfix gets for a rule, access(5): an action with its text, a reply code with its text, a class, or restrictions.
CREATE OR REPLACE FUNCTION mail_map.access_result(action text, code text, answer_text text, class_name text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN action = 'CLASS' THEN class_name
        WHEN action = 'LIST' THEN answer_text
        WHEN code <> '' THEN code || ' ' || answer_text
        ELSE rtrim(action || ' ' || answer_text)
    END
$$;
