"""The URLs of this room: past takeovers, and the log of another panel."""

from django.urls import path

from takeover import comparison_views, kept_views

urlpatterns = [
    path("takeovers/", kept_views.takeover_list, name="takeover_list"),
    path("takeovers/kept/", kept_views.kept_rows, name="kept_rows"),
    path("takeovers/<int:pk>/", kept_views.takeover, name="takeover"),
    path("history/before/", kept_views.foreign_history, name="history_before"),
    path("mail-servers/comparisons/", comparison_views.comparison_list, name="comparison_list"),
    path("mail-servers/comparisons/<int:pk>/", comparison_views.comparison, name="comparison"),
]
