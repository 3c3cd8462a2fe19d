"""Findings of the last run, opened: a list of them, and one with the conversation that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName
from jinpai.line import ShopRun
from jinpai.metrics.texts import json_cells, shown_message
from jinpai.settings import Settings
from jinpai.talk_files import TalkRows

__all__ = [
    "count_by_rule",
    "findings_of_talk",
    "list_findings",
    "read_finding",
    "show_finding",
]

_FINDINGS = """
select
    f.*, r.name as agent_name
from findings as f
left join roster as r on r.shop_id = f.shop_id and r.agent_id = f.agent_id
"""
_BY_RULE = """
select rule, is_shadow, count(*) as findings, count(distinct session_id) as sessions,
    count(distinct agent_id) as agents
from findings
where shop_id = $shop_id and day >= $first and day <= $last
group by rule, is_shadow
order by findings desc, rule
"""
_SESSION = """
select
    message_id, sent_at, seq, sender, is_auto, kind, text, product_id
from messages
where shop_id = $shop_id and buyer_id = $buyer_id and agent_id is not distinct from $agent_id
    and sent_at >= $started_at and sent_at <= $ended_at and sender <> 'system'
order by sent_at, seq asc nulls last, message_id
"""
_OTHERS = """
select finding_id, rule, points, is_fatal, reason_zh, reason_en
from findings
where shop_id = $shop_id and session_id = $session_id and finding_id <> $finding_id
order by points, rule
"""
_ORDER = """
select order_id, created_at, paid_at, closed_at
from orders
where shop_id = $shop_id and order_id = $order_id
"""


def list_findings(
    engine: DuckEngine,
    shops: Sequence[ShopRun],
    *,
    rules: Sequence[str] = (),
    agent: str | None = None,
    first: date | None = None,
    last: date | None = None,
    faults: bool = False,
    merits: bool = False,
    limit: int | None = None,
    offset: int = 0,
    agents: Sequence[str] | None = None,
    sort: str = "",
) -> tuple[list[dict[str, Any]], int]:
    """Return findings as JSON values, the costliest first, and how many there are in all.

    Args:
        engine: holds the run's derived relations.
        rules: codes; none is all.
        agent: only this account's; '' is nobody in particular.
        first, last: days, both inclusive.
        faults: leave out merits. merits: leave out faults.
        limit: how many to return at most, after the first ``offset``.
        agents: only these accounts'; None is everybody's, nobody's too.
        sort: ``started_at``, ``points`` or ``rule``, ``-`` before it for the other way.
    Raises:
        UnknownName: a sort there is not.
    """
    tests, values = ["f.shop_id in (select unnest($shops))"], dict[str, Any]()
    values["shops"] = [shop.shop_id for shop in shops]
    if rules:
        tests.append("f.rule in (select unnest($rules))")
        values["rules"] = list(rules)
    if agent is not None:
        tests.append("coalesce(f.agent_id, '') = $agent")
        values["agent"] = agent
    if agents is not None:
        tests.append("f.agent_id in (select unnest($agents))")
        values["agents"] = list(agents)
    for name, sign, day in (("first", ">=", first), ("last", "<=", last)):
        if day is not None:
            tests.append(f"f.day {sign} ${name}")
            values[name] = day
    if faults:
        tests.append("not f.is_merit")
    if merits:
        tests.append("f.is_merit")
    where = " and ".join(tests)
    ((count,),) = engine.con.execute(
        f"select count(*) from findings as f where {where}", values
    ).fetchall()
    sql = f"{_FINDINGS} where {where} order by {_order_of(sort)}"
    if limit is not None:
        sql += f" limit {limit} offset {offset}"
    return [_json(row) for row in engine.fetch("findings", sql, values).to_pylist()], int(count)


_SAID = (
    *("finding_id", "rule", "points", "is_merit", "is_fatal", "is_shadow", "is_overruled"),
    *("reason_zh", "reason_en", "evidence"),
)


def findings_of_talk(
    rows: TalkRows, shop_id: str, buyer_id: str, agent_id: str | None, day: date
) -> list[dict[str, Any]]:
    """Return what was found in the sessions of a buyer and an account that began on a day.

    The costliest first, as JSON values: id, rule, points, marks, reasons and evidence.
    """
    found = [
        row
        for row in rows.of_buyer("findings", shop_id, buyer_id)
        if (row["agent_id"], row["day"]) == (agent_id, day)
    ]
    found.sort(
        key=lambda row: (not row["is_fatal"], row["points"], row["started_at"], row["finding_id"])
    )
    return [_json({name: row[name] for name in _SAID}) for row in found]


def count_by_rule(
    engine: DuckEngine, shop_id: str, first: date, last: date
) -> list[dict[str, Any]]:
    """Return for each rule, and whether it was on trial, its findings, sessions and agents."""
    values = {"shop_id": shop_id, "first": first, "last": last}
    return list(engine.fetch("findings by rule", _BY_RULE, values).to_pylist())


def _order_of(sort: str) -> str:
    ways = {name: f"f.{name}" for name in ("started_at", "points", "rule")}
    ways |= {f"-{name}": f"{column} desc" for name, column in ways.items()}
    if sort and sort not in ways:
        raise UnknownName("option", sort, ways)
    first = f"{ways[sort]}, " if sort else ""
    return f"{first}f.is_fatal desc, f.points, f.started_at, f.finding_id"


def read_finding(engine: DuckEngine, shops: Sequence[ShopRun], finding_id: str) -> dict[str, Any]:
    """Return a finding as JSON values, with the session's ``score`` and its ``others``.

    Raises UnknownName: no such finding, or several that begin so.
    """
    row = _row(engine, shops, finding_id)
    return _json(row) | _around(engine, row)


def show_finding(
    engine: DuckEngine, shops: Sequence[ShopRun], finding_id: str, *, unmask: bool = False
) -> dict[str, Any]:
    """Return a finding with its session, as JSON values.

    Its ``messages`` are those of the session, each with ``evidence`` (the characters that show the
    finding, ``[start, end]``) or None; ``order`` is the order it is about, ``others`` the session's
    other findings, ``score`` what the session scored. Buyers' mobile numbers are masked.

    Args:
        engine: holds the run's derived relations, ``messages`` and ``orders``.
        finding_id: or its first characters, where they name one finding.
    Raises:
        UnknownName: no such finding, or several.
    """
    row = _row(engine, shops, finding_id)
    (shop,) = (shop for shop in shops if shop.shop_id == row["shop_id"])
    return (
        _json(row)
        | _around(engine, row)
        | {
            "messages": _messages(engine, row, Settings.of(shop.settings), unmask),
            "order": _order(engine, row),
        }
    )


def _row(engine: DuckEngine, shops: Sequence[ShopRun], finding_id: str) -> dict[str, Any]:
    values = {"name": finding_id, "shops": [shop.shop_id for shop in shops]}
    where = "starts_with(f.finding_id, $name) and f.shop_id in (select unnest($shops))"
    rows = engine.fetch("finding", f"{_FINDINGS} where {where}", values).to_pylist()
    if len(rows) != 1 or not finding_id:
        raise UnknownName("finding", finding_id, [row["finding_id"] for row in rows[:5]])
    return dict(rows[0])


def _around(engine: DuckEngine, row: Mapping[str, Any]) -> dict[str, Any]:
    others = engine.fetch("others", _OTHERS, _of(row, "session_id", "finding_id")).to_pylist()
    return {"score": _score(engine, row), "others": others}


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    return json_cells(row) | {"evidence": [dict(one) for one in row["evidence"] or ()]}


def _of(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in ("shop_id", *names)}


def _score(engine: DuckEngine, row: Mapping[str, Any]) -> float:
    sql = "select score from session_scores where shop_id = $shop_id and session_id = $session_id"
    return float(engine.fetch("score", sql, _of(row, "session_id"))["score"][0].as_py())


def _messages(
    engine: DuckEngine, row: Mapping[str, Any], settings: Settings, unmask: bool
) -> list[dict[str, Any]]:
    values = _of(row, "buyer_id", "agent_id", "started_at", "ended_at")
    shown = {one["message_id"]: [one["start"], one["end"]] for one in row["evidence"] or ()}
    return [
        shown_message(message, settings, unmask) | {"evidence": shown.get(message["message_id"])}
        for message in engine.fetch("session", _SESSION, values).to_pylist()
    ]


def _order(engine: DuckEngine, row: Mapping[str, Any]) -> dict[str, Any] | None:
    if row["order_id"] is None:
        return None
    found = engine.fetch("order", _ORDER, _of(row, "order_id")).to_pylist()
    return json_cells(found[0]) if found else None
