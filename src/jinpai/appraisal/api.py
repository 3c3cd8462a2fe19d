"""The part of a workspace's API that scores, locks and grades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jinpai.appraisal.grades import GradeCard, grade_period
from jinpai.appraisal.locks import lock_period, recompute, since_lock
from jinpai.appraisal.period import Day, Scorecard, score_period
from jinpai.appraisal.preview import SettingPreview, preview_setting
from jinpai.appraisal.whatif import Told, WhatIf, what_if
from jinpai.scoring.figures import By
from jinpai.scoring.plan import Plan
from jinpai.scoring.policy import Policy
from jinpai.settings import Value

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["Appraisals"]


class Appraisals:
    """Scores, what-if, locked periods and grades; `jinpai.Workspace` is one."""

    @property
    def _shop(self) -> Workspace:
        return cast("Workspace", self)

    def score(
        self,
        plan: Plan | str | Path,
        *,
        first: Day = None,
        last: Day = None,
        by: By = "agent",
        shop_id: str | None = None,
        allow_mixed: bool = False,
    ) -> Scorecard:
        """Score a period of the last run under a KPI plan (see `appraisal.period`)."""
        return score_period(
            self._shop,
            plan,
            first=first,
            last=last,
            by=by,
            shop_id=shop_id,
            allow_mixed=allow_mixed,
        )

    def whatif(
        self,
        plan: Plan | str | Path,
        changes: Sequence[str] = (),
        *,
        first: Day = None,
        last: Day = None,
        by: By = "agent",
        shop_id: str | None = None,
        allow_mixed: bool = False,
        told: Told | None = None,
    ) -> WhatIf:
        """Score a period as it is and as it would be (see `appraisal.whatif.what_if`)."""
        return what_if(
            self._shop,
            plan,
            changes,
            first=first,
            last=last,
            by=by,
            shop_id=shop_id,
            allow_mixed=allow_mixed,
            told=told,
        )

    def preview_setting(
        self, name: str, value: Value, *, first: date, last: date, shop_id: str
    ) -> SettingPreview:
        """Return what a change of a setting would do (see `appraisal.preview`)."""
        return preview_setting(self._shop, name, value, first=first, last=last, shop_id=shop_id)

    def grade(
        self,
        policy: Policy | str | Path | None = None,
        *,
        first: Day = None,
        last: Day = None,
        by: By = "agent",
        shop_id: str | None = None,
        allow_mixed: bool = False,
    ) -> GradeCard:
        """Grade everybody at work in a period (see `appraisal.grades.grade_period`)."""
        return grade_period(
            self._shop,
            policy,
            first=first,
            last=last,
            by=by,
            shop_id=shop_id,
            allow_mixed=allow_mixed,
        )

    def lock(self, name: str, card: Scorecard, *, by: str = "python") -> dict[str, Any]:
        """Lock a scorecard under a name, for ever; raises UsageError when the name is taken.

        ``by`` says who does it, in the lock and in the audit log.
        """
        return lock_period(self._shop, name, card, by=by)

    def since_lock(self, name: str, plan: Plan | str | Path | None = None) -> dict[str, Any]:
        """Return what today's data, settings or another plan change in a locked period."""
        return since_lock(self._shop, name, plan)

    def recompute(self, name: str) -> dict[str, Any]:
        """Work a locked period out again from the table versions and settings it names."""
        return recompute(self._shop, name)
