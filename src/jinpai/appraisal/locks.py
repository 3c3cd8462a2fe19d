"""Locked periods of a workspace: lock, compare with today, work out again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinpai.appraisal.period import Scorecard, scopes_in, score_period, score_scope
from jinpai.appraisal.remade import need_one_state, remade
from jinpai.errors import UsageError, WorkspaceError
from jinpai.run import ShopRun
from jinpai.scoring.document import Document
from jinpai.scoring.figures import By
from jinpai.scoring.lock import (
    alone,
    cut_short,
    differences,
    lock_names,
    locked_values,
    read_lock,
    results_of,
    write_lock,
)
from jinpai.scoring.plan import Plan, load_plan, plan_of
from jinpai.settings import Settings
from jinpai.tables.state import unpin

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["lock_period", "recompute", "since_lock", "undo_cut_short"]


def lock_period(
    workspace: Workspace, name: str, card: Scorecard, *, by: str = "python"
) -> dict[str, Any]:
    """Lock a scorecard under a name, for ever; ``by`` says who does it.

    Raises UsageError when the name is taken or no plain word, when the shops' periods differ, and
    when a shop's figures come from older data than those of the others.
    """
    need_one_state(card.shops)
    if len({(sheet.first, sheet.last) for sheet in card.sheets}) > 1:
        raise UsageError(
            "The shops have different days; say which period to lock with --from and --to.",
            zh="各店铺的日期范围不同；请用 --from 与 --to 指明要锁定的期间。",
        )
    first, document = card.sheets[0], card.plan.document
    content = {
        "locked_by": by,
        "code_version": _code_version(),
        "plan": {"name": card.plan.name, "data": document.data, "text": document.text},
        "from": str(first.first),
        "to": str(first.last),
        "by": first.by,
        "manifest": card.manifest,
        "versions": dict(card.versions),
        "shops": [_shop(shop) for shop in card.shops],
        "values": locked_values(card.scored),
        "result": results_of(card.scored),
    }
    with alone(workspace.root):
        _undo(workspace)
        keep = partial(workspace.lake.pin, card.manifest, name)
        return write_lock(workspace.root, name, content, keep)


def undo_cut_short(workspace: Workspace) -> None:
    """Let go of what locks kept whose process died before they were there."""
    if (workspace.root / "locks").is_dir():
        with alone(workspace.root):
            _undo(workspace)


def _undo(workspace: Workspace) -> None:
    made = lock_names(workspace.root)
    for path, name, number in cut_short(workspace.root):
        if name not in made and workspace.lake.pins().get(name) == number:
            unpin(workspace.lake.states, name)
        path.unlink()


def _shop(shop: ShopRun) -> dict[str, Any]:
    return {
        "shop_id": shop.shop_id,
        "timezone": shop.timezone,
        "settings_id": shop.settings_id,
        "settings": dict(shop.settings),
        "as_of_us": shop.as_of_us,
        "first_day": shop.first_day,
        "last_day": shop.last_day,
    }


def _code_version() -> str:
    from jinpai import __version__

    return __version__


def _plan(lock: Mapping[str, Any]) -> Plan:
    kept = lock["plan"]
    return plan_of(Document(f"lock {lock['name']}", kept["data"], {}, kept["text"]))


def since_lock(
    workspace: Workspace, name: str, plan: Plan | str | Path | None = None
) -> dict[str, Any]:
    """Return what today's data, settings or another plan change in a locked period.

    Returns ``locked``, ``now`` (results), ``differences`` by agent, ``settings`` that differ, and
    ``plan_differs``.
    Raises UnknownName for the lock, WorkspaceError when its file was changed; as `score_period`.
    """
    lock = read_lock(workspace.root, name)
    other = _plan(lock) if plan is None else plan
    other = other if isinstance(other, Plan) else load_plan(other)
    by: By = "team" if lock["by"] == "team" else "agent"
    shops = [shop["shop_id"] for shop in lock["shops"]]
    card = score_period(
        workspace,
        other,
        first=lock["from"],
        last=lock["to"],
        by=by,
        shop_id=shops[0] if len(shops) == 1 else None,
        allow_mixed=True,
    )
    now = results_of(card.scored)
    return {
        "lock": name,
        "locked_at": lock["locked_at"],
        "plan_differs": other.document.data != lock["plan"]["data"],
        "settings": _setting_differences(lock, card),
        "differences": differences(lock["result"], now, lock["by"]),
        "locked": lock["result"],
        "now": now,
    }


def _setting_differences(lock: Mapping[str, Any], card: Scorecard) -> list[dict[str, Any]]:
    now = {shop.shop_id: shop.settings for shop in card.shops}
    return [
        {"shop_id": shop["shop_id"], "setting": name, "before": value,
         "after": now[shop["shop_id"]].get(name)}
        for shop in lock["shops"] if shop["shop_id"] in now
        for name, value in shop["settings"].items()
        if now[shop["shop_id"]].get(name) != value
    ]  # fmt: skip


def recompute(workspace: Workspace, name: str) -> dict[str, Any]:
    """Work a locked period out again from the table versions and settings it names.

    Returns ``same`` and the ``differences`` by agent (none when it is the same), and
    ``code_version`` then and now.
    Raises UnknownName, and WorkspaceError when the lock was changed or its tables are gone.
    """
    lock = read_lock(workspace.root, name)
    plan = _plan(lock)
    shops = [ShopRun(**shop) for shop in lock["shops"]]
    settings = {shop.shop_id: Settings.of(shop.settings) for shop in shops}
    by: By = "team" if lock["by"] == "team" else "agent"
    try:
        with remade(workspace, shops, lock["versions"], settings) as engine:
            scopes = scopes_in(shops, lock["from"], lock["to"])
            found = [score_scope(engine, scope, shops, plan, by) for scope in scopes]
    except OSError as error:
        raise WorkspaceError(
            f"Lock '{name}' names table versions that are gone ({error}); restore the lake from a "
            "backup.",
            zh=f"锁定“{name}”所引用的数据版本已不存在；请从备份恢复 lake。",
        ) from error
    result = results_of(found)
    same = locked_values(found) == lock["values"] and result == lock["result"]
    return {
        "lock": name,
        "same": same,
        "differences": differences(lock["result"], result, lock["by"]),
        "code_version": {"before": lock["code_version"], "after": _code_version()},
        "result": result,
    }
