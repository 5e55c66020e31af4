"""manage.py default_aliases"""

from domains.models import Domain
from mailboxes.models import Alias, DefaultAlias
from tests.commands.conftest import Shell


def test_it_works(shell: Shell, falcot: Domain) -> None:
    said = shell("default_aliases", "set", "abuse", "Postmaster", "--to", "jean@falcot.org").out
    assert said == "New domains get abuse, postmaster, which go to jean@falcot.org.\n"
    assert shell("default_aliases", "list").lines == [
        "abuse                 jean@falcot.org",
        "postmaster            jean@falcot.org",
    ]
    one = shell("default_aliases", "set", "abuse", "--to", "jean@falcot.org").out
    assert one == "New domains get abuse, which goes to jean@falcot.org.\n"
    shell("domain", "add", "new.example")
    assert Alias.objects.filter(address__domain__name="new.example").count() == 2
    assert shell("default_aliases", "add-missing", "--dry-run", "--json").json == {"aliases": 4, "domains": 2}
    assert shell("default_aliases", "add-missing").out == "Added default aliases: 4, to 2 domains.\n"
    assert shell("default_aliases", "delete", "Abuse", "--json").json == {"deleted": "abuse"}
    assert [row["local_part"] for row in shell("default_aliases", "list", "--json").json] == ["postmaster"]


def test_what_is_refused(shell: Shell, falcot: Domain) -> None:
    assert "has no address nobody@falcot.org" in shell.refused(
        "default_aliases", "set", "abuse", "--to", "nobody@falcot.org"
    )
    assert shell.refused("default_aliases", "delete", "abuse") == "There is no default alias abuse.\n"
    assert "--to" in shell.misused("default_aliases", "set", "abuse")
    assert not DefaultAlias.objects.exists()
