"""What concerns the mail servers themselves."""

from django.urls import path

from mailservers import lookup_page, views

urlpatterns = [
    path("health/", views.health, name="health"),
    path("lookup/", lookup_page.lookup, name="lookup"),
]
