"""Lines of a WhatsApp chat export, in the shapes of every phone and language seen.

A header is ``date, time - name: text`` (Android) or ``[date, time] name: text`` (iOS); a line
without one continues the message before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

__all__ = ["Entry", "certain_order", "decide_orders", "entries", "wall_time", "without_pasted"]

_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANKS = re.compile("[\u00a0\u202f\u2007\u2009]")
_AM = r"a\.? ?m\.?|上午|早上|清晨|凌晨|午前|오전|ap\.?"
_PM = r"p\.? ?m\.?|下午|晚上|傍晚|中午|午後|오후|ip\.?"
_DATE = r"(?P<a>\d{1,4})(?P<sep>[./-]) ?(?P<b>\d{1,2})[./-] ?(?P<c>\d{1,4})\.?"
_CLOCK = (
    rf"(?P<before>(?:{_AM}|{_PM}) ?)?(?P<h>\d{{1,2}})[:.](?P<m>\d{{2}})(?:[:.](?P<s>\d{{2}}))?"
    rf"(?P<after> ?(?:{_AM}|{_PM}))?"
)
_STAMP = rf"{_DATE},? (?:(?:klo|um|kl|à|las|a las) )?{_CLOCK}"
_SHAPES = {
    "bracket": re.compile(rf"\[{_STAMP}\] (?P<rest>.*)", re.IGNORECASE | re.DOTALL),
    "dash": re.compile(rf"{_STAMP} - (?P<rest>.*)", re.IGNORECASE | re.DOTALL),
    # Only with dots: "2026-03-02 09:03:07 name: text" is any program's log.
    "plain": re.compile(
        rf"{_STAMP.replace('[./-]', '[.]')} (?P<rest>[^:]{{1,60}}: .*)", re.IGNORECASE | re.DOTALL
    ),
}
_NOON_IS_PM = re.compile(_PM, re.IGNORECASE)
_FIRST_YEAR = 2009  # WhatsApp exists since then; it tells 26-03-02 from 02-03-26


@dataclass
class Entry:
    """One header with all its lines.

    Attributes:
        row: 1-based line of the file.
        parts: the three numbers of the date in file order.
        clock: hour, minute, second; seconds are 0 where the export has none.
        name: the sender, None in a line of the system.
        text: what follows, all lines; invisible marks kept at its start (iOS puts one before what
            the app, not a person, wrote).
        shape: what the header looks like; phones of one kind write one shape.
        line: the header's line as it is.
        lines: the lines below it.
    """

    row: int
    parts: tuple[int, int, int]
    clock: tuple[int, int, int]
    name: str | None
    text: str
    shape: tuple[str, str, bool, bool]
    line: str = ""
    lines: list[str] = field(default_factory=list)


def entries(lines: Iterable[tuple[int, str]]) -> tuple[list[Entry], list[tuple[int, str]]]:
    """Return the headers with their texts, and the lines before the first header.

    A line in another layout than most headers (somebody pasted a chat) is text, not a header.
    """
    held = list(lines)
    style = _style(line for _, line in held)
    found: list[Entry] = []
    stray: list[tuple[int, str]] = []
    for row, line in held:
        entry = _entry(row, line, style) if style else None
        if entry is not None:
            found.append(entry)
        elif found:
            found[-1].lines.append(line)
        elif _clean(line).strip():
            stray.append((row, line))
    for entry in found:
        entry.text = "\n".join([entry.text, *entry.lines]).rstrip("\r\n")
    return found, stray


def without_pasted(found: Sequence[Entry], order: str) -> list[Entry]:
    """Return the entries without headers that somebody pasted into a message.

    Such a line names somebody who writes nothing else, and goes back in time.
    """
    names = Counter(entry.name for entry in found)
    kept: list[Entry] = []
    for entry in found:
        stranger = entry.name is not None and names[entry.name] == 1
        if stranger and kept and wall_time(entry, order) < wall_time(kept[-1], order):
            kept[-1].text = "\n".join([kept[-1].text, entry.line, *entry.lines])
        else:
            kept.append(entry)
    return kept


def _style(lines: Iterable[str]) -> str | None:
    counts: Counter[str] = Counter()
    for line in lines:
        text = _clean(line)
        counts.update(name for name, shape in _SHAPES.items() if shape.fullmatch(text))
    return max(_SHAPES, key=lambda name: counts[name]) if counts else None


def _clean(line: str) -> str:
    return _BLANKS.sub(" ", _MARKS.sub("", line))


def _entry(row: int, line: str, style: str) -> Entry | None:
    match = _SHAPES[style].fullmatch(_clean(line))
    clock = _clock(match) if match else None
    if match is None or clock is None:
        return None
    parts = (int(match["a"]), int(match["b"]), int(match["c"]))
    shape = (style, match["sep"], len(match["a"]) == 4, bool(match["before"] or match["after"]))
    name, colon, _ = match["rest"].partition(": ")
    if not colon and match["rest"].endswith(":"):  # an empty message
        name, colon = match["rest"][:-1], ":"
    if not colon or re.search(r"[\"“”«»]", name):  # quotes: the group's new subject has a colon
        return Entry(row, parts, clock, None, match["rest"], shape, line)
    return Entry(row, parts, clock, name.strip(), _raw_text(line, name), shape, line)


def _raw_text(line: str, name: str) -> str:
    """Cut the text out of the untouched line: marks and special blanks inside it stay."""
    pattern = "".join(
        r"[\s\u00a0\u202f]" if char == " " else re.escape(char) + r"[\u200e\u200f\u202a-\u202e]*"
        for char in name
    )
    found = re.search(pattern + r":[\s\u00a0\u202f]?", line)
    return line[found.end() :] if found else ""


def _clock(match: re.Match[str]) -> tuple[int, int, int] | None:
    hour, minute, second = int(match["h"]), int(match["m"]), int(match["s"] or 0)
    word = (match["before"] or match["after"] or "").strip()
    if word and hour <= 12:
        afternoon = _NOON_IS_PM.fullmatch(word) is not None
        hour = hour if word == "中午" and hour > 9 else hour % 12 + 12 * afternoon
    return (hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


# -- the order of day and month ------------------------------------------------------------------


def certain_order(found: Sequence[Entry]) -> str | None:
    """Return ``ymd``, ``dmy`` or ``mdy`` if only one can be, or None.

    A year in front or dots settle it (no language writes the month first with dots), or a part
    above 12, or a year before WhatsApp existed.
    """
    if not found:
        return None
    if all(entry.parts[0] > 31 for entry in found):
        return "ymd"
    if all(entry.shape[1] == "." for entry in found):
        return "dmy"
    possible = [order for order in ("dmy", "mdy", "ymd") if _possible(found, order)]
    return possible[0] if possible and possible[:2] != ["dmy", "mdy"] else None


def likely_order(found: Sequence[Entry]) -> str | None:
    """Return the order shown by how the first two parts move, or None.

    The part that falls within a year is the day; else the part that changes more often.
    """
    moves = [
        (now.parts[0] - before.parts[0], now.parts[1] - before.parts[1])
        for before, now in pairwise(found)
        if now.parts[2] == before.parts[2]
    ]
    first_falls = any(first < 0 for first, _ in moves)
    second_falls = any(second < 0 for _, second in moves)
    if first_falls != second_falls:
        return "dmy" if first_falls else "mdy"
    first, second = (sum(move[at] != 0 for move in moves) for at in (0, 1))
    return None if first == second else "dmy" if first > second else "mdy"


def decide_orders(chats: Sequence[Sequence[Entry]]) -> list[str | None]:
    """Return the order of each chat; one that cannot tell follows the others of its shape.

    All chats of one phone look alike, so what the longer ones show holds for the short ones, unless
    two of them disagree.
    """
    own = [certain_order(chat) or likely_order(chat) for chat in chats]
    shown: dict[tuple[str, str, bool, bool], set[str]] = {}
    for chat, order in zip(chats, own, strict=True):
        if chat and order:
            shown.setdefault(chat[0].shape, set()).add(order)
    return [
        order or (_only(shown.get(chat[0].shape, set())) if chat else None)
        for chat, order in zip(chats, own, strict=True)
    ]


def _only(orders: set[str]) -> str | None:
    return next(iter(orders)) if len(orders) == 1 else None


def _possible(found: Sequence[Entry], order: str) -> bool:
    return all(
        (day := _date(parts, order)) is not None and day.year >= _FIRST_YEAR
        for parts in {entry.parts for entry in found}
    )


def _date(parts: tuple[int, int, int], order: str) -> date | None:
    year, month, day = (parts[order.index(part)] for part in "ymd")
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def wall_time(entry: Entry, order: str) -> str:
    """Return ``YYYY-MM-DD HH:MM:SS``; the date as it stands if it does not exist in that order."""
    day = _date(entry.parts, order)
    if day is None:
        year, month, number = (entry.parts[order.index(part)] for part in "ymd")
        return f"{year:04d}-{month:02d}-{number:02d} {entry.clock[0]:02d}:{entry.clock[1]:02d}:00"
    return datetime(day.year, day.month, day.day, *entry.clock).isoformat(sep=" ")
