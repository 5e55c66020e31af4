"""Fields of forms for addresses, and how a pasted list is taken apart (also by imports)."""

import re
from contextlib import suppress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.templatetags.static import static
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from domains.fields import normalised_domain
from domains.own_script import in_own_script

LONGEST_LIST = 300_000  # characters; 1,000 destinations of 254 and some air
ADDRESS_ATTRS = {"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}

_static = lazy(static, str)


class DestinationsField(forms.CharField):
    """Addresses, one a line or with commas between them. Becomes a list."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = ADDRESS_ATTRS | {
            "rows": 4,
            "data-chips": True,
            "data-icons": _static("icons.svg"),
            "data-placeholder": gettext_lazy("Add, or paste a list"),
            "data-remove": gettext_lazy("Remove {text}"),
        }
        super().__init__(max_length=LONGEST_LIST, widget=forms.Textarea(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> Any:
        return apart(super().clean(value) or "")

    def prepare_value(self, value: Any) -> Any:
        """People read the U-label on the chips, and it is understood when it comes back."""
        return in_own_script(value) if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return apart(in_own_script(initial or "")) != apart(in_own_script(data or ""))


class WordsField(forms.CharField):
    """Words with blanks, commas or line ends between them. Becomes a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=5_000, required=False, widget=forms.Textarea(attrs=ADDRESS_ATTRS | {"rows": 2}), **kwargs
        )

    def clean(self, value: Any) -> Any:
        return [word for word in re.split(r"[\s,;]+", super().clean(value) or "") if word]


def apart(text: str) -> list[str]:
    """Takes a pasted list apart at line ends, commas and semicolons, but not within quotes; `Jean <jean@x.org>` is the
    address in the angle brackets."""
    # Quotes that are not closed hold the rest of the line: looking for their end again and again would take minutes.
    pieces = re.findall(r'(?:"(?:\\.|[^"\\\n])*"?|[^",;\n])+', text.replace("\r", "\n"))
    found = []
    for piece in pieces:
        _name, bracket, address = piece.rstrip().removesuffix(">").rpartition("<")
        is_in_brackets = bracket and piece.rstrip().endswith(">") and "@" in address and ">" not in address
        words = [address] if is_in_brackets else _words(piece)
        found += [word.strip() for word in words if word.strip()]
    return found


def _words(piece: str) -> list[str]:
    """Addresses with blanks between them are several; a text with a blank but one @ is judged as one."""
    words: list[str] = re.findall(r'(?:"(?:\\.|[^"\\])*"?|[^\s"])+', piece)
    return words if all("@" in word for word in words) else [piece]


class LocalPartField(forms.CharField):
    """The part before the @. Who types the whole address means the same."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("Address"), max_length=320, widget=forms.TextInput(attrs=ADDRESS_ATTRS), **kwargs
        )
        self.domain = ""

    def clean(self, value: Any) -> Any:
        typed: str = super().clean(value)
        local_part, at, domain = typed.rpartition("@")
        if not at or typed.startswith('"'):
            return typed
        with suppress(ValidationError):
            if normalised_domain(domain) == self.domain:
                return local_part
        raise ValidationError(_("This adds an address of %(domain)s. Type the part before the @ only.") % vars(self))
