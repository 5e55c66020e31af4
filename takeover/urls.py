"""The URLs of this room."""

from django.urls import path

from takeover import comparison_views

urlpatterns = [
    path("mail-servers/comparisons/", comparison_views.comparison_list, name="comparison_list"),
    path("mail-servers/comparisons/<int:pk>/", comparison_views.comparison, name="comparison"),
]
