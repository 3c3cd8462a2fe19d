"""What inspection published, summed up by agent; and how a workspace begins to be inspected."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from jinpai.cli.console import note
from jinpai.cli.words import say
from jinpai.engine.duckdb import DuckEngine
from jinpai.workspace import Workspace

__all__ = ["begin_inspection", "published"]

_SCORES = """
select
    agent_id, count(*) as sessions, sum(score) as points,
    count(*) filter (where faults > 0) as violation_sessions
from session_scores
where is_judged and shop_id in (select unnest($shops))
group by agent_id
order by agent_id
"""
_RULES = """
select agent_id, rule, count(distinct session_id) as sessions, count(*) as findings
from findings
where is_judged and shop_id in (select unnest($shops))
group by agent_id, rule
order by agent_id, rule
"""


def begin_inspection(workspace: Workspace, shop_id: str | None) -> None:
    """Set ``inspect`` where it is not, for one shop or for all; runs keep to it from then on."""
    config = workspace.config
    shops = [shop_id] if shop_id is not None else list(config.shops)
    if all(config.settings(shop).inspect for shop in shops):
        return
    if shop_id is None:
        config.set("inspect", True)
        shops = [shop for shop in shops if not config.settings(shop).inspect]
    for shop in shops:
        config.set("inspect", True, shop)
    note(
        say(
            "Every run inspects the new conversations from now on; "
            "jinpai settings WORKSPACE set inspect false ends it.",
            "从现在起每次计算都会质检新的会话；jinpai settings 工作区 set inspect false 可关闭。",
        )
    )


def published(
    workspace: Workspace, shop_id: str | None, agent: str | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the sum of what the last run published, and one entry per agent.

    Sessions are those in which both sides wrote; the sum counts those of nobody in particular too.
    """
    with workspace.derived(shop_id) as (engine, shops, _):
        names = [shop.shop_id for shop in shops]
        scores = _rows(engine, "scores", _SCORES, names, agent)
        found = _rows(engine, "rules", _RULES, names, agent)
    by_rule = defaultdict[str, int](int)
    by_agent = defaultdict[str | None, dict[str, int]](dict)
    for row in found:
        by_rule[row["rule"]] += row["findings"]
        by_agent[row["agent_id"]][row["rule"]] = row["sessions"]
    sessions = sum(row["sessions"] for row in scores)
    whole = {
        "sessions": sessions,
        "violation_sessions": sum(row["violation_sessions"] for row in scores),
        "score": sum(row["points"] for row in scores) / sessions if sessions else None,
        "by_rule": dict(sorted(by_rule.items())),
    }
    return whole, [_agent(row, by_agent[row["agent_id"]]) for row in scores if row["agent_id"]]


def _rows(
    engine: DuckEngine, name: str, sql: str, shops: list[str], agent: str | None
) -> list[dict[str, Any]]:
    rows = engine.fetch(name, sql, {"shops": shops}).to_pylist()
    return [row for row in rows if agent in (None, row["agent_id"])]


def _agent(row: dict[str, Any], by_rule: dict[str, int]) -> dict[str, Any]:
    return {
        "agent_id": row["agent_id"],
        "sessions": row["sessions"],
        "violation_sessions": row["violation_sessions"],
        "violation_sessions_rate": row["violation_sessions"] / row["sessions"],
        "quality_score": row["points"] / row["sessions"],
        "by_rule": by_rule,
    }
