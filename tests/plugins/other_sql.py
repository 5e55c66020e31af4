"""Runs the tests with other SQL functions than the panel's own: `-p tests.plugins.other_sql --sql-folder DIR`."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sql-folder", type=Path, required=True, help="read the SQL functions for Postfix from here")


def pytest_configure(config: pytest.Config) -> None:
    from mailservers import functions

    functions.SQL_FOLDER = config.getoption("sql_folder")
