"""What was said in conversations, judged: acts, rules, findings, scores, scorers."""

from jinpai.quality.steps import RESULTS, quality_steps

__all__ = ["RESULTS", "quality_steps"]
