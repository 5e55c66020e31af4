"""Every room brings its own URLs; the overview, the search and the error pages are of the house."""

from django.urls import include, path

from api.other_views import Health
from mailadmin import health, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("find/", views.find, name="find"),
    path("health/", health.health, name="health"),  # health.answer_first has answered before; this is its name
    path("", include("jobs.urls")),
    path("", include("mailboxes.urls")),
    path("", include("domains.urls")),
    path("", include("accounts.urls")),  # behind domains, where people/add/ is: a person has the name of a domain, too
    path("", include("dns_records.urls")),
    path("", include("lookup_tables.urls")),
    path("", include("restrictions.urls")),
    path("", include("mailservers.urls")),
    path("", include("takeover.urls")),
    path("api/v1/health/", Health.as_view(ask=health.ask), name="api_health"),
    path("", include("api.urls")),
]

handler400 = "mailadmin.views.bad_request"
handler403 = "mailadmin.views.forbidden"
handler404 = "mailadmin.views.not_found"
handler500 = "mailadmin.views.server_error"
