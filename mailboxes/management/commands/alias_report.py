"""Starts the check of all aliases, or runs it at once and prints what it found."""

import json
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.commands import PanelCommand
from jobs.models import Job
from jobs.services import run_job
from mailboxes.jobs import start_alias_report
from mailboxes.report import sentence_of


class Command(PanelCommand):
    help = _("Check all aliases for dead ends, loops and inactive targets.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wait", action="store_true", help=_("Run it here and now, and print the findings."))
        parser.add_argument("--json", action="store_true", help=_("Print the result as JSON (with --wait)."))

    def handle(self, *args: Any, **options: Any) -> None:
        job = start_alias_report(by=Actor.from_command())
        if not options["wait"]:
            self.stdout.write(_("Started job %d. Its progress is on the page “Work”.") % job.pk)
            return
        while not job.is_finished:  # the worker of the panel may have been quicker: then it is running there
            run_job(job.pk)
            job.refresh_from_db()
            if not job.is_finished:
                time.sleep(0.2)
        if job.state == Job.State.FAILED:
            raise CommandError(job.error)
        result = job.result or {}
        if options["json"]:
            self.stdout.write(json.dumps(result, indent=2))
            return
        for finding in result.get("findings", []):
            self.stdout.write(sentence_of(finding))
        self.stdout.write(_("%d aliases checked.") % result.get("checked", 0))
