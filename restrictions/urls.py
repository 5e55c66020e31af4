"""The URLs of this room."""

from restrictions import access_urls

urlpatterns = [*access_urls.urlpatterns]
