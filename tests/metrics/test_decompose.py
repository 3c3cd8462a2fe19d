"""The split of a difference in sales over the three factors of the identity."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinpai.metrics.decompose import Identity, decompose, identity


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    """Any side sales can have: payers among the askers, an amount only with payers."""
    asked = draw(st.integers(0, 2000))
    paid = draw(st.integers(0, asked))
    cents = draw(st.integers(0, 10**8)) if paid else 0
    sales = draw(st.integers(0, 10**8))
    return identity(asked, paid, Fraction(cents, 100), Fraction(sales, 100))


def close(one: float, other: Fraction | float, a: Identity, b: Identity) -> bool:
    """Equal up to the rounding of the larger of the two amounts."""
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-10 * float(a.amount + b.amount + 1))


@given(a=identities(), b=identities())
def test_parts_add_up_to_the_difference(a: Identity, b: Identity) -> None:
    parts = decompose(a, b)
    assert parts.difference == a.amount - b.amount
    assert close(sum(parts.factors), parts.difference, a, b)
    assert parts.difference + parts.residual == a.sales_amount - b.sales_amount


@given(a=identities(), b=identities())
def test_swapping_the_sides_turns_every_sign(a: Identity, b: Identity) -> None:
    there, back = decompose(a, b), decompose(b, a)
    assert all(
        close(one, -other, a, b) for one, other in zip(there.factors, back.factors, strict=True)
    )
    assert (there.difference, there.residual) == (-back.difference, -back.residual)


@given(side=identities())
def test_no_difference_has_no_parts(side: Identity) -> None:
    assert decompose(side, side).factors == (0.0, 0.0, 0.0)


@given(side=identities(), more=st.integers(2, 50))
def test_the_only_factor_that_differs_takes_everything(side: Identity, more: int) -> None:
    other = Identity(
        side.inquiry_buyers * more,
        side.inquiry_conversion_rate,
        side.amount_per_paid_buyer,
        side.amount * more,
        side.sales_amount,
    )
    first, *rest = decompose(other, side).factors
    assert close(first, other.amount - side.amount, side, other)
    assert rest == [0.0, 0.0]


def test_the_identity_is_exact_and_leaves_the_residual() -> None:
    # 12 asked, 7 paid 1000.00 together; 1234.56 were sold in all.
    one = identity(12, 7, Fraction("1000.00"), Fraction("1234.56"))
    assert one.factors == (Fraction(12), Fraction(7, 12), Fraction(1000, 7))
    assert math.prod(f for f in one.factors if f is not None) == one.amount == 1000
    assert one.residual == Fraction("234.56")


def test_worked_example() -> None:
    # a: 100 asked, 50 paid, 20 each: 1000.  b: 50 asked, 10 paid, 40 each: 400.
    # Logarithmic mean L = (1000 - 400) / ln(1000/400) = 600 / ln 2.5 = 600 / 0.916290731874155
    #                    = 654.814...
    # buyers     L ln(100/50)   = L * 0.693147180559945  = +453.88248
    # conversion L ln(0.5/0.2)  = L * 0.916290731874155  = +600 (2.5 is the amounts' ratio)
    # per buyer  L ln(20/40)    = L * -0.693147180559945 = -453.88248
    a, b = identity(100, 50, 1000, 1100), identity(50, 10, 400, 450)
    parts = decompose(a, b)
    assert parts.factors == pytest.approx((453.882478, 600.0, -453.882478), abs=1e-6)
    assert parts.difference == 600
    assert parts.residual == 50


def test_nobody_paid_on_one_side() -> None:
    # The amount per buyer is null there and taken equal; the conversion goes to 0: all of it.
    a, b = identity(10, 0, 0, 0), identity(20, 5, 300, 300)
    assert decompose(a, b).factors == (0.0, -300.0, 0.0)


def test_nobody_asked_on_one_side() -> None:
    a, b = identity(20, 5, 300, 300), identity(0, 0, 0, 80)
    parts = decompose(a, b)
    assert parts.factors == (300.0, 0.0, 0.0)
    assert parts.residual == -80


def test_orders_of_nothing() -> None:
    # Two paid 0.00: the amount per buyer goes to 0.
    a, b = identity(10, 2, 0, 0), identity(10, 4, 100, 100)
    assert decompose(a, b).factors == (0.0, 0.0, -100.0)


def test_several_factors_from_zero_share_equally() -> None:
    nothing = Identity(Fraction(0), Fraction(0), Fraction(3), Fraction(0), Fraction(0))
    some = identity(10, 4, 60, 60)
    assert decompose(some, nothing).factors == (30.0, 30.0, 0.0)


def test_nothing_on_both_sides() -> None:
    assert decompose(identity(0, 0, 0, 0), identity(9, 0, 0, 0)).factors == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("numbers", [(0, 1, 5), (3, 0, 5)])
def test_what_no_sales_can_be_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot have paid"):
        identity(*numbers, 0)
