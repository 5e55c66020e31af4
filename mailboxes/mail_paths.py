"""Where a new mailbox stores its mail. The panel moves and deletes no file: a path that a mailbox has left may hold its
mail for good, and whoever got that path next would read it."""

from collections.abc import Iterable
from itertools import count

from django.db import connection

from domains.models import Domain, MailSettings
from mailboxes.models import FormerMailPath, Import, Mailbox

AT_ONCE = 5_000  # paths in a statement

# Lines that name no path themselves, and whose path of the template is in use.
LINES_WITH_A_PATH_IN_USE = """
    SELECT staged.id, staged.domain_name, staged.local_part, staged.values->>'mail_path' LIKE '%%/'
    FROM mailboxes_importrow AS staged
    WHERE staged.of_id = %(of)s AND NOT staged.is_there AND staged.values ? 'path_of_template'
      AND (
          EXISTS (
              SELECT FROM mailboxes_mailbox AS mailbox
              WHERE mailbox.mail_path IN (
                  rtrim(staged.values->>'mail_path', '/'), rtrim(staged.values->>'mail_path', '/') || '/'
              )
          )
          OR EXISTS (
              SELECT FROM mailboxes_formermailpath AS former
              WHERE former.path = rtrim(staged.values->>'mail_path', '/')
          )
      )
    ORDER BY staged.line
"""
PATHS_OF_LINES = """
    SELECT rtrim(staged.values->>'mail_path', '/')
    FROM mailboxes_importrow AS staged
    WHERE staged.of_id = %(of)s AND rtrim(staged.values->>'mail_path', '/') = ANY(%(paths)s)
"""
GIVE_PATHS = """
    UPDATE mailboxes_importrow AS staged
    SET values = staged.values || jsonb_build_object('mail_path', found.path)
    FROM unnest(%(ids)s::bigint[], %(paths)s::text[]) AS found (id, path)
    WHERE staged.id = found.id
"""


def free_path(domain: Domain, local_part: str, mail_format: str) -> str:
    """The path of the template; or, where a mailbox is stored or ever was, that of the same name with -2, -3 and so on
    behind it. To be asked with the domain locked."""
    settings = MailSettings.current()
    paths = (_numbered(settings, domain.name, local_part, number) for number in count(1))
    path = next(path for path in paths if not _in_use([path]))
    return _written(path, is_maildir=mail_format == "maildir")


def give_free_paths(one: Import) -> None:
    """The same for the lines of an import that name no path themselves: no two of them get the same one."""
    settings = MailSettings.current()
    with connection.cursor() as cursor:
        cursor.execute(LINES_WITH_A_PATH_IN_USE, {"of": one.pk})
        waiting = {pk: rest for pk, *rest in cursor.fetchall()}
        for number in count(2):
            if not waiting:
                return
            wanted = {
                pk: _numbered(settings, name, local_part, number) for pk, (name, local_part, _) in waiting.items()
            }
            taken = _in_use(wanted.values())
            cursor.execute(PATHS_OF_LINES, {"of": one.pk, "paths": list(wanted.values())})
            taken |= {path for (path,) in cursor.fetchall()}
            given = {pk: path for pk, path in wanted.items() if path not in taken}
            written = [_written(path, is_maildir=waiting[pk][2]) for pk, path in given.items()]
            cursor.execute(GIVE_PATHS, {"ids": list(given), "paths": written})
            waiting = {pk: rest for pk, rest in waiting.items() if pk not in given}


def _numbered(settings: MailSettings, domain_name: str, local_part: str, number: int) -> str:
    return settings.path_for(domain_name, local_part if number == 1 else f"{local_part}-{number}")


def _written(path: str, *, is_maildir: bool) -> str:
    return f"{path}/" if is_maildir else path


def _in_use(paths: Iterable[str]) -> set[str]:
    """Those at which a mailbox is stored, as maildir or mbox, or ever was."""
    paths, found = list(paths), set()
    for start in range(0, len(paths), AT_ONCE):
        some = paths[start : start + AT_ONCE]
        stored = Mailbox.objects.filter(mail_path__in=[*some, *(f"{path}/" for path in some)])
        found |= {path.rstrip("/") for path in stored.order_by().values_list("mail_path", flat=True)}
        found |= set(FormerMailPath.objects.filter(path__in=some).values_list("path", flat=True))
    return found
