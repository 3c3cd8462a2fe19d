"""What people said of a finding, and what the one who looks may do with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from jinpai.errors import UsageError
from jinpai.periods import parse_day
from jinpai.review import Desk
from jinpai.store.base import now
from jinpai.store.queues import review_queue
from jinpai.store.reviews import WAITING, Case, ShownDay
from jinpai.web.contexts import Page
from jinpai.web.words import NONE

__all__ = ["case_shown", "desk_of", "moment", "waiting_for"]

_QUEUE = 1000
_OPEN = ("listed", *WAITING)


def desk_of(page: Page) -> Desk:
    """Return the desk of reviewers."""
    return Desk(page.reader, page.store)


def waiting_for(page: Page, session: Session) -> list[Case]:
    """Return the cases that wait for the one who looks, the longest waiting first."""
    user = page.user
    cases = review_queue(session, user.login, shop_id=page.filters.shop_id, limit=_QUEUE)
    return [
        case
        for case in cases
        if page.sight.sees_agent(case.agent_id)
        and (case.agent_id is None or case.agent_id != user.agent_id)
    ]


def moment(page: Page, at: str | datetime | None, *, seconds: bool = False) -> str:
    """Return a moment on the shop's clock, to the minute or the second."""
    if at is None:
        return NONE
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    known = known if known.tzinfo else known.replace(tzinfo=UTC)
    return page.w.instant(known, ZoneInfo(page.filters.shop.timezone), seconds=seconds)


def case_shown(page: Page, found: dict[str, Any], queue: Sequence[str]) -> dict[str, Any]:
    """Return what the page of a finding tells of its case.

    Args:
        queue: the findings that wait for the one who looks, where they go through them.
    """
    finding_id = str(found["finding_id"])
    try:
        story = desk_of(page).story(finding_id, viewer=page.user.login)
    except UsageError:  # nobody has looked at it yet
        story = _untouched(page, found)
    is_own = found["agent_id"] is not None and found["agent_id"] == page.user.agent_id
    mine = any(one["reviewer"] == page.user.login for one in story["rulings"])
    may_judge = page.may("finding_rule") and not is_own and not mine
    at = queue.index(finding_id) if finding_id in queue else -1
    after = queue[at + 1] if at + 1 < len(queue) else ""
    return {
        "case": story | {"until": moment(page, story["appeal_until"])},
        "rulings": [_said(page, one) for one in story["rulings"]],
        "appeal": _appeal(page, story["appeal"]),
        "may_rule": may_judge and story["state"] in _OPEN,
        "may_decide": may_judge and story["state"] == "appealed",
        "may_appeal": is_own and page.may("finding_appeal") and _is_open_to_appeal(story),
        "in_queue": bool(queue),
        "place": at + 1,
        "waiting": len(queue),
        "before": _link(page, queue[at - 1]) if at > 0 else "",
        "after": _link(page, after) if after else "",
        "after_id": after,
    }


def _link(page: Page, finding_id: str) -> str:
    return page.url("finding", finding_id=finding_id, queue=1)


def _untouched(page: Page, found: dict[str, Any]) -> dict[str, Any]:
    """A finding that is no case yet, as the desk would tell it."""
    with page.store.read() as session:
        shown = session.get(ShownDay, (found["shop_id"], parse_day(found["day"])))
    days = timedelta(days=page.reader.config.review.appeal_days)
    until = None if shown is None else (shown.at + days).isoformat()
    facts = {name: found[name] for name in ("is_merit", "is_shadow")}
    told: dict[str, Any] = {"rulings": [], "appeal": None, "appeal_until": until, "wanted": 1}
    return facts | told | {"state": "listed", "verdict": None}


def _is_open_to_appeal(story: dict[str, Any]) -> bool:
    costs = not (story["is_merit"] or story["is_shadow"] or story["verdict"] == "wrong")
    until = story["appeal_until"]
    in_time = until is None or datetime.fromisoformat(until) >= now()
    return costs and in_time and story["state"] in (*_OPEN, "settled")


def _said(page: Page, ruling: dict[str, Any]) -> dict[str, Any]:
    """A ruling; who ruled is not for the agent to know."""
    who = page.w("review_reviewer") if page.user.role == "agent" else ruling["reviewer"]
    return ruling | {"who": who, "when": moment(page, ruling["at"])}


def _appeal(page: Page, appeal: dict[str, Any] | None) -> dict[str, Any] | None:
    if appeal is None:
        return None
    who = page.w("review_reviewer") if page.user.role == "agent" else appeal["decided_by"]
    times = {f"{name}_shown": moment(page, appeal[f"{name}_at"]) for name in ("due", "decided")}
    return appeal | times | {"who": who, "when": moment(page, appeal["at"])}
