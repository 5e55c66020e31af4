"""The rules of services, asked of all lines of an import at once: a statement a rule, and a sentence a fault.

A rule is a SELECT of (id of the line, words of the sentence). A new rule is one more row of RULES."""

from datetime import datetime

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from domains.models import AddressClass
from mailboxes.import_sentences import Fault, in_the_language_of_the_reader
from mailboxes.limits import sentences_of
from mailboxes.mail_paths import give_free_paths
from mailboxes.models import Import

Kind = Import.Kind

FAULTS = {
    "no_domain": _("%(name)s is not here. Add it first, or correct the name."),
    "has_no_mailboxes": _("%(domain)s is of the class “%(class)s”, which has no mailboxes."),
    "has_no_aliases": _("%(domain)s is an alias domain: it answers for %(target)s. Add the alias there."),
    "has_no_catch_all": _("A local domain has no catch-all and no patterns. Type the whole part before the @."),
    "namesake": _(
        "%(address)s is there already, and local aliases are the same in all local domains. Change that one."
    ),
    "twice": _("Line %(line)d is about %(thing)s already."),
    "is_mailbox": _("%(address)s is a mailbox already. Choose another local part, or change the mailbox."),
    "is_alias": _("%(address)s is an alias already. Choose another local part, or change the alias."),
    "is_recipient": _("%(address)s is a relay recipient. Delete that first, or choose another local part."),
    "is_domain": _("This domain is here already. A name is served once."),
    "in_quarantine": _(
        "%(address)s belonged to a mailbox that is gone, and mail for its former owner may still arrive. Nobody "
        "else gets it until %(until)s. Undo the deletion, choose another address, or ask a superuser."
    ),
    "path_is_taken": _("Another mailbox is stored there already. Choose another mail path."),
    "no_target": _("%(name)s is not here yet. Add it first, or correct the name."),
    "unfit_target": _("%(target)s is of the class “%(class)s”. Choose a virtual mailbox or virtual alias domain."),
    "taken_for": _(
        "Postfix does not tell %(domain)s from %(other)s: it reads ß as ss, and ς as σ. "
        "It serves both if one is an alias domain of the other."
    ),
}

# A line, and the domain that it names, if the one who imports may see that.
DOMAIN_OF_LINE = """
    mailboxes_importrow AS staged
    JOIN domains_domain AS domain ON domain.name = staged.domain_name
        AND (%(admin)s IS NULL OR domain.id IN (SELECT domain_id FROM domains_domainadmin WHERE user_id = %(admin)s))
"""
ADDRESS_OF_LINE = f"""
    {DOMAIN_OF_LINE}
    JOIN mailboxes_address AS address ON address.domain_id = domain.id AND address.local_part = staged.local_part
"""
ITS_ADDRESS = "'address', mail_map.external_form(staged.local_part, staged.domain_name)"
OF = "staged.of_id = %(of)s AND staged.domain_name <> ''"

NO_DOMAIN = f"""
    SELECT staged.id, jsonb_build_object('name', staged.domain_name)
    FROM mailboxes_importrow AS staged
    WHERE {OF} AND staged.id NOT IN (SELECT staged.id FROM {DOMAIN_OF_LINE} WHERE staged.of_id = %(of)s)
"""  # noqa: S608
TWICE = """
    SELECT again.id, jsonb_build_object('line', again.first, 'thing', again.thing)
    FROM (
        SELECT staged.id, staged.line, mail_map.external_form(staged.local_part, staged.domain_name) AS thing,
               min(staged.line) OVER (PARTITION BY staged.domain_name, staged.local_part) AS first
        FROM mailboxes_importrow AS staged
        WHERE staged.of_id = %(of)s AND staged.domain_name <> ''
    ) AS again
    WHERE again.line > again.first
"""
DOMAIN_TWICE = TWICE.replace("mail_map.external_form(staged.local_part, staged.domain_name)", "staged.domain_name")
HAS_NO_MAILBOXES = f"""
    SELECT staged.id, jsonb_build_object('domain', domain.name, 'class', domain.address_class)
    FROM {DOMAIN_OF_LINE}
    WHERE {OF} AND domain.address_class <> 'virtual_mailbox'
"""  # noqa: S608
IS_MAILBOX = f"""
    SELECT staged.id, jsonb_build_object({ITS_ADDRESS})
    FROM {ADDRESS_OF_LINE}
    JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    WHERE {OF}
"""  # noqa: S608
IS_ALIAS = IS_MAILBOX.replace("mailboxes_mailbox AS", "mailboxes_alias AS")
IS_ONLY_ALIAS = f"""
    {IS_ALIAS}
    AND NOT EXISTS (SELECT FROM mailboxes_mailbox AS other WHERE other.address_id = address.id)
"""
IS_RECIPIENT = IS_MAILBOX.replace("mailboxes_mailbox AS", "mailboxes_relayrecipient AS")
# The address of a mailbox, and of an alias where nothing hangs on it yet.
IN_QUARANTINE = f"""
    SELECT staged.id, jsonb_build_object({ITS_ADDRESS}, 'until', kept.until)
    FROM {DOMAIN_OF_LINE}
    JOIN mailboxes_quarantinedaddress AS kept ON kept.domain_name = staged.domain_name
        AND kept.local_part = staged.local_part AND kept.until > now()
    LEFT JOIN mailboxes_address AS address ON address.domain_id = domain.id AND address.local_part = staged.local_part
    WHERE {OF} AND NOT staged.is_there AND address.id IS NULL AND NOT %(despite)s
"""  # noqa: S608
# Of lines without another fault: one that is there twice has the same path, too.
PATH_IS_TAKEN = """
    SELECT staged.id, '{}'::jsonb
    FROM mailboxes_importrow AS staged
    JOIN mailboxes_mailbox AS mailbox ON mailbox.mail_path = staged.values->>'mail_path'
    WHERE staged.of_id = %(of)s AND NOT staged.is_there AND staged.faults = '[]'
    UNION
    SELECT again.id, '{}'::jsonb
    FROM (
        SELECT staged.id, staged.line, min(staged.line) OVER (PARTITION BY staged.values->>'mail_path') AS first
        FROM mailboxes_importrow AS staged
        WHERE staged.of_id = %(of)s AND NOT staged.is_there AND staged.values ? 'mail_path' AND staged.faults = '[]'
    ) AS again
    WHERE again.line > again.first
"""
HAS_NO_ALIASES = f"""
    SELECT staged.id, jsonb_build_object('domain', domain.name, 'target', target.name)
    FROM {DOMAIN_OF_LINE}
    JOIN domains_domain AS target ON target.id = domain.target_id
    WHERE {OF} AND domain.address_class = 'alias_domain'
"""  # noqa: S608
HAS_NO_CATCH_ALL = f"""
    SELECT staged.id, '{{}}'::jsonb
    FROM {DOMAIN_OF_LINE}
    WHERE {OF} AND domain.address_class = 'local' AND (staged.local_part = '' OR staged.local_part LIKE '%%*')
"""  # noqa: S608
NAMESAKE = f"""
    SELECT staged.id,
           jsonb_build_object('address', mail_map.external_form(min(namesake.local_part), min(namesake.name)))
    FROM {DOMAIN_OF_LINE}
    JOIN (
        SELECT other.id, other.name, address.local_part
        FROM domains_domain AS other
        JOIN mailboxes_address AS address ON address.domain_id = other.id
        WHERE other.address_class = 'local'
        UNION ALL
        SELECT other.id, other.name, earlier.local_part
        FROM domains_domain AS other
        JOIN mailboxes_importrow AS earlier ON earlier.domain_name = other.name AND earlier.of_id = %(of)s
        WHERE other.address_class = 'local'
    ) AS namesake ON namesake.local_part = staged.local_part AND namesake.id <> domain.id
    WHERE {OF} AND domain.address_class = 'local' AND NOT staged.is_there
    GROUP BY staged.id
"""  # noqa: S608
IS_DOMAIN = """
    SELECT staged.id, jsonb_build_object('name', domain.name)
    FROM mailboxes_importrow AS staged
    JOIN domains_domain AS domain ON domain.name = staged.domain_name
    WHERE staged.of_id = %(of)s
"""
# The domain that an alias domain answers for: of this file, or here already.
TARGET = """
    FROM mailboxes_importrow AS staged
    LEFT JOIN domains_domain AS domain ON domain.name = staged.values->>'target'
    LEFT JOIN mailboxes_importrow AS line ON line.of_id = staged.of_id AND line.domain_name = staged.values->>'target'
    WHERE staged.of_id = %(of)s AND staged.values->>'target' <> '' AND NOT staged.is_there
"""
NO_TARGET = f"""
    SELECT DISTINCT ON (staged.id) staged.id, jsonb_build_object('name', staged.values->>'target') {TARGET}
    AND domain.id IS NULL AND line.id IS NULL
"""
CLASS_OF_TARGET = "COALESCE(domain.address_class, line.values->>'address_class')"
UNFIT_TARGET = f"""
    SELECT DISTINCT ON (staged.id) staged.id,
           jsonb_build_object('target', staged.values->>'target', 'class', {CLASS_OF_TARGET}) {TARGET}
    AND {CLASS_OF_TARGET} NOT IN ('virtual_mailbox', 'virtual_alias')
"""
# Domains for which Postfix asks by the same key, and which have different addresses: the trigger
# a_u_label_is_served_once refuses them.
NAMES_OF_FILE = """
    SELECT staged.id, staged.domain_name AS name,
           COALESCE(NULLIF(staged.values->>'u_label', ''), staged.domain_name) AS key,
           COALESCE(NULLIF(staged.values->>'target', ''), staged.domain_name) AS answering
    FROM mailboxes_importrow AS staged
    WHERE staged.of_id = %(of)s AND staged.domain_name <> '' AND NOT staged.is_there
"""
NAMES_HERE = """
    SELECT domain.name, COALESCE(NULLIF(domain.u_label, ''), domain.name) AS key,
           COALESCE(target.name, domain.name) AS answering
    FROM domains_domain AS domain
    LEFT JOIN domains_domain AS target ON target.id = domain.target_id
    WHERE domain.u_label <> '' OR domain.name LIKE '%%ss%%'
"""
TAKEN_FOR = f"""
    WITH names AS ({NAMES_OF_FILE}), others AS (SELECT name, key, answering FROM names UNION {NAMES_HERE})
    SELECT DISTINCT ON (names.id) names.id, jsonb_build_object('domain', names.name, 'other', others.name)
    FROM names
    JOIN others ON others.key = names.key AND others.name <> names.name AND others.answering <> names.answering
    ORDER BY names.id, others.name
"""  # noqa: S608

# The limits of domains, for lines without another fault and in the order of the file; the words are those of limits.py.
COUNTED = f"""
    {DOMAIN_OF_LINE}
    JOIN domains_domaincount AS counts ON counts.domain_id = domain.id
    WHERE {OF} AND NOT staged.is_there AND staged.faults = '[]' AND staged.unreadable = '[]'
"""
PAST_MOST = f"""
    SELECT line.id, jsonb_build_object(
        'constraint', '{{constraint}}', 'domain', line.name, 'limit', line.most,
        'used', greatest(line.before, line.most)
    )
    FROM (
        SELECT staged.id, domain.name, domain.{{most}} AS most, counts.{{counted}} AS before,
               counts.{{counted}} + row_number() OVER (PARTITION BY domain.id ORDER BY staged.line) AS number
        FROM {COUNTED}
    ) AS line
    WHERE line.number > line.most
"""  # noqa: S608
PAST_MOST_MAILBOXES, PAST_MOST_ALIASES = (
    PAST_MOST.replace("{constraint}", f"a_domain_has_its_most_{counted}")
    .replace("{most}", f"max_{counted}")
    .replace("{counted}", counted)
    for counted in ("mailboxes", "aliases")
)
QUOTA_OF_LINE = "(staged.values->>'quota_bytes')::bigint"
PAST_QUOTA = f"""
    SELECT staged.id, jsonb_build_object(
        'constraint', 'a_quota_is_one_that_its_domain_allows', 'domain', domain.name,
        'limit', domain.max_quota_bytes, 'quota', {QUOTA_OF_LINE}
    )
    FROM {COUNTED}
      AND (
          {QUOTA_OF_LINE} > domain.max_quota_bytes
          OR {QUOTA_OF_LINE} IS NULL AND COALESCE(domain.max_quota_bytes, domain.max_total_quota_bytes) IS NOT NULL
      )
"""  # noqa: S608
PAST_SUM_OF_QUOTAS = f"""
    SELECT line.id, jsonb_build_object(
        'constraint', 'a_domain_has_its_largest_sum_of_quotas', 'domain', line.name,
        'limit', line.most, 'used', line.total - line.quota, 'more', line.quota
    )
    FROM (
        SELECT staged.id, domain.name, domain.max_total_quota_bytes AS most, {QUOTA_OF_LINE} AS quota,
               counts.quota_bytes + sum({QUOTA_OF_LINE}) OVER (PARTITION BY domain.id ORDER BY staged.line) AS total
        FROM {COUNTED}
    ) AS line
    WHERE line.total > line.most
"""  # noqa: S608

# What is there already, as `is_there` marks it; a fault for who wants to add only.
THERE = {
    Kind.MAILBOXES: ("is_mailbox", IS_MAILBOX),
    Kind.ALIASES: ("is_alias", IS_ALIAS),
    Kind.DOMAINS: ("is_domain", IS_DOMAIN),
}
RULES = {
    Kind.MAILBOXES: [
        ("no_domain", NO_DOMAIN),
        ("has_no_mailboxes", HAS_NO_MAILBOXES),
        ("twice", TWICE),
        ("is_alias", IS_ONLY_ALIAS),
        ("is_recipient", IS_RECIPIENT),
        ("in_quarantine", IN_QUARANTINE),
        ("path_is_taken", PATH_IS_TAKEN),
        ("limit", PAST_QUOTA),
        ("limit", PAST_SUM_OF_QUOTAS),
        ("limit", PAST_MOST_MAILBOXES),
    ],
    Kind.ALIASES: [
        ("no_domain", NO_DOMAIN),
        ("has_no_aliases", HAS_NO_ALIASES),
        ("has_no_catch_all", HAS_NO_CATCH_ALL),
        ("namesake", NAMESAKE),
        ("twice", TWICE),
        ("is_recipient", IS_RECIPIENT),
        ("in_quarantine", IN_QUARANTINE),
        ("limit", PAST_MOST_ALIASES),
    ],
    Kind.DOMAINS: [
        ("twice", DOMAIN_TWICE),
        ("no_target", NO_TARGET),
        ("unfit_target", UNFIT_TARGET),
        ("taken_for", TAKEN_FOR),
    ],
}

FORGET_FAULTS = """
    UPDATE mailboxes_importrow
    SET faults = '[]', is_there = false
    WHERE of_id = %(of)s AND (is_there OR faults <> '[]')
"""
MARK_THERE = """
    UPDATE mailboxes_importrow AS staged
    SET is_there = true
    FROM ({rule}) AS found (id, words)
    WHERE staged.id = found.id
"""
ADD_FAULT = """
    UPDATE mailboxes_importrow AS staged
    SET faults = staged.faults || jsonb_build_array(jsonb_build_object('kind', %(kind)s) || found.words)
    FROM ({rule}) AS found (id, words)
    WHERE staged.id = found.id
"""


def judge(one: Import) -> None:
    """Writes onto each line what the rules say of it now."""
    kind = Kind(one.kind)
    there, rule_of_there = THERE[kind]
    rules = RULES[kind] if one.skip_existing else [(there, rule_of_there), *RULES[kind]]
    admin = None if one.user is None or one.user.is_superuser else one.user.pk
    words = {"of": one.pk, "admin": admin, "despite": one.despite_quarantine}
    with connection.cursor() as cursor:
        cursor.execute(FORGET_FAULTS, words)
        cursor.execute(MARK_THERE.replace("{rule}", rule_of_there), words)
        if kind == Kind.MAILBOXES:
            give_free_paths(one)
        for fault, rule in rules:
            cursor.execute(ADD_FAULT.replace("{rule}", rule), words | {"kind": fault})


def sentence_of(fault: Fault) -> str:
    """A fault in the reader's language."""
    if "sentence" in fault:
        return in_the_language_of_the_reader(fault)
    words = dict(fault)
    if words["kind"] == "limit":
        return " ".join(sentences_of(words["constraint"], words).values())
    if "class" in words:
        words["class"] = AddressClass(words["class"]).label
    if "until" in words:
        words["until"] = date_format(timezone.localtime(datetime.fromisoformat(words["until"])), "DATETIME_FORMAT")
    return str(FAULTS[fault["kind"]]) % words
