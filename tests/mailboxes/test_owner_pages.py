"""The pages of the owner's house beside the password: space, forwarding, out of office, set-up, sign-ins, history."""

import plistlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.history import recorded
from accounts.models import User
from domains.models import Domain
from mailboxes.app_passwords import add_app_password
from mailboxes.models import Alias, Mailbox, OutOfOffice, SignIn, Usage
from mailboxes.out_of_office import set_out_of_office
from mailboxes.owner_history import change_sets_about
from mailboxes.recovery import set_recovery_address
from mailboxes.server_names import change_server_names
from mailboxes.services import change_mailbox, set_mailboxes_active
from tests.plugins.example_mail import TESTER, add_alias
from tests.plugins.people import mailbox_of, signed_in, words_of

GIB = 2**30
AWAY = {"text": "I am back on Monday.", "subject": "", "days": "7", "active": "on"}


@pytest.fixture
def mailbox(sophie_client: Client) -> Mailbox:
    return mailbox_of("sophie@falcot.org")


class TestSpace:
    def test_it_works(self, sophie_client: Client, mailbox: Mailbox) -> None:
        Usage.objects.create(
            mailbox=mailbox, domain=mailbox.address.domain, username=str(mailbox), bytes=GIB, messages=3
        )
        words = words_of(sophie_client.get("/my-mailbox/"))
        assert "1 GB of 5 GB used, 3 mails" in words
        assert "full" not in words

    def test_nearly_full(self, sophie_client: Client, mailbox: Mailbox) -> None:
        used = 5 * GIB * 94 // 100 + 1
        Usage.objects.create(
            mailbox=mailbox, domain=mailbox.address.domain, username=str(mailbox), bytes=used, messages=1
        )
        assert "Your mailbox is 94% full." in words_of(sophie_client.get("/my-mailbox/"))

    def test_over_the_quota(self, sophie_client: Client, mailbox: Mailbox) -> None:
        Usage.objects.create(mailbox=mailbox, domain=mailbox.address.domain, username=str(mailbox), bytes=6 * GIB)
        assert "Your mailbox is full: new mail is sent back." in words_of(sophie_client.get("/my-mailbox/"))


class TestForwarding:
    def test_it_works(self, sophie_client: Client, mailbox: Mailbox) -> None:
        typed = {"destinations": "sophie@elsewhere.example", "keeps_copy": "on"}
        words = words_of(sophie_client.post("/my-mailbox/forwarding/", typed, follow=True))
        assert "Saved. Mail is sent on from now." in words
        assert "A copy stays in this mailbox." in words
        assert "sophie@elsewhere.example" in sophie_client.get("/my-mailbox/forwarding/").content.decode()
        words = words_of(sophie_client.post("/my-mailbox/forwarding/", {"destinations": ""}, follow=True))
        assert "Saved. Mail stays in your mailbox." in words

    def test_without_a_copy(self, sophie_client: Client, mailbox: Mailbox) -> None:
        typed = {"destinations": "sophie@elsewhere.example"}
        words = words_of(sophie_client.post("/my-mailbox/forwarding/", typed, follow=True))
        assert "No copy stays in this mailbox." in words
        assert "nobody is answered" in words_of(sophie_client.get("/my-mailbox/out-of-office/"))

    def test_a_refusal_stands_at_its_field(self, sophie_client: Client, mailbox: Mailbox) -> None:
        response = sophie_client.post("/my-mailbox/forwarding/", {"destinations": "nobody@falcot.org"})
        assert "nobody@falcot.org" in response.context["form"].errors["destinations"][0]


class TestOutOfOffice:
    def test_it_works(self, sophie_client: Client, mailbox: Mailbox) -> None:
        assert "Nothing yet." in words_of(sophie_client.get("/my-mailbox/out-of-office/"))
        words = words_of(sophie_client.post("/my-mailbox/out-of-office/", AWAY, follow=True))
        assert "Saved. Whoever writes from now on is answered." in words
        assert OutOfOffice.objects.filter(mailbox=mailbox).exists()
        assert "I am back on Monday." in words_of(sophie_client.get("/my-mailbox/"))

    def test_a_preview_saves_nothing(self, sophie_client: Client, mailbox: Mailbox) -> None:
        words = words_of(sophie_client.post("/my-mailbox/out-of-office/", {**AWAY, "preview": "1"}))
        assert "What a sender gets From sophie@falcot.org Subject Auto: subject of the message I am back" in words
        assert not OutOfOffice.objects.filter(mailbox=mailbox).exists()

    @pytest.mark.parametrize(
        ("hours", "active", "sentence"),
        [
            ((1, 2), "on", "Answers begin at the time you chose."),
            ((-2, -1), "on", "The time you chose is over"),
            ((-1, 1), "", "Nobody is answered while it is inactive."),
        ],
    )
    def test_what_is_said_fits_the_time(
        self, sophie_client: Client, mailbox: Mailbox, hours: tuple[int, int], active: str, sentence: str
    ) -> None:
        starts, ends = (f"{timezone.localtime() + timedelta(hours=hour):%Y-%m-%dT%H:%M}" for hour in hours)
        typed = {**AWAY, "starts_at": starts, "ends_at": ends, "active": active}
        assert sentence in words_of(sophie_client.post("/my-mailbox/out-of-office/", typed, follow=True))

    def test_nobody_overwrites_what_an_administrator_saved(self, sophie_client: Client, mailbox: Mailbox) -> None:
        first = set_out_of_office(mailbox, text="Away", by=TESTER)
        set_out_of_office(mailbox, text="Away until May", by=TESTER)
        words = words_of(sophie_client.post("/my-mailbox/out-of-office/", {**AWAY, "version": first.version}))
        assert "Somebody else changed this" in words
        assert "Load this page anew" in words

    def test_what_was_typed_is_not_offered_for_loss(self, sophie_client: Client, mailbox: Mailbox) -> None:
        typed = {**AWAY, "starts_at": "2027-01-04T08:00", "ends_at": "2027-01-03T08:00"}
        response = sophie_client.post("/my-mailbox/out-of-office/", typed)
        sentence = "An answer ends after it starts. Choose a later end or an earlier start."
        assert response.context["form"].errors == {"ends_at": [sentence]}
        assert "Load this page anew" not in words_of(response)
        assert "I am back on Monday." in response.content.decode()

    def test_an_administrator_does_the_same(self, alice_client: Client, sophie: User) -> None:
        url = "/mailboxes/sophie@falcot.org/out-of-office/"
        assert "What sophie@falcot.org answers" in words_of(alice_client.get(url))
        assert "Saved." in words_of(alice_client.post(url, AWAY, follow=True))
        assert alice_client.post(url, {**AWAY, "days": "31"}).context["form"].errors


class TestSetUp:
    def test_nothing_is_named_yet(self, sophie_client: Client, mailbox: Mailbox) -> None:
        assert "No server is named for mail programs yet." in words_of(sophie_client.get("/my-mailbox/set-up/"))
        assert sophie_client.get("/my-mailbox/set-up/mail.mobileconfig").status_code == 404

    def test_it_works(self, sophie_client: Client, mailbox: Mailbox) -> None:
        change_server_names(
            imap_host="imap.falcot.org", pop_host="pop.falcot.org", submission_host="s.falcot.org", by=TESTER
        )
        words = words_of(sophie_client.get("/my-mailbox/set-up/"))
        for part in ("imap.falcot.org", "port 993, SSL/TLS", "port 995", "port 465", "port 587, STARTTLS"):
            assert part in words
        answer = sophie_client.get("/my-mailbox/set-up/mail.mobileconfig")
        (account,) = plistlib.loads(answer.content)["PayloadContent"]
        assert account["IncomingMailServerHostName"] == "imap.falcot.org"
        assert account["OutgoingMailServerPortNumber"] == 465
        assert account["EmailAccountName"] == "Sophie Durand"

    def test_a_name_that_xml_cannot_hold(self, sophie_client: Client, mailbox: Mailbox) -> None:
        change_server_names(imap_host="imap.falcot.org", submission_host="s.falcot.org", by=TESTER)
        Mailbox.objects.filter(pk=mailbox.pk).update(name="Sophie\x1b \x85Durand\x7f")
        answer = sophie_client.get("/my-mailbox/set-up/mail.mobileconfig")
        (account,) = plistlib.loads(answer.content)["PayloadContent"]
        assert account["EmailAccountName"] == "Sophie Durand"

    def test_only_what_the_owner_may_use(self, sophie_client: Client, mailbox: Mailbox) -> None:
        change_server_names(
            imap_host="imap.falcot.org", pop_host="pop.falcot.org", submission_host="s.falcot.org", by=TESTER
        )
        change_mailbox(mailbox, imap=False, sends=False, by=TESTER)
        words = words_of(sophie_client.get("/my-mailbox/set-up/"))
        assert "pop.falcot.org" in words
        assert "imap.falcot.org" not in words
        assert "s.falcot.org" not in words
        assert "Download profile" not in words


class TestSignIns:
    def test_both_see_them(self, sophie_client: Client, alice_client: Client, mailbox: Mailbox) -> None:
        assert "No mail program has signed in yet." in words_of(sophie_client.get("/my-mailbox/"))
        SignIn.objects.create(mailbox=mailbox, username=str(mailbox), service="imap", remote_ip="198.51.100.23")
        assert "just now IMAP 198.51.100.23" in words_of(sophie_client.get("/my-mailbox/"))
        assert "IMAP, just now 198.51.100.23" in words_of(alice_client.get("/mailboxes/sophie@falcot.org/"))


class TestHistory:
    def test_it_works(self, sophie: User, mailbox: Mailbox) -> None:
        client = signed_in(sophie, "mailboxes.backends.MailboxOwnerBackend")
        client.post("/my-mailbox/out-of-office/", AWAY)
        add_alias("sophie@falcot.org", "sophie@elsewhere.example")
        words = words_of(client.get("/my-mailbox/history/"))
        assert "Set the out-of-office answer of sophie@falcot.org you" in words
        assert "Added alias sophie@falcot.org tester" in words

    def test_other_doors_to_the_mail_are_in_it(self, sophie_client: Client, mailbox: Mailbox) -> None:
        add_app_password(mailbox, "Phone", by=TESTER)
        where = {"url": "https://panel.example/", "language": "en"}
        set_recovery_address(mailbox, "sophie@elsewhere.example", **where, by=TESTER)
        words = words_of(sophie_client.get("/my-mailbox/history/"))
        assert "Added app password sophie@falcot.org, Phone" in words
        assert "Set the recovery address of sophie@falcot.org" in words
        assert "sophie@elsewhere.example" in words

    def test_nothing_is_in_it_of_who_had_the_address_before(self, falcot: Domain) -> None:
        """The services add none beside an alias that is there; whoever has the database may."""
        add_alias("desk@falcot.org", "ada@elsewhere.example")
        alias = Alias.objects.get(address__local_part="desk")
        with connection.cursor() as cursor:  # a test is one transaction, and so one moment of the history
            for table in ("mailboxes_aliasevent", "mailboxes_addressevent"):
                cursor.execute(f"UPDATE {table} SET pgh_created_at = pgh_created_at - interval '1 day'")
        with recorded("add", "mailbox", "desk@falcot.org", by=TESTER):
            desk = Mailbox.objects.create(address=alias.address, mail_path="falcot.org/desk/")
        assert [change.sentence for change in change_sets_about(desk)] == ["Added mailbox desk@falcot.org"]

    def test_nobody_else_is_in_it(self, sophie_client: Client, mailbox: Mailbox) -> None:
        set_mailboxes_active([mailbox, mailbox_of("laure@falcot.org")], True, by=TESTER)
        change_mailbox(mailbox_of("jean@falcot.org"), name="Jean F.", by=TESTER)
        words = words_of(sophie_client.get("/my-mailbox/history/"))
        assert "Changed together with others" in words
        for other in ("laure", "jean"):
            assert other not in words
