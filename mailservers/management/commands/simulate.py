"""What smtpd will answer in a session, for the shell."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.commands import PanelCommand
from mailservers import simulation_words as words
from mailservers.simulation import Question, verdict_on
from restrictions.engine.settings import KNOWN, REJECT_TEMPFAIL_ACTION
from restrictions.engine.verdict import Answer


class Command(PanelCommand):
    help = _(
        "Walk the restriction lists as smtpd does: its reply to each recipient, the rule that decided, and each step. "
        "What is not said of the DNS, of policy services and of addresses elsewhere is assumed to be well. main.cf has "
        "what the panel writes, what --set says, and else the defaults of Postfix."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--client", required=True, metavar="IP")
        parser.add_argument("--client-name", default="", metavar="NAME", help=_("The verified name of the client."))
        parser.add_argument(
            "--reverse-name",
            default="",
            metavar="NAME",
            help=_("The name that its address has in the DNS, if it does not point back to it."),
        )
        parser.add_argument("--helo", default="", metavar="NAME")
        parser.add_argument("--from", dest="sender", default="", metavar="SENDER", help=_("Empty: a bounce."))
        parser.add_argument("--to", dest="recipients", action="append", required=True, metavar="RECIPIENT")
        parser.add_argument("--sasl", dest="login", default="", metavar="LOGIN", help=_("Who has signed in."))
        parser.add_argument(
            "--submission",
            action="store_true",
            help=_("At submission or submissions, as postfix_config --with-dovecot makes them, and not at port 25."),
        )
        parser.add_argument("--tls", action="store_true", help=_("The session is encrypted."))
        parser.add_argument(
            "--certificate",
            default="",
            metavar="FINGERPRINT",
            help=_("Of the certificate that the client shows; it counts as one that the host knows."),
        )
        parser.add_argument(
            "--network",
            dest="networks",
            action="append",
            default=[],
            metavar="NETWORK",
            help=_("What stands in mynetworks beside this host itself."),
        )
        parser.add_argument(
            "--dns",
            action="append",
            default=[],
            metavar="NAME=ANSWER",
            help=_("Addresses, mx:NAME, ns:NAME, none, down or nullmx: zen.example=127.0.0.2."),
        )
        parser.add_argument(
            "--policy",
            dest="policy_services",
            action="append",
            default=[],
            metavar="SERVICE=ACTION",
            help=_("What a policy service answers: inet:127.0.0.1:10023=DUNNO."),
        )
        parser.add_argument(
            "--verify",
            dest="verified",
            action="append",
            default=[],
            metavar="ADDRESS=ANSWER",
            help=_("Whether an address takes mail: ok, bounce or defer."),
        )
        parser.add_argument(
            "--set",
            dest="parameters",
            action="append",
            default=[],
            metavar="PARAMETER=VALUE",
            help=_("What main.cf says, where it is not the default of Postfix: soft_bounce=yes. %(known)s.")
            % {"known": ", ".join((*KNOWN, REJECT_TEMPFAIL_ACTION))},
        )
        parser.add_argument("--json", action="store_true", help=_("Print JSON."))

    def handle(self, *args: Any, **options: Any) -> None:
        asked: dict[str, Any] = {name: options[name] for name in Question.__dataclass_fields__}
        asked = {name: tuple(value) if isinstance(value, list) else value for name, value in asked.items()}
        try:
            verdict = verdict_on(Question(**asked))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if options["json"]:
            self.stdout.write(json.dumps(words.as_json(verdict), indent=2))
            return
        for answer in verdict.answers:
            self._show(answer)
        for one in verdict.assumed:
            self.stdout.write(f"{one.question}: {words.answer_of(one)} ({words.said_of(one)})")

    def _show(self, answer: Answer) -> None:
        self.stdout.write(f"{answer.command} {answer.address}".rstrip() + f": {answer.reply}")
        self.stdout.write(f"  {words.decided_by(answer)}")
        for step in answer.steps:
            outcome = words.OUTCOMES[step.outcome]
            self.stdout.write(f"  {words.where(step)}: {words.what(step)} {outcome}. {words.why(step)}")
            if step.outcome == "warn":
                self.stdout.write(f"    {step.reply}")
