-- recipient_delimiter as the panel has it; main.cf must say the same (postconf(5)).
CREATE OR REPLACE FUNCTION mail_map.delimiters()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT recipient_delimiter::text FROM public.domains_mailsettings WHERE id = 1
$$;
