#!/usr/bin/env python3
"""Runs a management command; `script/manage` calls it inside the right environment."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailadmin.settings")
    from mailadmin.command_line import CommandLine

    CommandLine(sys.argv).execute()


if __name__ == "__main__":
    main()
