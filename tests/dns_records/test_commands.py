"""manage.py dns, dns_settings and update_server."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from dns_records.models import DnsSettings, UpdateServer
from dns_records.record_models import HeldPolicy, PublishedRecord, Record
from domains.services import add_domain
from tests.commands.conftest import Shell
from tests.dns_records.conftest import REVERSE, Place
from tests.plugins.name_servers import ADDRESSES, TSIG_NAME, TSIG_SECRET
from tests.services.checks import TESTER


@pytest.fixture
def shell(db: None, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


class TestDns:
    def test_it_works(self, place: Place, shell: Shell) -> None:
        place.publish(lambda lines: [line.replace("-all", "~all") for line in lines])
        place.publish_hosts()
        ended = shell("dns", "check", "example.org")
        assert ended.code == 0
        assert ended.lines[:2] == ["right               MX     example.org", "different           TXT    example.org"]
        assert "SPF, example.org: Mail from other servers is only suspicious (~all)." in ended.err
        assert "DNSSEC: Not signed" in ended.err
        shown = shell("dns", "show", "example.org", "--json").json
        assert (shown["domain"], shown["dnssec"]) == ("example.org", "unsigned")
        assert shown["servers"] == ["ns1.servers.test", "ns2.servers.test"]
        assert shown["checked_at"].endswith("Z")
        row = shown["records"][1]
        assert (row["state"], row["published"]) == ("different", ["v=spf1 mx ip4:192.0.2.8 ~all"])
        figures = shell("dns", "check", "--json").json
        assert figures == {"domains": 1, "broken": 1, "unknown": 0, "changed": 0}

    def test_before_anybody_has_asked(self, place: Place, shell: Shell) -> None:
        assert shell("dns", "show", "example.org").lines[0] == "-                   MX     example.org"
        shown = shell("dns", "show", "example.org", "--json").json
        assert (shown["checked_at"], shown["dnssec"], shown["servers"]) == (None, None, [])
        assert "Nobody has asked yet: dns check --hosts" in shell("dns", "show", "--hosts").err

    def test_the_mail_hosts(self, place: Place, shell: Shell) -> None:
        """They may be of no domain of the panel: then nobody else shows their records."""
        place.publish_hosts()
        place.servers.zone(REVERSE[0], "25 PTR mx1.example.net.")
        ended = shell("dns", "check", "--hosts")
        assert ended.code == 0
        assert ended.lines == [
            "right               A      mx1.example.net",
            "right               AAAA   mx1.example.net",
            "right               PTR    25.2.0.192.in-addr.arpa",
            f"right               PTR    {ip_address('2001:db8::25').reverse_pointer}",
            "right               A      mx2.example.net",
            "missing             PTR    26.2.0.192.in-addr.arpa",
        ]
        assert ended.err == "Reverse name, 26.2.0.192.in-addr.arpa: There is no such record.\n"
        assert shell("dns", "show", "--hosts").lines == ended.lines
        shown = shell("dns", "show", "--hosts", "--json").json
        assert sorted(shown) == ["checked_at", "records"]
        assert [row["state"] for row in shown["records"]].count("missing") == 1
        zone = shell("dns", "export", "--hosts").out
        assert "\n25.2.0.192.in-addr.arpa. 3600 IN PTR mx1.example.net.\n" in zone
        assert "\nmx1.example.net. 3600 IN AAAA 2001:db8::25\n" in zone
        rows = shell("dns", "export", "--hosts", "--format", "json").json
        assert {row["type"] for row in rows} == {"A", "AAAA", "PTR"}
        assert not Record.objects.exclude(domain=None).exists()  # no domain was asked for
        for verb in ("show", "export"):
            assert shell.misused("dns", verb)
        assert shell.misused("dns", "check", "example.org", "--hosts")

    def test_a_domain_whose_zone_holds_the_mail_hosts(self, place: Place, shell: Shell) -> None:
        add_domain("example.net", by=TESTER)
        place.publish_hosts()
        lines = shell("dns", "check", "example.net").lines
        assert "right               AAAA   mx1.example.net" in lines
        assert not [line for line in lines if "PTR" in line]
        zone = shell("dns", "export", "example.net").out
        place.servers.zone("example.net", zone)  # the real name server loads it
        assert "\nmx2.example.net. 3600 IN A 192.0.2.26\n" in zone

    def test_changes(self, place: Place, shell: Shell) -> None:
        """The last first; how a record was at first is no change."""
        place.publish()
        place.publish_hosts()
        shell("dns", "check", "example.org")
        assert shell("dns", "changes", "example.org").lines == []
        place.publish(lambda lines: [line.replace("-all", "~all") for line in lines])
        place.servers.zone(REVERSE[0], "25 PTR mx1.example.net.")
        shell("dns", "check", "example.org")
        place.publish()
        shell("dns", "check", "example.org")
        last, first = shell("dns", "changes", "example.org").lines
        assert last.split("UTC")[1].split() == ["different", "right", "TXT", "example.org", "-"]
        assert first.endswith("Mail from other servers is only suspicious (~all). The settings ask for -all.")
        ended = shell("dns", "changes", "example.org", "--limit", "1")
        assert ended.lines == [last]
        assert ended.err == "There are older ones as well: say --limit N for more than 1.\n"
        (of_hosts,) = shell("dns", "changes", "--json").json
        at = of_hosts.pop("at")
        assert at.endswith("Z")
        assert of_hosts == {
            "purpose": "reverse",
            "name": "26.2.0.192.in-addr.arpa",
            "type": "PTR",
            "before": "right",
            "after": "missing",
            "published": [],
            "why": "There is no such record.",
        }
        assert shell.refused("dns", "changes", "elsewhere.example")

    def test_export(self, place: Place, shell: Shell) -> None:
        zone = shell("dns", "export", "example.org").out
        assert "example.org. 3600 IN MX 10 mx1.example.net.\n" in zone
        assert shell("dns", "export", "example.org", "--format", "json").json[0]["type"] == "MX"

    def test_publish(self, place: Place, shell: Shell) -> None:
        assert "No name server takes updates" in shell.refused("dns", "publish", "example.org")
        place.servers.zone("example.org", "", at=["ns1"], ns=["ns1"])
        port = ["--port", str(place.servers.port), "--for-all", "yes"]
        shell("update_server", "add", TSIG_NAME, ADDRESSES["ns1"], *port, piped=TSIG_SECRET.encode())
        plan = shell("dns", "publish", "example.org", "--plan")
        assert plan.lines[0] == "+ example.org. 3600 IN MX 10 mx1.example.net."
        assert plan.lines[-1] == "Nothing was changed."
        assert shell("dns", "publish", "example.org", "--yes").lines[-1] == "Published the records of example.org."
        assert shell("dns", "publish", "example.org").lines == ["There is nothing to publish."]

    def test_publish_shows_the_plan_and_asks(self, place: Place, shell: Shell) -> None:
        place.servers.zone("example.org", "autoconfig A 192.0.2.80", at=["ns1"], ns=["ns1"])
        port = ["--port", str(place.servers.port), "--for-all", "yes"]
        shell("update_server", "add", TSIG_NAME, ADDRESSES["ns1"], *port, piped=TSIG_SECRET.encode())
        assert shell.misused("dns", "publish", "example.org").endswith("Use --yes.\n")  # nobody is there to ask
        asked = shell("dns", "publish", "example.org", typed="no\n")
        assert (asked.code, asked.out) == (1, "")
        assert "autoconfig.example.org CNAME: The name has an address of its own, 192.0.2.80, so" in asked.err
        plan, _question, said = asked.err.partition("Publish this in the zone example.org? Type yes: ")
        assert "+ example.org. 3600 IN MX 10 mx1.example.net.\n" in plan
        assert said == "Nothing was published.\n"
        assert not PublishedRecord.objects.exists()
        done = shell("dns", "publish", "example.org", "--json", typed="yes\n")
        assert "+ example.org. 3600 IN MX 10 mx1.example.net.\n" in done.err
        assert (done.code, done.json["unseen"]) == (0, [])

    def test_change(self, shell: Shell) -> None:
        add_domain("example.org", by=TESTER)
        arguments = ("--dmarc-policy", "reject", "--not-checked", "--json")
        changed = shell("dns", "change", "example.org", *arguments).json
        assert (changed["dmarc_policy"], changed["is_checked"], changed["version"]) == ("reject", False, 1)
        assert shell("dns", "change", "example.org", "--dmarc-policy", "default", "--json").json["dmarc_policy"] == ""
        assert shell.refused("dns", "change", "example.org", "--server", "nobody")
        assert shell.refused("dns", "change", "example.org", "--checked", "--if-version", "7")
        assert shell.misused("dns", "change", "example.org")


class TestSettings:
    def test_it_works(self, shell: Shell) -> None:
        hosts = ("--host", "mx1.example.net 192.0.2.25", "--host", "mx2.example.net 192.0.2.26")
        arguments = ("--panel-host", "panel.example.net", "--sts-mode", "testing", "--spf-strict", "no", "--json")
        changed = shell("dns_settings", "change", *hosts, *arguments).json
        assert changed["hosts"] == ["mx1.example.net 192.0.2.25", "mx2.example.net 192.0.2.26"]
        assert (changed["sts_mode"], changed["spf_strict"]) == ("testing", False)
        assert shell("dns_settings", "show", "--json").json == changed
        assert shell("dns_settings", "change", "--sts-mode", "none", "--json").json["sts_mode"] == "none"
        assert shell("dns_settings", "change", "--sts-mode", "off", "--json").json["sts_mode"] == ""
        domain, until = add_domain("example.org", by=TESTER), datetime(2126, 1, 1, tzinfo=UTC)
        HeldPolicy.objects.create(domain=domain, until=until)
        assert shell("dns_settings", "show", "--json").json["sts_held_until"] == "2126-01-01T00:00:00Z"

    def test_refused(self, shell: Shell, tmp_path: Path) -> None:
        assert shell.refused("dns_settings", "change", "--host", "mx1.example.net")
        assert shell.refused("dns_settings", "change", "--certificates", str(tmp_path / "none.pem"))
        assert shell.misused("dns_settings", "change")
        assert DnsSettings.current().version == 1


class TestUpdateServer:
    def test_it_works(self, shell: Shell) -> None:
        added = shell("update_server", "add", "panel", "192.0.2.53", "--json", piped=TSIG_SECRET.encode())
        assert TSIG_SECRET not in added.out
        assert added.json == {
            "name": "panel",
            "address": "192.0.2.53",
            "port": 53,
            "algorithm": "hmac-sha256",
            "for_all": False,
            "version": 1,
        }
        assert shell("update_server", "change", "panel", "--for-all", "yes", "--json").json["for_all"] is True
        assert shell("update_server", "show", "panel", "--json").json["version"] == 2
        assert shell("update_server", "list").lines == ["panel                 192.0.2.53        53      yes"]
        assert shell("update_server", "delete", "panel", "--yes").lines == ["Deleted panel."]
        assert not UpdateServer.objects.exists()

    def test_refused(self, shell: Shell) -> None:
        assert shell.refused("update_server", "add", "panel", "192.0.2.53", piped=b"short")
        assert shell.refused("update_server", "add", "panel", "nowhere", piped=TSIG_SECRET.encode())
        assert shell.refused("update_server", "show", "panel")
        assert shell.misused("update_server", "list", "panel")
