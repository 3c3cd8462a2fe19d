"""Values to be scored: exact, with what they rest on; from figures of a run or from a CSV file.

Whole numbers and cents stay what they are; waits come back to microseconds; a quotient of two
quotients is worked out again from its four sums. Nothing is decided on a rounded float.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinpai.errors import InputError, UnknownName, UsageError
from jinpai.metrics.definition import Metric, registry
from jinpai.metrics.query import MetricRow
from jinpai.scoring.intervals import NotANumber, read_number
from jinpai.scoring.lint_words import value_text
from jinpai.scoring.steps import domain_of
from jinpai.sources.decode import detect_encoding, open_text

__all__ = ["Number", "Value", "Values", "as_value", "exact_of", "helpers_of", "read_values"]

_UNITS_IN_US = {"seconds": 1_000_000, "hours": 3_600_000_000}
_HEADS = ("agent_id", "metric", "value")
_BLANK = ("", "-", "–", "—", "null", "none", "na", "n/a", "nan")


@dataclass(frozen=True)
class Value:
    """One value.

    Attributes:
        exact: None is missing.
        n: what it rests on: the denominator of a ratio or mean, else the count itself.
        status: ``final`` or ``provisional``.
        parts: numerator and denominator as shown to people; empty where there are none.
    """

    exact: Fraction | None
    n: int | None = None
    status: str = "final"
    parts: tuple[str, ...] = ()


Number = Value | Fraction | Decimal | int | float | str | None
# Subject (agent_id, team) -> metric -> value.
Values = Mapping[str, Mapping[str, Number]]


def as_value(number: Number) -> Value:
    """Return a value of anything that is one; floats as they are written (0.1 is a tenth).

    Raises UsageError for a text that is no number.
    """
    if isinstance(number, Value):
        return number
    if isinstance(number, str):
        return _from_text(number)
    if number is None or number != number:  # not a number
        return Value(None)
    if isinstance(number, float):
        return Value(Fraction(repr(number)))
    whole = isinstance(number, int)
    return Value(Fraction(number), n=int(number) if whole else None)


def _from_text(text: str) -> Value:
    if text.strip().lower() in _BLANK:
        return Value(None)
    try:
        exact = read_number(text)
    except NotANumber:
        raise UsageError(
            f"'{text[:40]}' is no number; write 0.32, 32%, 88/275 or leave it empty.",
            zh=f"“{text[:40]}”不是数字；请写 0.32、32%、88/275，或留空。",
        ) from None
    top, mark, bottom = text.partition("/")
    parts = (top.strip(), bottom.strip()) if mark else ()
    count = int(bottom) if mark and bottom.strip().isdigit() else None
    return Value(exact, n=count, parts=parts)


def read_values(path: str | Path) -> dict[str, dict[str, Value]]:
    """Read a CSV file of values: agent_id, metric, value (other columns are ignored).

    Values may be fractions (``88/275``), decimals or percents; empty is missing.
    Raises InputError with row and column: no such column or metric, no number, a value the metric
    cannot have, a value given twice.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("there is no such file.", file=str(path), zh="文件不存在。")
    found: dict[str, dict[str, Value]] = {}
    with open_text(file, detect_encoding(file, file.name)) as lines:
        rows = csv.reader(lines)
        places = _heads(next(rows, []), file.name)
        for at, row in enumerate(rows, start=2):
            if any(cell.strip() for cell in row):
                cells = {name: row[p].strip() if p < len(row) else "" for name, p in places.items()}
                _take(found, cells, file.name, at)
    return found


def _heads(head: Sequence[str], name: str) -> dict[str, int]:
    names = [cell.strip().lstrip("\ufeff").lower() for cell in head]
    for wanted in _HEADS:
        if wanted not in names:
            raise InputError(
                f"there is no column '{wanted}'; a file of values has agent_id, metric, value.",
                file=name,
                row=1,
                zh=f"缺少列“{wanted}”；数值文件应有 agent_id、metric、value 三列。",
            )
    return {wanted: names.index(wanted) for wanted in _HEADS}


def _take(found: dict[str, dict[str, Value]], cells: Mapping[str, str], name: str, at: int) -> None:
    agent, code, text = (cells[head] for head in _HEADS)
    if not agent:
        raise InputError(
            "agent_id is empty.", file=name, row=at, column="agent_id", zh="agent_id 为空。"
        )
    try:
        metric = registry().metric(code)
    except UnknownName as error:
        raise InputError(str(error), file=name, row=at, column="metric", zh=error.text_zh) from None
    if code in found.get(agent, {}):
        raise InputError(
            f"{code} of {agent} is given twice.",
            file=name,
            row=at,
            column="metric",
            zh=f"{agent} 的 {code} 出现了两次。",
        )
    try:
        value = _from_text(text)
        _check_domain(metric, value.exact, text)
    except UsageError as error:
        raise InputError(str(error), file=name, row=at, column="value", zh=error.text_zh) from None
    found.setdefault(agent, {})[code] = value


def _check_domain(metric: Metric, exact: Fraction | None, text: str) -> None:
    domain = domain_of(metric)
    if exact is None:
        return
    if metric.is_count and exact.denominator != 1:
        raise UsageError(
            f"{metric.code} is a whole number, not {text}.",
            zh=f"{metric.zh}应为整数，不能是 {text}。",
        )
    if domain.low <= (exact, 0) and (exact, 0) < domain.high:
        return
    ends = f"{value_text(metric, domain.low[0])} … {value_text(metric, domain.high[0])}"
    hint = " Write 32% or 0.32 for a rate." if metric.unit == "ratio" else ""
    raise UsageError(
        f"{text} lies outside what {metric.code} can be ({ends}).{hint}",
        zh=f"{text} 超出{metric.zh}的取值范围（{ends}）。"
        + ("比率请写成 32% 或 0.32。" if hint else ""),
    )


def helpers_of(metrics: Iterable[Metric]) -> tuple[set[str], set[str]]:
    """Return the codes to ask for besides, by subject and for the shop, to be exact.

    A metric against the shop is a quotient of quotients: its own comes from the metric with the
    same sums, the shop's from all its sales.
    """
    own = {twin.code for metric in metrics if (twin := _twin(metric)) is not None}
    return own, {"shop_sales_amount", "excluded_amount"} if own else set()


def _twin(metric: Metric) -> Metric | None:
    """Return the metric with the same numerator and denominator, not against the shop."""
    if not metric.against:
        return None
    return next(
        one
        for one in registry().metrics
        if not one.against
        and (one.numerator, one.denominator) == (metric.numerator, metric.denominator)
    )


def exact_of(
    row: MetricRow, others: Mapping[str, MetricRow], shop: Mapping[str, MetricRow]
) -> Value:
    """Return the exact value of a figure.

    Args:
        others: figures of the same cell by code, shop: of the whole shop: what `helpers_of` named.
    """
    metric = registry().metric(row.metric)
    if row.value is None:
        return Value(None, n=_count(row.denominator), status=row.status)
    if metric.against:
        return _against(metric, row, others, shop)
    if not metric.denominator:
        exact = Fraction(row.value)
        return Value(exact, n=int(exact) if metric.is_count else None, status=row.status)
    bottom = Fraction(row.denominator or 0)
    scale = _UNITS_IN_US.get(metric.unit, 0)
    top = Fraction(row.numerator or 0)
    if scale:
        top = Fraction(round(top * scale), scale)
    parts = (_shown(row.numerator), _shown(row.denominator))
    return Value(top / bottom, _count(row.denominator), row.status, parts)


def _against(
    metric: Metric, row: MetricRow, others: Mapping[str, MetricRow], shop: Mapping[str, MetricRow]
) -> Value:
    twin = _twin(metric)
    own = others[twin.code if twin else ""]
    amounts = [Fraction(shop[code].value or 0) for code in ("shop_sales_amount", "excluded_amount")]
    amount = amounts[0] - amounts[1]
    # The shop's quotient is amount / buyers as a float; its buyers are the nearest whole number.
    buyers = round(amount / Fraction(row.denominator or 1))
    own_top, own_bottom = Fraction(own.numerator or 0), Fraction(own.denominator or 0)
    exact = own_top / own_bottom / (amount / buyers)
    parts = (_shown(row.numerator), _shown(row.denominator))
    return Value(exact, _count(own.denominator), row.status, parts)


def _count(number: Any) -> int | None:
    return int(number) if number is not None and number == int(number) else None


def _shown(number: Any) -> str:
    return f"{number:.6g}" if isinstance(number, float) else str(number)
