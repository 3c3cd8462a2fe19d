"""Grades of a workspace: a period under a policy, after the periods before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinpai.appraisal.period import STALE, Both, Day, mixed_settings, scopes_in
from jinpai.engine.duckdb import DuckEngine
from jinpai.metrics.definition import registry
from jinpai.metrics.query import ShopScope
from jinpai.run import ShopRun
from jinpai.scoring.concentration import Concentration, concentration
from jinpai.scoring.figures import By, ShopValues, shop_values
from jinpai.scoring.grade import Graded, GradeLine, grade
from jinpai.scoring.grade_words import GRADE_NAMES
from jinpai.scoring.numbers import as_json
from jinpai.scoring.policy import Policy, default_policy, load_policy
from jinpai.scoring.spans import period_before

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["GradeCard", "ShopGrades", "grade_period"]

_VALUE = "sales_amount"
# Periods looked back on at most: a grade older than that is forgotten.
_MOST_PERIODS = 24


@dataclass(frozen=True)
class ShopGrades:
    """One shop's grades for one period.

    Attributes:
        graded: best first.
        before: the periods before, oldest first, with the grades computed in each.
        concentration: how the sales are spread over them.
        promote_after, demote_after: in force.
    """

    shop_id: str
    judge_rule: str
    settings_id: str
    graded: tuple[Graded, ...]
    before: tuple[tuple[date, date, dict[str, str | None]], ...]
    concentration: Concentration
    promote_after: int
    demote_after: int


@dataclass(frozen=True)
class GradeCard:
    """Grades of a workspace, shop by shop."""

    policy: Policy
    first: date
    last: date
    by: By
    shops: tuple[ShopGrades, ...]
    notes: tuple[Both, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "policy": self.policy.name,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "by": self.by,
            "shops": [_shop_json(shop) for shop in self.shops],
            "agents": [
                _agent_json(one, shop, "agent_id" if self.by == "agent" else "team")
                for shop in self.shops
                for one in shop.graded
            ],
            "notes": [{"en": en, "zh": zh} for en, zh in self.notes],
        }


def grade_period(
    workspace: Workspace,
    policy: Policy | str | Path | None = None,
    *,
    first: Day = None,
    last: Day = None,
    by: By = "agent",
    shop_id: str | None = None,
    allow_mixed: bool = False,
) -> GradeCard:
    """Grade everybody at work in a period of the last run.

    The periods before that are loaded in full are graded first (at most 24 of the same length, or
    whole months), so that a grade is held as the policy says.

    Args:
        policy: default the shipped gold-agent standard.
    Raises:
        UsageError: no run yet; an impossible range; mixed settings. InputError: no policy.
        UnknownName: a metric or shop that does not exist.
    """
    if policy is None:
        policy = default_policy()
    policy = policy if isinstance(policy, Policy) else load_policy(policy)
    with workspace.derived(shop_id) as (engine, shops, snapshot):
        scopes = scopes_in(shops, first, last)
        notes = mixed_settings(scopes, allow_mixed)
        if workspace._stale(snapshot, shops):
            notes.append(STALE)
        found = tuple(_graded(engine, scope, shops, policy, by) for scope in scopes)
        days = (min(one.first for one in scopes), max(one.last for one in scopes))
        return GradeCard(policy, *days, by, found, tuple(notes))


def _graded(
    engine: DuckEngine, scope: ShopScope, shops: Sequence[ShopRun], policy: Policy, by: By
) -> ShopGrades:
    loaded_from = next(date.fromisoformat(s.first_day) for s in shops if s.shop_id == scope.shop_id)
    rule = policy.judge_rule or scope.settings.judge_rule
    before = []
    for first, last in _periods_before(policy, scope, loaded_from):
        values = _values(engine, replace(scope, first=first, last=last), policy, by, rule)
        before.append((first, last, {one.subject: one.computed for one in grade(policy, values)}))
    now = _values(engine, scope, policy, by, rule)
    settings = scope.settings
    graded = grade(
        policy,
        now,
        {subject: [grades.get(subject) for _, _, grades in before] for subject in now},
        promote_after=settings.promote_after,
        demote_after=settings.demote_after,
    )
    sales = shop_values(engine, scope, [_VALUE], by=by, judge_rule=rule)
    return ShopGrades(
        scope.shop_id,
        rule,
        settings.settings_id,
        tuple(graded),
        tuple(before),
        concentration(_amounts(sales)),
        policy.promote_after or settings.promote_after,
        policy.demote_after or settings.demote_after,
    )


def _periods_before(
    policy: Policy, scope: ShopScope, loaded_from: date
) -> Iterator[tuple[date, date]]:
    """Yield the periods before that are loaded in full, oldest first.

    Where a metric looks as many days back, those have to be loaded too: else nobody could have
    returned or been lost, and the first grade held would be a gift.
    """
    looks_back = any(registry().metric(one.metric).needs_history for one in policy.metrics)
    found: list[tuple[date, date]] = []
    first, last = period_before(policy.period_rule, scope.first, scope.last)
    while len(found) < _MOST_PERIODS:
        history = (last - first) + timedelta(days=1) if looks_back else timedelta(0)
        if first - history < loaded_from:
            break
        found.append((first, last))
        first, last = period_before(policy.period_rule, first, last)
    yield from reversed(found)


def _values(
    engine: DuckEngine, scope: ShopScope, policy: Policy, by: By, rule: str
) -> dict[str, dict[str, Any]]:
    codes = [one.metric for one in policy.metrics]
    return dict(shop_values(engine, scope, codes, by=by, judge_rule=rule).values)


def _amounts(sales: ShopValues) -> dict[str, Fraction]:
    return {subject: own[_VALUE].exact or Fraction(0) for subject, own in sales.values.items()}


def _shop_json(shop: ShopGrades) -> dict[str, Any]:
    return {
        "shop_id": shop.shop_id,
        "judge_rule": shop.judge_rule,
        "settings_id": shop.settings_id,
        "promote_after": shop.promote_after,
        "demote_after": shop.demote_after,
        "periods_before": [
            {"from": first.isoformat(), "to": last.isoformat()} for first, last, _ in shop.before
        ],
        "concentration": {"metric": _VALUE, **shop.concentration.to_json()},
    }


def _agent_json(one: Graded, shop: ShopGrades, key: str) -> dict[str, Any]:
    en, zh = GRADE_NAMES[one.grade]
    return {
        "shop_id": shop.shop_id,
        key: one.subject,
        "grade": one.grade,
        "grade_en": en,
        "grade_zh": zh,
        "computed": one.computed,
        "computed_before": [grades.get(one.subject) for _, _, grades in shop.before],
        "status": one.status,
        "metrics": [_line_json(line) for line in one.lines],
        "reasons_en": list(one.reasons_en),
        "reasons_zh": list(one.reasons_zh),
    }


def _line_json(line: GradeLine) -> dict[str, Any]:
    exact = line.value.exact
    return {
        "metric": line.metric,
        "value": as_json(registry().metric(line.metric), exact),
        "exact": None if exact is None else str(exact),
        "n": line.value.n,
        "grade": line.grade,
        "band": line.band,
        "weight": float(line.weight),
        "status": line.value.status,
        "flags": list(line.flags),
    }
