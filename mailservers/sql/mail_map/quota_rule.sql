-- The quota of a mailbox as Dovecot reads it; 0 is none.
CREATE OR REPLACE FUNCTION mail_map.quota_rule(quota_bytes bigint)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT '*:bytes=' || COALESCE(quota_bytes, 0)
$$;
