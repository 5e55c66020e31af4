"""DNS records of all domains and of one, the settings behind them, and the name servers that take updates."""

from django.urls import path

from dns_records import publish_views, settings_views, views

urlpatterns = [
    path("dns/", views.dns_list, name="dns_list"),
    path("dns/check/", views.dns_check_all, name="dns_check_all"),
    path("dns/changes/", views.dns_host_changes, name="dns_host_changes"),
    path("dns/mail-hosts/check/", views.dns_host_check, name="dns_host_check"),
    path("dns/mail-hosts/export/", views.dns_host_export, name="dns_host_export"),
    path("dns/settings/", settings_views.dns_settings, name="dns_settings"),
    path("dns/servers/add/", settings_views.dns_server_add, name="dns_server_add"),
    path("dns/servers/<int:pk>/", settings_views.dns_server, name="dns_server"),
    path("dns/servers/<int:pk>/delete/", settings_views.dns_server_delete, name="dns_server_delete"),
    path("domains/<domain:name>/dns/", views.dns_domain, name="dns_domain"),
    path("domains/<domain:name>/dns/check/", views.dns_check, name="dns_check"),
    path("domains/<domain:name>/dns/export/", views.dns_export, name="dns_export"),
    path("domains/<domain:name>/dns/publish/", publish_views.dns_publish, name="dns_publish"),
    path("domains/<domain:name>/dns/settings/", settings_views.dns_domain_settings, name="dns_domain_settings"),
]
