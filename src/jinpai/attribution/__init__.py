"""Winners, credits and assists of orders (definitions, section 3)."""

from jinpai.attribution.checks import balance_checks
from jinpai.attribution.steps import RESULTS, attribution_steps

__all__ = ["RESULTS", "attribution_steps", "balance_checks"]
