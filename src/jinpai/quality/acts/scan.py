"""Scanning: each distinct text once, all patterns of a role in one automaton.

RE2's filter finds the words that patterns need in one pass over the text, and tries only those
patterns whose words are there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import re2

from jinpai.quality.acts.bulk import Bulk, Scanned
from jinpai.quality.acts.patterns import (
    PLACEHOLDERS,
    Act,
    Role,
    compiled,
    expand,
    meaning,
    options,
)
from jinpai.quality.texts import UNSEEN, without_unseen

__all__ = ["Scanner", "Span"]

# A text longer than this is no chat message; what lies behind is not looked at.
MOST_CHARS = 20_000
_REMEMBERED = 200_000  # distinct texts whose acts are kept


@dataclass(frozen=True)
class Span:
    """Where in a text an act was found: characters ``start`` up to but without ``end``."""

    act: str
    start: int
    end: int


class Scanner:
    """Tells the acts of texts.

    Attributes:
        acts: what it looks for; bit i of a mask stands for ``names(role)[i]``.
    """

    def __init__(self, acts: Sequence[Act], placeholders: Mapping[str, str] = PLACEHOLDERS) -> None:
        self.acts = tuple(acts)
        self._placeholders = placeholders
        self._known = dict[tuple[Role, str], int]()
        self._bulk = dict[Role, Bulk]()
        self._expanded = dict[tuple[Role, str], tuple[str, ...]]()
        self._sets = {role: _Automaton(self._of(role), placeholders) for role in _roles(acts)}

    def _of(self, role: Role) -> list[Act]:
        return [act for act in self.acts if act.role == role]

    def meanings(self) -> dict[str, str]:
        """Return by act all that says when a text has it."""
        return {act.name: meaning(act, self._placeholders) for act in self.acts}

    def names(self, role: Role) -> tuple[str, ...]:
        """Return the codes of a role's acts, in the order of the bits."""
        return tuple(act.code for act in self._of(role))

    def masks(self, role: Role, texts: Iterable[str]) -> list[int]:
        """Return each text's acts as a mask of bits."""
        automaton = self._sets.get(role)
        return [0 if automaton is None else automaton.mask(text) for text in texts]

    def scan(
        self, role: Role, texts: pa.Array | pa.ChunkedArray, threads: int | None = None
    ) -> pa.Array:
        """Return the acts of each text, an array of strings, as an array of uint64.

        Bit i stands for ``names(role)[i]``; a null has no acts. Made for many distinct texts at
        once: nothing is remembered.
        """
        return pa.array(self.look(role, texts, threads).masks)

    def look(
        self, role: Role, texts: pa.Array | pa.ChunkedArray, threads: int | None = None
    ) -> Scanned:
        """Return what `scan` tells, and which pattern of `patterns` each act was first told by."""
        if role not in self._sets:
            return Scanned(np.zeros(len(texts), np.uint64), {})
        if role not in self._bulk:
            self._bulk[role] = Bulk(self._of(role), self._placeholders, MOST_CHARS)
        return self._bulk[role].scan(texts, threads or os.cpu_count() or 1)

    def codes(self, role: Role, text: str) -> tuple[str, ...]:
        """Return the acts of one text."""
        mask = self._known.get((role, text))
        if mask is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            mask = self._known[role, text] = self.masks(role, (text,))[0]
        return tuple(name for bit, name in enumerate(self.names(role)) if mask >> bit & 1)

    def patterns(self, role: Role, code: str) -> tuple[str, ...]:
        """Return the patterns one of which shows an act, as RE2 takes them."""
        if (role, code) not in self._expanded:
            act = next(act for act in self._of(role) if act.code == code)
            written = tuple(expand(pattern, self._placeholders) for pattern in act.any)
            self._expanded[role, code] = written
        return self._expanded[role, code]

    def remember(self, role: Role, texts: Iterable[str], masks: Iterable[int]) -> None:
        """Take what `scan` told of texts, so that `codes` need not look again."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known.update(((role, text), mask) for text, mask in zip(texts, masks, strict=True))

    def spans(self, role: Role, text: str, code: str) -> list[Span]:
        """Return where an act is found in a text, first pattern first; empty where it is not."""
        if code not in self.codes(role, text):
            return []
        act = next(act for act in self._of(role) if act.code == code)
        places = _visible(text)
        seen = _writable("".join(text[place] for place in places))
        found = []
        for pattern in act.any:
            match = self._single(pattern).search(seen)
            if match is not None and match.end() > match.start():
                found.append(Span(code, places[match.start()], places[match.end() - 1] + 1))
        return found or [Span(code, 0, len(text))]

    def _single(self, pattern: str) -> Any:
        known: Any = self._compiled.get(pattern)
        if known is None:
            known = self._compiled[pattern] = compiled(pattern, "acts", self._placeholders)
        return known

    @cached_property
    def _compiled(self) -> dict[str, Any]:
        return {}


def _roles(acts: Sequence[Act]) -> set[Role]:
    return {act.role for act in acts}


def _visible(text: str) -> list[int]:
    return [place for place, char in enumerate(text[:MOST_CHARS]) if not UNSEEN.match(char)]


def _writable(text: str) -> str:
    """Return a text with half characters, which no encoding has, replaced one by one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


class _Automaton:
    """All patterns of a role: which are in a text, in one pass over it."""

    def __init__(self, acts: Sequence[Act], placeholders: Mapping[str, str]) -> None:
        self._set = re2.Filter()
        self._yes = list[int]()  # pattern -> bits it speaks for
        self._no = list[int]()  # pattern -> bits it speaks against
        for bit, act in enumerate(acts):
            for pattern in act.any:
                self._add(expand(pattern, placeholders), 1 << bit, 0)
            for pattern in act.not_:
                self._add(expand(pattern, placeholders), 0, 1 << bit)
        self._hidden = self._add(UNSEEN.pattern, 0, 0)
        self._set.Compile()

    def _add(self, pattern: str, yes: int, no: int) -> int:
        self._yes.append(yes)
        self._no.append(no)
        return int(self._set.Add(pattern, options()))

    def mask(self, text: str) -> int:
        text = _writable(text[:MOST_CHARS])
        found = self._set.Match(text)
        if not found:
            return 0
        if self._hidden in found:
            found = self._set.Match(without_unseen(text)) or ()
        yes = no = 0
        for place in found:
            yes |= self._yes[place]
            no |= self._no[place]
        return yes & ~no
