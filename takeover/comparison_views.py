"""Pages about comparisons of maps: the list, and one with its progress and its differences. They are made by
compare_maps on a mail host; here they are looked at."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, list_page, number, superuser_required
from takeover.comparisons import EXPLANATIONS
from takeover.models import Comparison


@superuser_required
@require_safe
def comparison_list(request: PersonRequest) -> HttpResponse:
    rows = Comparison.objects.visible_to(request.user).defer("remarks", "error")
    page = list_page(rows, request, key=("pk",), descending=True, read=(number,))
    return render(request, "takeover/comparison_list.html", {"page": page})


@superuser_required
@require_safe
def comparison(request: PersonRequest, pk: int) -> HttpResponse:
    """With htmx, only what changes while it runs."""
    one = get_object_or_404(Comparison.objects.visible_to(request.user), pk=pk)
    page = list_page(one.found.all(), request, key=("pk",), read=(number,))
    explained = [(name, count, EXPLANATIONS.get(name, name)) for name, count in sorted(one.explained.items())]
    context = {"comparison": one, "page": page, "explained": explained}
    is_part = request.htmx and request.htmx.target != "list"
    return render(request, "takeover/_comparison.html" if is_part else "takeover/comparison.html", context)
