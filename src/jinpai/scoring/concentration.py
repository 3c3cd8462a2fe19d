"""Who makes the value: the share of the top fifth, and the curve behind it (20/80)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

__all__ = ["Concentration", "concentration"]

_FIFTH, _FOUR_FIFTHS = Fraction(1, 5), Fraction(4, 5)


@dataclass(frozen=True)
class Concentration:
    """How value is spread over agents, largest first.

    Attributes:
        values: (agent, value), largest first, equals by name.
        top: how many agents the top fifth is: a fifth, rounded up.
        top_share: their share of all value; None where there is none.
        share_at_fifth: the curve at exactly a fifth of the agents, between agents in a straight
            line.
        agents_for_80: the fewest agents who make four fifths of the value.
        gini: 0 where all make the same, towards 1 where one makes all.
        curve: (share of agents, share of value), from (0, 0) to (1, 1).
    """

    values: tuple[tuple[str, Fraction], ...]
    top: int
    top_share: Fraction | None
    share_at_fifth: Fraction | None
    agents_for_80: int | None
    gini: Fraction | None
    curve: tuple[tuple[Fraction, Fraction], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "agents": len(self.values),
            "top": self.top,
            "top_share": _float(self.top_share),
            "share_at_fifth": _float(self.share_at_fifth),
            "agents_for_80": self.agents_for_80,
            "gini": _float(self.gini),
            "values": [{"agent_id": who, "value": float(value)} for who, value in self.values],
            "curve": [[float(people), float(value)] for people, value in self.curve],
        }


def concentration(values: Mapping[str, Fraction]) -> Concentration:
    """Return how the values (none negative) are spread."""
    ordered = sorted(values.items(), key=lambda one: (-one[1], one[0]))
    count, whole = len(ordered), sum(values.values(), Fraction(0))
    top = -(-count // 5)
    if not whole:
        return Concentration(tuple(ordered), top, None, None, None, None, ())
    sums = [Fraction(0), *accumulate(value for _, value in ordered)]
    curve = tuple((Fraction(at, count), part / whole) for at, part in enumerate(sums))
    enough = next(at for at, (_, share) in enumerate(curve) if share >= _FOUR_FIFTHS)
    area = sum((a[1] + b[1]) / 2 / count for a, b in pairwise(curve))
    return Concentration(
        values=tuple(ordered),
        top=top,
        top_share=curve[top][1],
        share_at_fifth=_at(curve, _FIFTH),
        agents_for_80=enough,
        gini=2 * Fraction(area) - 1,
        curve=curve,
    )


def _at(curve: Sequence[tuple[Fraction, Fraction]], place: Fraction) -> Fraction:
    """Return the curve's height at a share of agents."""
    low = max(at for at, (people, _) in enumerate(curve) if people <= place)
    (x0, y0), (x1, y1) = curve[low], curve[min(low + 1, len(curve) - 1)]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (place - x0) / (x1 - x0)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
