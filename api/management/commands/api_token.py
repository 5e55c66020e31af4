"""API tokens from the shell."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, at_least_one, delete_arguments
from accounts.models import User
from api.models import Token
from api.scopes import ALL, READ, WRITE
from api.services import add_token, revoke_token
from domains.commands import person_named


class Command(NounCommand):
    help = _("Create, revoke and list API tokens.")

    def add_verbs(self) -> None:
        create = self.verb("create", _("Create a token. It is printed once, and nobody can show it again."))
        self._arguments(create)
        create.add_argument(
            "--scope",
            dest="scopes",
            action="append",
            required=True,
            metavar="SCOPE",
            help=_("Such as mailboxes:write, again for each; read or write for all there are today."),
        )
        create.add_argument(
            "--domain",
            dest="domains",
            action="append",
            default=[],
            metavar="DOMAIN",
            help=_("Only for this domain, as its domain admin; again for each."),
        )
        create.add_argument(
            "--network",
            dest="networks",
            action="append",
            default=[],
            metavar="CIDR",
            help=_("Only from this address range; again for each."),
        )
        create.add_argument("--days", type=at_least_one, metavar="N", help=_("It expires after this many days."))

        revoke = self.verb("revoke", _("Revoke a token: from then on it opens nothing."))
        self._arguments(revoke)
        delete_arguments(revoke)

        tokens = self.verb("list", _("List tokens, without what opens a door."))
        tokens.add_argument("--username", metavar="USERNAME", help=_("Those of this person only."))

    def _arguments(self, parser: Any) -> None:
        parser.add_argument("username", metavar="USERNAME", help=_("Whose rights it has."))
        parser.add_argument("name", metavar="NAME", help=_("What uses it."))

    def do_create(self, options: Options) -> None:
        days = options["days"]
        token, text = add_token(
            person_named(options["username"]),
            options["name"],
            scopes=_scopes(options["scopes"]),
            domains=options["domains"],
            networks=options["networks"],
            expires_at=timezone.now() + timedelta(days=min(days, 3650)) if days else None,
            by=self.by,
        )
        self.done(text, _row(token) | {"token": text}, options)

    def do_revoke(self, options: Options) -> None:
        person = person_named(options["username"])
        token = _found(person, options["name"])
        words = {"name": token.name, "person": person}
        self.make_sure(_("Revoke token %(name)s of %(person)s?") % words, [_("Whatever uses it stops.")], options)
        revoke_token(token, by=self.by)
        self.done(_("Revoked token %(name)s of %(person)s.") % words, {"revoked": token.name}, options)

    def do_list(self, options: Options) -> None:
        tokens = Token.objects.select_related("user").order_by("user__username", "name")
        if options["username"]:
            tokens = tokens.filter(user=person_named(options["username"]))
        columns = {"username": 20, "name": 25, "last_used_at": 23, "scopes": 0}
        self.table((_row(token) for token in tokens.iterator(chunk_size=1000)), columns, options)


def _scopes(typed: list[str]) -> list[str]:
    """`read` and `write` alone stand for every scope of this kind that there is."""
    short = {READ: [scope for scope in ALL if scope.endswith(f":{READ}")], WRITE: ALL}
    return [scope for word in typed for scope in short.get(word, [word])]


def _found(person: User, name: str) -> Token:
    token = Token.objects.select_related("user").filter(user=person, name=name.strip()).first()
    if token is None:
        raise ValidationError(_("%(person)s has no token “%(name)s”.") % {"person": person, "name": name})
    return token


def _row(token: Token) -> dict[str, Any]:
    return {
        "username": token.user.username,
        "name": token.name,
        "scopes": token.scopes,
        "domains": token.domains,
        "networks": token.networks,
        "expires_at": token.expires_at,
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
    }
