"""The panel speaks to PostgreSQL through psycopg2, whose COPY bulk work needs. Django would quietly take psycopg 3 instead
if anything brought it along."""

from django.db import connection


def test_the_driver_is_psycopg2() -> None:
    assert connection.Database.__name__ == "psycopg2"
