"""The pages about tokens, and /api/v1/: two URLs for each noun, and what is no noun."""

from django.urls import path

from api import docs_views, token_views
from api.nouns import NOUNS
from api.other_views import Nowhere, Schema
from api.views import views_of

urlpatterns = [
    path("account/tokens/", token_views.token_list, name="token_list"),
    path("account/tokens/add/", token_views.token_add, name="token_add"),
    path("account/tokens/<int:pk>/revoke/", token_views.token_revoke, name="token_revoke"),
    path("api/v1/docs/", docs_views.docs, name="api_docs"),
    path("api/v1/schema/", Schema.as_view(), name="api_schema"),
]

for noun in NOUNS:
    collection, single = views_of(noun)
    name = f"api_{noun.slug.replace('-', '_')}"
    urlpatterns += [
        path(f"api/v1/{noun.slug}/", collection, name=f"{name}_list"),
        path(f"api/v1/{noun.slug}/<path:key>/", single, name=name),
    ]

urlpatterns += [path("api/<path:rest>", Nowhere.as_view(), name="api_nowhere")]
