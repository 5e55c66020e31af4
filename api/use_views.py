"""What is stored, as Dovecot says it: of one domain, and the mailboxes that are nearly full."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from api.noun import OF_DOMAIN, domain_seen_by
from api.questions import asked, filtered, one_page
from api.schema import list_parameters, page_of
from api.views import LIST_WORDS, HouseView
from domains.models import Domain
from mailboxes.domain_use import days_of, nearly_full, use_of


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField(read_only=True)
    bytes = serializers.IntegerField(read_only=True)


class DomainUseSerializer(serializers.Serializer[Any]):
    """What the mailboxes of a domain store; those of which Dovecot has said nothing do not count."""

    domain = serializers.CharField(read_only=True)
    bytes = serializers.IntegerField(read_only=True)
    messages = serializers.IntegerField(read_only=True)
    mailboxes = serializers.IntegerField(read_only=True)
    days = DaySerializer(many=True, read_only=True, help_text=_("The last three months, the oldest first."))


class NearlyFullSerializer(serializers.Serializer[Any]):
    """A mailbox that stores 80 percent of its quota or more."""

    address = serializers.CharField(read_only=True)
    used_bytes = serializers.IntegerField(read_only=True)
    quota_bytes = serializers.IntegerField(read_only=True)
    percent = serializers.IntegerField(read_only=True)
    owner_was_told = serializers.BooleanField(read_only=True)
    warning_refusal = serializers.CharField(read_only=True)


class OneDomainUse(HouseView):
    resource, tag = "domains", "domains"
    described = {
        "GET": {
            "operation": "show_use_of_domain",
            "summary": _("Show what the mailboxes of a domain store"),
            "answers": {200: DomainUseSerializer},
            "parameters": [OpenApiParameter("name", str, "path", description=_("The name of a domain."))],
        }
    }

    def get(self, request: Request, name: str) -> Response:
        asked(request, ())
        domain = Domain.objects.visible_to(request.user).filter(name=name.lower()).first()
        if domain is None:
            raise Http404
        now, days = use_of(domain), days_of(domain)
        told = {"bytes": now.bytes, "messages": now.messages, "mailboxes": now.mailboxes}
        return Response({"domain": domain.name, **told, "days": [{"day": day, "bytes": size} for day, size in days]})


class NearlyFull(HouseView):
    resource, tag = "mailboxes", "mailboxes"
    orderings = {"percent": ("percent", "mailbox_id")}
    described = {
        "GET": {
            "operation": "list_nearly_full_mailboxes",
            "summary": _("List mailboxes that store 80 percent of their quota or more, the fullest first"),
            "answers": {200: page_of("NearlyFull", NearlyFullSerializer)},
            "parameters": [
                *list_parameters(["-percent", "percent"]),
                OpenApiParameter("domain", str, "query", description=OF_DOMAIN),
            ],
        }
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-percent"} | asked(request, [*LIST_WORDS, "domain"])
        rows = nearly_full(request.user)
        if "domain" in words:
            rows = filtered(rows, lambda rows: _of_domain(rows, request.user, words["domain"]), "domain")
        found, around = one_page(rows, request, words, self.orderings)
        return Response({**around, "results": list(map(_row, found))})


def _of_domain(rows: Any, user: User, name: str) -> Any:
    return rows.filter(domain=domain_seen_by(user, name))


def _row(usage: Any) -> dict[str, Any]:
    return {
        "address": str(usage.mailbox),
        "used_bytes": usage.bytes,
        "quota_bytes": usage.mailbox.quota_bytes,
        "percent": usage.percent,
        "owner_was_told": usage.owner_was_told,
        "warning_refusal": usage.warning_refusal,
    }
