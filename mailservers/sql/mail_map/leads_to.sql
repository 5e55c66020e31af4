-- True if mail for an address goes to one of `wanted`, over however many hops, as cleanup(8) walks. What lies on the way
-- counts as well as where it ends, here or elsewhere.
CREATE OR REPLACE FUNCTION mail_map.leads_to(asked_address text, wanted text[])
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    ways text[] := ARRAY[asked_address];
    place integer := 1;
    here_name text;
    here_part text;
    base text;
    onward text[];
BEGIN
    -- virtual_alias_expansion_limit is 1000 (postconf(5)).
    WHILE place <= least(cardinality(ways), 1000) LOOP
        here_name := substring(ways[place] FROM '[^@]*$');
        here_part := left(ways[place], -length(here_name) - 1);
        place := place + 1;
        base := rtrim(
            mail_map.external_form(mail_map.base_of(mail_map.unquoted(here_part), mail_map.delimiters()), ''), '@'
        );
        onward := ARRAY(SELECT lower(one) FROM postfix.virtual_alias_maps(here_part, here_name) AS one);
        IF cardinality(onward) = 0 AND base IS NOT NULL THEN
            onward := ARRAY(SELECT lower(one) FROM postfix.virtual_alias_maps(base, here_name) AS one);
        END IF;
        IF onward && wanted OR place > 2 AND base IS NOT NULL AND base || '@' || here_name = ANY (wanted) THEN
            RETURN true;
        END IF;
        ways := ways || ARRAY(SELECT DISTINCT one FROM unnest(onward) AS one WHERE one <> ALL (ways));
    END LOOP;
    RETURN false;
END
$$;
