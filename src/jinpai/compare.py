"""Why one agent sold more than another, than the team, or than before: the sales identity split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UsageError
from jinpai.metrics.decompose import FACTORS, Identity, Parts, decompose, identity
from jinpai.metrics.definition import registry
from jinpai.metrics.evidence import check_names
from jinpai.metrics.query import MetricRow, ShopScope, query

__all__ = ["compare_sales"]

_CODES = ("inquiry_buyers", "inquiry_paid_buyers", "inquiry_sales_amount", "sales_amount")
_NAMES = {
    "inquiry_buyers": ("询单人数", "inquiring buyers"),
    "inquiry_conversion_rate": ("询单转化率", "inquiry conversion"),
    "amount_per_paid_buyer": ("询单客单价", "amount per paying buyer"),
}
_TEAM = """
select r.agent_id
from roster as r
inner join roster as o on o.shop_id = r.shop_id and o.team = r.team
where o.shop_id = $shop_id and o.agent_id = $agent_id
"""

Number = int | Decimal


@dataclass(frozen=True)
class _Side:
    """One side of a comparison. ``members``: accounts its figures are the mean of (1: no mean)."""

    zh: str
    en: str
    identity: Identity
    scope: ShopScope
    status: str
    members: int = 1


def compare_sales(
    engine: DuckEngine,
    scope: ShopScope,
    *,
    agent: str | None,
    versus: str,
    loaded_from: date,
    judge_rule: str = "order_first",
) -> dict[str, Any]:
    """Return two sales identities and what made their difference, as JSON values.

    Args:
        agent: whose sales; None is the shop's.
        versus: ``team`` (the mean of the agent's team, the agent included), ``previous`` (the same
            number of days just before) or another agent_id.
        loaded_from: the shop's first day with data.
    Returns:
        ``sides`` (two: factors, amounts as money text, residual, status), ``parts`` (money as
        numbers; they add up to the difference of inquiry_sales_amount), ``difference``,
        ``residual``, ``sentences_zh``, ``sentences_en``.
    Raises:
        UnknownName: no such agent.
        UsageError: a shop has no team; the agent has none; no data before the period.
    """
    if agent:
        check_names(engine, scope.shop_id, {"agent": agent})
    if versus == "previous":
        other_scope = _previous(scope, loaded_from)
        sides = (
            _one(engine, scope, agent, judge_rule, dated=True),
            _one(engine, other_scope, agent, judge_rule, dated=True),
        )
    elif agent is None:
        raise UsageError(
            "A shop can be compared with 'previous' only; name an agent otherwise.",
            zh="全店只能与 previous（上一段）比较；否则请用 --agent 指定客服。",
        )
    else:
        other = _team(engine, scope, agent, judge_rule) if versus == "team" else None
        if other is None:
            check_names(engine, scope.shop_id, {"agent": versus})
            other = _one(engine, scope, versus, judge_rule)
        sides = (_one(engine, scope, agent, judge_rule), other)
    parts = decompose(sides[0].identity, sides[1].identity)
    return {
        "shop_id": scope.shop_id,
        "judge_rule": judge_rule,
        "versus": versus,
        "sides": [_side_row(side) for side in sides],
        "difference": float(parts.difference),
        "parts": [_part_row(name, part) for name, part in _named(parts)],
        "residual": float(parts.residual),
        "sentences_zh": _sentences(sides, parts, 0),
        "sentences_en": _sentences(sides, parts, 1),
    }


def _previous(scope: ShopScope, loaded_from: date) -> ShopScope:
    last = scope.first - timedelta(days=1)
    first = last - (scope.last - scope.first)
    if first < loaded_from:
        raise UsageError(
            f"The period before, {first} to {last}, is not loaded in full (data begin on "
            f"{loaded_from}); choose --from and --to so that as many days lie before them.",
            zh=f"上一段 {first} 至 {last} 的数据不全（数据始于 {loaded_from}）；"
            "请用 --from 与 --to 选一段前面有同样天数的日期。",
        )
    return replace(scope, first=first, last=last)


def _ask(
    engine: DuckEngine, scope: ShopScope, agents: Sequence[str | None], by_agent: bool, rule: str
) -> list[list[MetricRow]]:
    """Return the figures of _CODES for each agent, or for the shop."""
    metrics = [registry().metric(code) for code in _CODES]
    cells = [(scope.shop_id, agent) for agent in agents] if by_agent else []
    rows = query(
        engine,
        [scope],
        metrics=metrics,
        grain=("agent",) if by_agent else (),
        judge_rule=rule,
        always=cells,
    )
    return [[row for row in rows if row.grain.get("agent_id") == agent] for agent in agents]


def _one(
    engine: DuckEngine, scope: ShopScope, agent: str | None, rule: str, *, dated: bool = False
) -> _Side:
    rows = _ask(engine, scope, [agent or None], agent is not None, rule)[0]
    zh, en = ("全店", "the shop") if agent is None else (agent or "未分配", agent or "unassigned")
    when = f" {scope.first}—{scope.last}" if dated else ""
    return _Side(zh + when, en + when, identity(*_numbers(rows)), scope, _status(rows))


def _team(engine: DuckEngine, scope: ShopScope, agent: str, rule: str) -> _Side:
    values = {"shop_id": scope.shop_id, "agent_id": agent}
    members = engine.fetch("team", f"{_TEAM} order by r.agent_id", values)["agent_id"].to_pylist()
    if not members:
        raise UsageError(
            f"Agent '{agent}' has no team; compare with another agent_id or with 'previous'.",
            zh=f"客服“{agent}”没有团队；请与另一个客服或 previous（上一段）比较。",
        )
    found = [rows for rows in _ask(engine, scope, members, True, rule) if any(_numbers(rows))]
    count = max(len(found), 1)
    sums = [sum(map(Fraction, column)) for column in zip(*map(_numbers, found), strict=True)]
    means = [Fraction(total) / count for total in sums or [Fraction(0)] * len(_CODES)]
    status = "final" if all(_status(rows) == "final" for rows in found) else "provisional"
    zh, en = f"团队平均（{count} 人）", f"the team's mean of {count}"
    return _Side(zh, en, identity(*means), scope, status, count)


def _numbers(rows: Sequence[MetricRow]) -> list[Number]:
    by_code = {row.metric: row.value for row in rows}
    return [value for code in _CODES if isinstance(value := by_code[code], int | Decimal)]


def _status(rows: Sequence[MetricRow]) -> str:
    return "final" if all(row.status == "final" for row in rows) else "provisional"


def _named(parts: Parts) -> list[tuple[str, float]]:
    return list(zip(FACTORS, parts.factors, strict=True))


def _side_row(side: _Side) -> dict[str, Any]:
    one = side.identity
    factors = dict(zip(FACTORS, map(_float, one.factors), strict=True))
    return {
        "zh": side.zh,
        "en": side.en,
        "first": side.scope.first.isoformat(),
        "last": side.scope.last.isoformat(),
        "members": side.members,
        **factors,
        "inquiry_sales_amount": f"{float(one.amount):.2f}",
        "sales_amount": f"{float(one.sales_amount):.2f}",
        "residual": f"{float(one.residual):.2f}",
        "status": side.status,
    }


def _part_row(name: str, part: float) -> dict[str, Any]:
    zh, en = _NAMES[name]
    return {"factor": name, "zh": zh, "en": en, "amount": part}


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _sentences(sides: tuple[_Side, _Side], parts: Parts, language: int) -> list[str]:
    """Say the difference, the factor that made most of it, and the sales beside inquiries."""
    a, b = ((side.zh, side.en)[language] for side in sides)
    amount = float(parts.difference)
    listed = [f"{_NAMES[name][language]} {part:+,.2f}" for name, part in _named(parts)]
    more = _more(amount, language)
    if language == 0:
        said = [f"{a} 的询单销售额比 {b} {more}：{'，'.join(listed)}。"]
    else:
        said = [f"Inquiry sales of {a} are {more} {b}: {', '.join(listed)}."]
    place = max(range(len(FACTORS)), key=lambda n: abs(parts.factors[n]))
    if parts.factors[place]:
        said.append(_main(sides, place, parts.factors[place], language))
    residual = _more(float(parts.residual), language)
    if language == 0:
        return [*said, f"询单之外的客服销售额 {residual}。"]
    return [*said, f"Sales beside inquiries: {residual} the other side."]


def _more(amount: float, language: int) -> str:
    text = f"{abs(amount):,.2f}"
    if round(amount, 2) == 0:
        return ("相同", "the same as")[language]
    if amount > 0:
        return (f"多 {text}", f"{text} more than")[language]
    return (f"少 {text}", f"{text} less than")[language]


def _main(sides: tuple[_Side, _Side], place: int, part: float, language: int) -> str:
    one, other = (_shown(place, side.identity.factors[place]) for side in sides)
    name = _NAMES[FACTORS[place]][language]
    if language == 0:
        word = "较高" if part > 0 else "较低"
        return f"影响最大的是{name}{word}：{one} 对 {other}，{part:+,.2f}。"
    return f"The largest part is {name}: {one} against {other}, {part:+,.2f}."


def _shown(place: int, value: Fraction | None) -> str:
    if value is None:
        return "–"
    number = float(value)
    if FACTORS[place] == "inquiry_conversion_rate":
        return f"{number:.2%}"
    return f"{number:,.2f}" if value.denominator > 1 or place == 2 else f"{number:,.0f}"
