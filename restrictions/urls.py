"""The URLs of this room."""

from django.urls import path

from restrictions import access_urls, views

urlpatterns = [
    *access_urls.urlpatterns,
    path("restrictions/", views.restriction_list, name="restriction_list"),
    path("restrictions/recommended/", views.restriction_recommended, name="restriction_recommended"),
    path("restrictions/add/<slug:stage>/", views.restriction_add, name="restriction_add"),
    path("restrictions/<int:pk>/", views.restriction, name="restriction"),
    path("restrictions/<int:pk>/move/", views.restriction_move, name="restriction_move"),
    path("restrictions/<int:pk>/delete/", views.restriction_delete, name="restriction_delete"),
    path("restrictions/classes/add/", views.restriction_class_add, name="restriction_class_add"),
    path("restrictions/classes/<int:pk>/", views.restriction_class, name="restriction_class"),
    path("restrictions/classes/<int:pk>/add/", views.restriction_add, name="restriction_class_entry_add"),
    path("restrictions/classes/<int:pk>/delete/", views.restriction_class_delete, name="restriction_class_delete"),
]
