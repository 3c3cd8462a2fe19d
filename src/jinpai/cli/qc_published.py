"""What inspection published, summed up by agent; and how a workspace begins to be inspected."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jinpai.cli.console import note
from jinpai.cli.words import say
from jinpai.workspace import Workspace

__all__ = ["begin_inspection", "published"]

# How often each rule found something: no figure of the registry counts findings.
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
    agents = _figures(workspace, shop_id, agent)
    by_rule = Counter[str]()
    for row in _found(workspace, shop_id, agent):
        by_rule[row["rule"]] += row["findings"]
        agents[row["agent_id"]].by_rule[row["rule"]] = row["sessions"]
    sessions = sum(one.sessions for one in agents.values())
    whole = {
        "sessions": sessions,
        "violation_sessions": sum(one.faulty for one in agents.values()),
        "score": float(sum(one.points for one in agents.values())) / sessions if sessions else None,
        "by_rule": dict(sorted(by_rule.items())),
    }
    return whole, [agents[name].entry(name) for name in sorted(filter(None, agents))]


@dataclass
class _Agent:
    """The parts of an account's figures, over all its shops."""

    sessions: int = 0
    faulty: int = 0
    points: Decimal = Decimal(0)
    by_rule: dict[str, int] = field(default_factory=dict)

    def entry(self, name: str) -> dict[str, Any]:
        return {
            "agent_id": name,
            "sessions": self.sessions,
            "violation_sessions": self.faulty,
            "violation_sessions_rate": self.faulty / self.sessions,
            "quality_score": float(self.points) / self.sessions,
            "by_rule": self.by_rule,
        }


def _figures(
    workspace: Workspace, shop_id: str | None, agent: str | None
) -> defaultdict[str | None, _Agent]:
    agents = defaultdict[str | None, _Agent](_Agent)
    asked = workspace.ask(
        ["violation_sessions_rate", "quality_score"], by=["agent"], shop_id=shop_id
    )
    for row in asked.rows:
        name = row.grain["agent_id"]
        if not row.denominator or agent not in (None, name):
            continue
        if row.metric == "quality_score":
            agents[name].points += Decimal(row.numerator or 0)
        else:
            agents[name].sessions += int(row.denominator)
            agents[name].faulty += int(row.numerator or 0)
    return agents


def _found(workspace: Workspace, shop_id: str | None, agent: str | None) -> list[dict[str, Any]]:
    with workspace.derived(shop_id) as (engine, shops, _):
        rows = engine.fetch("rules", _RULES, {"shops": [shop.shop_id for shop in shops]})
    return [row for row in rows.to_pylist() if agent in (None, row["agent_id"])]
