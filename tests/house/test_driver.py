"""Bulk work needs the COPY of psycopg2, and Django would quietly prefer psycopg 3 if anything brought it along."""

from django.db import connection


def test_the_driver_is_psycopg2() -> None:
    assert connection.Database.__name__ == "psycopg2"  # type: ignore[attr-defined]
