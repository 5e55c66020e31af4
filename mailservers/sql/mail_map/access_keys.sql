-- The keys of an access table, access(5), by which a rule may be found, the first that has one counts: an address, its
-- base, the domain, the domains above, `name@`; a host name and the names above; an address of a client, and each
-- network around it up to the widest that is stored. So all is said at the first question.
CREATE OR REPLACE FUNCTION mail_map.access_keys(asked_key text)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    name text := substring(asked_key FROM '[^@]*$');
    wanted text;
    base text;
    bits integer;
    above text[];
BEGIN
    IF asked_key ~ '^[<\[]' THEN
        RETURN ARRAY[asked_key];  -- the null sender, or the address of a HELO
    END IF;
    IF strpos(asked_key, '@') > 0 THEN
        IF name = '' THEN
            RETURN ARRAY[]::text[];
        END IF;
        wanted := mail_map.unquoted(left(asked_key, -length(name) - 1));
        base := mail_map.base_of(wanted, mail_map.delimiters());
        name := mail_map.a_label(name);
    ELSIF asked_key ~ '^[0-9]+(\.[0-9]+){3}$' OR strpos(asked_key, '::') > 0 OR asked_key ~ '^[^:]+(:[^:]+){7}$' THEN
        BEGIN
            bits := CASE family(asked_key::inet) WHEN 4 THEN 32 ELSE 128 END;
            RETURN host(asked_key::inet) || ARRAY(
                SELECT network(set_masklen(asked_key::inet, length))::text
                FROM generate_series(bits - 1, CASE bits WHEN 32 THEN 8 ELSE 16 END, -1) AS length
            );
        EXCEPTION WHEN invalid_text_representation THEN
            RETURN ARRAY[asked_key];  -- a HELO may be anything
        END;
    END IF;
    above := ARRAY[name];
    -- As Postfix does, not at a dot in the first place: the names of a HELO `a..b` are `a..b` and `.b`.
    WHILE strpos(substr(name, 2), '.') > 0 LOOP
        name := substr(name, strpos(substr(name, 2), '.') + 2);
        above := above || name;
    END LOOP;
    IF wanted IS NULL THEN
        RETURN above;
    END IF;
    RETURN ARRAY[mail_map.external_form(wanted, above[1]), mail_map.external_form(base, above[1])]
        || above
        || ARRAY[mail_map.external_form(wanted, ''), mail_map.external_form(base, '')];
END
$$;
