-- Where Dovecot finds the mail that virtual(8) would deliver to a mail path, and its own files: mail_location and home.
-- Dovecot reads : as the beginning of an option unless it stands twice; variables (%) it expands in settings only.
CREATE OR REPLACE FUNCTION mail_map.mail_location(
    mail_path text, mail_base text, OUT location text, OUT home text
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
            WHEN mail_path LIKE '%/' THEN 'maildir:' || place.escaped
            ELSE 'mbox:~/mail:INBOX=' || place.escaped
        END,
        place.home
    FROM (
        SELECT replace(mail_base || '/' || rtrim(mail_path, '/'), ':', '::'),
            mail_base || '/.dovecot/' || rtrim(mail_path, '/')
    ) AS place (escaped, home)
$$;
