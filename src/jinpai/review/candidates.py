"""Findings of the last run, as reviews take them: one by its name, or a sample by hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING, Any, Literal, get_args

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.periods import parse_range
from jinpai.review.unfound import unfound_rows
from jinpai.tables.lake import Snapshot

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["Draw", "Drawn", "What", "draw", "finding_facts", "rules_found", "shown_days"]

Per = Literal["agent", "rule", "agent-rule", "all"]
What = Literal["faults", "merits", "all", "none"]
_STRATA: dict[str, tuple[str, ...]] = {
    "agent": ("shop_id", "agent_id"),
    "rule": ("rule",),
    "agent-rule": ("shop_id", "agent_id", "rule"),
    "all": (),
}
# What a case keeps of a finding.
_FACTS = (
    "finding_id, shop_id, session_id, agent_id, buyer_id, day, started_at, ended_at, rule,"
    " rule_version, points, is_merit, is_fatal, is_shadow, order_id, reason_zh, reason_en, evidence"
)
# A text for a hash, so that who is drawn does not hang on what else is there.
_DRAW = """
with candidates as (
    select *
    from findings
    where {filters}
),

placed as (
    select
        *,
        row_number() over (
            {partition} order by sha256($seed || '|' || finding_id) asc, finding_id asc
        ) as place,
        count(*) over ({partition}) as stratum_size
    from candidates
)

select {facts}, stratum_size, place
from placed
where place <= {limit}
order by {order} place
"""


@dataclass(frozen=True)
class Draw:
    """What to draw: the same arguments draw the same findings from the same run.

    Attributes:
        per: strata: every agent, rule, or agent and rule (stratified) has its own draw.
        n: findings a stratum, or None with ``share``.
        share: part of each stratum, above 0 to 1, rounded up.
        first, last: days of the sessions, both included.
        agents, rules: only these.
        what: faults (those of rules on trial too), merits, all, or none: sessions in which no fault
            was found, or nothing by the rules named (see `unfound`).
    """

    per: Per = "agent"
    n: int | None = 5
    share: float | None = None
    seed: str = "1"
    first: str | None = None
    last: str | None = None
    shop_id: str | None = None
    agents: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    what: What = "faults"

    def to_json(self) -> dict[str, Any]:
        """Return the arguments that were given, as the store keeps them."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}


@dataclass(frozen=True)
class Drawn:
    """A sample.

    Attributes:
        facts: what cases keep of the findings, stratum by stratum in the order drawn.
        sizes: how many findings the stratum of each has.
    """

    facts: list[dict[str, Any]]
    sizes: list[int]


def draw(workspace: Workspace, asked: Draw) -> Drawn:
    """Draw a sample from the last run's findings.

    Raises UsageError for an impossible draw or before a run that judged, UnknownName for a rule,
    an agent or a shop that has no finding.
    """
    _check(asked)
    with workspace.derived(asked.shop_id) as (engine, shops, snapshot):
        _need_findings(workspace, snapshot)
        values = _values(asked, [shop.shop_id for shop in shops])
        _check_names(engine, asked)
        if asked.what == "none":
            rows = unfound_rows(engine, asked, values)
        else:
            rows = engine.fetch("sample", _draw_sql(asked), values).to_pylist()
    sizes = [row.pop("stratum_size") for row in rows]
    return Drawn([_facts(row) for row in rows], sizes)


def finding_facts(workspace: Workspace, finding_id: str) -> dict[str, Any]:
    """Return what a case keeps of one finding of the last run; raises UsageError without it."""
    with workspace.derived() as (engine, _, snapshot):
        _need_findings(workspace, snapshot)
        sql = f"select {_FACTS} from findings where finding_id = $name"
        rows = engine.fetch("finding", sql, {"name": finding_id}).to_pylist()
    if not rows:
        raise UsageError(
            f"There is no finding '{finding_id}' in the last run; list them with: "
            f"jinpai qc list {workspace.root}",
            zh=f"最近一次计算中没有质检结果“{finding_id}”；"
            f"请用 jinpai qc list {workspace.root} 查看。",
        )
    return _facts(rows[0])


def rules_found(workspace: Workspace, session_id: str) -> list[str]:
    """Return the rules that found something in a session of the last run."""
    with workspace.derived() as (engine, _, snapshot):
        _need_findings(workspace, snapshot)
        sql = "select distinct rule from findings where session_id = $name"
        found = engine.fetch("found", sql, {"name": session_id})["rule"].to_pylist()
    return list(map(str, found))


def shown_days(workspace: Workspace) -> list[tuple[str, date]]:
    """Return the (shop, day) that have findings in the last run; none before a run that judged."""
    with workspace.derived() as (engine, _, snapshot):
        if "findings" not in snapshot.derived:
            return []
        rows = engine.fetch("shown days", "select distinct shop_id, day from findings").to_pylist()
    return [(row["shop_id"], row["day"]) for row in rows]


def _need_findings(workspace: Workspace, snapshot: Snapshot) -> None:
    if "findings" not in snapshot.derived:
        raise UsageError(
            f"The last run judged nothing; refresh it with: jinpai run {workspace.root}",
            zh=f"最近一次计算没有质检结果；请重新计算：jinpai run {workspace.root}",
        )


def _check(asked: Draw) -> None:
    if asked.per not in _STRATA:
        raise UnknownName("grain", asked.per, _STRATA)
    if asked.what not in get_args(What):
        raise UnknownName("option", asked.what, get_args(What))
    if (asked.n is None) == (asked.share is None):
        raise UsageError(
            "A sample has either --n findings a stratum or a --share of it.",
            zh="抽样请在 --n（每层条数）与 --share（每层比例）中选一个。",
        )
    if asked.n is not None and not 1 <= asked.n <= 100_000:
        raise UsageError("--n: from 1 to 100000.", zh="--n：应为 1 至 100000。")
    if asked.share is not None and not 0 < asked.share <= 1:
        raise UsageError("--share: above 0, at most 1.", zh="--share：应大于 0、不超过 1。")


def _check_names(engine: DuckEngine, asked: Draw) -> None:
    table = "session_scores" if asked.what == "none" else "findings"
    rules = () if asked.what == "none" else asked.rules
    for kind, column, names in (("rule", "rule", rules), ("agent", "agent_id", asked.agents)):
        if names:
            sql = f"select distinct {column} as name from {table} where {column} is not null"
            known = engine.fetch(kind, sql)["name"].to_pylist()
            for name in names:
                if name not in known:
                    raise UnknownName(kind, name, known)


def _values(asked: Draw, shops: Sequence[str]) -> dict[str, Any]:
    first, last = parse_range(asked.first, asked.last)
    values: dict[str, Any] = {"seed": asked.seed, "shops": list(shops)}
    given = {
        "first": first,
        "last": last,
        "agents": list(asked.agents) or None,
        "rules": list(asked.rules) or None,
        "n": asked.n,
        "share": asked.share,
    }
    return values | {name: value for name, value in given.items() if value is not None}


def _draw_sql(asked: Draw) -> str:
    filters = ["shop_id in (select unnest($shops))"]
    filters += ["day >= $first"] * bool(asked.first) + ["day <= $last"] * bool(asked.last)
    filters += ["agent_id in (select unnest($agents))"] * bool(asked.agents)
    filters += ["rule in (select unnest($rules))"] * bool(asked.rules)
    filters += {"faults": ["not is_merit"], "merits": ["is_merit"], "all": []}[asked.what]
    strata = ", ".join(_STRATA[asked.per])
    return _DRAW.format(
        filters=" and ".join(filters),
        facts=_FACTS,
        partition=f"partition by {strata}" if strata else "",
        limit="$n" if asked.n is not None else "ceil($share * stratum_size)",
        order=f"{strata}," if strata else "",
    )


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `findings` as a case keeps it: instants with their zone."""
    facts = {name.strip(): row[name.strip()] for name in _FACTS.split(",")}
    for name in ("started_at", "ended_at"):
        facts[name] = facts[name].replace(tzinfo=UTC)
    facts["evidence"] = [dict(one) for one in facts["evidence"] or ()]
    return facts
