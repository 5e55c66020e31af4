"""What concerns the mail servers themselves."""

from django.urls import path

from mailservers import lookup_page, simulate_page

urlpatterns = [
    path("lookup/", lookup_page.lookup, name="lookup"),
    path("simulate/", simulate_page.simulate, name="simulate"),
]
