"""The glue of mailadmin: settings, URLs, Celery, health and the launcher. No rules about mail live here."""

from mailadmin.celery import app as celery_app

__all__ = ["celery_app"]
