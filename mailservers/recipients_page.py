"""The list of a relay domain for a secondary mail server, as a file."""

from collections.abc import Iterator

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, person_required
from domains.views import domain_of_page
from mailboxes.import_views import as_download
from mailservers.recipients import lines_for_secondary


@person_required
@require_safe
def recipient_export(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    if not domain.has_recipients:
        raise Http404
    return as_download(_texthash(domain.name), f"{domain.name}-recipients", "text/plain; charset=utf-8")


def _texthash(name: str) -> Iterator[str]:
    """What is remarked stands in comments."""
    for line, remark in lines_for_secondary(name):
        yield f"# {remark}\n" if remark else f"{line}\n"
