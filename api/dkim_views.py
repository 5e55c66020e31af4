"""What the worker does about DKIM keys: it makes one, or the successor of one."""

from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import actor_of
from api.fields import Text, Texts, like
from api.noun import Noun, plain, sent_domain
from api.nouns_of_dkim import DkimKeys
from api.questions import asked
from api.views import HouseView
from api.work_views import started, work
from api.writing import by_noun
from domains.dkim_models import DkimKey
from domains.dkim_rotation import start_rotation
from domains.dkim_services import start_generation

DKIM_KEYS: Noun = DkimKeys()


class GenerationSerializer(serializers.Serializer[Any]):
    """A key that the worker is to make."""

    domain = Text(help_text=_("The name of the domain."))
    selector = Text(help_text=_("The name of the key in the DNS."))

    def get_fields(self) -> dict[str, Any]:
        options = ("algorithm", "for_subdomains", "for_alias_domains", "signs_by_itself")
        return {
            **super().get_fields(),
            **{name: like(DkimKey, name, required=False) for name in options},
            "local_parts": Texts(required=False, help_text=_("It signs only for these; empty: for every address.")),
        }


class Generations(HouseView):
    resource, tag, only_superusers = "domains", "dkim-keys", True
    described = {
        "POST": work(
            "generate_dkim_key",
            _("Let the worker make a DKIM key"),
            request=GenerationSerializer,
            problems=[422],
        )
    }

    def post(self, request: Request) -> Response:
        asked(request, ())
        values, by = _sent(GenerationSerializer, request), actor_of(request)
        values["local_parts"] = " ".join(values.get("local_parts", []))

        def start() -> Any:
            domain = sent_domain(values.pop("domain"), by)
            return start_generation(domain, values.pop("selector"), **values, by=by)

        return started(request, partial(by_noun, DKIM_KEYS, start))


class RotationSerializer(serializers.Serializer[Any]):
    """Which key gets a successor; a domain without any gets its first."""

    domain = Text(help_text=_("The name of the domain."))
    selector = Text(required=False, help_text=_("The key that signs; to be said where several do."))


class Rotations(HouseView):
    resource, tag, only_superusers = "domains", "dkim-keys", True
    described = {
        "POST": work(
            "rotate_dkim_key",
            _("Let the worker make the successor of a DKIM key"),
            request=RotationSerializer,
            problems=[422],
        )
    }

    def post(self, request: Request) -> Response:
        asked(request, ())
        values, by = _sent(RotationSerializer, request), actor_of(request)

        def start() -> Any:
            return start_rotation(sent_domain(values["domain"], by), values.get("selector", ""), by=by)

        return started(request, partial(by_noun, DKIM_KEYS, start))


def _sent(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    sent = kind(data=plain(request.data))
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)
