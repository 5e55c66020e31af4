"""The small words of the templates: icon, address, state, size, time. Always there, without a load."""

from datetime import datetime, timedelta
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.history import sentence_of
from accounts.models import ChangeSet
from domains.fields import unicode_domain
from mailboxes import report

register = template.Library()

WBR = mark_safe("<wbr>")  # a long address breaks before the @
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite. It never speaks: words stand beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', f"i {extra}".strip(), static("icons.svg"), name
    )


@register.simple_tag
def addr(address: object, url: str = "") -> SafeString:
    """An address or a domain in monospace, `@domain` paler; a link where there is an object."""
    local_part, at, domain = str(address).rpartition("@")
    words = (
        format_html('{}{}<span class="at">@{}</span>', local_part, WBR if local_part else "", unicode_domain(domain))
        if at
        else unicode_domain(domain)
    )
    if url:
        return format_html('<a class="addr" href="{}">{}</a>', url, words)
    return format_html('<span class="addr">{}</span>', words)


STATES = {
    "active": ("ok", "check2", gettext_lazy("Active")),
    "inactive": ("off", "pause-circle", gettext_lazy("Inactive")),
    "suspended": ("warn", "pause-circle", gettext_lazy("Suspended")),
    "expired": ("warn", "clock", gettext_lazy("Expired")),
    "stopped": ("bad", "x-octagon-fill", gettext_lazy("Stopped")),
    "receives_no_mail": ("warn", "dash-lg", gettext_lazy("Receives no mail")),
    "not_begun": ("warn", "clock", gettext_lazy("Not begun")),
    "ended": ("warn", "clock", gettext_lazy("Ended")),
}


@register.simple_tag
def state(name: bool | str) -> SafeString:
    """The state of a thing; of what is only active or not, a truth will do."""
    return st(*STATES[name if isinstance(name, str) else "active" if name else "inactive"])


@register.simple_tag
def st(kind: str, name: str, words: object) -> SafeString:
    """A state: icon and words. `kind` is ok, warn, bad or off."""
    return format_html('<span class="st st-{}">{}{}</span>', kind, icon(name), words)


@register.simple_tag
def copy(text: object) -> SafeString:
    """A button that copies; it is there only with script."""
    return format_html(
        '<button type="button" class="icon-btn" data-copy="{}" aria-label="{}">{}{}</button>',
        text,
        _("Copy %(text)s") % {"text": text},
        icon("copy"),
        icon("check2", "done"),
    )


@register.simple_tag
def bar(percent: int | None, kind: str = "") -> SafeString:
    """A share as a bar; the numbers stand beside it."""
    return format_html(
        '<svg class="bar" aria-hidden="true" height="6"><rect class="t" width="100%" height="6" rx="3"/>'
        '<rect class="f {}" width="{}%" height="6" rx="3"/></svg>',
        kind,
        percent or 0,
    )


@register.filter
def size(octets: int | None) -> str:
    """Bytes in the largest unit that fits, in steps of 1024 as Dovecot counts."""
    if octets is None:
        return ""
    amount = float(octets)
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    digits = 0 if amount == int(amount) or amount >= 100 else 1
    return f"{number_format(amount, digits)} {unit}"


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, with the full time for those who ask."""
    if moment is None:
        return ""
    passed = timezone.now() - moment
    words = _("just now") if passed < timedelta(minutes=1) else _("%(time)s ago") % {"time": timesince(moment, depth=1)}
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), full_time(moment), words)


@register.filter
def full_time(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


@register.filter
def sentence(change_set: ChangeSet) -> SafeString:
    """What happened, with the thing it happened to set apart."""
    text = escape(sentence_of({**change_set.metadata, "label": "\0"}))  # a place that no label and no sentence holds
    marked = format_html('<span class="addr">{}</span>', change_set.value("label"))
    return mark_safe(text.replace("\0", marked))  # noqa: S308  both parts are escaped


@register.filter
def finding_sentence(finding: dict[str, str]) -> str:
    """What the check of the aliases found, in the reader's language."""
    return report.sentence_of(finding)


@register.inclusion_tag("_field.html")
def field(
    bound: BoundField, suffix: str = "", unit: BoundField | None = None, autofocus: bool = False
) -> dict[str, Any]:
    """One field: label, control, what is wrong, help. `suffix` stands fixed behind it, `unit` is a select beside it."""
    attrs: dict[str, str | bool] = {"autofocus": True} if autofocus and not bound.form.errors else {}
    return {
        "field": bound,
        "control": bound.as_widget(attrs=attrs),
        "suffix": suffix,
        "unit": unit,
        "is_checkbox": isinstance(bound.field.widget, forms.CheckboxInput),
        "is_choice": isinstance(bound.field.widget, forms.RadioSelect),
    }


@register.simple_tag(takes_context=True)
def choosing(context: template.Context, name: str, value: str) -> str:
    """The URL of this list with one filter chosen: the others stay, the page starts anew."""
    query = context["request"].GET.copy()
    for word in ("after", "before", name):
        query.pop(word, None)
    if value:
        query[name] = value
    return f"?{query.urlencode()}" if query else str(context["request"].path)
