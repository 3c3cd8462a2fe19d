"""What a text must contain for a pattern to be found in it: words, told from the pattern.

A pattern is read in a plain subset of RE2's language; where it says something else, nothing is
needed, and RE2 itself decides on every text. Characters are folded first (case, traditional
forms): where folding lumps together what the pattern keeps apart, the need is not exact.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod

__all__ = ["Folding", "Need", "needs_of"]

_STRINGS = 128  # alternatives of one run of characters
_LENGTH = 12  # characters of one run
_CLASS = 64  # characters of one class
_CLAUSES = 4  # of one need
_LITERALS = 400  # of one clause
# Guesses at how often one given character is in a short text: one that is everywhere, any other.
_COMMON, _OFTEN, _RARE = (
    frozenset("的您你是有好我不了在亲親这這一个個可要们們能以吗嗎呢哦，。看就也都还還人"),
    0.15,
    0.02,
)
_TELLING = 0.1  # single characters that are in more texts cost more to look for than they save
# Letters that fold to an ASCII letter besides its other case.
_ORBITS = {"k": "kK\u212a", "s": "sS\u017f"}


@dataclass(frozen=True)
class Need:
    """One way for a pattern to be found: a folded text holds a word of every clause.

    Attributes:
        exact: and where it does, the pattern is found.
    """

    clauses: tuple[frozenset[str], ...]
    exact: bool


class Folding:
    """Folds characters that patterns take for one another.

    Args:
        forms: character -> itself and its other forms; those with a form in common are one.
    """

    def __init__(self, forms: Mapping[str, str]) -> None:
        self._to = dict[str, str]()
        self._groups = dict[str, set[str]]()
        for letter in map(chr, range(ord("a"), ord("z") + 1)):
            self._join(_ORBITS.get(letter, letter + letter.upper()))
        for first, others in forms.items():
            self._join(first + others)

    def _join(self, chars: str) -> None:
        tops = dict.fromkeys(self._to.get(char, char) for char in chars)
        top = next(iter(tops))
        for other in tops:
            group = self._groups.pop(other, {other}) | self._groups.get(top, {top})
            self._groups[top] = group
            self._to.update(dict.fromkeys(group, top))

    def fold(self, char: str) -> str:
        """Return what stands for a character and all that fold to the same."""
        return self._to.get(char, char)

    def group(self, char: str) -> set[str]:
        """Return all characters that fold to what this one folds to."""
        return self._groups.get(self.fold(char), {char})


@dataclass
class _Info:
    """What a part needs: all it can be (folded), or None and clauses.

    Attributes:
        precise: it is exactly one of the strings, no more is asked.
    """

    strings: frozenset[str] | None
    clauses: list[frozenset[str]] = field(default_factory=list)
    precise: bool = True

    def best(self) -> frozenset[str] | None:
        """Return its most telling clause."""
        if self.strings is not None:
            return None if "" in self.strings else self.strings
        return min(self.clauses, key=_chance, default=None)


def _nothing() -> _Info:
    return _Info(frozenset(("",)), precise=False)


def _anything() -> _Info:
    return _Info(None, precise=False)


def _chance(clause: Iterable[str]) -> float:
    return sum(prod(_OFTEN if char in _COMMON else _RARE for char in literal) for literal in clause)


def _shortest(clause: Iterable[str]) -> frozenset[str]:
    """Return a clause without words that hold another of its words."""
    kept = list[str]()
    for literal in sorted(clause, key=lambda literal: (len(literal), literal)):
        if not any(other in literal for other in kept):
            kept.append(literal)
    return frozenset(kept)


class _StrangeError(Exception):
    """The pattern says something this reader does not know."""


def needs_of(pattern: str, folding: Folding) -> tuple[Need, ...] | None:
    """Return the ways a pattern, as RE2 takes it, can be found; None where it may be anywhere.

    >>> needs_of("有[货貨]|缺.*款", Folding({"货": "货貨"}))[0]
    Need(clauses=(frozenset({'有货'}),), exact=True)
    """
    try:
        reader = _Reader(pattern, folding)
        ways = reader.branches()
        if reader.place < len(pattern):
            return None
    except (_StrangeError, IndexError, RecursionError):
        return None
    needs = tuple(map(_need, ways))
    return None if any(not need.clauses for need in needs) else needs


def _need(info: _Info) -> Need:
    if info.strings is None:
        clauses = sorted(map(_shortest, info.clauses), key=_chance)
        words = [one for one in clauses if min(map(len, one)) > 1 or _chance(one) < _TELLING]
        words = words or clauses[:1]
        return Need(tuple(dict.fromkeys(words))[:_CLAUSES], exact=False)
    if "" in info.strings:
        return Need((), exact=False)
    return Need((_shortest(info.strings),), info.precise)


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str, folding: Folding) -> None:
        self.pattern, self.folding, self.place = pattern, folding, 0

    def peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def take(self) -> str:
        self.place += 1
        return self.pattern[self.place - 1]

    def branches(self) -> list[_Info]:
        found = [self.chain()]
        while self.peek() == "|":
            self.take()
            found.append(self.chain())
        return found

    def chain(self) -> _Info:
        parts = list[_Info]()
        while self.peek() not in ("", "|", ")"):
            parts += self.repeated()
        return _chained(parts)

    def repeated(self) -> list[_Info]:
        part = self.single()
        least, most = self.times()
        if self.peek() in ("*", "+", "{"):
            raise _StrangeError
        if (least, most) == (1, 1):
            return [part]
        if least == 0:
            if most == 1 and part.strings is not None:
                return [_Info(part.strings | {""}, precise=part.precise)]
            return [_anything()]
        copies = [part] * min(least, 3)
        return copies if most == len(copies) else [*copies, _anything()]

    def times(self) -> tuple[int, int | None]:
        char = self.peek()
        if not char or char not in "*+?{":
            return 1, 1
        self.take()
        counts = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(char) or self.counts()
        if self.peek() == "?":  # as few as possible: the same texts
            self.take()
        return counts

    def counts(self) -> tuple[int, int | None]:
        end = self.pattern.find("}", self.place)
        least, comma, most = self.pattern[self.place : end].partition(",")
        if end < 0 or not _is_number(least) or (most and not _is_number(most)):
            raise _StrangeError
        self.place = end + 1
        return int(least), int(least) if not comma else int(most) if most else None

    def single(self) -> _Info:
        char = self.take()
        if char == "(":
            return self.bracket()
        if char == "[":
            return self.chars()
        if char in "^$":
            return _nothing()
        if char == ".":
            return _anything()
        if char in "*+?{":
            raise _StrangeError
        return self.escaped() if char == "\\" else self.one_of({char})

    def bracket(self) -> _Info:
        if self.peek() == "?":
            self.take()
            if self.take() != ":":
                raise _StrangeError
        ways = self.branches()
        if self.take() != ")":
            raise _StrangeError
        return _either(ways)

    def escaped(self) -> _Info:
        char = self.take()
        if char in "bB":
            return _nothing()
        if char in "sSDwW":
            return _anything()
        if char == "d":
            return self.one_of(set("0123456789"))
        if char.isalnum() or not char.isascii():
            raise _StrangeError
        return self.one_of({char})

    def chars(self) -> _Info:
        negated = self.peek() == "^"
        if negated:
            self.take()
        if self.peek() == "]":
            raise _StrangeError
        found, is_known = set[str](), not negated
        while (char := self.take()) != "]":
            if char == "[":
                if self.peek() == ":":
                    raise _StrangeError
            elif char == "\\":
                char = self.take()
                if char in "sSdDwW":
                    is_known = False
                elif char.isalnum() or not char.isascii():
                    raise _StrangeError
            if self.peek() == "-" and self.pattern[self.place + 1] != "]":
                self.take()
                last = self.take()
                if last in "\\[":
                    raise _StrangeError
                found.update(map(chr, range(ord(char), min(ord(last), ord(char) + _CLASS) + 1)))
            else:
                found.add(char)
        return self.one_of(found) if is_known else _anything()

    def one_of(self, chars: set[str]) -> _Info:
        """Return what a class of characters in any case needs."""
        if len(chars) > _CLASS or any(map(_is_cased, chars)) or "\0" in chars:
            return _anything()
        folded = frozenset(map(self.folding.fold, chars))
        closed = set[str]()
        for char in chars:
            low = char.lower()
            closed |= set(_ORBITS.get(low, low + low.upper())) if char.isascii() else {char}
        whole = set[str]().union(*map(self.folding.group, chars))
        return _Info(folded, precise=whole <= closed)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_cased(char: str) -> bool:
    """Tell whether a character has cases that this reader does not know."""
    if char.isascii():
        return False
    same = char == char.lower() == char.upper() == char.casefold() == char.title()
    return not same or unicodedata.category(char) in ("Lu", "Ll", "Lt", "Cs")


def _chained(parts: Iterable[_Info]) -> _Info:
    """Return what parts need one after the other."""
    clauses, run, precise, is_cut = list[frozenset[str]](), frozenset(("",)), True, False
    for part in parts:
        precise = precise and part.precise
        if part.strings is not None and _fits(run, part.strings):
            run = frozenset(map("".join, product(run, part.strings)))
            continue
        is_cut = True
        clauses += [] if "" in run else [run]
        clauses += part.clauses
        run = frozenset(("",)) if part.strings is None else part.strings
    if not is_cut:
        return _Info(run, precise=precise)
    return _Info(None, clauses if "" in run else [*clauses, run], precise=False)


def _fits(run: frozenset[str], strings: frozenset[str]) -> bool:
    longest = max(map(len, run)) + max(map(len, strings))
    return len(run) * len(strings) <= _STRINGS and longest <= _LENGTH


def _either(ways: list[_Info]) -> _Info:
    """Return what one of several parts needs."""
    if len(ways) == 1:
        return ways[0]
    known = [way.strings for way in ways if way.strings is not None]
    if len(known) == len(ways):
        strings = frozenset[str]().union(*known)
        if len(strings) <= _STRINGS:
            return _Info(strings, precise=all(way.precise for way in ways))
    best = [way.best() for way in ways]
    clause = frozenset[str]().union(*(one for one in best if one))
    if not all(best) or len(clause) > _LITERALS:
        return _anything()
    return _Info(None, [clause], precise=False)
