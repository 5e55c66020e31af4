"""Which address classes main.cf must know of: the maps of some are written only while there is such a domain."""

from django.utils.translation import gettext as _

from domains.models import AddressClass, Domain

WITH_OWN_MAPS = (AddressClass.LOCAL, AddressClass.RELAY)


def classes_with_own_maps() -> set[str]:
    """Which of the classes are there whose maps are written only then: each costs a question a message."""
    first = [
        Domain.objects.filter(address_class=address_class).order_by().values_list("address_class")[:1]
        for address_class in WITH_OWN_MAPS
    ]
    return {row[0] for row in first[0].union(*first[1:])}


what_is_written = classes_with_own_maps


def remark_since(before: set[str]) -> str:
    """A sentence if main.cf no longer says what it must of these classes; empty if it does."""
    if classes_with_own_maps() == before:
        return ""
    return _("Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.")
