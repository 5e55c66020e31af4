"""What concerns the mail servers themselves."""

from django.urls import path

from mailservers import views

urlpatterns = [path("health/", views.health, name="health")]
