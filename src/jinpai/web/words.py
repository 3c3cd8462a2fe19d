"""The words of the web app in one language: its own and those of the reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

from jinpai.reports import words as reports
from jinpai.reports.words import LANGUAGES, NONE, Language
from jinpai.shipped import parsed

__all__ = ["LANGUAGES", "NONE", "Language", "Words", "minus", "own_texts", "texts"]

_MEASURES = {"seconds": (" 秒", " s"), "hours": (" 小时", " h"), "days": (" 天", " days")}
_WEEKDAYS = {"zh": "周一 周二 周三 周四 周五 周六 周日", "en": "Mon Tue Wed Thu Fri Sat Sun"}

_CHINESE = re.compile(r"[\u4e00-\u9fff]")

# What texts count: one of them is told in the singular.
_ONE = re.compile(
    r"(?<![\d.,])1 (agent|buyer|character|conversation|day|file|finding|message|order|row|rule"
    r"|session|text|time|case|figure)s\b"
)


@cache
def own_texts() -> Mapping[str, tuple[str, str]]:
    """Return key -> (Chinese, English) of words.yaml and of words/*.yaml, one file per page."""
    here = files("jinpai.web")
    places = [here.joinpath("words.yaml")]
    more = here.joinpath("words")
    if more.is_dir():
        names = (one for one in more.iterdir() if one.name.endswith(".yaml"))
        places += sorted(names, key=lambda one: one.name)
    made: dict[str, tuple[str, str]] = {}
    for place in places:
        for key, (zh, en) in (parsed(place.read_text("utf-8")) or {}).items():
            if key in made:
                raise ValueError(f"{place.name}: '{key}' is said twice")
            made[key] = (zh, en)
    return made


@cache
def texts() -> Mapping[str, tuple[str, str]]:
    """Return key -> (Chinese, English), the reports' words behind our own."""
    return {**reports.texts(), **own_texts()}


def minus(number: str) -> str:
    """Write a number with the sign for minus, not a hyphen."""
    return number.replace("-", "−")


class Words(reports.Words):
    """Texts, numbers, days and times in one language (see `reports.words.Words`)."""

    def __call__(self, key: str, **values: Any) -> str:
        """Return the text of a key, filled in."""
        text = texts()[key][LANGUAGES.index(self.language)]
        if not values:
            return text
        made = text.format(**values)
        return _ONE.sub(r"1 \1", made) if self.language == "en" else made

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in texts()

    def measure(self, unit: str, value: float) -> str:
        """Return a number of seconds, hours or days."""
        return f"{minus(f'{value:,.1f}')}{_MEASURES[unit][LANGUAGES.index(self.language)]}"

    def whole(self, value: Any) -> str:
        """Return a count; a mean of counts with one decimal."""
        number = float(value)
        return minus(f"{number:,.0f}" if number == int(number) else f"{number:,.1f}")

    def exact(self, value: Any) -> str:
        """Return a part of a calculation: amounts and counts whole, other numbers to 0.01."""
        if isinstance(value, float):
            return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"
        return f"{value:,}"

    def points(self, value: float) -> str:
        """Return points given or taken; none have no sign."""
        return minus(f"{value:+g}") if value else "0"

    def pick(self, zh: str, en: str) -> str:
        """Return one of two texts."""
        return zh if self.language == "zh" else en

    def own(self, name: str) -> str:
        """Return the half in this language of a name written in both, ``中文 · English``."""
        halves = name.split(" · ")
        chinese = [bool(_CHINESE.search(one)) for one in halves]
        if len(halves) != 2 or chinese[0] == chinese[1]:
            return name
        return halves[chinese.index(self.language == "zh")]

    def weekday(self, at: int) -> str:
        """Return the name of a weekday, Monday is 0."""
        return _WEEKDAYS[self.language].split()[at]

    def long_day(self, day: date) -> str:
        """Return a day with its weekday."""
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日 {self.weekday(day.weekday())}"
        return f"{self.weekday(day.weekday())} {day.day} {day:%b %Y}"

    def span(self, first: date, last: date) -> str:
        """Return a stretch of days."""
        if first == last:
            return self.long_day(first)
        return f"{first.isoformat()} {self('to')} {last.isoformat()}"

    def instant(self, at: datetime, zone: tzinfo, *, seconds: bool = False) -> str:
        """Return a time of the shop's clock."""
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"[: 19 if seconds else 16]
