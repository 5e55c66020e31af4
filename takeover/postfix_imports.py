"""A plan carried out: through the staged imports and services that everything else takes, in one change set."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import ChangeSet
from domains.models import Domain, MailSettings
from domains.services import change_mail_settings
from lookup_tables.services import add_entry
from mailboxes.import_passwords import new_key
from mailboxes.imports import faults_of, faulty, forget_import, judge_import, stage_import, write_import
from mailboxes.models import Address, Import, Mailbox
from mailboxes.parsing import parse_address
from mailboxes.relay import add_relay_recipients
from mailboxes.senders import permit_senders
from mailservers.lookup import ask_map
from takeover.models import KeptParameter, Takeover
from takeover.postfix_reading import FlatRow, Lines, Place, Plan
from takeover.postfix_restrictions import CLASSES, LISTS
from takeover.restriction_imports import Became, bring_restrictions

AT_ONCE = 5_000
MOST_KEPT = 1_000  # sentences of a report, for the page


@dataclass
class Outcome:
    """How many of each were added, how many were there, and a sentence for each line that was left out."""

    added: dict[str, int] = field(default_factory=dict)
    there: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    became: list[Became] = field(default_factory=list)  # of restriction lists, classes and access tables
    change_set: UUID | None = None
    is_written: bool = False

    def count(self, what: str, added: int, there: int) -> None:
        self.added[what] = self.added.get(what, 0) + added
        self.there[what] = self.there.get(what, 0) + there

    def refuse(self, place: Place, error: ValidationError) -> None:
        words = {"place": place, "sentence": " ".join(error.messages)}
        self.refused.append(_("%(place)s: %(sentence)s") % words)


def import_configuration(plan: Plan, *, dry_run: bool = False, leave_out_refused: bool = False, by: Actor) -> Outcome:
    """Adds what is not there yet, in one change set that can be undone; what is there stays as it is. If a rule refuses
    something, nothing is written, or with `leave_out_refused` everything else. With `dry_run` nothing of it stays."""
    outcome = Outcome(refused=list(plan.refused), remarks=list(plan.remarks))
    with transaction.atomic():
        with recorded("import", "configuration", plan.label, by=by) as change_set:
            _settings(plan, outcome, by)
            _classes(plan, outcome)
            _stage(Import.Kind.DOMAINS, plan.domains, plan, outcome, by)
            _stage(Import.Kind.MAILBOXES, plan.mailboxes, plan, outcome, by)
            _recipients(plan, outcome, by)
            _stage(Import.Kind.ALIASES, plan.aliases, plan, outcome, by)
            for row in plan.flat:
                _flat(row, outcome, by)
            _logins(plan, outcome, by)
            _restrictions(plan, outcome, by)
            has_kept = _keep(plan, outcome)
        has_changed = ChangeSet.objects.filter(pk=change_set).exists()
        outcome.is_written = not dry_run and (leave_out_refused or not outcome.refused)
        if not outcome.is_written:
            transaction.set_rollback(True)
        elif has_changed or has_kept:
            outcome.change_set = change_set if has_changed else None
            _remember(plan, outcome, by)
    return outcome


def _restrictions(plan: Plan, outcome: Outcome, by: Actor) -> None:
    brought = bring_restrictions(plan.restrictions, by=by)
    outcome.refused += brought.refused
    outcome.remarks += brought.remarks
    for what in ("restriction_lists", "restriction_classes", "access_tables", "access_rules"):
        if brought.added[what] or brought.there[what]:
            outcome.count(what, brought.added[what], brought.there[what])
    outcome.became = brought.became
    said = {*LISTS, CLASSES, *(one.thing for one in brought.became)}
    outcome.became += [Became(parameter, "kept") for parameter in plan.kept if parameter not in said]


def _remember(plan: Plan, outcome: Outcome, by: Actor) -> None:
    """For the page that shows what came over."""
    Takeover.objects.create(
        source=plan.label,
        who=by.label,
        host=by.host,
        counts={
            what: {"new": added, "there": outcome.there[what], "left_out": 0} for what, added in outcome.added.items()
        },
        remarks=[{"code": "said", "sentence": one} for one in (*outcome.refused, *outcome.remarks)][:MOST_KEPT],
        kept=[one._asdict() for one in outcome.became],
        change_sets=[str(outcome.change_set)] if outcome.change_set else [],
    )


def _settings(plan: Plan, outcome: Outcome, by: Actor) -> None:
    if MailSettings.current().recipient_delimiter == plan.delimiter:
        return
    try:
        with transaction.atomic():
            change_mail_settings(recipient_delimiter=plan.delimiter, by=by)
        outcome.count("mail settings", 1, 0)
    except ValidationError as error:
        outcome.refused.append(f"recipient_delimiter: {' '.join(error.messages)}")


def _classes(plan: Plan, outcome: Outcome) -> None:
    """A domain that is here already keeps its class."""
    names = iter(plan.classes)
    while some := list(islice(names, AT_ONCE)):
        for name, address_class in Domain.objects.filter(name__in=some).values_list("name", "address_class"):
            if address_class != plan.classes[name]:
                sentence = _("%(domain)s is here already, in another address class, and stays as it is.")
                outcome.remarks.append(sentence % {"domain": name})


def _stage(kind: Any, lines: Lines, plan: Plan, outcome: Outcome, by: Actor) -> None:
    """A staged import of the lines that can be; the others are said with the place that they come from."""
    if not lines.number:
        return
    key = new_key()
    one = stage_import(kind, lines.binary(), label=plan.label, key=key, skip_existing=True, by=by)
    while one.refused:
        for fault in faults_of(one, None):
            place = lines.place(fault["line"])
            outcome.refused.append(_("%(place)s: %(sentence)s") % {"place": place, "sentence": fault["sentence"]})
            plan.keep(str(kind), "", place, fault["thing"])
        faulty(one).delete()
        judge_import(one)  # others may have led to what is gone now
    write_import(one, key=key, by=by)
    outcome.count(str(kind), one.new, one.there)
    forget_import(one)


def _recipients(plan: Plan, outcome: Outcome, by: Actor) -> None:
    for name, rows in plan.recipients.items():
        domain = Domain.objects.filter(name=name).first()
        if domain is None or not domain.has_recipients:
            sentence = _("%(domain)s is no relay domain here, so its recipients were left out.")
            outcome.refused.append(sentence % {"domain": name})
            continue
        good = list(_good_addresses(rows, outcome))
        for at in range(0, len(good), AT_ONCE):
            some = good[at : at + AT_ONCE]
            texts = [address for address, _place in some]
            try:
                with transaction.atomic():
                    added = add_relay_recipients(domain, texts, by=by)
                outcome.count("relay_recipients", added, len(some) - added)
            except ValidationError:
                for address, place in some:
                    _recipient(domain, address, place, outcome, by)


def _recipient(domain: Domain, address: str, place: Place, outcome: Outcome, by: Actor) -> None:
    try:
        with transaction.atomic():
            added = add_relay_recipients(domain, [address], by=by)
        outcome.count("relay_recipients", added, 1 - added)
    except ValidationError as error:
        outcome.refuse(place, error)


def _good_addresses(rows: Iterable[tuple[str, Place]], outcome: Outcome) -> Iterable[tuple[str, Place]]:
    for address, place in rows:
        try:
            yield str(parse_address(address)), place
        except ValidationError as error:
            outcome.refuse(place, error)


def _flat(row: FlatRow, outcome: Outcome, by: Actor) -> None:
    """A row of a flat table; one that is there with another result stays, and is said."""
    values: dict[str, str] = {"applies_to": row.applies_to} if row.applies_to else {}
    if row.username:
        values |= {"username": row.username}
    noun = row.model.noun
    try:
        key, result = row.model.normalised_key(row.key), row.model.normalised_result(row.result)
        rows: Any = row.model._default_manager.filter(key=key)
        found = (rows.filter(applies_to=row.applies_to) if row.applies_to else rows).first()
        if found and found.result != result:
            sentence = _("%(key)s is there already with another result, %(result)s, and stays as it is.")
            outcome.remarks.append(f"{row.place}: {sentence % {'key': key, 'result': found.result}}")
        if found:
            outcome.count(noun, 0, 1)
            return
        with transaction.atomic():
            add_entry(row.model, row.key, row.result, password=row.password, by=by, **values)
        outcome.count(noun, 1, 0)
    except ValidationError as error:
        outcome.refused.append(
            _("%(place)s: %(sentence)s") % {"place": row.place, "sentence": " ".join(error.messages)}
        )


def _logins(plan: Plan, outcome: Outcome, by: Actor) -> None:
    """Who may send as an address beyond those who get its mail anyway."""
    for key, logins, place in plan.logins:
        here = {one.lower() for text in ask_map("smtpd_sender_login_maps", _probe(key)) for one in text.split(",")}
        for login in logins:
            if login in here or login == key:
                outcome.count("permitted_senders", 0, 1)
                continue
            mailbox = _mailbox(login)
            if mailbox is None:
                sentence = _("%(login)s is no mailbox here, so it may not send as %(address)s.")
                outcome.refused.append(f"{place}: {sentence % {'login': login, 'address': key}}")
                continue
            try:
                with transaction.atomic():
                    added = permit_senders(mailbox, [key], by=by)
                outcome.count("permitted_senders", added, 1 - added)
            except ValidationError as error:
                outcome.refuse(place, error)


def _probe(key: str) -> str:
    """A whole domain is asked for by somebody in it."""
    return f"no-such-person{key}" if key.startswith("@") else key


def _mailbox(login: str) -> Mailbox | None:
    local_part, _at, name = login.rpartition("@")
    address = Address.objects.filter(domain__name=name, local_part=local_part, mailbox__isnull=False).first()
    return Mailbox.objects.with_address().get(address=address) if address else None


def _keep(plan: Plan, outcome: Outcome) -> bool:
    """What has no place here yet, and what came in of lists, word for word; written again only where it differs."""
    has_kept = False
    for parameter, what in plan.kept.items():
        outcome.kept.append(parameter)
        row = KeptParameter.objects.filter(parameter=parameter).first()
        if row and (row.value, row.entries, row.tables) == (what["value"], what["entries"], what["tables"]):
            continue
        KeptParameter.objects.update_or_create(parameter=parameter, defaults=what)
        has_kept = True
    return has_kept
