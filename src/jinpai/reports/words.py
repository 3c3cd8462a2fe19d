"""The words of a report in one language, and numbers as its readers write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jinpai.metrics.definition import Metric, registry
from jinpai.shipped import parsed

__all__ = ["LANGUAGES", "Language", "Words", "texts"]

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
NONE = "–"
_UNITS = {"seconds": (" 秒", " s"), "hours": (" 小时", " h"), "days": (" 天", " days")}
_WAN = 10_000
# A change beyond all measure; the two values say more than its percents.
_TENFOLD, _MOST = 10, ">+999%"


@cache
def texts() -> Mapping[str, tuple[str, str]]:
    """Return key -> (Chinese, English)."""
    made = parsed(files("jinpai.reports").joinpath("words.yaml").read_text("utf-8"))
    return {key: (zh, en) for key, (zh, en) in made.items()}


class Words:
    """Texts and numbers in one language.

    Args:
        money: the sign before amounts.
    """

    def __init__(self, language: Language, money: str) -> None:
        self.language, self.money = language, money
        self._place = LANGUAGES.index(language)

    def __call__(self, key: str, **values: Any) -> str:
        """Return the text of a key, filled in."""
        return texts()[key][self._place].format(**values)

    def inside(self, key: str) -> str:
        """Return a text as it stands inside a sentence."""
        text = self(key)
        return text[0].lower() + text[1:]

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in texts()

    def name(self, code: str) -> str:
        """Return a metric's name."""
        metric = registry().metric(code)
        return metric.zh if self.language == "zh" else metric.en

    def meaning(self, code: str) -> str:
        """Return how a metric is counted."""
        metric = registry().metric(code)
        return metric.text_zh if self.language == "zh" else metric.text_en

    def value(self, code: str, value: Any) -> str:
        """Return a figure as people write it: thousands separated, its unit beside it."""
        return self.in_unit(registry().metric(code), value)

    def in_unit(self, metric: Metric, value: Any) -> str:
        """Return a value of a metric as people write it."""
        if value is None:
            return NONE
        if metric.unit in ("money", "money_mean"):
            return self.amount(value)
        if metric.unit == "ratio":
            return f"{float(value):.1%}"
        if metric.unit in _UNITS:
            return f"{float(value):,.1f}{_UNITS[metric.unit][self._place]}"
        if metric.is_count:
            whole = float(value)
            return f"{whole:,.0f}" if whole == int(whole) else f"{whole:,.1f}"
        return f"{float(value):,.2f}"

    def amount(self, value: Any, *, signed: bool = False) -> str:
        """Return money to the cent."""
        if value is None:
            return NONE
        cents = Decimal(round(value * 100)).scaleb(-2) if not isinstance(value, Decimal) else value
        sign = "−" if cents < 0 else "+" if signed and cents else ""
        return f"{sign}{self.money}{abs(cents):,.2f}"

    def short(self, value: Any) -> str:
        """Return money for a headline: 21.56万 in Chinese, 215.6k in English."""
        if value is None:
            return NONE
        number, sign = abs(float(value)), "−" if value < 0 else ""
        if self.language == "zh":
            if number >= _WAN**2:
                return f"{sign}{self.money}{number / _WAN**2:,.2f}亿"
            if number >= _WAN:
                return f"{sign}{self.money}{number / _WAN:,.2f}万"
        else:
            for size, letter in ((1e9, "bn"), (1e6, "m"), (1e4, "k")):
                if number >= size:
                    size = min(size, 1e3) if letter == "k" else size
                    return f"{sign}{self.money}{number / size:,.1f}{letter}"
        return f"{sign}{self.money}{number:,.2f}"

    def brief(self, value: Any) -> str:
        """Return money where there is little room: 2.2万, 21.6k, without cents below that."""
        if value is None:
            return NONE
        number, sign = abs(float(value)), "−" if value < 0 else ""
        units = ((1e8, "亿"), (1e4, "万")) if self.language == "zh" else ((1e6, "m"), (1e4, "k"))
        for least, unit in units:
            if number >= least:
                return f"{sign}{self.money}{number / (1e3 if unit == 'k' else least):,.1f}{unit}"
        return f"{sign}{self.money}{number:,.0f}"

    def percent(self, value: float | None, *, signed: bool = False) -> str:
        """Return a share with one decimal."""
        if value is None:
            return NONE
        sign = _sign(value) if signed or value < 0 else ""
        return sign + f"{abs(value):.1%}"

    def seconds(self, value: float | None) -> str:
        """Return a wait."""
        return NONE if value is None else f"{value:,.1f}{_UNITS['seconds'][self._place]}"

    def count(self, value: int | None) -> str:
        """Return a whole number."""
        return NONE if value is None else f"{value:,}"

    def day(self, day: date) -> str:
        """Return a day."""
        return day.isoformat()

    def change(self, metric: Metric, now: Any, before: Any) -> str:
        """Return a change: points for shares, percent for what counts or is measured."""
        if now is None or before is None:
            return NONE
        difference, base = float(now) - float(before), abs(float(before))
        if metric.unit == "ratio":
            points = {"zh": " 个百分点", "en": " pts"}[self.language]
            digits = 1 if abs(difference) >= 0.001 or not difference else 2
            return f"{_sign(difference)}{abs(difference) * 100:.{digits}f}{points}"
        if not base:
            return NONE if difference else "0.0%"
        return (
            _MOST if difference > _TENFOLD * base else self.percent(difference / base, signed=True)
        )


def _sign(value: float) -> str:
    return "−" if value < 0 else "+" if value > 0 else ""
