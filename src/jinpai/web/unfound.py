"""Cases that are no findings, as the page of a finding takes them: drawn sessions, missed ones."""

from __future__ import annotations

from typing import Any

from jinpai.quality.names import rule_names
from jinpai.review.shown import case_json
from jinpai.review.unfound import MISSED, NOTHING
from jinpai.store.reviews import Case
from jinpai.web.contexts import Page

__all__ = ["drawn_session", "missing_choices"]

_SESSION = """
select score, is_judged from session_scores where shop_id = $shop_id and session_id = $session_id
"""
_OTHERS = """
select finding_id, rule, points, reason_zh, reason_en
from findings
where shop_id = $shop_id and session_id = $session_id
order by points, finding_id
"""


def drawn_session(page: Page, finding_id: str) -> dict[str, Any] | None:
    """Return a case of nothing found, or of a missed finding, in the form of a finding.

    None where it is no such case, or its session is not in the last run any more.
    """
    with page.store.read() as session:
        case = session.get(Case, finding_id)
        if case is None or (case.rule != NOTHING and case.rule_version != MISSED):
            return None
        facts = case_json(case, None)
    if facts["shop_id"] != page.filters.shop_id:
        return None
    where = {name: facts[name] for name in ("shop_id", "session_id")}
    with page.reader.derived(page.filters.shop_id) as (engine, _, _):
        known = engine.fetch("session", _SESSION, where).to_pylist()
        others = engine.fetch("others", _OTHERS, where).to_pylist()
    return facts | known[0] | {"others": others, "is_overruled": False} if known else None


def missing_choices(page: Page, found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rules (code, name) that may be missing in a drawn session; none for a finding."""
    if found["rule"] != NOTHING:
        return []
    known = {one["rule"] for one in found["others"]}
    names = [(one.code, page.w.pick(one.zh, one.en)) for one in rule_names() if not one.is_merit]
    return [(code, name) for code, name in names if code not in known]
