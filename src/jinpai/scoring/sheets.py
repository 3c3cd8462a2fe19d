"""A shop's score sheet for a period: values of the run, scored, beside the period before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UsageError
from jinpai.metrics.definition import registry
from jinpai.metrics.query import ShopScope
from jinpai.scoring.figures import By, ShopValues, codes_of, shop_values
from jinpai.scoring.plan import Plan
from jinpai.scoring.score import Previous, Sheet, score
from jinpai.scoring.spans import is_whole, period_before

__all__ = ["ScoredShop", "rescored", "score_shop"]

Both = tuple[str, str]
_WHOLE = {
    "month": ("whole months", "整月"),
    "week": ("whole weeks (from Monday)", "整周（周一起）"),
    "day": ("one day", "单日"),
}


@dataclass(frozen=True)
class ScoredShop:
    """A sheet with the values it was made of."""

    sheet: Sheet
    values: ShopValues


def score_shop(
    engine: DuckEngine,
    scope: ShopScope,
    plan: Plan,
    *,
    by: By = "agent",
    judge_rule: str | None = None,
    loaded_from: date | None = None,
) -> ScoredShop:
    """Score everybody at work in a shop's period.

    Args:
        judge_rule: over the plan's; None is the plan's, else the shop's setting.
        loaded_from: the shop's first day with data; without it the period before is not looked at.
    Raises:
        UsageError: the period lies in a variant in part; a metric that no agent has.
        UnknownName: a metric that does not exist.
    """
    rule = judge_rule or plan.judge_rule or scope.settings.judge_rule
    values = shop_values(engine, scope, codes_of(plan, scope), by=by, judge_rule=rule)
    sheet = rescored(plan, values)
    if loaded_from is None:
        return ScoredShop(sheet, values)
    before, note = _before(engine, scope, plan, by, rule, loaded_from)
    notes = [*sheet.notes, *([note] if note else [])]
    if before is not None:
        sheet = _beside(sheet, before)
    return ScoredShop(replace(sheet, notes=tuple(notes)), values)


def rescored(plan: Plan, values: ShopValues) -> Sheet:
    """Score values that are there already, without the period before."""
    scope = values.scope
    sheet = score(
        plan,
        values.values,
        first=scope.first,
        last=scope.last,
        missing=scope.settings.missing,
    )
    return replace(
        sheet,
        by="agent_id" if values.by == "agent" else "team",
        judge_rule=values.judge_rule,
        shop_id=scope.shop_id,
        settings_id=scope.settings.settings_id,
        notes=tuple(_notes(plan, scope, sheet)),
    )


def _notes(plan: Plan, scope: ShopScope, sheet: Sheet) -> Sequence[Both]:
    notes = []
    rule, days = plan.period_rule, f"{scope.first} – {scope.last}"
    if not is_whole(rule, scope.first, scope.last):
        en, zh = _WHOLE.get(rule, (rule, rule.replace(" days", " 天")))
        notes.append(
            (
                f"The plan is made for {en}, which {days} is not: counts are not comparable.",
                f"该方案按{zh}考核，{days} 不符，数量类指标不可比。",
            )
        )
    lines = [line for one in sheet.agents for line in one.lines]
    immature = sorted({line.metric for line in lines if "provisional" in line.flags})
    if immature:
        metrics = [registry().metric(code) for code in immature]
        en = ", ".join(metric.en for metric in metrics)
        zh = "、".join(metric.zh for metric in metrics)
        notes.append((f"Provisional, may still change: {en}.", f"暂定，仍可能变化：{zh}。"))
    return notes


def _before(
    engine: DuckEngine, scope: ShopScope, plan: Plan, by: By, rule: str, loaded_from: date
) -> tuple[Sheet | None, Both | None]:
    first, last = period_before(plan.period_rule, scope.first, scope.last)
    if first < loaded_from:
        return None, (
            f"No comparison: the period before, {first} – {last}, is not loaded in full.",
            f"无环比：上一期 {first} 至 {last} 的数据不全。",
        )
    earlier = replace(scope, first=first, last=last)
    try:
        codes = codes_of(plan, earlier)
    except UsageError:
        return None, (
            f"No comparison: the period before, {first} – {last}, lies in a variant in part.",
            f"无环比：上一期 {first} 至 {last} 只有一部分属于某个分期方案。",
        )
    return rescored(plan, shop_values(engine, earlier, codes, by=by, judge_rule=rule)), None


def _beside(sheet: Sheet, before: Sheet) -> Sheet:
    then = {one.subject: one for one in before.agents}
    agents = []
    for one in sheet.agents:
        old = then.get(one.subject)
        if old is not None and before.first and before.last:
            scores = {line.metric: line.score for line in old.lines}
            previous = Previous(before.first, before.last, old.total, old.total_normalised, scores)
            one = replace(one, previous=previous)
        agents.append(one)
    return replace(sheet, agents=tuple(agents))
