-- What Dovecot writes about each login (quota_clone, dict-sql): PostgreSQL writes through into the table below.
CREATE OR REPLACE VIEW dovecot.quota AS
SELECT usage.username, usage.bytes, usage.messages
FROM public.mailboxes_usage AS usage;
