"""What a calibration session shows: its findings with rulings, and one of them to rule on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from jinpai.errors import UnknownName
from jinpai.periods import parse_day
from jinpai.settings import Settings
from jinpai.store.wording import same_person
from jinpai.web.bubbles import lines_of
from jinpai.web.contexts import Page
from jinpai.web.marks import mark, rule_word
from jinpai.web.respond import View
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.views.talks import subject_of, talk_of

__all__ = ["case_view", "next_case", "said_by"]

Found = Mapping[str, Any]


def next_case(page: Page, found: Found, after: str = "") -> Found | None:
    """Return the next finding the one who looks has not ruled on, from the first again at the end.

    None for those who take no part.
    """
    me = page.user.login
    if not any(same_person(name, me) for name in found["ruled"]):
        return None
    mine = {one["finding_id"] for one in found["rulings"] if same_person(one["reviewer"], me)}
    cases = found["findings"]
    at = next((place + 1 for place, one in enumerate(cases) if one["finding_id"] == after), 0)
    waiting = [one for one in (*cases[at:], *cases[:at]) if one["finding_id"] not in mine]
    return waiting[0] if waiting else None


def said_by(page: Page, found: Found, link: Callable[[Found], str]) -> Table:
    """Return the findings of a session with what everybody ruled, as far as one may see it."""
    w, names = page.w, list(found["ruled"])
    said: dict[str, dict[str, Found]] = defaultdict(dict)
    for one in found["rulings"]:
        said[one["finding_id"]][one["reviewer"]] = one
    is_shown = found["agreement"] is not None
    shown = names if is_shown else [name for name in names if same_person(name, page.user.login)]
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("reason", w("finding_reason"), is_sortable=False),
        Column("agent", w("talks_agent")),
        *(Column(f"by_{at}", name) for at, name in enumerate(shown)),
        Column("differ", w("calibration_differ"), is_shown=is_shown, is_sortable=is_shown),
    ]
    rows = [_row(page, case, said[case["finding_id"]], shown, link) for case in found["findings"]]
    rows.sort(key=lambda row: not row["differ"].value)
    empty = Empty(w("calibrations_none"))
    return Table("said", w("calibration_findings"), columns, rows, empty)


def _row(
    page: Page, case: Found, said: Mapping[str, Found], names: list[str], link: Callable[..., str]
) -> Row:
    w = page.w
    differ = len({one["verdict"] for one in said.values()}) > 1
    sees = page.sight.sees_agent(case["agent_id"])
    made = {
        "rule": Cell(rule_word(page, case["rule"]), href=link(case) if sees else ""),
        "reason": Cell(w.pick(case["reason_zh"], case["reason_en"])),
        "agent": Cell(page.sight.name(case["agent_id"]) if sees else None),
        "differ": Cell(
            differ, text=w("calibration_differ") if differ else "", badge="yellow" * differ
        ),
    }
    for at, name in enumerate(names):
        one = said.get(name)
        made[f"by_{at}"] = Cell(
            one and one["verdict"],
            text=w(f"verdict_{one['verdict']}") if one else None,
            under=one["comment"] if one else "",
        )
    return made


def case_view(page: Page, case: Found, title: str, more: Mapping[str, Any], status: int) -> View:
    """Return the page of one finding to rule on.

    Args:
        more: ``found``, the session; ``told``, why what was asked for was not done.
    """
    w, signed = page.w, page.signed
    subject = subject_of(page.filters.shop_id, case["buyer_id"])
    is_plain = signed is not None and signed.sees_plain(subject)
    lines = _lines(page, case, is_plain)
    (said,) = mark(page, lines, [{**case, "is_overruled": False}], is_plain=is_plain)
    found, me = more["found"], page.user.login
    ruled = [one for one in found["rulings"] if one["finding_id"] == case["finding_id"]]
    mine = next((one for one in ruled if same_person(one["reviewer"], me)), None)
    is_member = any(same_person(name, me) for name in found["ruled"])
    data = dict(more) | {
        "case": case,
        "lines": lines,
        "first": said["at"],
        "points": said["points"],
        "reason": said["reason"],
        "tone": said["tone"],
        "agent_name": page.sight.name(case["agent_id"]) or w("cell_unassigned"),
        "day": parse_day(case["day"]),
        "may_rule": is_member and mine is None,
        "mine": mine,
        "others": [one for one in ruled if one is not mine],
        "place": [one["finding_id"] for one in found["findings"]].index(case["finding_id"]) + 1,
    }
    json = {"case": case, "calibration": found["calibration"], "ruled": mine}
    return View("calibration_case.html.j2", title, data=data, json=json, status=status)


def _lines(page: Page, case: Found, is_plain: bool) -> list[dict[str, Any]]:
    """The lines of the conversation; none where the last run does not know it any more."""
    try:
        talk = talk_of(page, case["buyer_id"], case["agent_id"], case["day"], is_plain)
    except UnknownName:
        return []
    zone = ZoneInfo(page.filters.shop.timezone)
    slow = Settings.of(page.filters.shop.settings).slow_seconds
    return lines_of(page, talk, zone, slow=slow)
