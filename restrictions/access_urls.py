"""The pages about access tables."""

from django.urls import path

from restrictions import access_views as views

urlpatterns = [
    path("restrictions/access/", views.access_rule_list, {"kind": "client"}, name="access"),
    path("restrictions/access/allowed/", views.access_allowed, name="access_allowed"),
    path("restrictions/access/default-class/", views.default_class, name="access_default_class"),
    path("restrictions/access/add-table/", views.access_table_add, name="access_table_add"),
    path("restrictions/access/tables/<slug:name>/table/", views.access_table, name="access_table"),
    path("restrictions/access/tables/<slug:name>/delete/", views.access_table_delete, name="access_table_delete"),
    path("restrictions/access/rules/<int:pk>/", views.access_rule, name="access_rule"),
    path("restrictions/access/rules/<int:pk>/delete/", views.access_rule_delete, name="access_rule_delete"),
    path("restrictions/access/tables/<slug:kind>/", views.access_rule_list, name="access_rule_list"),
    path("restrictions/access/tables/<slug:kind>/add/", views.access_rule_add, name="access_rule_add"),
    path("domains/<domain:name>/restrictions/", views.domain_restrictions, name="domain_restrictions"),
    path("domains/<domain:name>/restrictions/<int:pk>/", views.domain_access_rule, name="domain_access_rule"),
    path(
        "domains/<domain:name>/restrictions/<int:pk>/delete/",
        views.domain_access_rule_delete,
        name="domain_access_rule_delete",
    ),
    path(
        "domains/<domain:name>/restrictions/add/<slug:kind>/",
        views.domain_access_rule_add,
        name="domain_access_rule_add",
    ),
    path("addresses/<address:address>/restrictions/", views.address_restrictions, name="address_restrictions"),
]
