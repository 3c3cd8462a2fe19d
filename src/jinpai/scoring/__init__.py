"""KPI plans, scores, what-if, pay, grades and locked periods: what is done with the figures.

load_plan, lint      a plan, and what is wrong with it
score                values under a plan: totals with the arithmetic of every line
what_if_values       values under a plan as it is and as it would be, and what moves the ranking
load_policy, grade   values under a grade policy: grades with their reasons
"""

from jinpai.scoring.concentration import concentration
from jinpai.scoring.grade import Graded, grade
from jinpai.scoring.lint import LintRow, lint
from jinpai.scoring.plan import Plan, load_plan
from jinpai.scoring.policy import Policy, default_policy, load_policy
from jinpai.scoring.score import Sheet, score
from jinpai.scoring.trials import WhatIf, what_if_values
from jinpai.scoring.values import Value, read_values

__all__ = [
    "Graded", "LintRow", "Plan", "Policy", "Sheet", "Value", "WhatIf", "concentration",
    "default_policy", "grade", "lint", "load_plan", "load_policy", "read_values", "score",
    "what_if_values",
]  # fmt: skip
