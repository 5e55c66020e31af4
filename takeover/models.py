"""The models of this room, a module for each topic."""

from takeover.comparison_models import Comparison, ComparisonDifference
from takeover.configuration_models import KeptParameter

__all__ = ["Comparison", "ComparisonDifference", "KeptParameter"]
