"""The sales identity and what made the difference between two of them.

    inquiry_sales_amount = inquiry_buyers x inquiry_conversion_rate x amount per paying buyer

The difference of two such products is split over the three factors by the logarithmic mean Divisia
index (LMDI), so that the parts add up to the difference. Pure functions on exact numbers; floating
point comes in with the logarithms only. Source: docs/definitions, end of 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

__all__ = ["FACTORS", "Identity", "Parts", "decompose", "identity"]

FACTORS = ("inquiry_buyers", "inquiry_conversion_rate", "amount_per_paid_buyer")

Exact = int | Decimal | Fraction


@dataclass(frozen=True)
class Identity:
    """One side: its factors (null where their denominator is 0), product and residual.

    Attributes:
        amount: inquiry_sales_amount, the product of the factors (0 where one is null).
        sales_amount: all credited sales.
    """

    inquiry_buyers: Fraction
    inquiry_conversion_rate: Fraction | None
    amount_per_paid_buyer: Fraction | None
    amount: Fraction
    sales_amount: Fraction

    @property
    def factors(self) -> tuple[Fraction | None, ...]:
        """The three factors in the order of FACTORS."""
        return self.inquiry_buyers, self.inquiry_conversion_rate, self.amount_per_paid_buyer

    @property
    def residual(self) -> Fraction:
        """Sales that no inquiry of the period explains: sales_amount - inquiry_sales_amount."""
        return self.sales_amount - self.amount


@dataclass(frozen=True)
class Parts:
    """What made the difference ``a - b``, in money.

    Attributes:
        factors: the part of each of FACTORS; they add up to ``difference``.
        difference: of inquiry_sales_amount.
        residual: the difference of the residuals; with ``difference`` that of sales_amount.
    """

    factors: tuple[float, float, float]
    difference: Fraction
    residual: Fraction


def identity(
    inquiry_buyers: Exact, paid_buyers: Exact, amount: Exact, sales_amount: Exact
) -> Identity:
    """Return the identity of one side; a factor with denominator 0 is null.

    Raises ValueError for what no sales can be: payers who did not ask, an amount without payers.

    >>> identity(10, 4, Decimal("200.00"), Decimal("250.00")).factors
    (Fraction(10, 1), Fraction(2, 5), Fraction(50, 1))
    """
    asked, paid, sold = Fraction(inquiry_buyers), Fraction(paid_buyers), Fraction(amount)
    if (paid and not asked) or (sold and not paid):
        raise ValueError(f"{paid} of {asked} buyers cannot have paid {sold}")
    return Identity(
        inquiry_buyers=asked,
        inquiry_conversion_rate=paid / asked if asked else None,
        amount_per_paid_buyer=sold / paid if paid else None,
        amount=sold,
        sales_amount=Fraction(sales_amount),
    )


def decompose(a: Identity, b: Identity) -> Parts:
    """Split the difference ``a - b`` of inquiry_sales_amount over the three factors.

    A factor that is null on one side is taken equal to the other side's. A factor going from or to
    0 takes the whole difference, shared equally if several do. Swapping the sides turns every sign.
    """
    difference = a.amount - b.amount
    pairs = [_filled(one, other) for one, other in zip(a.factors, b.factors, strict=True)]
    first, second, third = _split(pairs, a.amount, b.amount)
    return Parts((first, second, third), difference, a.residual - b.residual)


def _filled(one: Fraction | None, other: Fraction | None) -> tuple[Fraction, Fraction]:
    """A pair of factors without nulls; null on both sides is no difference."""
    known = one if one is not None else other
    if known is None:
        return Fraction(1), Fraction(1)
    return (known if one is None else one), (known if other is None else other)


def _split(pairs: Sequence[tuple[Fraction, Fraction]], a: Fraction, b: Fraction) -> list[float]:
    if a == b == 0:
        return [0.0 for _ in pairs]
    if a == 0 or b == 0:
        turned = [(one == 0) != (other == 0) for one, other in pairs]
        share = float((a - b) / sum(turned))
        return [share if is_turned else 0.0 for is_turned in turned]
    mean = _log_mean(a, b)
    return [mean * _log_ratio(one, other) for one, other in pairs]


def _log_mean(a: Fraction, b: Fraction) -> float:
    """Logarithmic mean of two positive numbers: (a - b) / (ln a - ln b), and a where they meet."""
    return float(a) if a == b else float(a - b) / _log_ratio(a, b)


def _log_ratio(a: Fraction, b: Fraction) -> float:
    """ln(a / b) of two positive numbers, exact to the last digits near 1 too."""
    return math.log1p(float((a - b) / b)) if b < 2 * a < 4 * b else math.log(float(a / b))
