-- smtp_tls_policy_maps, postconf(5): how mail to a next hop is encrypted. Postfix asks for the next hop as it is written
-- elsewhere, with brackets and port, then for ".parent" of a domain.
CREATE OR REPLACE FUNCTION postfix.smtp_tls_policy_maps(asked_nexthop text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := asked_nexthop;
BEGIN
    IF octet_length(wanted) <> length(wanted) THEN
        wanted := (mail_map.by_own_script(ARRAY[mail_map.readable(wanted)], 'lookup_tables_tlspolicy'))[1];
    END IF;
    RETURN QUERY
    SELECT entry.result::text
    FROM public.lookup_tables_tlspolicy AS entry
    WHERE entry.key = wanted
      AND entry.active;
END
$$;
