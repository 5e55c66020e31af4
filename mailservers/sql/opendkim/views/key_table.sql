-- KeyTable, opendkim.conf(5): by its id, the domain (d=), the selector (s=) and the path of the file of a key. OpenDKIM
-- reads the file for each message. Only keys whose file the host has written; no private key is in any column.
CREATE OR REPLACE VIEW opendkim.key_table AS
SELECT on_host.host, key.id::text AS id, domain.name AS domain, key.selector, on_host.path
FROM public.domains_dkimkeyonhost AS on_host
JOIN public.domains_dkimkey AS key ON key.id = on_host.key_id
JOIN public.domains_domain AS domain ON domain.id = key.domain_id
WHERE key.state IN ('signing', 'retiring')
UNION ALL
SELECT on_host.host, key.id::text || '.' || alias_domain.name, alias_domain.name, key.selector, on_host.path
FROM public.domains_dkimkeyonhost AS on_host
JOIN public.domains_dkimkey AS key ON key.id = on_host.key_id
JOIN public.domains_domain AS alias_domain ON alias_domain.target_id = key.domain_id
WHERE key.state IN ('signing', 'retiring')
  AND key.for_alias_domains;
