"""The admins of a PostfixAdmin: people with their password hashes, and the domains of each."""

from django.core.exceptions import ValidationError

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from domains.models import Domain, DomainAdmin
from takeover.admin_hashes import taken_over
from takeover.postfixadmin_meaning import EVERYTHING, Meaning, Report
from takeover.postfixadmin_reading import Source, is_true, text

AT_ONCE = 2_000  # people


def import_people(source: Source, meaning: Meaning, report: Report, *, by: Actor) -> dict[str, int]:
    """Adds who is not here yet, a change set of its own: what is done about people is not undone."""
    count = {"new": 0, "there": 0, "left_out": 0}
    of_everything = {
        text(row["username"]).lower()
        for row in source.rows("domain_admins")
        if text(row["domain"]) == EVERYTHING and is_true(row.get("active", True))
    }
    here = {user.username: user for user in User.objects.people()}
    new: dict[str, User] = {}
    for row in source.rows("admin"):
        username = text(row["username"]).strip().lower()
        is_superuser = is_true(row.get("superadmin")) or username in of_everything
        is_active = is_true(row["active"])
        if username in here:
            count["there"] += 1
            _remark_on_difference(here[username], is_superuser, is_active, report)
            continue
        user = User(username=username, is_superuser=is_superuser, is_active=is_active)
        user.password = taken_over(text(row["password"]))
        if not user.password:
            user.set_unusable_password()
            report.remark("admin_without_password", username)
        try:
            user.full_clean(exclude=["password"], validate_unique=False)
        except ValidationError as error:
            count["left_out"] += 1
            report.refuse("fault", username, sentence=" ".join(error.messages))
            continue
        new[username] = user
    if new:
        with recorded("import", "people", f"{source.label} ({len(new)})", by=by):
            User.objects.bulk_create(new.values(), batch_size=AT_ONCE)
    count["new"] = len(new)
    return count


def _remark_on_difference(user: User, is_superuser: bool, is_active: bool, report: Report) -> None:
    fields = [
        str(User._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        for name, value in (("is_superuser", is_superuser), ("is_active", is_active))
        if getattr(user, name) != value
    ]
    if fields:
        report.remark("differs", user.username, fields=", ".join(fields))


def import_domain_admins(source: Source, meaning: Meaning, report: Report) -> dict[str, int]:
    """Who manages which domain; superusers manage all. What alias domains have belongs to their targets."""
    count = {"new": 0, "there": 0, "left_out": 0}
    people = {user.username: user for user in User.objects.people()}
    domains = dict(Domain.objects.values_list("name", "pk"))
    there = set(DomainAdmin.objects.values_list("domain_id", "user_id"))
    new = []
    for row in source.rows("domain_admins"):
        username, name = text(row["username"]).strip().lower(), text(row["domain"]).strip().lower()
        user, domain_id = people.get(username), domains.get(name)
        if text(row["domain"]) == EVERYTHING or not is_true(row.get("active", True)):
            continue
        if user is None or domain_id is None:
            report.remark("orphan_admin", username, other=name)
        elif user.is_superuser:
            continue
        elif (domain_id, user.pk) in there:
            count["there"] += 1
        else:
            there.add((domain_id, user.pk))
            new.append(DomainAdmin(domain_id=domain_id, user=user))
    DomainAdmin.objects.bulk_create(new, batch_size=AT_ONCE)
    count["new"] = len(new)
    return count
