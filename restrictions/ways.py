"""Where smtpd goes from a class or an access table, and what it would answer with 451 4.3.5 on its way.

Such ways are never saved. The database walks them (deferred constraint triggers, as for an open relay), and a service
asks it before it is done (refuse_451). Entries and rules that are inactive or have no time yet count too."""

from __future__ import annotations

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from restrictions import catalogue
from restrictions.catalogue import CATALOGUE, Argument

NO_CIRCLE = "a_class_leads_not_back_to_itself"
NO_FORBIDDEN_PERMISSION = "smtpd_permits_only_where_it_may"

# 0x52454C59 "RELY", the lock of NO_OPEN_RELAY: the second of two who save side by side sees what the first has written.
# One look is enough after many rows: each statement asks for one, and the first trigger of a row has it. To compile
# the look takes a hundred times as long as the look itself.
_BEGIN = """
    IF current_setting('mailadmin.{constraint}', true) = 'seen' THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(1380273241), set_config('jit', 'off', true);
"""
_END = """
    IF said IS NOT NULL THEN
        RAISE EXCEPTION '{words}'
              USING ERRCODE = 'check_violation', CONSTRAINT = '{constraint}', DETAIL = said;
    END IF;
    PERFORM set_config('mailadmin.{constraint}', 'seen', true);
    RETURN NULL;
"""
_LOOK_AGAIN = """
    PERFORM set_config('mailadmin.{circle}', '', true), set_config('mailadmin.{permission}', '', true);
    RETURN NULL;
"""

# A step on the way: what stands in a class, or the classes that a table answers. A way is a class, a table with a name,
# or one of the four by its kind. The table of recipients also answers with the rules of domains and the classes of
# recipients; the rules of domains about senders are asked by nothing that people write.
_STEP = """
    SELECT entry.of_class_id, entry.access_table_id, {kind}
      FROM restrictions_restriction AS entry
     WHERE entry.in_class_id = way.class_id
       AND (entry.of_class_id IS NOT NULL OR entry.name IN ({asking}))
    UNION ALL
    SELECT class.id, NULL, NULL
      FROM restrictions_restrictionclass AS class
     WHERE way.table_id IS NOT NULL
       AND EXISTS (
        SELECT FROM restrictions_accessrule AS rule
         WHERE rule.of_class_id = class.id AND rule.table_id = way.table_id AND rule.action = 'CLASS'
       )
    UNION ALL
    SELECT class.id, NULL, NULL
      FROM restrictions_restrictionclass AS class
     WHERE way.kind IS NOT NULL
       AND (EXISTS (
        SELECT FROM restrictions_accessrule AS rule
         WHERE rule.of_class_id = class.id AND rule.table_id IS NULL AND rule.applies_to = way.kind
           AND rule.action = 'CLASS' AND (rule.domain_id IS NULL OR way.kind = 'recipient')
       ) OR way.kind = 'recipient' AND EXISTS (
        SELECT FROM restrictions_recipientclass AS met WHERE met.of_class_id = class.id
       ))
"""
# Which of the four an entry asks, as catalogue.kind_asked_by has it.
_KIND = """CASE
        WHEN entry.of_class_id IS NULL AND entry.access_table_id IS NULL THEN CASE entry.name
            {kinds}
            ELSE 'client'
        END
    END"""
# `through` is what the step came from, so that a sentence can name it.
_CIRCLE = """
    WITH RECURSIVE way (start_id, class_id, table_id, kind, through) AS (
        SELECT id, id, NULL::bigint, NULL::text, NULL::text COLLATE "C" FROM restrictions_restrictionclass
        UNION
        SELECT way.start_id, step.class_id, step.table_id, step.kind, COALESCE(
                (SELECT name FROM restrictions_restrictionclass WHERE id = way.class_id),
                (SELECT name FROM restrictions_accesstable WHERE id = way.table_id),
                way.kind
            )::text
          FROM way CROSS JOIN LATERAL ({step}) AS step (class_id, table_id, kind)
    )
    SELECT class.name || E'\\n' || way.through INTO said
      FROM way JOIN restrictions_restrictionclass AS class ON class.id = way.class_id
     WHERE way.class_id = way.start_id AND way.through IS NOT NULL
     LIMIT 1;
"""
# Whoever writes a name in DNS could let mail in with it: smtpd takes a permission for a mistake (forbid_allowlist() of
# smtpd_check.c), not DISCARD. What a policy service answers is not ours.
_PERMISSION = """
    WITH RECURSIVE way (asker, class_id, table_id, kind) AS (
        SELECT concat_ws(' ', entry.name, (SELECT name FROM restrictions_accesstable WHERE id = entry.access_table_id)),
               NULL::bigint, entry.access_table_id, ({kind})::text
          FROM restrictions_restriction AS entry
         WHERE entry.name IN ({forbidding})
        UNION
        SELECT way.asker, step.class_id, step.table_id, step.kind
          FROM way CROSS JOIN LATERAL ({step}) AS step (class_id, table_id, kind)
    )
    SELECT concat_ws(E'\\n', way.asker, permission.what, permission.place) INTO said
      FROM way CROSS JOIN LATERAL (
        SELECT entry.name, class.name
          FROM restrictions_restriction AS entry JOIN restrictions_restrictionclass AS class ON class.id = way.class_id
         WHERE entry.in_class_id = way.class_id
           AND entry.name IN ({permitting})
        UNION ALL
        SELECT {result}, {place} FROM restrictions_accessrule AS rule
         WHERE rule.of_class_id IS NULL AND rule.table_id = way.table_id AND {permits}
        UNION ALL
        SELECT {result}, {place} FROM restrictions_accessrule AS rule
         WHERE rule.of_class_id IS NULL AND rule.table_id IS NULL AND rule.applies_to = way.kind AND {permits}
           AND (rule.domain_id IS NULL OR way.kind = 'recipient')
      ) AS permission (what, place)
     LIMIT 1;
"""


def _words(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


_FACTS = {
    "kind": _KIND.format(
        kinds="\n            ".join(f"WHEN '{name}' THEN '{kind}'" for name, kind in catalogue.KINDS_ASKED.items())
    ),
    "asking": _words(catalogue.named(Argument.TABLE)),
    "forbidding": _words(list(catalogue.WITHOUT_PERMISSION)),
    "permitting": _words([known.name for known in CATALOGUE.values() if known.permits]),
    # Of a list that an access table answers, every restriction begins behind a comma (access_actions.IS_LIST).
    "permits": "rule.action IN ('OK', 'LIST') AND (rule.action = 'OK' OR rule.text ~ '(^|, )permit')",
    "result": "CASE rule.action WHEN 'LIST' THEN rule.text ELSE rule.action END",
    "place": "concat_ws(' ', (SELECT name FROM restrictions_accesstable WHERE id = way.table_id), way.kind, rule.key)",
}


def _trigger(name: str, body: str, words: str, condition: pgtrigger.Condition | None) -> pgtrigger.Trigger:
    facts = _FACTS | {"step": _STEP.format_map(_FACTS), "constraint": name, "words": words}
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=condition,
        declare=[("said", "text")],
        func=(_BEGIN + body + _END).format_map(facts),
    )


def triggers(condition: pgtrigger.Condition | None = None) -> list[pgtrigger.Trigger]:
    """Those of a table whose rows lead on, or permit, under this condition."""
    return [
        _trigger(NO_CIRCLE, _CIRCLE, "a class leads back to itself", condition),
        _trigger(NO_FORBIDDEN_PERMISSION, _PERMISSION, "a permission where smtpd takes none", condition),
        pgtrigger.Trigger(
            name="ways_are_to_be_looked_at",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Insert | pgtrigger.Update,
            func=_LOOK_AGAIN.format(circle=NO_CIRCLE, permission=NO_FORBIDDEN_PERMISSION),
        ),
    ]


def lock_lists() -> None:
    """Whether a list is an open relay, or a class leads back to itself, shows in many rows: nobody else writes them
    through the services until the end of the transaction, and no class or table goes that was just named."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE restrictions_restrictionclass, restrictions_restriction IN SHARE ROW EXCLUSIVE MODE")


def refuse_451() -> None:
    """Looks at once at what was written so far. Raises ValidationError with a sentence that names what is at fault."""
    names = [
        f"{model._meta.label}:{trigger.name}"
        for model, trigger in pgtrigger.registered()
        if trigger.name in (NO_CIRCLE, NO_FORBIDDEN_PERMISSION)
    ]
    try:
        with transaction.atomic():
            pgtrigger.constraints(pgtrigger.Immediate, *names)
    except IntegrityError as error:
        said = error.__cause__.diag  # type: ignore[union-attr]
        raise ValidationError(_sentence(said.constraint_name, said.message_detail)) from error
    pgtrigger.constraints(pgtrigger.Deferred, *names)


def _sentence(constraint: str, names: str) -> str:
    if constraint == NO_CIRCLE:
        name, through = names.split("\n")
        return _(
            "%(name)s leads back to itself through %(through)s, and smtpd would answer 451. Name another class, or "
            "take one of them out first."
        ) % {"name": name, "through": through}
    asker, what, place = names.split("\n")
    return _(
        "%(asker)s must not permit, smtpd would answer 451, and it could come to %(what)s (%(place)s). Use DUNNO "
        "instead, or another table or class."
    ) % {"asker": asker, "what": what, "place": place}
