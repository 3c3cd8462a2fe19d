"""Scores of a workspace: figures of its last run under a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UsageError
from jinpai.metrics.query import ShopScope
from jinpai.run import ShopRun
from jinpai.scoring.figures import By
from jinpai.scoring.lint import lint
from jinpai.scoring.plan import Plan, load_plan
from jinpai.scoring.score import Sheet
from jinpai.scoring.sheet_json import sheets_json
from jinpai.scoring.sheets import ScoredShop, score_shop

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = [
    "STALE",
    "Both",
    "Day",
    "Scorecard",
    "mixed_settings",
    "scopes_in",
    "score_period",
    "score_scope",
]

Both = tuple[str, str]
Day = str | date | None


@dataclass(frozen=True)
class Scorecard:
    """Score sheets of a workspace, one per shop, with what they were made of.

    Attributes:
        shops: the shops as the run saw them, in the order of the sheets.
        versions: version of every canonical table that the run read.
        manifest: number of the state of the lake that the run read.
        notes: what a reader should know, in English and in Chinese.
    """

    plan: Plan
    scored: tuple[ScoredShop, ...]
    shops: tuple[ShopRun, ...]
    versions: Mapping[str, int]
    manifest: int
    notes: tuple[Both, ...] = ()

    @property
    def sheets(self) -> list[Sheet]:
        """The sheets, shop by shop."""
        return [one.sheet for one in self.scored]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        notes = [{"en": en, "zh": zh} for en, zh in self.notes]
        return sheets_json(self.sheets) | {"notes": notes}


def score_period(
    workspace: Workspace,
    plan: Plan | str | Path,
    *,
    first: Day = None,
    last: Day = None,
    by: By = "agent",
    shop_id: str | None = None,
    allow_mixed: bool = False,
) -> Scorecard:
    """Score a period of the last run under a plan.

    Args:
        by: agent or team.
        allow_mixed: shops whose figures were made under different settings may stand side by side.
    Raises:
        UsageError: no run yet; an impossible range; a variant in part; mixed settings.
        UnknownName: a metric or shop that does not exist. InputError: no plan.
    """
    plan = plan if isinstance(plan, Plan) else load_plan(plan)
    with workspace.derived(shop_id) as (engine, shops, snapshot):
        scopes = scopes_in(shops, first, last)
        notes = [*mixed_settings(scopes, allow_mixed), *_defects(plan)]
        if workspace._stale(snapshot, shops):
            notes.append(STALE)
        found = tuple(score_scope(engine, scope, shops, plan, by) for scope in scopes)
        run = snapshot.run or {}
        known = {shop.shop_id: shop for shop in shops}
        seen = tuple(known[scope.shop_id] for scope in scopes)
        return Scorecard(
            plan, found, seen, dict(run["versions"]), int(run["snapshot"]), tuple(notes)
        )


STALE = (
    "Data or settings changed since the last run; jinpai run brings the figures up to date.",
    "上次计算之后数据或设置有改动；重新 jinpai run 后才是最新。",
)


def scopes_in(shops: Sequence[ShopRun], first: Day, last: Day) -> list[ShopScope]:
    """Return the shops with the days asked for, or all their days; raises UsageError."""
    from jinpai.workspace import scopes_of

    return scopes_of(shops, first, last)


def score_scope(
    engine: DuckEngine, scope: ShopScope, shops: Sequence[ShopRun], plan: Plan, by: By
) -> ScoredShop:
    """Score one shop, beside the period before where that is loaded."""
    shop = next(one for one in shops if one.shop_id == scope.shop_id)
    loaded_from = date.fromisoformat(shop.first_day)
    return score_shop(engine, scope, plan, by=by, loaded_from=loaded_from)


def mixed_settings(scopes: Sequence[ShopScope], allow_mixed: bool) -> list[Both]:
    """Refuse, or tell, that shops were measured by different settings."""
    ids = {scope.settings.settings_id for scope in scopes}
    if len(ids) < 2:
        return []
    values = [scope.settings.values for scope in scopes]
    names = [name for name in values[0] if any(one[name] != values[0][name] for one in values)]
    listed = ", ".join(names)
    if not allow_mixed:
        raise UsageError(
            f"The shops were measured by different settings ({listed}), so their scores are not "
            "comparable; choose one with --shop, or say --allow-mixed.",
            zh=f"各店铺的统计设置不同（{listed}），得分不可比；"
            "请用 --shop 指定一家，或明确使用 --allow-mixed。",
        )
    return [
        (
            f"Mixed settings: the shops were measured by different {listed}.",
            f"设置混用：各店铺的 {listed} 不同。",
        )
    ]


def _defects(plan: Plan) -> list[Both]:
    rows = lint(plan)
    if not rows:
        return []
    codes = ", ".join(dict.fromkeys(row.code for row in rows))
    return [
        (
            f"The plan has {len(rows)} defect(s) ({codes}); see: jinpai plan lint.",
            f"该方案有 {len(rows)} 处缺陷（{codes}）；详见 jinpai plan lint。",
        )
    ]
