"""The maps that the established peer documents, as they are, over its own tables (schema peer)."""

DOMAINS = {"peer_domains": "SELECT domain FROM peer.domain WHERE domain = '%s' AND active = '1'"}
ALIASES = {
    "peer_alias": "SELECT goto FROM peer.alias WHERE address = '%s' AND active = '1'",
    "peer_alias_domain": (
        "SELECT goto FROM peer.alias, peer.alias_domain WHERE alias_domain.alias_domain = '%d'"
        " AND alias.address = '%u' || '@' || alias_domain.target_domain"
        " AND alias.active = '1' AND alias_domain.active = '1'"
    ),
    "peer_alias_domain_catch_all": (
        "SELECT goto FROM peer.alias, peer.alias_domain WHERE alias_domain.alias_domain = '%d'"
        " AND alias.address = '@' || alias_domain.target_domain AND alias.active = '1' AND alias_domain.active = '1'"
    ),
}
MAILBOXES = {
    "peer_mailbox": "SELECT maildir FROM peer.mailbox WHERE username = '%s' AND active = '1'",
    "peer_alias_domain_mailbox": (
        "SELECT maildir FROM peer.mailbox, peer.alias_domain WHERE alias_domain.alias_domain = '%d'"
        " AND mailbox.username = '%u' || '@' || alias_domain.target_domain"
        " AND mailbox.active = '1' AND alias_domain.active = '1'"
    ),
}
RELAY_DOMAINS = {
    "peer_relay_domains": (
        "SELECT domain FROM peer.domain WHERE domain = '%s' AND active = '1'"
        " AND (transport LIKE 'smtp%%' OR transport LIKE 'relay%%')"
    )
}
TRANSPORTS = {"peer_transports": "SELECT transport FROM peer.domain WHERE domain = '%s' AND active = '1'"}
