"""What was said in conversations, judged: acts, rules, findings, scores, scorers."""

from jinpai.quality.steps import RESULTS, put_missing, quality_steps

__all__ = ["RESULTS", "put_missing", "quality_steps"]
