"""The panel speaks to PostgreSQL through psycopg2: bulk work needs its COPY, and another driver in the virtual environment
would quietly take its place."""

from django.db import connection


def test_the_driver_is_psycopg2() -> None:
    assert connection.Database.__name__ == "psycopg2"
