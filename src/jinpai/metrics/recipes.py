"""How the numbers of a cell become a figure: whole numbers until the last division."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinpai.metrics.definition import Metric, Registry

__all__ = ["Recipe", "quotient", "recipe"]

_US = 1_000_000
# What a measure's sum is counted in: microseconds for waits, online and closing time.
_SCALE = {"seconds": _US, "hours": 3600 * _US}
_CENT = Decimal("0.01")

_Figure = int | Decimal | float | None
_Parts = tuple[_Figure, _Figure, _Figure]
_Values = Mapping[str, Any]
Recipe = Callable[[_Values, _Values], _Parts]


def recipe(known: Registry, metric: Metric, by_product: bool) -> Recipe:
    """Return how (value, numerator, denominator) come from the measures of a cell and its shop."""
    names = [known.measure_at(name, by_product) for name in metric.measures]
    zeros = [_zero(known, name) for name in names]
    if metric.measure:
        return _total(metric, names, zeros)
    if metric.against:
        shop_names = [known.measure_at(name, by_product) for name in metric.against]
        return _relative(names, zeros, shop_names, [_zero(known, name) for name in shop_names])
    return _ratio(names, zeros, _SCALE.get(metric.unit, 1))


def _total(metric: Metric, names: Sequence[str], zeros: Sequence[Any]) -> Recipe:
    first, zero = names[0], zeros[0]
    finish = _finish(metric)

    def total(found: _Values, against: _Values) -> _Parts:
        value = found.get(first)
        done = finish(zero if value is None else value)
        return done, done, None

    def less(found: _Values, against: _Values) -> _Parts:
        value = _or(found.get(first), zero)
        if value is not None:
            value -= _or(found.get(names[1]), zeros[1])
        done = finish(value)
        return done, done, None

    return less if len(names) > 1 else total


def _ratio(names: Sequence[str], zeros: Sequence[Any], scale: int) -> Recipe:
    (top_name, bottom_name), (top_zero, bottom_zero) = names, zeros

    def ratio(found: _Values, against: _Values) -> _Parts:
        top = _or(found.get(top_name), top_zero)
        bottom = _or(found.get(bottom_name), bottom_zero)
        value = None if top is None or not bottom else quotient(top, bottom * scale)
        return value, top if scale == 1 or top is None else top / scale, bottom

    return ratio


def _relative(
    names: Sequence[str], zeros: Sequence[Any], shop_names: Sequence[str], shop_zeros: Sequence[Any]
) -> Recipe:
    def share(values: _Values, of: Sequence[str], default: Sequence[Any]) -> Fraction | None:
        top, bottom = (_or(values.get(n), z) for n, z in zip(of, default, strict=True))
        return Fraction(top) / bottom if bottom else None

    def relative(found: _Values, against: _Values) -> _Parts:
        own, shop = share(found, names, zeros), share(against, shop_names, shop_zeros)
        value = float(own / shop) if own is not None and shop else None
        return value, _float(own), _float(shop)

    return relative


def _zero(known: Registry, name: str) -> int | Decimal | None:
    """What a measure is where nothing was counted: 0, but unknown stays null."""
    measure = known.measures[name]
    if measure.max or measure.sum == "online_us":
        return None
    return Decimal("0.00") if "amount" in measure.sum else 0


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def quotient(top: int | Decimal, bottom: int) -> float:
    """The nearest float to the exact quotient: whole numbers divide exactly rounded."""
    if isinstance(top, Decimal):
        return int(top.scaleb(2)) / (bottom * 100)
    return top / bottom


def _finish(metric: Metric) -> Callable[[Any], int | Decimal | None]:
    """Return how a sum becomes the metric's value: whole numbers, or money to the cent."""
    empty = 0 if metric.unit == "count" else None
    if metric.is_count:
        return lambda value: empty if value is None else int(value)
    return lambda value: None if value is None else Decimal(value).quantize(_CENT)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
