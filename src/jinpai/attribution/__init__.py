"""Winners, credits and assists of orders (definitions, section 3)."""

from jinpai.attribution.checks import balance_checks, key_clashes
from jinpai.attribution.steps import RESULTS, attribution_steps, view_steps

__all__ = ["RESULTS", "attribution_steps", "balance_checks", "key_clashes", "view_steps"]
