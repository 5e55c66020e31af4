-- What Dovecot writes at each sign-in (last_login plugin, dict-sql): PostgreSQL writes through into the table below.
CREATE OR REPLACE VIEW dovecot.last_sign_in AS
SELECT sign_in.username, sign_in.service, sign_in.remote_ip, sign_in.seconds
FROM public.mailboxes_signin AS sign_in;
