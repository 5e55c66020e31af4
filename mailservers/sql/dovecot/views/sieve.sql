-- The scripts that answer now (Pigeonhole, sieve_dict). dovecot.userdb names the one of a mailbox, by its number.
CREATE OR REPLACE VIEW dovecot.sieve AS
SELECT reply.id, script.username, script.script
FROM public.mailboxes_outofoffice AS reply
CROSS JOIN LATERAL dovecot.out_of_office(reply.id) AS script;
