"""Domains, their settings and admins, their history, and the settings that hold for all of them."""

from django.urls import path

from domains import converters, dkim_host_views, dkim_views, history_views, views

__all__ = ["converters", "urlpatterns"]

urlpatterns = [
    path("domains/", views.domain_list, name="domain_list"),
    path("domains/add/", views.domain_add, name="domain_add"),
    path("domains/<domain:name>/", views.domain, name="domain"),
    path("domains/<domain:name>/settings/", views.domain_settings, name="domain_settings"),
    path("domains/<domain:name>/admins/add/", views.domain_admin_add, name="domain_admin_add"),
    path("domains/<domain:name>/admins/remove/", views.domain_admin_remove, name="domain_admin_remove"),
    path("domains/<domain:name>/dkim/", dkim_views.dkim_list, name="dkim_list"),
    path("domains/<domain:name>/dkim/import/", dkim_views.dkim_import, name="dkim_import"),
    path("domains/<domain:name>/dkim/rotate/", dkim_views.dkim_rotate, name="dkim_rotate"),
    path("domains/<domain:name>/dkim/look/", dkim_views.dkim_look, name="dkim_look"),
    path("domains/<domain:name>/dkim/<str:selector>/change/", dkim_views.dkim_change, name="dkim_change"),
    path("domains/<domain:name>/dkim/<str:selector>/move/", dkim_views.dkim_move, name="dkim_move"),
    path("domains/<domain:name>/dkim/<str:selector>/delete/", dkim_views.dkim_delete, name="dkim_delete"),
    path("domains/<domain:name>/history/", history_views.domain_history, name="domain_history"),
    path("people/add/", views.person_add, name="person_add"),
    path("dkim/", dkim_views.keys_to_do, name="keys_to_do"),
    path("dkim/hosts/", dkim_host_views.signing_hosts, name="signing_hosts"),
    path("dkim/hosts/<str:name>/forget/", dkim_host_views.signing_host_forget, name="signing_host_forget"),
    path("history/", history_views.history, name="history"),
    path("settings/", views.mail_settings, name="mail_settings"),
]
