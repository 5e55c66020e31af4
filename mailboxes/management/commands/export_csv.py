"""All mailboxes, aliases or domains as a file that import_csv takes."""

from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options
from domains.commands import domain_named
from mailboxes.exports import columns_of_export, csv_lines, exported
from mailboxes.models import Import


class Command(NounCommand):
    help = _("Print mailboxes, aliases or domains as CSV or JSON that import_csv takes. Passwords are not in it.")

    def add_verbs(self) -> None:
        for kind, things in Import.Kind.choices:
            verb = self.verb(kind, _("Print %(things)s.") % {"things": things})
            verb.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))

    def do_mailboxes(self, options: Options) -> None:
        self._export(options)

    def do_aliases(self, options: Options) -> None:
        self._export(options)

    def do_domains(self, options: Options) -> None:
        self._export(options)

    def _export(self, options: Options) -> None:
        kind = options["verb"]
        rows = exported(kind, domain=domain_named(options["domain"]) if options["domain"] else None)
        if options["json"]:
            self.table(rows, {}, options)
            return
        for text in csv_lines(columns_of_export(kind, None), rows):
            self.stdout.write(text, ending="")
