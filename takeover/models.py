"""The models of this room, a module for each topic."""

from takeover.comparison_models import Comparison, ComparisonDifference
from takeover.configuration_models import KeptParameter
from takeover.kept_models import ForeignLogEntry, KeptRow, Takeover

__all__ = ["Comparison", "ComparisonDifference", "ForeignLogEntry", "KeptParameter", "KeptRow", "Takeover"]
