"""What this room stores: what came over and has no place of its own yet."""

from takeover.kept_models import ForeignLogEntry, KeptRow, Takeover

__all__ = ["ForeignLogEntry", "KeptRow", "Takeover"]
