"""A domain name in a URL, in any spelling that people use for it."""

from django.core.exceptions import ValidationError
from django.urls import register_converter

from domains.fields import normalised_domain


class DomainConverter:
    regex = r"[^/\x00-\x1f\x7f]{1,1000}"

    def to_python(self, value: str) -> str:
        try:
            return normalised_domain(value)
        except ValidationError as error:
            raise ValueError(value) from error

    def to_url(self, value: object) -> str:
        return str(value)


register_converter(DomainConverter, "domain")
