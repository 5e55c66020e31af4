-- An address with the extension of the one that led to it (propagate_unmatched_extensions, postconf(5)).
CREATE OR REPLACE FUNCTION mail_map.with_extension(address text, extension text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN extension = '' THEN address
        ELSE mail_map.external_form(
            mail_map.unquoted(substring(address FROM '^(.*)@')) || extension, substring(address FROM '[^@]*$')
        )
    END
$$;
