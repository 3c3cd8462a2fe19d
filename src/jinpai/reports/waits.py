"""How long buyers waited: not an average only, but its whole distribution, exactly.

The population is that of ``avg_response_seconds`` (or ``first_response_seconds``): unfiltered
rounds opened in the period. The mean, the median and the 90th percentile are of rounds answered
within their session; the shares are of *all* rounds, so that whom nobody answered counts too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["EDGES", "THRESHOLDS", "Waits", "merged"]

_US = 1_000_000
THRESHOLDS = (15, 20, 30, 60, 180)
"""Seconds within which people are asked to answer."""
EDGES = (5, 10, 15, 20, 30, 60, 120, 180)
"""Upper ends of the bars of the histogram, in seconds, each included; then longer, then none."""


@dataclass(frozen=True)
class Waits:
    """The waits of some rounds.

    Attributes:
        rounds: rounds opened, answered or not.
        counts: wait in microseconds -> rounds answered within their session after it.
    """

    rounds: int = 0
    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """Rounds answered within their session."""
        return sum(self.counts.values())

    @property
    def mean(self) -> float | None:
        """Mean wait in seconds; null where nothing was answered."""
        total = sum(wait * count for wait, count in self.counts.items())
        return total / (self.answered * _US) if self.answered else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the waits in seconds; null below two."""
        n, mean = self.answered, self.mean
        if n < 2 or mean is None:
            return None
        squares = sum((wait / _US - mean) ** 2 * count for wait, count in self.counts.items())
        return math.sqrt(squares / (n - 1))

    @property
    def median(self) -> float | None:
        """Median wait in seconds; the mean of the middle two where there are two."""
        n = self.answered
        if not n:
            return None
        return (self._ranked((n + 1) // 2) + self._ranked(n // 2 + 1)) / (2 * _US)

    @property
    def p90(self) -> float | None:
        """The shortest wait that at least nine in ten answered rounds do not exceed, in seconds."""
        n = self.answered
        return self._ranked(-(-9 * n // 10)) / _US if n else None

    def within(self, seconds: int) -> int:
        """Return how many rounds were answered within so many seconds, the end included."""
        return sum(count for wait, count in self.counts.items() if wait <= seconds * _US)

    def share_within(self, seconds: int) -> float | None:
        """Return that as a share of all rounds; null where there are none."""
        return self.within(seconds) / self.rounds if self.rounds else None

    def bars(self) -> list[int]:
        """Return rounds per bar: up to each of EDGES, longer, unanswered; they add up to rounds."""
        upto = [self.within(edge) for edge in EDGES]
        steps = [high - low for low, high in zip([0, *upto], upto, strict=False)]
        return [*steps, self.answered - upto[-1], self.rounds - self.answered]

    def _ranked(self, place: int) -> int:
        """The wait at a place of the sorted answered rounds, counted from 1."""
        seen = 0
        for wait in sorted(self.counts):
            seen += self.counts[wait]
            if seen >= place:
                return wait
        raise IndexError(place)


def merged(parts: Iterable[Waits]) -> Waits:
    """Return the waits of all the rounds together.

    >>> merged([Waits(2, {1_000_000: 1}), Waits(1, {3_000_000: 1})]).mean
    2.0
    """
    counts, rounds = Counter[int](), 0
    for part in parts:
        counts.update(part.counts)
        rounds += part.rounds
    return Waits(rounds, dict(counts))
