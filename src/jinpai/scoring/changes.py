"""Changes to try on a plan: ``PATH=VALUE``.

indicators.return_count.weight=10          an indicator by its metric, or indicators[5]
indicators.payment_rate.bands[4].interval=[0.5, 0.6)
judge_rule=payment                         any key of the plan; empty takes it out
settings.inquiry_days=1                    a setting of the shop: figures are worked out anew
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinpai.errors import UnknownName, UsageError
from jinpai.scoring.plan import SPELLINGS, Plan, plan_of
from jinpai.settings import Settings, parse

__all__ = [
    "AT_IMPORT",
    "PLAN_SETTINGS",
    "Change",
    "changed_plan",
    "changed_settings",
    "read_changes",
]

# Settings that only scoring reads: nothing has to be run again for them.
PLAN_SETTINGS = ("judge_rule", "missing", "promote_after", "demote_after")
# Applied when files are imported: a run cannot change them any more.
AT_IMPORT = ("clock_skew",)
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True)
class Change:
    """One change: of the plan, or of a setting (``setting`` is its name, else empty)."""

    path: str
    value: str
    setting: str = ""

    @property
    def needs_run(self) -> bool:
        """Whether the figures themselves change."""
        return bool(self.setting) and self.setting not in PLAN_SETTINGS

    def __str__(self) -> str:
        return f"{self.path}={self.value}"


def read_changes(texts: Iterable[str]) -> list[Change]:
    """Return the changes of texts ``PATH=VALUE``; raises UsageError and UnknownName."""
    changes = []
    for text in texts:
        path, mark, value = text.partition("=")
        if not mark or not path.strip():
            raise UsageError(
                f"--set: '{text}' is not PATH=VALUE, such as indicators.payment_rate.weight=20.",
                zh=f"--set：“{text}”不是 路径=值 的形式，例如 indicators.payment_rate.weight=20。",
            )
        path = path.strip()
        setting = path.removeprefix("settings.") if path.startswith("settings.") else ""
        if setting:
            parse(setting, value.strip())
        if setting in AT_IMPORT:
            raise UsageError(
                f"{setting} acts when files are imported; a what-if cannot change it.",
                zh=f"{setting} 在导入时生效，无法在推演中更改。",
            )
        changes.append(Change(path, value.strip(), setting))
    return changes


def changed_settings(settings: Settings, changes: Sequence[Change]) -> Settings:
    """Return the settings with the changes of settings; raises SettingError."""
    own = {one.setting: parse(one.setting, one.value) for one in changes if one.setting}
    return Settings.of(settings.values | own) if own else settings


def changed_plan(plan: Plan, changes: Sequence[Change]) -> Plan:
    """Return the plan with the changes of the plan.

    Raises UnknownName for a path that does not exist, InputError for a value that does not hold.
    """
    own = [one for one in changes if not one.setting]
    if not own:
        return plan
    data = copy.deepcopy(plan.document.data)
    for change in own:
        _put(data, change)
    return plan_of(replace(plan.document, name="--set", data=data, lines={}))


def value_at(plan: Plan, path: str) -> str:
    """Return what the plan has at a path, empty where nothing is."""
    place: Any = plan.document.data
    steps = _steps(path)
    for step in steps[:-1]:
        place = _down(place, step, path)
    found = _find(place, steps[-1])
    return "" if found is None else str(place[found])


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for number, word in _STEP.findall(path):
        key = re.sub(r"[\s-]+", "_", word.strip())
        digits = number or (key if key.isdigit() else "")
        steps.append(int(digits) if digits else SPELLINGS.get(key, key))
    if not steps:
        raise UnknownName("key of the plan", path, Plan.model_fields)
    return steps


def _put(data: dict[str, Any], change: Change) -> None:
    place: Any = data
    *above, last = _steps(change.path)
    for step in above:
        if isinstance(place, dict) and step not in place and step in ("pay", "pool"):
            place[step] = {}
        place = _down(place, step, change.path)
    found = _find(place, last)
    if isinstance(place, list):
        if found is None:
            raise _unknown(place, last, change.path)
        place[found] = change.value
    elif not isinstance(place, dict):
        raise _unknown(place, last, change.path)
    elif change.value == "":
        place.pop(last, None)
    else:
        place[last] = change.value


def _down(place: Any, step: str | int, path: str) -> Any:
    found = _find(place, step)
    if found is None:
        raise _unknown(place, step, path)
    return place[found]


def _find(place: Any, step: str | int) -> Any:
    """Return the key or place of a step: an indicator also by its metric, a variant by its name."""
    if isinstance(place, dict):
        return step if step in place else None
    if not isinstance(place, list):
        return None
    if isinstance(step, int) and step < len(place):
        return step
    named = [at for at, one in enumerate(place) if str(step) in _names(one)]
    return named[0] if len(named) == 1 else None


def _names(entry: Any) -> tuple[Any, ...]:
    return (entry.get("metric"), entry.get("name")) if isinstance(entry, dict) else ()


def _unknown(place: Any, step: str | int, path: str) -> UsageError:
    known: list[str] = []
    if isinstance(place, dict):
        known = [str(key) for key in place]
    elif isinstance(place, list):
        known = [str(name) for entry in place for name in _names(entry) if name]
        known = known or [str(at) for at in range(len(place))]
    error = UnknownName("key", str(step), known)
    return UsageError(f"--set {path}: {error}", zh=f"--set {path}：{error.text_zh}")
