"""The services of restriction lists and classes: what may stand there, and that no list is ever an open relay."""

import random
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.models import ChangeSet
from mailboxes.undo import undo_change_set
from restrictions import services
from restrictions.access_main_cf import Classes
from restrictions.access_services import add_table
from restrictions.catalogue import STAGES, Argument, named
from restrictions.lists import Lists
from restrictions.main_cf import all_parameters, remark_since, value_of, what_is_written
from restrictions.models import Restriction, RestrictionClass
from restrictions.oddities import oddities
from restrictions.relaying import fault_of_relaying
from tests.services.checks import TESTER, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db


def add(place: Any, name: str, argument: str = "", **values: Any) -> Restriction:
    return services.add_restriction(place, name, argument=argument, **values, by=TESTER)


def add_class(name: str, *entries: str) -> RestrictionClass:
    return services.add_class(name, [{"name": entry} for entry in entries], by=TESTER)


def set_list(stage: str, *entries: Any) -> list[Restriction]:
    values = [entry if isinstance(entry, dict) else {"name": entry} for entry in entries]
    return services.set_list(stage, values, by=TESTER)


def names(place: Any) -> list[str]:
    lists = Lists.current()
    entries = lists.classes[place.name] if isinstance(place, RestrictionClass) else lists.stages.get(place, [])
    return [str(entry) for entry in entries]


def test_it_works() -> None:
    entry = add("client", "reject_rbl_client", "ZEN.spamhaus.org=127.0.0.[2..11]", comment="Why")
    add("client", "permit_mynetworks", position=1)
    assert names("client") == ["permit_mynetworks", "reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]"]
    entry = services.change_restriction(entry, argument="bl.spamcop.net", warn_only=True, by=TESTER)
    assert value_of(Lists.current().stages["client"], Classes()) == (
        "permit_mynetworks, warn_if_reject reject_rbl_client bl.spamcop.net"
    )
    services.move_restriction(entry, 1, by=TESTER)
    assert names("client") == ["reject_rbl_client bl.spamcop.net", "permit_mynetworks"]
    services.delete_restriction(entry, by=TESTER)
    assert names("client") == ["permit_mynetworks"]


def test_each_leaves_one_change_set() -> None:
    with one_change_set("Added restriction class strict"):
        strict = add_class("strict", "reject_non_fqdn_sender")
    with one_change_set("Added restriction smtpd_sender_restrictions: strict"):
        entry = add("sender", "strict")
    with one_change_set("Added restriction strict: reject_unlisted_sender"):
        add(strict, "reject_unlisted_sender")
    with one_change_set("Changed restriction smtpd_sender_restrictions: strict"):
        services.change_restriction(entry, active=False, by=TESTER)
    add("sender", "reject_unlisted_sender", position=1)
    with one_change_set("Moved restriction smtpd_sender_restrictions: strict"):
        services.move_restriction(entry, 1, by=TESTER)
    with one_change_set("Deleted restriction smtpd_sender_restrictions: strict"):
        services.delete_restriction(entry, by=TESTER)
    with one_change_set("Changed restriction class strict"):
        services.change_class(strict, name="stricter", by=TESTER)
    with one_change_set("Set restriction list smtpd_relay_restrictions"):
        set_list("relay", "permit_mynetworks", "reject_unauth_destination")
    with one_change_set("Loaded the recommended restriction lists"):
        services.load_recommended(by=TESTER)
    with one_change_set("Deleted restriction class stricter"):
        services.delete_class(RestrictionClass.objects.get(), by=TESTER)


WRONG = [
    ("reject_typo", "", "name", "Postfix knows no restriction “reject_typo”"),
    ("réject", "", "name", "Postfix knows no restriction"),
    ("reject_unknown_client", "", "name", "reject_unknown_client_hostname"),
    ("permit_mynetworks", "now", "argument", "takes no argument"),
    ("reject_rbl_client", "", "argument", "no DNS list"),
    ("reject_rbl_client", "zen spamhaus org", "argument", "no DNS list"),
    ("reject_rbl_client", "bücher.example", "argument", "no DNS list"),
    ("reject_rbl_client", "zen.example=127.0.0.256", "argument", "no DNS list"),
    ("reject_rbl_client", "zen.example=127.0.0.0/24", "argument", "no DNS list"),
    ("reject_rbl_client", "zen.example=127.0.0.[11..2]", "argument", "from the lower number"),
    ("sleep", "0", "argument", "from 1 to 60"),
    ("sleep", "a while", "argument", "from 1 to 60"),
    ("check_policy_service", "127.0.0.1:10023", "argument", "no policy service"),
    ("check_policy_service", "inet:127.0.0.1:65536", "argument", "no policy service"),
    ("check_policy_service", "inet:127.0.0.1:10023, timeout=soon", "argument", "no policy service"),
    ("check_policy_service", "inet:127.0.0.1:10023, default_action=451 no", "argument", "no policy service"),
]


@pytest.mark.parametrize(("name", "argument", "field", "words"), WRONG, ids=lambda value: str(value))
def test_what_postfix_would_not_take_is_refused(name: str, argument: str, field: str, words: str) -> None:
    with refusal(words, field=field):
        add("client", name, argument)


TABLES = [
    ("check_client_access", "client", "helo sender recipient"),
    ("check_reverse_client_hostname_access", "client", "helo sender recipient"),
    ("check_helo_access", "helo", "client sender recipient"),
    ("check_helo_mx_access", "client", "helo sender recipient"),
    ("check_sender_access", "sender", "client helo recipient"),
    ("check_sender_ns_access", "client", "helo sender recipient"),
    ("check_recipient_access", "recipient", "client helo sender"),
    ("check_recipient_a_access", "client", "helo sender recipient"),
    ("check_sasl_access", "sender", "client helo recipient"),
]


@pytest.mark.parametrize(("name", "fits", "others"), TABLES)
def test_a_restriction_asks_a_table_that_has_such_keys(name: str, fits: str, others: str) -> None:
    for kind in (fits, *others.split()):
        add_table(f"of_{kind}", kind, by=TESTER)
    entry = add("recipient", "reject_unauth_destination")
    entry = add("recipient", name, f"of_{fits}")
    for kind in others.split():
        with refusal(f"{name} asks an access table that applies to", f"of_{kind} applies to", field="argument"):
            services.change_restriction(entry, argument=f"of_{kind}", by=TESTER)


def test_another_name_needs_another_table() -> None:
    add_table("hosts", "client", by=TESTER)
    entry = add("client", "check_client_access", "hosts")
    with refusal("hosts applies to: client", field="argument"):
        services.change_restriction(entry, name="check_helo_access", by=TESTER)
    with refusal("Name the access table that check_helo_mx_access asks", field="argument"):
        services.add_restriction("helo", "check_helo_mx_access", by=TESTER)
    services.change_restriction(entry, name="check_helo_mx_access", by=TESTER)


@pytest.mark.parametrize("kind", ["client", "helo", "sender", "recipient"])
def test_no_table_has_fingerprints(kind: str) -> None:
    add_table("hosts", kind, by=TESTER)
    with refusal("No access table has such keys as check_ccert_access asks for", field="name"):
        add("client", "check_ccert_access", "hosts")


def test_an_entry_that_was_there_before_tables_were_looked_at() -> None:
    hosts = add_table("hosts", "client", by=TESTER)
    entry = Restriction.objects.create(stage="client", name="check_ccert_access", access_table=hosts, position=1)
    same: dict[str, Any] = {"name": entry.name, "argument": "hosts"}
    assert not services.change_restriction(entry, **same, active=False, by=TESTER).active
    assert services.set_list("client", [same | {"comment": "old"}], by=TESTER) == [entry]
    with refusal("No access table has such keys", field="name"):
        services.change_restriction(entry, argument="", by=TESTER)


@pytest.mark.parametrize(
    "name", ["Strict", "1st", "très", "two words", "", "permit", "reject_maps_rbl", "dunno", "relay_domains", "a" * 64]
)
def test_a_class_has_a_name_that_postfix_takes_and_does_not_use(name: str) -> None:
    with nothing_changes(), pytest.raises(ValidationError):
        add_class(name)


def test_a_class_name_is_used_once() -> None:
    add_class("strict")
    with refusal("already"):
        add_class("strict")


def test_a_class_in_use_stays() -> None:
    strict, outer = add_class("strict", "reject_non_fqdn_sender"), add_class("outer", "strict")
    add("sender", "strict")
    with refusal("smtpd_sender_restrictions, outer", "Take it out there first."):
        services.delete_class(strict, by=TESTER)
    services.delete_class(outer, by=TESTER)
    services.delete_restriction(Restriction.objects.get(stage="sender"), by=TESTER)
    services.delete_class(strict, by=TESTER)


def test_who_names_a_class_follows_its_name() -> None:
    strict = add_class("strict", "reject_non_fqdn_sender")
    add("sender", "strict")
    services.change_class(strict, name="stricter", by=TESTER)
    assert [(one.name, one.value) for one in what_is_written()] == [
        ("smtpd_restriction_classes", "stricter"),
        ("stricter", "reject_non_fqdn_sender"),
        ("smtpd_sender_restrictions", "stricter"),
    ]


def test_a_class_leads_not_back_to_itself() -> None:
    a = add_class("a")
    with refusal("a leads back to a", field="name"):
        add(a, "a")
    b = add_class("b", "a")
    c = add_class("c", "b")
    with refusal("c leads back to a", field="name"):
        add(a, "c")
    with refusal("leads back"):
        services.change_class(a, entries=[{"name": "c"}], by=TESTER)
    add(c, "a")  # two ways to one class are no circle
    assert names(b) == ["a"]


def test_a_list_is_set_as_a_whole() -> None:
    first = set_list("helo", "permit_mynetworks", "reject_invalid_helo_hostname")
    again = set_list("helo", "permit_mynetworks", "reject_invalid_helo_hostname")
    assert [(row.pk, row.version) for row in first] == [(row.pk, row.version) for row in again]
    set_list("helo", "reject_non_fqdn_helo_hostname", "permit_mynetworks")
    assert names("helo") == ["reject_non_fqdn_helo_hostname", "permit_mynetworks"]
    set_list("helo", {"name": "sleep", "argument": "1", "active": False})
    assert what_is_written()[0].value == ""
    set_list("helo")
    assert not what_is_written()


def test_every_fault_of_a_list_is_said() -> None:
    with refusal("Entry 1:", "Entry 3:"):
        set_list("helo", "no_such", "permit", "nor_such")


def test_two_versions_do_not_overwrite_each_other() -> None:
    entry = add("client", "permit_mynetworks")
    services.change_restriction(entry, comment="first", version=1, by=TESTER)
    with nothing_changes(), pytest.raises(ValidationError):
        services.change_restriction(entry, comment="second", version=1, by=TESTER)


class TestOpenRelay:
    """A stranger never sends mail elsewhere through lists that the panel has saved."""

    @pytest.mark.parametrize(
        "entries",
        [
            ("permit_mynetworks",),
            ("permit", "reject_unauth_destination"),
            ("permit_mx_backup", "reject_unauth_destination"),
            ("permit_tls_all_clientcerts", "reject_unauth_destination"),
            ({"name": "reject_unauth_destination", "active": False},),
            ({"name": "reject_unauth_destination", "warn_only": True},),
            ({"name": "check_policy_service", "argument": "inet:127.0.0.1:10023"}, "reject_unauth_destination"),
            ("permissive", "reject_unauth_destination"),
            ("defer_if_permit",),
            ({"name": "reject", "active": False},),
            ({"name": "guarding", "warn_only": True}, "reject_unauth_destination"),
        ],
        ids=str,
    )
    def test_it_is_refused(self, entries: tuple[Any, ...]) -> None:
        add_class("permissive", "permit")
        add_class("guarding", "reject_unauth_destination", "permit")
        for stage in ("relay", "recipient"):
            with refusal("open relay"):
                set_list(stage, *entries)

    @pytest.mark.parametrize(
        "entries",
        [
            ("reject_unauth_destination",),
            ("defer_unauth_destination", "permit"),
            ("permit_mynetworks", "permit_sasl_authenticated", "permit_auth_destination", "reject"),
            ({"name": "permit", "active": False}, "defer"),
            ("guarding", "permit"),
            ({"name": "permit_dnswl_client", "argument": "list.dnswl.org"}, "reject_unauth_destination"),
        ],
        ids=str,
    )
    def test_it_is_taken(self, entries: tuple[Any, ...]) -> None:
        add_class("guarding", "permit_mynetworks", "reject_unauth_destination", "permit")
        for stage in ("relay", "recipient"):
            set_list(stage, *entries)

    def test_the_relay_list_guards_the_recipient_list(self) -> None:
        set_list("relay", "permit_mynetworks", "reject_unauth_destination")
        set_list("recipient", "permit")
        relay = Restriction.objects.get(name="reject_unauth_destination")
        with refusal("open relay"):
            services.delete_restriction(relay, by=TESTER)
        with refusal("open relay"):
            services.change_restriction(relay, active=False, by=TESTER)
        with refusal("open relay"):
            set_list("relay")

    def test_moved_behind_what_permits(self) -> None:
        entry, *_others = set_list("relay", "reject_unauth_destination", "permit")
        with refusal("permit in smtpd_relay_restrictions"):
            services.move_restriction(entry, 2, by=TESTER)

    def test_through_a_class(self) -> None:
        ours = add_class("ours", "permit_mynetworks")
        set_list("relay", "ours", "reject_unauth_destination")
        with refusal("ours in smtpd_relay_restrictions"):
            add(ours, "permit")

    def test_through_an_undo(self) -> None:
        set_list("relay", "reject_unauth_destination", "permit")
        loaded = _last_change_set()
        set_list("recipient", "permit")
        with refusal("open relay"):
            undo_change_set(loaded, by=TESTER)

    def test_the_database_says_the_same(self) -> None:
        """Past the services: random lists and classes, judged by the trigger and by the sentences."""
        luck, said = random.Random(5), []
        names = ("permit", "permit_mynetworks", "reject_unauth_destination", "reject", "reject_non_fqdn_sender")
        for _number in range(150):
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
                classes = [RestrictionClass.objects.create(name=name) for name in ("inner", "outer")]
                for number, place in enumerate({"in_class": one} for one in classes):
                    self.fill(luck, place, names, classes[:number])
                for stage in luck.sample(("relay", "recipient", "helo"), 2):
                    self.fill(luck, {"stage": stage}, names, classes)
                fault = fault_of_relaying(Lists.current())
                refused = False
                try:
                    with transaction.atomic(), connection.cursor() as cursor:
                        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                except IntegrityError as error:
                    refused = "lists_are_no_open_relay" in str(error.__cause__.diag.constraint_name)  # type: ignore[union-attr]
                assert refused == bool(fault), (fault, [str(one) for one in Restriction.objects.all()])
                said.append(refused)
                transaction.set_rollback(True)
        assert 20 < sum(said) < 130

    def fill(
        self, luck: random.Random, place: dict[str, Any], names: tuple[str, ...], classes: list[RestrictionClass]
    ) -> None:
        for position in range(1, luck.randint(1, 4)):
            known = luck.choice([*names, *classes])
            what = {"name": known} if isinstance(known, str) else {"of_class": known}
            state = {"warn_only": luck.random() < 0.2, "active": luck.random() < 0.8}
            Restriction.objects.create(**place, position=position, **what, **state)


def _last_change_set() -> ChangeSet:
    return ChangeSet.objects.latest("created_at")


def test_lists_that_guard_each_other_are_set_together() -> None:
    """In whatever order: the relay list alone would be an open relay."""
    guarded = {"relay": [{"name": "permit"}], "recipient": [{"name": "reject_unauth_destination"}]}
    with one_change_set("Set restriction list smtpd_relay_restrictions, smtpd_recipient_restrictions"):
        services.set_lists(guarded, by=TESTER)
    assert (names("relay"), names("recipient")) == (["permit"], ["reject_unauth_destination"])
    with refusal("open relay"):
        services.set_lists({"recipient": [], "data": [{"name": "reject"}]}, by=TESTER)


def test_an_undo_takes_a_list_back() -> None:
    set_list("helo", "permit_mynetworks", "reject_invalid_helo_hostname")
    first = _last_change_set()
    set_list("helo", "reject_invalid_helo_hostname")
    undo_change_set(ChangeSet.objects.exclude(pk=first.pk).get(), by=TESTER)
    assert names("helo") == ["permit_mynetworks", "reject_invalid_helo_hostname"]


def test_what_is_recommended_asks_nobody_outside() -> None:
    assert services.load_recommended(by=TESTER) == ["client", "helo", "sender", "relay", "recipient", "data"]
    asking = {*named(Argument.ZONE), "reject_unknown_sender_domain", "reject_unknown_helo_hostname"}
    assert not Restriction.objects.filter(active=True, name__in=asking).exists()
    assert oddities(Lists.current()) == []
    with refusal("Every stage has a list already"):
        services.load_recommended(by=TESTER)


def test_what_is_recommended_leaves_lists_that_are_there() -> None:
    set_list("helo", "reject")
    assert "helo" not in services.load_recommended(by=TESTER)
    assert names("helo") == ["reject"]


def test_main_cf_must_be_written_again() -> None:
    before = what_is_written()
    entry = add("client", "permit_mynetworks")
    assert remark_since(before)
    before = what_is_written()
    services.change_restriction(entry, comment="Only words", by=TESTER)
    assert not remark_since(before)


@pytest.mark.parametrize("name", ["smtpd_mine", "mine"])
def test_a_class_is_defined_whatever_its_name(name: str) -> None:
    add_class(name, "reject_non_fqdn_sender")
    set_list("recipient", "reject_unauth_destination", name)
    found = {one.name: one.value for one in all_parameters(Lists.current())}
    assert list(found) == [name, "smtpd_restriction_classes", "smtpd_recipient_restrictions"]
    assert found["smtpd_restriction_classes"] == name
    assert found["smtpd_recipient_restrictions"].endswith(f"reject_unauth_destination, {name}")


def test_the_form_of_main_cf() -> None:
    add("client", "check_policy_service", "{ inet:127.0.0.1:10023, timeout = 10s, default_action=DUNNO }")
    add("client", "check_policy_service", "unix:private/policy-spf")
    add_class("nothing")
    assert [(one.name, one.value) for one in what_is_written()] == [
        ("smtpd_restriction_classes", "nothing"),
        ("nothing", "check_client_access static:DUNNO"),
        (
            "smtpd_client_restrictions",
            "check_policy_service { inet:127.0.0.1:10023, timeout=10s, default_action=DUNNO }, "
            "check_policy_service unix:private/policy-spf",
        ),
    ]


ODD: list[tuple[str, tuple[Any, ...], str]] = [
    (
        "client",
        (
            {"name": "permit_mynetworks", "active": False},
            "permit",
            {"name": "reject", "active": False},
            {"name": "sleep", "argument": "1"},
        ),
        "Entry 4, sleep 1, is never reached",
    ),
    ("client", ("permit", "reject_plaintext_session"), "Entry 2, reject_plaintext_session, is never reached"),
    ("client", ("everything", "reject_plaintext_session"), "is never reached: everything before it"),
    ("client", ({"name": "reject_rbl_client", "argument": "dnsbl.sorbs.net"},), "SORBS was shut down"),
    ("client", ({"name": "reject_rbl_client", "argument": "sbl-xbl.spamhaus.org"},), "took its place"),
    ("client", ({"name": "reject_rbl_client", "argument": "ix.dnsbl.manitu.net"},), "NiX Spam was shut down"),
    (
        "client",
        ({"name": "reject_rbl_client", "argument": "bl.spamcop.net"}, "permit_sasl_authenticated"),
        "stands before permit_sasl_authenticated",
    ),
    ("client", ("listed", "permit_sasl_authenticated"), "listed stands before permit_sasl_authenticated"),
    (
        "sender",
        ({"name": "reject_rhsbl_sender", "argument": "dbl.spamhaus.org"}, "permit_mynetworks"),
        "stands before permit_mynetworks",
    ),
    ("sender", ({"name": "check_policy_service", "argument": "inet:127.0.0.1:10023"},), "asks a policy service before"),
    ("client", ("reject_non_fqdn_sender",), "looks at what comes later"),
    ("data", ("reject_unlisted_recipient",), "looks at the recipient"),
    ("client", ({"name": "permit_mynetworks", "warn_only": True},), "refuses nothing"),
    (
        "relay",
        (
            {"name": "check_policy_service", "argument": "inet:127.0.0.1:10023"},
            "reject_unauth_destination",
        ),
        "before reject_unauth_destination",
    ),
]


@pytest.mark.parametrize(("stage", "entries", "words"), ODD, ids=str)
def test_what_is_odd_is_said(stage: str, entries: tuple[Any, ...], words: str) -> None:
    set_list("recipient", "reject_unauth_destination")
    add_class("everything", "permit_mynetworks", "reject")
    services.add_class("listed", [{"name": "reject_rbl_client", "argument": "bl.spamcop.net"}], by=TESTER)
    set_list(stage, *entries)
    said = [str(one) for one in oddities(Lists.current(), named_elsewhere=["everything", "listed"])]
    assert len(said) == 1
    assert words in said[0]


@pytest.mark.parametrize("off", [{"active": False}, {"warn_only": True}])
def test_a_class_that_refuses_nothing_is_no_refusal(off: dict[str, bool]) -> None:
    add_class("guard", "reject_unauth_destination")
    inner = {"name": "guard", **off}
    services.add_class("outer", [inner, {"name": "reject_non_fqdn_sender"}], by=TESTER)
    asks = {"name": "check_policy_service", "argument": "inet:127.0.0.1:10023"}
    set_list("recipient", "reject_unauth_destination")
    set_list("sender", "outer", asks)
    said = [str(one) for one in oddities(Lists.current()) if "policy service" in one.sentence]
    assert len(said) == 1


def test_what_is_inactive_in_a_class_asks_nobody() -> None:
    service = {"name": "check_policy_service", "argument": "inet:127.0.0.1:10023", "active": False}
    services.add_class("asking", [service, {"name": "reject_non_fqdn_sender"}], by=TESTER)
    set_list("recipient", "reject_unauth_destination")
    set_list("sender", "asking")
    assert oddities(Lists.current()) == []


def test_a_class_that_nothing_names_or_that_does_nothing_is_odd() -> None:
    add_class("lonely", "permit")
    add_class("hollow")
    add("client", "hollow")
    set_list("data", {"name": "lonely", "active": False})
    assert [str(one) for one in oddities(Lists.current())] == [
        "hollow: This class has no active entry, so it does nothing.",
        "lonely: Nothing names this class. Name it in a list, or delete it.",
    ]


def test_what_warns_only_is_behind_nothing() -> None:
    set_list("client", {"name": "reject", "warn_only": True}, "reject_plaintext_session")
    assert oddities(Lists.current()) == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_list_has_an_end(stage: str) -> None:
    with refusal("100 entries at most"):
        set_list(stage, *["reject"] * 101)
