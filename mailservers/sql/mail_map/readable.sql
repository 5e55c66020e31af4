-- A key as it was meant: Postfix 3.7 sends the bytes of UTF-8 as LATIN1; later ones send what they mean.
CREATE OR REPLACE FUNCTION mail_map.readable(asked_key text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN convert_from(convert_to(asked_key, 'LATIN1'), 'UTF8');
EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN
    RETURN asked_key;
END
$$;
