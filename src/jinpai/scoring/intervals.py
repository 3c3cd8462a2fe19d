"""Intervals with explicit ends, and numbers, as people write them: exact, never floats.

``[38%, 41%)``, ``(-inf, 10]``, ``［０．３，∞）``, ``88/275``. An interval's ends become *cuts* of
the number line, each just before or just after a value, so that intervals can be compared, cut and
joined without asking again which ends are closed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

__all__ = [
    "Cut",
    "Interval",
    "NotANumber",
    "NotAnInterval",
    "Span",
    "joined",
    "number_text",
    "read_interval",
    "read_number",
]

# (value, 0) lies just before the value, (value, 1) just after it.
Cut = tuple[Fraction | float, int]
_INF = math.inf
_MAX_TEXT = 200
_PLAIN = str.maketrans(
    "０１２３４５６７８９．，％（）［］－＋／〔〕【】—–−",
    "0123456789.,%()[]-+/[][]---",
)
_NUMBER = re.compile(
    r"(?P<top>[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?)(?:/(?P<bottom>\d+(?:\.\d*)?))?(?P<percent>%?)"
)
_BAND = re.compile(r"(?P<left>[\[(]?)(?P<low>[^,\[\]()]+),(?P<high>[^,\[\]()]+)(?P<right>[\])]?)")
_INFINITE = re.compile(r"(?P<sign>[+-]?)(?:inf|infinity|\.inf|∞|无穷大?|无限)", re.IGNORECASE)


class NotANumber(ValueError):
    """A text that is no number."""


class NotAnInterval(ValueError):
    """A text that is no interval; ``zh`` says it in Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        self.zh = zh
        super().__init__(en)


def read_number(text: str) -> Fraction | None:
    """Return the exact number of a text; None for an undefined ratio (``5/0``).

    Takes decimals, percents, fractions, full-width characters and thousands commas. Raises
    NotANumber for anything else.

    >>> read_number("88/275"), read_number("32%"), read_number("０．３２")
    (Fraction(8, 25), Fraction(8, 25), Fraction(8, 25))
    """
    word = re.sub(r"\s+", "", text[:_MAX_TEXT]).translate(_PLAIN)
    match = _NUMBER.fullmatch(word)
    if not match or len(text) > _MAX_TEXT or not re.search(r"\d", match["top"]):
        raise NotANumber(text[:_MAX_TEXT])
    top, bottom = _exact(match["top"]), _exact(match["bottom"] or "1")
    if not bottom:
        return None
    return top / bottom / (100 if match["percent"] else 1)


def _exact(digits: str) -> Fraction:
    return Fraction(Decimal(digits.replace(",", "")))


@dataclass(frozen=True)
class Interval:
    """An interval as written. ``low`` and ``high`` may be infinite; an end may lack its bracket.

    Attributes:
        text: how it was written, for people.
        has_left, has_right: whether the bracket was there.
    """

    low: Fraction | float
    high: Fraction | float
    closed_low: bool
    closed_high: bool
    has_left: bool = True
    has_right: bool = True
    text: str = field(default="", compare=False)

    @property
    def span(self) -> Span:
        """The interval between two cuts; infinite ends are open however they were written."""
        low = (self.low, int(not self.closed_low and self.low != -_INF))
        high = (self.high, int(self.closed_high and self.high != _INF))
        return Span(low, high)

    def __contains__(self, value: Fraction) -> bool:
        span = self.span
        return span.low <= (value, 0) and (value, 1) <= span.high

    def __str__(self) -> str:
        return self.text or self.span.text()


@dataclass(frozen=True, order=True)
class Span:
    """What lies between two cuts of the number line."""

    low: Cut
    high: Cut

    @property
    def is_empty(self) -> bool:
        """Whether there is no number in it."""
        return self.low >= self.high

    @property
    def point(self) -> Fraction | float | None:
        """The only number in it, or None."""
        return self.low[0] if self.low[0] == self.high[0] and not self.is_empty else None

    def clip(self, other: Span) -> Span:
        """Return what both have in common."""
        return Span(max(self.low, other.low), min(self.high, other.high))

    def on_integers(self) -> Span:
        """Return the span from its first whole number to just before the next after its last."""
        return Span(_whole(self.low), _whole(self.high))

    def text(self) -> str:
        """Return it as an interval with brackets."""
        left = "(" if self.low[1] or self.low[0] == -_INF else "["
        right = "]" if self.high[1] else ")"
        return f"{left}{number_text(self.low[0])}, {number_text(self.high[0])}{right}"


def _whole(cut: Cut) -> Cut:
    """Move a cut up to just before the next whole number."""
    value, after = cut
    if isinstance(value, float):
        return cut
    return (Fraction(math.floor(value) + 1 if after else math.ceil(value)), 0)


def number_text(value: Fraction | float) -> str:
    """Return a number as a decimal where it ends, else as a fraction."""
    if isinstance(value, float):
        return "inf" if value > 0 else "-inf"
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return str(value)
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    return f"{Decimal(int(value * 10**places)).scaleb(-places):f}"


def read_interval(text: str) -> Interval:
    """Return the interval of a text such as ``[0.38, 0.41)``; raises NotAnInterval.

    Missing brackets are noted, not guessed: see `Interval.has_left`.
    """
    word = re.sub(r"\s+", "", text[:_MAX_TEXT]).translate(_PLAIN)
    match = _BAND.fullmatch(word)
    if not match or len(text) > _MAX_TEXT:
        raise NotAnInterval(
            f'\'{text[:60]}\' is no interval; write it as "[0.38, 0.41)" or "(-inf, 10]".',
            f'“{text[:60]}”不是区间；请写成 "[0.38, 0.41)" 或 "(-inf, 10]"。',
        )
    return Interval(
        low=_end(match["low"], text),
        high=_end(match["high"], text),
        closed_low=match["left"] != "(",
        closed_high=match["right"] == "]",
        has_left=bool(match["left"]),
        has_right=bool(match["right"]),
        text=text.strip(),
    )


def _end(word: str, text: str) -> Fraction | float:
    infinite = _INFINITE.fullmatch(word)
    if infinite:
        return -_INF if infinite["sign"] == "-" else _INF
    try:
        value = read_number(word)
    except NotANumber:
        value = None
    if value is None:
        raise NotAnInterval(
            f"'{word}' in '{text[:60]}' is no number; write 0.38, 38%, -inf or inf.",
            f"“{text[:60]}”中的“{word}”不是数字；请写 0.38、38%、-inf 或 inf。",
        )
    return value


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that touch or overlap made one; empty ones left out."""
    found: list[Span] = []
    for span in sorted(span for span in spans if not span.is_empty):
        if found and span.low <= found[-1].high:
            found[-1] = Span(found[-1].low, max(found[-1].high, span.high))
        else:
            found.append(span)
    return found
