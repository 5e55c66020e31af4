"""The lookup tables: the same four pages for each."""

from django.urls import path

from lookup_tables import views
from lookup_tables.nouns import NOUNS

urlpatterns = [
    one
    for noun in NOUNS
    for one in (
        path(f"mail-servers/{noun.slug}/", views.entry_list, {"noun": noun}, name=f"{noun.name}_list"),
        path(f"mail-servers/{noun.slug}/add/", views.entry_add, {"noun": noun}, name=f"{noun.name}_add"),
        path(f"mail-servers/{noun.slug}/<int:pk>/", views.entry, {"noun": noun}, name=noun.name),
        path(
            f"mail-servers/{noun.slug}/<int:pk>/delete/", views.entry_delete, {"noun": noun}, name=f"{noun.name}_delete"
        ),
    )
] + [path("mail-servers/local-users/", views.local_user_list, name="local_user_list")]
