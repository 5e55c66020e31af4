-- SigningTable, opendkim.conf(5): which key signs mail from an address. OpenDKIM asks for the address in From:, for its
-- domain, then for "user@.parent" and ".parent", so a key for some addresses goes before that of the domain, and a key
-- for subdomains stands there twice. An alias domain with a key of its own takes that. One instance of OpenDKIM knows one
-- algorithm, so an RSA and an Ed25519 key sign by an instance each.
CREATE OR REPLACE VIEW opendkim.signing_table AS
WITH signing AS (
    SELECT on_host.host, key.id, key.domain_id, key.for_subdomains, key.for_alias_domains, domain.name,
           sender.local_part, CASE sender.local_part WHEN '' THEN '' ELSE sender.local_part || '@' END AS before,
           CASE key.algorithm WHEN 'ed25519' THEN 'ed25519' ELSE 'rsa' END AS algorithm
    FROM public.domains_dkimkeyonhost AS on_host
    JOIN public.domains_dkimkey AS key ON key.id = on_host.key_id
    JOIN public.domains_domain AS domain ON domain.id = key.domain_id
    CROSS JOIN LATERAL regexp_split_to_table(key.local_parts, ' ') AS sender (local_part)
    WHERE key.state = 'signing'
      AND domain.active
)
SELECT host, algorithm, before || name AS pattern, id::text AS key
FROM signing
UNION ALL
SELECT host, algorithm, before || '.' || name, id::text
FROM signing
WHERE for_subdomains
UNION ALL
SELECT signing.host, signing.algorithm, before || alias_domain.name, signing.id::text || '.' || alias_domain.name
FROM signing
JOIN public.domains_domain AS alias_domain ON alias_domain.target_id = signing.domain_id
WHERE signing.for_alias_domains
  AND alias_domain.active
  AND NOT EXISTS (
      SELECT FROM public.domains_dkimkey AS own
      WHERE own.domain_id = alias_domain.id
        AND own.state = 'signing'
        AND (own.algorithm = 'ed25519') = (signing.algorithm = 'ed25519')
        AND (own.local_parts = '' OR signing.local_part = ANY (string_to_array(own.local_parts, ' ')))
  );
