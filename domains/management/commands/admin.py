"""People from the shell: superusers and domain admins."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.commands import (
    NounCommand,
    Options,
    active_arguments,
    delete_arguments,
    given,
    list_arguments,
    password_arguments,
    stream,
    version_argument,
)
from accounts.models import User
from accounts.services import change_user, delete_user, set_user_password
from domains.commands import domain_named, person_named, person_row
from domains.services import add_person


class Command(NounCommand):
    help = _("Add, change, delete and list people: superusers and domain admins.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add a person."))
        add.add_argument("username", metavar="USERNAME")
        add.add_argument("--name", default="", help=_("The name that people read."))
        add.add_argument("--superuser", action="store_true", help=_("May do everything."))
        add.add_argument(
            "--domain", action="append", default=[], metavar="DOMAIN", help=_("Domain admin of it; again for each.")
        )
        password_arguments(add, may_be_none=True)

        change = self.verb("change", _("Change a person."))
        change.add_argument("username", metavar="USERNAME")
        change.add_argument("--username", dest="new_username", metavar="NEW", help=_("Another user name."))
        change.add_argument("--name", help=_("The name that people read."))
        change.add_argument("--language", choices=["", *dict(settings.LANGUAGES)], help=_("The language of the pages."))
        role = change.add_mutually_exclusive_group()
        role.add_argument("--superuser", dest="is_superuser", action="store_const", const=True, help=_("May do all."))
        role.add_argument(
            "--no-superuser", dest="is_superuser", action="store_const", const=False, help=_("Own domains only.")
        )
        active_arguments(change)
        version_argument(change)

        password = self.verb("password", _("Set a person's password."))
        password.add_argument("username", metavar="USERNAME")
        password_arguments(password)

        delete = self.verb("delete", _("Delete a person; their domains stay."))
        delete.add_argument("username", metavar="USERNAME")
        delete_arguments(delete)

        self.verb("show", _("Show a person.")).add_argument("username", metavar="USERNAME")

        people = self.verb("list", _("List people."))
        people.add_argument("--domain", metavar="DOMAIN", help=_("Its domain admins only."))
        list_arguments(people, after="USERNAME", search=_("User names that begin like this."))

    def do_add(self, options: Options) -> None:
        domains = [domain_named(name) for name in dict.fromkeys(options["domain"])]
        if domains and options["superuser"]:
            raise ValidationError(_("A superuser manages every domain. Leave out --superuser or --domain."))
        password = None if options["no_password"] else self.typed_password(options)
        person = add_person(
            options["username"],
            name=options["name"],
            password=password,
            is_superuser=options["superuser"],
            domains=domains,
            by=self.by,
        )
        self.done(_("Added person %(person)s.") % {"person": person}, person_row(person), options)

    def do_change(self, options: Options) -> None:
        person = person_named(options["username"])
        changes = given(options, "name", "language", "is_superuser")
        if options["new_username"] is not None:
            changes["username"] = options["new_username"]
        if options["active"] is not None:
            changes["is_active"] = options["active"]
        if not changes:
            self.wrong_usage(_("Say what is to change; “admin change --help” names the options."))
        person = change_user(person, **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed person %(person)s.") % {"person": person}, person_row(person), options)

    def do_password(self, options: Options) -> None:
        person = person_named(options["username"])
        set_user_password(person, self.typed_password(options), by=self.by)
        self.done(_("Changed the password of %(person)s.") % {"person": person}, person_row(person), options)

    def do_delete(self, options: Options) -> None:
        person = person_named(options["username"])
        question = _("Delete person %(person)s?") % {"person": person}
        self.make_sure(question, _what_is_lost(person), options)
        delete_user(person, by=self.by)
        username = options["username"].strip().lower()
        self.done(_("Deleted person %(person)s.") % {"person": username}, {"deleted": username}, options)

    def do_show(self, options: Options) -> None:
        self.card(person_row(person_named(options["username"])), options)

    def do_list(self, options: Options) -> None:
        people = User.objects.people().order_by("username").prefetch_related("domains")
        if options["domain"]:
            people = people.filter(domains=domain_named(options["domain"]))
        people = people.filter(username__startswith=options["search"].lower(), username__gt=options["after"].lower())
        columns = {"username": 30, "name": 25, "is_superuser": 5, "active": 5, "domains": 0}
        self.table((person_row(person) for person in stream(people, options["limit"])), columns, options)


def _what_is_lost(person: User) -> list[str]:
    number = person.domains.count()
    sentence = ngettext(
        "%(number)d domain loses this domain admin; its addresses stay.",
        "%(number)d domains lose this domain admin; their addresses stay.",
        number,
    )
    losses = [_("%(person)s can no longer sign in.") % {"person": person}]
    return [*losses, sentence % {"number": number}] if number else losses
