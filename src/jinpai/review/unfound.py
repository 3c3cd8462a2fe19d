"""Sessions in which nothing was found, as cases: so that what the rules miss is seen.

Two kinds of case beside findings, in the same queue and with the same rulings:

    nothing_found  a drawn session without a fault, or without a finding of one rule (whose code is
                   the case's ``rule_version``). Right: nothing is missing; wrong: something is.
    a missed one   reported by a reviewer, under the code of the rule that should have found
                   something; its ``rule_version`` is ``missed``. It costs nobody points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jinpai.errors import Conflict, UnknownName
from jinpai.quality.finding import finding_id
from jinpai.quality.names import rule_names

if TYPE_CHECKING:
    from jinpai.engine.duckdb import DuckEngine
    from jinpai.review.candidates import Draw

__all__ = ["MISSED", "NOTHING", "asked_rule", "fault_codes", "missed_facts", "unfound_rows"]

NOTHING = "nothing_found"
MISSED = "missed"

# Of a session its name alone is hashed, so that a finding more or less elsewhere changes nothing.
_UNFOUND = """
with asked as (
    select unnest($asked) as asked
),

candidates as (
    select
        s.*,
        r.asked,
        substr(sha256('{nothing}|' || s.session_id || '|' || r.asked), 1, 24) as finding_id
    from session_scores as s
    cross join asked as r
    left join findings as f
        on f.shop_id = s.shop_id
        and f.session_id = s.session_id
        and not f.is_merit
        and (r.asked = '' or f.rule = r.asked)
    where f.finding_id is null and {filters}
),

placed as (
    select
        *,
        row_number() over (
            partition by {strata} order by sha256($seed || '|' || finding_id) asc, finding_id asc
        ) as place,
        count(*) over (partition by {strata}) as stratum_size
    from candidates
)

select
    finding_id, shop_id, session_id, agent_id, buyer_id, day, started_at, ended_at, asked,
    stratum_size
from placed
where place <= {limit}
order by {strata}, place
"""
_STRATA = {
    "agent": "shop_id, agent_id, asked",
    "agent-rule": "shop_id, agent_id, asked",
    "rule": "asked",
    "all": "asked",
}


def fault_codes() -> list[str]:
    """Return the codes of the rules that find faults, own ones of opened workspaces too."""
    return sorted(name.code for name in rule_names() if not name.is_merit)


def unfound_rows(
    engine: DuckEngine, asked: Draw, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return what cases keep of the sessions drawn, each with its ``stratum_size``.

    Rules that are named, or strata of rules, make it one case per session and rule that found
    nothing there; otherwise a session counts where no fault at all was found.
    """
    by_rule = asked.per in ("rule", "agent-rule")
    codes = list(asked.rules) or (fault_codes() if by_rule else [""])
    for code in asked.rules:
        if code not in fault_codes():
            raise UnknownName("rule", code, fault_codes())
    filters = ["s.shop_id in (select unnest($shops))"]
    filters += ["s.day >= $first"] * bool(asked.first) + ["s.day <= $last"] * bool(asked.last)
    filters += ["s.agent_id in (select unnest($agents))"] * bool(asked.agents)
    sql = _UNFOUND.format(
        nothing=NOTHING,
        filters=" and ".join(filters),
        strata=_STRATA[asked.per],
        limit="$n" if asked.n is not None else "ceil($share * stratum_size)",
    )
    given = {name: value for name, value in values.items() if name != "rules"}
    rows = engine.fetch("sessions without findings", sql, given | {"asked": codes}).to_pylist()
    return [_nothing_facts(row) for row in rows]


def _nothing_facts(row: dict[str, Any]) -> dict[str, Any]:
    asked = row.pop("asked")
    names = {name.code: name for name in rule_names()}
    en, zh = "No fault was found in this session.", "本会话未发现问题。"
    if asked:
        en = f"'{names[asked].en}' found nothing in this session."
        zh = f"“{names[asked].zh}”在本会话未发现问题。"
    return row | _costless(NOTHING, asked, zh, en)


def _costless(rule: str, version: str, zh: str, en: str) -> dict[str, Any]:
    return {
        "rule": rule,
        "rule_version": version,
        "points": 0.0,
        "is_merit": False,
        "is_fatal": False,
        "is_shadow": True,
        "order_id": None,
        "reason_zh": zh,
        "reason_en": en,
        "evidence": [],
    }


def missed_facts(case: Any, code: str, found: Iterable[str]) -> dict[str, Any]:
    """Return what a case keeps of a finding that is missing in the session of another case.

    Args:
        code: the rule that should have found something.
        found: the rules that did, in that session.
    Raises UnknownName, and Conflict where the rule did find something.
    """
    names = {name.code: name for name in rule_names()}
    if code not in names:
        raise UnknownName("rule", code, sorted(names))
    if code in set(found):
        raise Conflict(
            f"The rule '{code}' did find something in this session; rule on that finding.",
            zh=f"规则 {code} 在本会话已有质检结果；请直接复核该结果。",
        )
    same = ("shop_id", "session_id", "agent_id", "buyer_id", "day", "started_at", "ended_at")
    name = finding_id(case.shop_id, case.session_id, code, MISSED, [])
    zh = f"复核人报告漏判：{names[code].zh}。"
    en = f"A reviewer misses a finding: {names[code].en}."
    facts = {one: getattr(case, one) for one in same} | {"finding_id": name}
    return facts | _costless(code, MISSED, zh, en)


def asked_rule(rule: str, version: str) -> str | None:
    """Return which rule a case of nothing found is about ('' for any), None for other cases."""
    return version if rule == NOTHING else None
