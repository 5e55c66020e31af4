"""How many requests came lately, counted for all processes of the web server together."""

from django.db import connection

# Nothing that must outlive a crash: the table is UNLOGGED, so that no request waits for a disk.
COUNT = """
    INSERT INTO api_requestcount AS counted (key, begun_at, number)
    VALUES (%(key)s, clock_timestamp(), 1)
    ON CONFLICT (key) DO UPDATE
    SET begun_at = CASE WHEN counted.begun_at > excluded.begun_at - make_interval(secs => %(seconds)s)
                        THEN counted.begun_at ELSE excluded.begun_at END,
        number = CASE WHEN counted.begun_at > excluded.begun_at - make_interval(secs => %(seconds)s)
                      THEN counted.number + 1 ELSE 1 END
    RETURNING number, extract(epoch FROM begun_at - clock_timestamp()) + %(seconds)s
"""
FORGET = "DELETE FROM api_requestcount WHERE begun_at < clock_timestamp() - make_interval(secs => %(seconds)s)"
SECONDS = 60


def counted(key: str) -> tuple[int, float]:
    """This request and those of `key` before it within the minute that the first one began; and the seconds that are
    left of it."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "seconds": SECONDS})
        number, left = cursor.fetchone()
    return number, float(left)


def forget_old_counts() -> None:
    """Of addresses that nobody comes from again."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"seconds": SECONDS})
