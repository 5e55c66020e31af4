"""Name servers that take dynamic updates, from the shell."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, delete_arguments, given, stream, version_argument
from dns_records.models import UpdateServer
from dns_records.services import (
    add_update_server,
    change_update_server,
    delete_update_server,
    server_named,
    what_is_lost_with_server,
)


class Command(NounCommand):
    help = _("Add, change, delete and list the name servers on which the panel publishes records.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add a name server, by the name of the key; its secret comes from standard input."))
        add.add_argument("name", metavar="KEY")
        add.add_argument("address", metavar="ADDRESS")
        change = self.verb("change", _("Change a name server."))
        change.add_argument("name", metavar="KEY")
        change.add_argument("--address", metavar="ADDRESS", help=_("Of the primary server, which takes updates."))
        change.add_argument("--new-secret", action="store_true", help=_("Read another secret from standard input."))
        version_argument(change)
        for parser in (add, change):
            parser.add_argument("--port", type=int, metavar="N", help=_("Default: 53."))
            algorithms = UpdateServer.Algorithm.values
            parser.add_argument("--algorithm", choices=algorithms, help=_("Default: hmac-sha256."))
            parser.add_argument("--for-all", choices=["yes", "no"], help=_("Whether all domains publish there."))
        delete = self.verb("delete", _("Delete a name server; what was published stays in the DNS."))
        delete.add_argument("name", metavar="KEY")
        delete_arguments(delete)
        show = self.verb("show", _("Show a name server."))
        show.add_argument("name", metavar="KEY")
        self.verb("list", _("List the name servers."))

    def do_add(self, options: Options) -> None:
        secret = self.typed_password({"password_stdin": True})
        server = add_update_server(options["name"], options["address"], secret, **_given(options), by=self.by)
        self.done(_("Added update server %(name)s.") % {"name": server}, server_row(server), options)

    def do_change(self, options: Options) -> None:
        server, changes = server_named(options["name"]), _given(options) | given(options, "address")
        if options["new_secret"]:
            changes["secret"] = self.typed_password({"password_stdin": True})
        if not changes:
            self.wrong_usage(_("Say what is to change; “update_server change --help” names the options."))
        server = change_update_server(server, **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed update server %(name)s.") % {"name": server}, server_row(server), options)

    def do_delete(self, options: Options) -> None:
        server = server_named(options["name"])
        self.make_sure(_("Delete %(key)s?") % {"key": server}, what_is_lost_with_server(server), options)
        name = server.name
        delete_update_server(server, by=self.by)
        self.done(_("Deleted %(key)s.") % {"key": name}, {"deleted": name}, options)

    def do_show(self, options: Options) -> None:
        self.card(server_row(server_named(options["name"])), options)

    def do_list(self, options: Options) -> None:
        rows = stream(UpdateServer.objects.order_by("name"), None)
        columns = {"name": 20, "address": 16, "port": 6, "for_all": 0}
        self.table(map(server_row, rows), columns, options)


def server_row(server: UpdateServer) -> dict[str, Any]:
    """The secret is never in it."""
    return {
        "name": server.name,
        "address": server.address,
        "port": server.port,
        "algorithm": str(server.algorithm),
        "for_all": server.for_all,
        "version": server.version,
    }


def _given(options: Options) -> dict[str, Any]:
    changes = given(options, "port", "algorithm", "for_all")
    if "for_all" in changes:
        changes["for_all"] = changes["for_all"] == "yes"
    return changes
