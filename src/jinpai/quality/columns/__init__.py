"""Judging many sessions at once, column by column: the outcome is that of `judge.Judge`."""
