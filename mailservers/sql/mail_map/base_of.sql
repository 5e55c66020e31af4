-- The local part without its extension, or NULL where Postfix would not split it: split_addr(), recipient_delimiter
-- and reserved names in postconf(5).
CREATE OR REPLACE FUNCTION mail_map.base_of(local_part text, delimiters text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    base text;
BEGIN
    IF delimiters = '' OR local_part IN ('postmaster', 'mailer-daemon', 'double-bounce') THEN
        RETURN NULL;
    END IF;
    IF strpos(delimiters, '-') > 0 AND (local_part LIKE 'owner-%' OR local_part LIKE '_%-request') THEN
        RETURN NULL;
    END IF;
    -- The first delimiter counts. A hyphen stands last in the brackets, so it is only a hyphen.
    base := substring(local_part FROM '^[^' || delimiters || ']+');
    IF base = local_part THEN
        RETURN NULL;
    END IF;
    RETURN base;
END
$$;
