-- The out-of-office answer of a mailbox as a Sieve script (RFC 5228, RFC 5230), and the login of the mailbox.
-- What people type stands in quoted strings, in which only " and \ are special (RFC 5228, section 2.4.2); encoded
-- characters and variables are extensions, which this script does not ask for.
-- vacation answers only what was sent to an address of its owner: to this one, or to one of an alias that leads here.
CREATE OR REPLACE FUNCTION dovecot.out_of_office(asked_id bigint)
RETURNS TABLE (username text, script text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer record;
    own text;
    addresses text;
BEGIN
    SELECT reply.subject, reply.text, reply.days, mailbox.address_id,
        mail_map.external_form(address.local_part, domain.name) AS login
    INTO answer
    FROM public.mailboxes_outofoffice AS reply
    JOIN public.mailboxes_mailbox AS mailbox ON mailbox.id = reply.mailbox_id
    JOIN public.mailboxes_address AS address ON address.id = mailbox.address_id
    JOIN public.domains_domain AS domain ON domain.id = address.domain_id
    WHERE reply.id = asked_id
      AND mail_map.delivers(reply.active, reply.starts_at, reply.ends_at);
    IF NOT FOUND THEN
        RETURN;
    END IF;

    WITH RECURSIVE leading_here (address_id) AS (
        SELECT answer.address_id
        UNION
        SELECT alias.address_id
        FROM leading_here
        JOIN public.mailboxes_aliasdestination AS destination ON destination.address_id = leading_here.address_id
        JOIN public.mailboxes_alias AS alias ON alias.id = destination.alias_id
        WHERE mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
    ),
    found AS (
        SELECT mail_map.external_form(address.local_part, named.name) AS address
        FROM leading_here
        JOIN public.mailboxes_address AS address ON address.id = leading_here.address_id
        JOIN public.domains_domain AS named ON named.id = address.domain_id OR named.target_id = address.domain_id
        -- A catch-all and a pattern are no addresses that anybody writes to.
        WHERE address.local_part <> ''
          AND NOT address.local_part LIKE '%*'
        ORDER BY leading_here.address_id <> answer.address_id
        LIMIT 500
    )
    SELECT string_agg(mail_map.sieve_string(found.address), ', ')
    INTO addresses
    FROM found;

    own := mail_map.sieve_string(answer.login);
    RETURN QUERY
    SELECT answer.login,
        concat_ws(
            E'\n',
            'require ["vacation"];',
            'vacation :days ' || answer.days,
            '  :from ' || own,
            '  :addresses [' || addresses || ']',
            '  :subject ' || mail_map.sieve_string(NULLIF(answer.subject, '')),
            mail_map.sieve_string(answer.text) || E';\n'
        );
END
$$;
