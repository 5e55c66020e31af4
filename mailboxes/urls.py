"""Mailboxes and aliases, by the domain they belong to and by their address."""

from django.core.exceptions import ValidationError
from django.urls import path, register_converter

from domains import converters
from mailboxes import (
    alias_views,
    app_password_views,
    default_alias_views,
    forward_views,
    import_views,
    mailing_views,
    out_of_office_views,
    owner_history,
    owner_views,
    password_views,
    recovery_views,
    relay_views,
    rename_views,
    sender_views,
    set_up_views,
    undo_views,
    use_views,
    views,
)
from mailboxes.parsing import ParsedAddress, parse_address


class AddressConverter:
    """An address in a URL, `@example.org` for a catch-all.

    A slash in the local part is written ~1 and a tilde ~0 (as in RFC 6901): a browser would fold "/../" away. Typed
    plainly, a slash is understood too.
    """

    regex = r"[^\x00-\x1f\x7f]{0,600}@[^/@\x00-\x1f\x7f]{1,1000}"

    def to_python(self, value: str) -> ParsedAddress:
        try:
            return parse_address(value.replace("~1", "/").replace("~0", "~"), may_be_whole_domain=True)
        except ValidationError as error:
            raise ValueError(value) from error

    def to_url(self, value: object) -> str:
        return str(value).replace("~", "~0").replace("/", "~1")


register_converter(AddressConverter, "address")

__all__ = ["converters", "urlpatterns"]

urlpatterns = [
    path("domains/<domain:name>/delete/", views.domain_delete, name="domain_delete"),
    path("domains/<domain:name>/mailboxes/", views.mailbox_list, name="mailbox_list"),
    path("domains/<domain:name>/use/", use_views.domain_use, name="domain_use"),
    path("addresses/nearly-full/", use_views.nearly_full_list, name="nearly_full_list"),
    path("domains/<domain:name>/mailboxes/add/", views.mailbox_add, name="mailbox_add"),
    path("domains/<domain:name>/aliases/", alias_views.alias_list, name="alias_list"),
    path("domains/<domain:name>/aliases/add/", alias_views.alias_add, name="alias_add"),
    path("domains/<domain:name>/recipients/", relay_views.recipient_list, name="recipient_list"),
    path("domains/<domain:name>/recipients/add/", relay_views.recipient_add, name="recipient_add"),
    path("mailboxes/<address:address>/", views.mailbox, name="mailbox"),
    path("mailboxes/<address:address>/password/", views.mailbox_password, name="mailbox_password"),
    path("mailboxes/<address:address>/rename/", rename_views.mailbox_rename, name="mailbox_rename"),
    path("mailboxes/<address:address>/senders/", sender_views.mailbox_senders, name="mailbox_senders"),
    path("mailboxes/<address:address>/senders/forbid/", sender_views.sender_forbid, name="sender_forbid"),
    path("mailboxes/<address:address>/stop/", views.mailbox_stop, name="mailbox_stop"),
    path("mailboxes/<address:address>/release/", views.mailbox_release, name="mailbox_release"),
    path("mailboxes/<address:address>/app-passwords/", app_password_views.app_password_list, name="app_password_list"),
    path(
        "mailboxes/<address:address>/app-passwords/<int:pk>/revoke/",
        app_password_views.app_password_revoke,
        name="app_password_revoke",
    ),
    path(
        "mailboxes/<address:address>/recovery-address/delete/",
        recovery_views.recovery_address_delete,
        name="recovery_address_delete",
    ),
    path(
        "mailboxes/<address:address>/out-of-office/",
        out_of_office_views.mailbox_out_of_office,
        name="mailbox_out_of_office",
    ),
    path("mailboxes/<address:address>/delete/", views.mailbox_delete, name="mailbox_delete"),
    path("aliases/<address:address>/", alias_views.alias, name="alias"),
    path("aliases/<address:address>/rename/", rename_views.alias_rename, name="alias_rename"),
    path("aliases/<address:address>/delete/", alias_views.alias_delete, name="alias_delete"),
    path("history/<uuid:number>/undo/", undo_views.undo, name="undo"),
    path("addresses/forwards/", forward_views.forward_list, name="forward_list"),
    path("addresses/", views.address_list, name="address_list"),
    path("jobs/alias-report/", views.alias_report_start, name="alias_report_start"),
    path("settings/passwords/", password_views.password_settings, name="password_settings"),
    path("password-strength/", password_views.password_strength, name="password_strength"),
    path("settings/default-aliases/", default_alias_views.default_aliases, name="default_aliases"),
    path(
        "settings/default-aliases/<int:pk>/delete/",
        default_alias_views.default_alias_delete,
        name="default_alias_delete",
    ),
    path(
        "settings/default-aliases/missing/", default_alias_views.default_aliases_missing, name="default_aliases_missing"
    ),
    path("settings/default-aliases/add/", default_alias_views.default_aliases_add, name="default_aliases_add"),
    path("domains/<domain:name>/mailboxes/export/", import_views.mailbox_export, name="mailbox_export"),
    path("domains/<domain:name>/aliases/export/", import_views.alias_export, name="alias_export"),
    path("exports/domains/", import_views.domain_export, name="domain_export"),
    path("imports/add/<str:kind>/", import_views.import_add, name="import_add"),
    path("imports/<int:pk>/", import_views.import_, name="import"),
    path("imports/<int:pk>/faults/", import_views.import_faults, name="import_faults"),
    path("settings/mailings/", mailing_views.mailing_settings, name="mailing_settings"),
    path("broadcasts/", mailing_views.broadcast_list, name="broadcast_list"),
    path("broadcasts/add/", mailing_views.broadcast_add, name="broadcast_add"),
    path("broadcasts/<int:pk>/", mailing_views.broadcast, name="broadcast"),
    path("broadcasts/<int:pk>/stop/", mailing_views.broadcast_stop, name="broadcast_stop"),
    path("settings/server-names/", set_up_views.server_names, name="server_names"),
    # Answered before (answer_programs); these are their names.
    path("mail/config-v1.1.xml", set_up_views.autoconfig_file, name="autoconfig"),
    path(".well-known/autoconfig/mail/config-v1.1.xml", set_up_views.autoconfig_file, name="autoconfig_well_known"),
    path("autodiscover/autodiscover.xml", set_up_views.autodiscover_file, name="autodiscover"),
    path("my-mailbox/", owner_views.my_mailbox, name="my_mailbox"),
    path("my-mailbox/out-of-office/", out_of_office_views.my_out_of_office, name="my_out_of_office"),
    path("my-mailbox/forwarding/", owner_views.my_forwarding, name="my_forwarding"),
    path("my-mailbox/set-up/", set_up_views.my_set_up, name="my_set_up"),
    path("my-mailbox/set-up/mail.mobileconfig", set_up_views.my_apple_profile, name="my_apple_profile"),
    path("my-mailbox/history/", owner_history.my_history, name="my_history"),
    path("my-mailbox/password/", owner_views.my_mailbox_password, name="my_mailbox_password"),
    path("my-mailbox/recovery-address/", recovery_views.my_recovery_address, name="my_recovery_address"),
    path("sign-in/forgotten/", recovery_views.password_forgotten, name="password_forgotten"),
    path("sign-in/new-password/<str:token>/", recovery_views.password_reset, name="password_reset"),
    path("sign-in/recovery-address/<str:token>/", recovery_views.recovery_confirm, name="recovery_confirm"),
    path("my-mailbox/app-passwords/", app_password_views.my_app_passwords, name="my_app_passwords"),
    path("my-mailbox/app-passwords/add/", app_password_views.my_app_password_add, name="my_app_password_add"),
    path(
        "my-mailbox/app-passwords/<int:pk>/revoke/",
        app_password_views.my_app_password_revoke,
        name="my_app_password_revoke",
    ),
]
