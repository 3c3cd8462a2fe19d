"""What is somebody else's looks, to the byte, like what does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from jinpai.web.reading import Reader
from web.conftest import Enter

KINDS = ("application/json", "text/html")


def others(app: FastAPI) -> tuple[str, str, dict[str, str]]:
    """Return an agent's own account, a colleague's, and things that are the colleague's alone."""
    reader: Reader = app.state.reader
    roster = reader.roster("demo")
    own = min(one for one in roster if roster[one]["team"])
    with reader.derived("demo") as (engine, _, _):
        theirs = engine.fetch(
            "theirs",
            "select s.buyer_id, s.agent_id, cast(s.day as varchar) as day from sessions as s"
            f" where s.agent_id <> '{own}' and s.buyer_id not in"
            f" (select buyer_id from sessions where agent_id = '{own}')"
            " order by 1, 2, 3 limit 1",
        ).to_pylist()[0]
        order = engine.fetch(
            "order",
            "select order_id from judged_orders where order_id not in"
            f" (select order_id from candidates where agent_id = '{own}')"
            " and created_agent_id is not null order by 1 limit 1",
        ).to_pylist()[0]
        finding = engine.fetch(
            "finding",
            f"select finding_id from findings where agent_id <> '{own}' order by 1 limit 1",
        ).to_pylist()
    found = {"order": order["order_id"], "buyer": theirs["buyer_id"], "day": theirs["day"]}
    found |= {"finding": finding[0]["finding_id"]} if finding else {}
    return own, theirs["agent_id"], found


def pairs(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Yield (name, address of what is not one's own, of what is not there)."""
    own, other, theirs = others(app)
    day = theirs["day"]
    yield "order", f"/orders/{theirs['order']}", "/orders/none"
    yield "agent", f"/agents/{other}", "/agents/none"
    yield "payslip", f"/kpi/payslips/{other}", "/kpi/payslips/none"
    talk = "/conversations/{buyer}?agent={agent}&day=" + day
    hidden = talk.format(buyer=theirs["buyer"], agent=other)
    yield "colleague's talk", hidden, talk.format(buyer="none", agent=other)
    hidden = talk.format(buyer=theirs["buyer"], agent=own)
    yield "own talk with a colleague's buyer", hidden, talk.format(buyer="none", agent=own)
    if "finding" in theirs:
        yield "finding", f"/findings/{theirs['finding']}", "/findings/none"


def plain(answer: Any, path: str) -> str:
    """Return an answer without what it repeats of the question, and the page's own secrets."""
    text = answer.text
    quoted = path.partition("?")[0].rpartition("/")[2]
    for said in (path, path.replace("&", "&amp;"), quoted):
        text = text.replace(said, "")
    text = re.sub(r'(href|value|content|action|data-copy)="[^"]*"', "", text)
    return f"{answer.status_code} {sorted(answer.headers)} {text}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("login", ["agent"])
def test_hidden_is_as_absent(enter: Enter, app: FastAPI, login: str, kind: str) -> None:
    browser = enter(login)
    browser.headers["accept"] = kind
    for name, hidden, absent in pairs(app):
        answers = [(browser.get(path), path) for path in (hidden, absent)]
        assert {answer.status_code for answer, _ in answers} == {404}, name
        assert len({plain(*one) for one in answers}) == 1, name
        if kind == KINDS[0]:
            assert len({answer.content for answer, _ in answers}) == 1, name


def test_an_owner_finds_them_all(enter: Enter, app: FastAPI) -> None:
    browser = enter("owner")
    for name, hidden, absent in pairs(app):
        if name.startswith("own talk"):
            continue
        found, lost = browser.get(hidden), browser.get(absent)
        assert found.status_code in (200, 409), name
        assert lost.status_code in (404, 409), name


def test_a_page_one_may_not_use_says_so_whatever_is_asked(enter: Enter) -> None:
    browser = enter("agent")
    browser.headers["accept"] = KINDS[0]
    answers = {browser.get(path).content for path in ("/people", "/people?x=1", "/settings")}
    assert len(answers) == 1
