"""What if: the period scored as it is and as it would be; nothing is published or kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jinpai.appraisal.period import Day, Scorecard, score_period
from jinpai.appraisal.remade import need_one_state, remade
from jinpai.engine.duckdb import DuckEngine
from jinpai.scoring.changes import (
    Change,
    changed_plan,
    changed_settings,
    read_changes,
    value_at,
)
from jinpai.scoring.figures import By
from jinpai.scoring.plan import Plan, load_plan
from jinpai.scoring.score import Sheet
from jinpai.scoring.sheets import ScoredShop, rescored, score_shop
from jinpai.scoring.trials import WhatIf, asked_singly
from jinpai.scoring.whatif import Effect, Trial, beside, effect, single_changes, tornado_json
from jinpai.settings import Settings

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["Told", "WhatIf", "what_if"]

# Called with what is being done, before it is.
Told = Callable[[str], None]


def what_if(
    workspace: Workspace,
    plan: Plan | str | Path,
    changes: Sequence[str],
    *,
    first: Day = None,
    last: Day = None,
    by: By = "agent",
    shop_id: str | None = None,
    allow_mixed: bool = False,
    told: Told | None = None,
) -> WhatIf:
    """Score a period as it is and as it would be; nothing is published or kept.

    Args:
        changes: ``PATH=VALUE`` (see `scoring.changes`); none only asks what moves the ranking.
            A setting makes the conversations and credits anew, in memory.
        told: called with what is being done.
    Raises as `score_period`, and for a path or value that does not hold.
    """
    plan = plan if isinstance(plan, Plan) else load_plan(plan)
    wanted = read_changes(changes)
    other = changed_plan(plan, wanted)
    base = score_period(
        workspace, plan, first=first, last=last, by=by, shop_id=shop_id, allow_mixed=allow_mixed
    )
    trial = _Trials(workspace, base, by, told)
    sheets = trial.sheets(other, wanted)
    singles = asked_singly(plan, wanted, sheets, trial.sheets)
    tornado = []
    for at, scored in enumerate(base.scored):
        tried = [
            (_asked(plan, change, scored), effect(scored.sheet, found[at]))
            for change, found in singles
        ]
        tried += trial.plan_only(plan, scored)
        tornado += tornado_json(scored.sheet, tried)
    pairs = [
        pair for old, new in zip(base.sheets, sheets, strict=True) for pair in beside(old, new)
    ]
    said = tuple((one.path, _before(plan, one, base), one.value) for one in wanted)
    return WhatIf(base, tuple(sheets), said, pairs, tornado)


def _before(plan: Plan, change: Change, base: Scorecard) -> str:
    if not change.setting:
        return value_at(plan, change.path)
    values = {str(shop.settings[change.setting]) for shop in base.shops}
    return ", ".join(sorted(values))


def _asked(plan: Plan, change: Change, scored: ScoredShop) -> Trial:
    settings = scored.values.scope.settings.values
    before = str(settings[change.setting]) if change.setting else value_at(plan, change.path)
    word = change.path.removeprefix("indicators.")
    return Trial((word, word), change.path, before, change.value, plan, is_asked=True)


class _Trials:
    """Scores variations of a plan for the period of a scorecard."""

    def __init__(self, workspace: Workspace, base: Scorecard, by: By, told: Told | None) -> None:
        self._workspace, self._base, self._by = workspace, base, by
        self._told = told or (lambda word: None)

    def sheets(self, plan: Plan, changes: Sequence[Change]) -> list[Sheet]:
        """Return the sheets of a changed plan under changed settings."""
        settings = {
            shop.values.scope.shop_id: changed_settings(shop.values.scope.settings, changes)
            for shop in self._base.scored
        }
        if not any(change.needs_run for change in changes):
            with self._as_run() as engine:
                return [self._sheet(engine, one, plan, settings) for one in self._base.scored]
        self._told(" ".join(change.path for change in changes if change.needs_run))
        base = self._base
        need_one_state(base.shops)
        with remade(self._workspace, base.shops, base.versions, settings) as engine:
            return [self._sheet(engine, one, plan, settings) for one in base.scored]

    def _sheet(
        self, engine: DuckEngine, one: ScoredShop, plan: Plan, settings: Mapping[str, Settings]
    ) -> Sheet:
        scope = replace(one.values.scope, settings=settings[one.values.scope.shop_id])
        return score_shop(engine, scope, plan, by=self._by).sheet

    @contextmanager
    def _as_run(self) -> Iterator[DuckEngine]:
        with self._workspace.derived() as (engine, _, _):
            yield engine

    def plan_only(self, plan: Plan, scored: ScoredShop) -> list[tuple[Trial, Effect]]:
        """Try every single change of the plan on one shop's values."""
        found = []
        with self._as_run() as engine:
            for trial in single_changes(plan, scored.sheet):
                if trial.judge_rule:
                    scope = scored.values.scope
                    sheet = score_shop(
                        engine, scope, plan, by=self._by, judge_rule=trial.judge_rule
                    ).sheet
                else:
                    sheet = rescored(trial.plan, scored.values)
                found.append((trial, effect(scored.sheet, sheet)))
        return found
