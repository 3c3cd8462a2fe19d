"""What changed, in words and colours."""

from __future__ import annotations

from typing import Any

from jinpai.metrics.definition import registry
from jinpai.reports.model import Figures
from jinpai.reports.words import Words

__all__ = ["FACTOR_UNITS", "change_of", "money_tone", "tone", "tone_of"]

FACTOR_UNITS = ("inquiry_buyers", "inquiry_conversion_rate", "amount_per_buyer")
"""Metrics that the three factors of the sales identity are written like."""


def tone(code: str, now: Any, before: Any) -> str:
    """Return ``better``, ``worse`` or nothing for a change of a metric."""
    direction = registry().metric(code).direction
    if now is None or before is None or direction == "none" or now == before:
        return ""
    return "better" if (now > before) == (direction == "higher") else "worse"


def money_tone(change: Any) -> str:
    """Return ``better``, ``worse`` or nothing for more, less or the same money."""
    if change is None or change == 0:
        return ""
    return "better" if change > 0 else "worse"


def change_of(words: Words, code: str, now: Figures, before: Figures) -> str:
    """Return a metric's change between two cells in words; nothing without a cell before."""
    if code not in before:
        return ""
    return words.change(registry().metric(code), now[code].value, before[code].value)


def tone_of(code: str, now: Figures, before: Figures) -> str:
    """Return the colour of that change."""
    return tone(code, now[code].value, before[code].value) if code in before else ""
