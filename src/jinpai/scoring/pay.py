"""Bonus rules: what a score or a rank is paid, a pool for the team, caps. Exact to the cent.

Agents who share a rank share what the table pays for the places they take (two firsts share the
amounts of places 1 and 2). The pool is given out whole, largest remainder first; what a cap takes
from one goes to the others, and only what every cap refuses is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from jinpai.errors import UsageError
from jinpai.metrics.definition import registry
from jinpai.scoring.plan import Pay, Pool

__all__ = ["Payment", "Standing", "pay_out", "share_out"]


@dataclass(frozen=True)
class Standing:
    """What pay rules ask about an agent; ``metrics``: exact values by code."""

    subject: str
    rank: int | None
    total: Fraction
    total_normalised: Fraction | None
    metrics: Mapping[str, Fraction | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Payment:
    """What an agent gets, in cents: from the table, from the pool; ``capped``: a cap took some."""

    table: int
    pool: int
    capped: bool = False

    @property
    def total(self) -> int:
        """Cents in all."""
        return self.table + self.pool


def pay_out(pay: Pay | None, team: Sequence[Standing]) -> tuple[dict[str, Payment], Fraction]:
    """Return what each agent gets, and the money of the pool that caps kept back.

    Raises UnknownName when the pool is shared by a metric that does not exist, UsageError when
    nobody has a value of it or one is negative.
    """
    if pay is None:
        return {}, Fraction(0)
    asked = _by_rank(pay, team) if pay.by == "rank" else _by_score(pay, team)
    table = {who: _limit(cents, pay.cap) for who, cents in asked.items()}
    shares, wanted, left = _pool(pay, team, table) if pay.pool else ({}, {}, 0)
    paid = {}
    for who, cents in table.items():
        capped = cents < asked[who] or shares.get(who, 0) < wanted.get(who, 0)
        paid[who] = Payment(cents, shares.get(who, 0), capped)
    return paid, Fraction(left, 100)


def _cents(amount: Fraction) -> int:
    return int(amount * 100)


def _limit(cents: int, cap: Fraction | None) -> int:
    return cents if cap is None else min(cents, _cents(cap))


def _standing_on(one: Standing, on: str) -> Fraction | None:
    return one.total if on == "total" else one.total_normalised


def _amount_at(pay: Pay, value: Fraction | None) -> int:
    if value is None:
        return 0
    return next((_cents(row.amount) for row in pay.table if value in row.interval), 0)


def _by_score(pay: Pay, team: Sequence[Standing]) -> dict[str, int]:
    return {one.subject: _amount_at(pay, _standing_on(one, pay.by)) for one in team}


def _by_rank(pay: Pay, team: Sequence[Standing]) -> dict[str, int]:
    found = {one.subject: 0 for one in team}
    for rank in sorted({one.rank for one in team if one.rank is not None}):
        tied = {one.subject: Fraction(1) for one in team if one.rank == rank}
        places = range(rank, rank + len(tied))
        found |= share_out(sum(_amount_at(pay, Fraction(place)) for place in places), tied)
    return found


def _pool(
    pay: Pay, team: Sequence[Standing], table: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int], int]:
    """Return the shares, the shares without caps, and the cents left over."""
    pool = pay.pool
    if pool is None:
        return {}, {}, 0
    weights = _weights(pay, pool, team)
    limits = {}
    for who in weights:
        ends = [_cents(pool.cap)] if pool.cap is not None else []
        ends += [_cents(pay.cap) - table[who]] if pay.cap is not None else []
        limits[who] = min(ends, default=_cents(pool.amount))
    shares = share_out(_cents(pool.amount), weights, limits)
    wanted = share_out(_cents(pool.amount), weights)
    return shares, wanted, _cents(pool.amount) - sum(shares.values())


def _weights(pay: Pay, pool: Pool, team: Sequence[Standing]) -> dict[str, Fraction]:
    """Return what each agent's share is in proportion to; those who take no part are left out."""
    on = "total_normalised" if pay.by == "rank" else pay.by
    weights = {}
    for one in team:
        held = _standing_on(one, on)
        if held is None or (pool.least is not None and held < pool.least):
            continue
        weights[one.subject] = _weight(pool.share_by, one)
    return weights


def _weight(share_by: str, one: Standing) -> Fraction:
    if share_by == "equal":
        return Fraction(1)
    if share_by in ("total", "total_normalised"):
        return _standing_on(one, share_by) or Fraction(0)
    registry().metric(share_by)
    weight = one.metrics.get(share_by) or Fraction(0)
    if weight < 0:
        raise UsageError(
            f"{share_by} of {one.subject} is negative; a pool cannot be shared by it.",
            zh=f"{one.subject} 的 {share_by} 为负数，不能按它分配奖金池。",
        )
    return weight


def share_out(
    cents: int, weights: Mapping[str, Fraction], limits: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Share whole cents in proportion to weights, largest remainder first, ties by name.

    What a limit refuses goes to the others; with no positive weight at all the shares are equal.
    The shares add up to ``cents`` unless every limit is reached, or nobody is there.

    >>> share_out(100, {"a": Fraction(1), "b": Fraction(1), "c": Fraction(1)})
    {'a': 34, 'b': 33, 'c': 33}
    """
    if not any(weights.values()):
        weights = dict.fromkeys(weights, Fraction(1))
    shares = dict.fromkeys(weights, 0)
    open_ = {who: weight for who, weight in weights.items() if weight > 0}
    left = cents
    while open_ and left > 0:
        part = _proportional(left, open_)
        full = [who for who, share in part.items() if limits is not None and share >= limits[who]]
        if not full:
            return shares | part
        for who in full:
            shares[who] = max((limits or {})[who], 0)
            left -= shares[who]
            del open_[who]
    return shares


def _proportional(cents: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    whole = sum(weights.values(), Fraction(0))
    exact = {who: cents * weight / whole for who, weight in weights.items()}
    shares = {who: int(part) for who, part in exact.items()}
    rest = cents - sum(shares.values())
    for who in sorted(exact, key=lambda who: (shares[who] - exact[who], who))[:rest]:
        shares[who] += 1
    return shares
