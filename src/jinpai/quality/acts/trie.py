"""Words to look for, as arrays that many places of a text can be walked through at once.

A double array: the children of a state s lie at base[s] + character, and are its own where check
there says s. The root is state 0 and its children are the numbers of their characters, so the
tables stay small enough for the processor's cache.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

__all__ = ["Trie", "Words"]

_STATES = 200_000
_CHARS = 0xF000
_GROUPS = 31  # of first characters of words; bit 31 says that the character is a word itself


class Words:
    """Words with the clauses they are in, while they are collected."""

    def __init__(self) -> None:
        self.chars = dict[str, int]()  # character -> its number, from 1
        self.edges = list[dict[int, int]]([{}])  # node -> number of a character -> node
        self.ends = dict[int, list[int]]()  # node -> clauses
        self.clauses = dict[frozenset[str], int]()

    def add(self, clause: Collection[str]) -> int | None:
        """Add a clause and return its number, or None where it does not fit."""
        words = frozenset(clause)
        if words in self.clauses:
            return self.clauses[words]
        size = sum(map(len, words))
        if len(self.edges) + size > _STATES or len(self.chars) + size > _CHARS:
            return None
        number = self.clauses[words] = len(self.clauses)
        for word in sorted(words):
            self.ends.setdefault(self._node(word), []).append(number)
        return number

    def _node(self, word: str) -> int:
        node = 0
        for char in word:
            number = self.chars.setdefault(char, len(self.chars) + 1)
            after = self.edges[node].get(number)
            if after is None:
                after = self.edges[node][number] = len(self.edges)
                self.edges.append({})
            node = after
        return node


class Trie:
    """Words to walk through.

    Attributes:
        base, check: the double array, by state.
        first: by state: a clause of the word that ends there, or -1.
        further: by state: how many clauses more; they lie in ``others`` from ``begins`` on.
        opens, follows: by number of a character: groups of first characters it is in, and groups
            it can come second in; they share a bit where two characters can begin a word, and
            bit 31 where the first is one.
    """

    def __init__(self, words: Words) -> None:
        width = len(words.chars) + 1
        states = _laid_out(words, width)
        size = max(states) + width + 1
        self.base = np.zeros(size, np.int32)
        self.check = np.full(size, -1, np.int32)
        for node, edges in enumerate(words.edges):
            for number, after in edges.items():
                self.check[states[after]] = states[node]
                self.base[states[node]] = states[after] - number
        self.first = np.full(size, -1, np.int32)
        self.further, self.begins = np.zeros(size, np.int32), np.zeros(size, np.int32)
        others = list[int]()
        for node, clauses in words.ends.items():
            state = states[node]
            self.first[state], self.begins[state] = clauses[0], len(others)
            self.further[state] = len(clauses) - 1
            others += clauses[1:]
        self.others = np.array(others, np.int32)
        self.opens = np.zeros(width, np.uint32)
        self.follows = np.full(width, 1 << _GROUPS, np.uint32)
        for number, node in words.edges[0].items():
            group = 1 << number % _GROUPS
            alone = 1 << _GROUPS if node in words.ends else 0
            self.opens[number] = (group if words.edges[node] else 0) | alone
            for second in words.edges[node]:
                self.follows[second] |= np.uint32(group)


def _laid_out(words: Words, width: int) -> list[int]:
    """Return node -> state, such that no two nodes' children meet."""
    states = [0] * len(words.edges)
    for number, after in words.edges[0].items():
        states[after] = number
    taken, start, hole = set(range(width)), width, width
    # Many children first, they are the hardest to place; only children fill the holes.
    for edges in sorted(words.edges[1:], key=len, reverse=True):
        if not edges:
            break
        if len(edges) > 1:
            base = start - min(edges)
            while any(base + number in taken for number in edges):
                base += 1
            start = base + min(edges)
        else:
            while hole in taken:
                hole += 1
            base = hole - min(edges)
        for number, after in edges.items():
            states[after] = base + number
            taken.add(base + number)
    return states
