"""The lists that the panel recommends. Nothing in them asks servers elsewhere until somebody makes it active."""

from collections.abc import Mapping, Sequence
from typing import Any

OURS_FIRST: list[dict[str, Any]] = [{"name": "permit_mynetworks"}, {"name": "permit_sasl_authenticated"}]

LISTS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "client": [
        *OURS_FIRST,
        {"name": "reject_unknown_reverse_client_hostname", "active": False},
        {"name": "reject_rbl_client", "argument": "zen.spamhaus.org=127.0.0.[2..11]", "active": False},
        {"name": "reject_rbl_client", "argument": "bl.spamcop.net", "active": False},
    ],
    "helo": [
        *OURS_FIRST,
        {"name": "reject_invalid_helo_hostname"},
        {"name": "reject_non_fqdn_helo_hostname"},
        {"name": "reject_unknown_helo_hostname", "warn_only": True, "active": False},
    ],
    "sender": [
        {"name": "reject_non_fqdn_sender"},
        {"name": "reject_unlisted_sender"},
        *OURS_FIRST,
        {"name": "reject_unknown_sender_domain", "active": False},
    ],
    "relay": [*OURS_FIRST, {"name": "reject_unauth_destination"}],
    "recipient": [
        {"name": "reject_non_fqdn_recipient"},
        *OURS_FIRST,
        {"name": "reject_unauth_destination"},
        {"name": "reject_unlisted_recipient"},
    ],
    "data": [{"name": "reject_unauth_pipelining"}, {"name": "reject_multi_recipient_bounce"}],
}
