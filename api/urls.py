"""The pages about tokens, and /api/v1/: two URLs for each noun, and what is no noun."""

from django.urls import path

from api import docs_views, token_views
from api.changes import Changes
from api.nouns import NOUNS
from api.other_views import History, LookUp, Nowhere, OneChangeSet, OneJob, OneMap, Schema, Simulate, Undo
from api.views import views_of

urlpatterns = [
    path("account/tokens/", token_views.token_list, name="token_list"),
    path("account/tokens/add/", token_views.token_add, name="token_add"),
    path("account/tokens/<int:pk>/revoke/", token_views.token_revoke, name="token_revoke"),
    path("api/v1/docs/", docs_views.docs, name="api_docs"),
    path("api/v1/schema/", Schema.as_view(), name="api_schema"),
    path("api/v1/changes/", Changes.as_view(), name="api_changes"),
    path("api/v1/history/", History.as_view(), name="api_history"),
    path("api/v1/history/<uuid:id>/", OneChangeSet.as_view(), name="api_change_set"),
    path("api/v1/history/<uuid:id>/undo/", Undo.as_view(), name="api_undo"),
    path("api/v1/jobs/<int:id>/", OneJob.as_view(), name="api_job"),
    path("api/v1/lookup/", LookUp.as_view(), name="api_lookup"),
    path("api/v1/simulate/", Simulate.as_view(), name="api_simulate"),
    path("api/v1/maps/<str:parameter>/", OneMap.as_view(), name="api_map"),
]

for noun in NOUNS:
    collection, single = views_of(noun)
    name = f"api_{noun.slug.replace('-', '_')}"
    if noun.is_single:
        urlpatterns.append(path(f"api/v1/{noun.slug}/", single, {"key": ""}, name=name))
    else:
        urlpatterns += [
            path(f"api/v1/{noun.slug}/", collection, name=f"{name}_list"),
            path(f"api/v1/{noun.slug}/<path:key>/", single, name=name),
        ]

urlpatterns += [path("api/<path:rest>", Nowhere.as_view(), name="api_nowhere")]
