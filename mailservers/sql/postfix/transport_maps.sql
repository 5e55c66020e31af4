-- transport_maps, postconf(5) and transport(5): by which program, and to which next hop, mail goes. Postfix itself asks for
-- the address, its base, the domain, ".parent" and so on, and for "*" once in a while.
CREATE OR REPLACE FUNCTION postfix.transport_maps(asked_key text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := asked_key;
    asked_domain text := substring(asked_key FROM '[^@]*$');
BEGIN
    IF strpos(asked_key, '@') > 0 THEN
        wanted := mail_map.external_form(
            mail_map.unquoted(left(asked_key, -length(asked_domain) - 1)), asked_domain
        );
    END IF;
    IF octet_length(wanted) <> length(wanted) THEN
        wanted := (mail_map.by_own_script(ARRAY[mail_map.readable(wanted)], 'lookup_tables_transport'))[1];
    END IF;

    RETURN QUERY
    SELECT entry.result::text
    FROM public.lookup_tables_transport AS entry
    WHERE entry.key = wanted
      AND entry.active;
END
$$;
