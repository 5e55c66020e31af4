"""What concerns the mail servers themselves."""

from django.urls import path

from mailservers import lookup_page, recipients_page, simulate_page

urlpatterns = [
    path("domains/<domain:name>/recipients/export/", recipients_page.recipient_export, name="recipient_export"),
    path("lookup/", lookup_page.lookup, name="lookup"),
    path("simulate/", simulate_page.simulate, name="simulate"),
]
