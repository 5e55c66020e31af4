"""The pages about tokens, and /api/v1/: two URLs for each noun, and what is no noun."""

from django.urls import path, register_converter
from django.urls.converters import PathConverter

from api import docs_views, token_views
from api.broadcast_views import BroadcastRefusals, Broadcasts, OneBroadcast, StopBroadcast
from api.changes import Changes
from api.comparisons import Comparisons, Differences, OneComparison
from api.dkim_views import Generations, Rotations
from api.dns_views import (
    DnsCheck,
    DnsHostCheck,
    DnsPlan,
    DnsPublish,
    ExpectedHostRecords,
    ExpectedRecords,
    HostRecordChanges,
    RecordChanges,
)
from api.import_views import Exports, ImportFaults, Imports, OneImport, WriteImport
from api.nouns import NOUNS
from api.other_views import History, LookUp, Nowhere, OneChangeSet, OneMap, Schema, Simulate, Undo
from api.restriction_views import RestrictionCatalogue, RestrictionPreview, RestrictionReport
from api.takeovers import HistoryBefore, KeptRows, OneTakeover, Takeovers
from api.use_views import NearlyFull, OneDomainUse
from api.views import views_of
from api.work_views import AliasReport, Forwards, Jobs, MissingDefaultAliases, OneJob


class AnyText(PathConverter):
    """Also a line break: what cannot be a key is answered in JSON too."""

    regex = r"(?s:.+)"


register_converter(AnyText, "any")

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
    path("api/v1/history/before/", HistoryBefore.as_view(), name="api_history_before"),
    path("api/v1/takeovers/", Takeovers.as_view(), name="api_takeovers"),
    path("api/v1/takeovers/kept/", KeptRows.as_view(), name="api_kept_rows"),
    path("api/v1/takeovers/<int:id>/", OneTakeover.as_view(), name="api_takeover"),
    path("api/v1/imports/", Imports.as_view(), name="api_imports"),
    path("api/v1/imports/<int:id>/", OneImport.as_view(), name="api_import"),
    path("api/v1/imports/<int:id>/faults/", ImportFaults.as_view(), name="api_import_faults"),
    path("api/v1/imports/<int:id>/write/", WriteImport.as_view(), name="api_import_write"),
    path("api/v1/exports/<str:kind>/", Exports.as_view(), name="api_export"),
    path("api/v1/dkim-generations/", Generations.as_view(), name="api_dkim_generations"),
    path("api/v1/dkim-rotations/", Rotations.as_view(), name="api_dkim_rotations"),
    path("api/v1/jobs/", Jobs.as_view(), name="api_jobs"),
    path("api/v1/jobs/<int:id>/", OneJob.as_view(), name="api_job"),
    path("api/v1/broadcasts/", Broadcasts.as_view(), name="api_broadcasts"),
    path("api/v1/broadcasts/<int:id>/", OneBroadcast.as_view(), name="api_broadcast"),
    path("api/v1/broadcasts/<int:id>/stop/", StopBroadcast.as_view(), name="api_broadcast_stop"),
    path("api/v1/broadcasts/<int:id>/refusals/", BroadcastRefusals.as_view(), name="api_broadcast_refusals"),
    path("api/v1/alias-report/", AliasReport.as_view(), name="api_alias_report"),
    path("api/v1/expected-dns-records/", ExpectedRecords.as_view(), name="api_expected_dns_records"),
    path(
        "api/v1/expected-dns-records/mail-hosts/",
        ExpectedHostRecords.as_view(),
        name="api_expected_dns_records_of_mail_hosts",
    ),
    path("api/v1/dns-record-changes/", RecordChanges.as_view(), name="api_dns_record_changes"),
    path(
        "api/v1/dns-record-changes/mail-hosts/",
        HostRecordChanges.as_view(),
        name="api_dns_record_changes_of_mail_hosts",
    ),
    path("api/v1/dns-check/", DnsCheck.as_view(), name="api_dns_check"),
    path("api/v1/dns-check/mail-hosts/", DnsHostCheck.as_view(), name="api_dns_check_of_mail_hosts"),
    path("api/v1/dns-plan/", DnsPlan.as_view(), name="api_dns_plan"),
    path("api/v1/dns-publish/", DnsPublish.as_view(), name="api_dns_publish"),
    path("api/v1/forwards/", Forwards.as_view(), name="api_forwards"),
    path("api/v1/use/<str:name>/", OneDomainUse.as_view(), name="api_use"),
    path("api/v1/nearly-full/", NearlyFull.as_view(), name="api_nearly_full"),
    path("api/v1/missing-default-aliases/", MissingDefaultAliases.as_view(), name="api_missing_default_aliases"),
    path("api/v1/comparisons/", Comparisons.as_view(), name="api_comparisons"),
    path("api/v1/comparisons/<int:id>/", OneComparison.as_view(), name="api_comparison"),
    path("api/v1/comparisons/<int:id>/differences/", Differences.as_view(), name="api_differences"),
    path("api/v1/restriction-catalogue/", RestrictionCatalogue.as_view(), name="api_restriction_catalogue"),
    path("api/v1/restriction-report/", RestrictionReport.as_view(), name="api_restriction_report"),
    path("api/v1/restriction-preview/", RestrictionPreview.as_view(), name="api_restriction_preview"),
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
            path(f"api/v1/{noun.slug}/<any:key>/", single, name=name),
        ]

urlpatterns += [path("api/<any:rest>", Nowhere.as_view(), name="api_nowhere")]
