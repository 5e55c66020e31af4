"""What of the API is no noun."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from api.schema import description
from api.views import HouseView


class Schema(HouseView):
    """For programs that make programs."""

    tag = "diagnostics"
    described = {
        "GET": {
            "operation": "show_schema",
            "summary": _("This description, OpenAPI 3.1"),
            "answers": {200: OpenApiTypes.OBJECT},
        }
    }

    def get(self, request: Request) -> Response:
        return Response(description())


class Nowhere(HouseView):
    """Any other URL below /api/: a program wants no page that says so."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound
