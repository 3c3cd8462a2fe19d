"""Reviews in the browser: the queue and its keys, who may rule, appeals and who decides them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

import jinpai
from jinpai.review.unfound import NOTHING
from jinpai.store import events_of
from jinpai.store.reviews import Case
from web.conftest import Enter

JSON = {"accept": "application/json"}


def send(browser: TestClient, app: FastAPI, path: str, **fields: Any) -> Any:
    """Send a form with the token of the page one is on."""
    text = browser.get("/account").text
    token = text.split('<meta name="csrf" content="')[1].split('"')[0]
    return browser.post(path, data={"csrf": token, **fields})


def faults(shop: Path, app: FastAPI) -> tuple[list[str], list[str]]:
    """The faults that cost points of the agent who signs in, and of the others."""
    roster = app.state.reader.roster("demo")
    own = min(one for one in roster if roster[one]["team"])
    found, _ = jinpai.open(shop).findings(faults=True)
    costs = [row for row in found if not row["is_shadow"] and row["agent_id"]]
    mine = [row["finding_id"] for row in costs if row["agent_id"] == own]
    return mine, [row["finding_id"] for row in costs if row["agent_id"] != own]


def case(browser: TestClient, finding: str) -> dict[str, Any]:
    made: dict[str, Any] = browser.get(f"/findings/{finding}", headers=JSON).json()["case"]
    return made


def test_a_drawn_sample_is_ruled_on_one_after_the_other(enter: Enter, app: FastAPI) -> None:
    inspector = enter("inspector")
    drawn = send(inspector, app, "/reviews", per="agent", n=2, seed="one", wanted=1)
    assert drawn.headers["location"] == "/reviews"
    table = inspector.get("/reviews", headers=JSON).json()["tables"]["reviews"]
    waiting = table["total"]
    assert waiting >= 6  # two of each of the agents with faults
    page = inspector.get("/reviews?lang=zh").text
    first = page.split('data-key="j Enter" href="')[1].split('"')[0]
    text = inspector.get(first).text
    for key in ("1", "2", "3", "c", "?", "j ArrowRight"):
        assert f'data-key="{key}"' in text
    following = text.split('name="following" value="')[1].split('"')[0]
    finding = first.split("/")[2].split("?")[0]
    ruled = send(
        inspector, app, f"/findings/{finding}/rulings?queue=1", verdict="right",
        comment="seen", following=following,
    )  # fmt: skip
    assert ruled.headers["location"] == f"/findings/{following}?queue=1"
    assert case(inspector, finding)["verdict"] == "right"
    rest = inspector.get("/reviews", headers=JSON).json()["tables"]["reviews"]
    assert rest["total"] == waiting - 1
    again = send(enter("owner"), app, f"/findings/{finding}/rulings", verdict="wrong")
    assert again.status_code == 409  # settled meanwhile
    assert case(inspector, finding)["verdict"] == "right"


def test_of_two_reviewers_neither_sees_the_other_s_ruling(enter: Enter, app: FastAPI) -> None:
    inspector, owner = enter("inspector"), enter("owner")
    send(inspector, app, "/reviews", per="all", n=3, seed="two", wanted=2)
    rows = inspector.get("/reviews?lang=en").text.split("/findings/")[1:]
    finding = rows[-1].split("?")[0]
    assert case(owner, finding)["wanted"] == 2
    send(inspector, app, f"/findings/{finding}/rulings", verdict="partly", comment="mine alone")
    assert case(owner, finding)["rulings"] == []
    assert "mine alone" not in owner.get(f"/findings/{finding}").text
    send(owner, app, f"/findings/{finding}/rulings", verdict="partly")
    assert len(case(owner, finding)["rulings"]) == 2


def test_an_agent_appeals_and_somebody_else_decides(enter: Enter, shop: Path, app: FastAPI) -> None:
    (finding, *_), (other, *_) = faults(shop, app)
    agent, inspector, owner = enter("agent"), enter("inspector"), enter("owner")
    send(inspector, app, f"/findings/{finding}/rulings", verdict="right")
    assert send(agent, app, f"/findings/{other}/appeal", reason="x").status_code == 404
    assert send(agent, app, f"/findings/{finding}/appeal", reason=" ").status_code == 400
    done = send(agent, app, f"/findings/{finding}/appeal", reason="<b>The network was down</b>")
    assert done.status_code == 303
    listed = agent.get("/appeals", headers=JSON).json()["tables"]["appeals"]["rows"]
    assert [row["reason"] for row in listed] == ["<b>The network was down</b>"]
    assert "<b>The network" not in agent.get(f"/findings/{finding}").text
    assert inspector.get(f"/findings/{finding}").text.count('name="outcome"') == 0
    refused = send(inspector, app, f"/findings/{finding}/decision", outcome="upheld")
    assert refused.status_code == 400  # has ruled on it
    empty = send(owner, app, f"/findings/{finding}/decision", outcome="rejected")
    assert empty.status_code == 400
    send(owner, app, f"/findings/{finding}/decision", outcome="upheld")
    assert case(agent, finding)["state"] == "upheld"
    assert "inspector" not in agent.get(f"/findings/{finding}?lang=en").text
    with app.state.store.read() as session:
        kinds = [event.kind for event in events_of(session, f"case:{finding}")]
    assert kinds[:3] == ["case.upheld", "case.appealed", "case.ruled"]  # the newest first


@pytest.mark.parametrize("login", ["agent", "readonly"])
def test_who_may_not_rule_changes_nothing(
    enter: Enter, shop: Path, app: FastAPI, login: str
) -> None:
    finding = faults(shop, app)[0][-1]
    before = case(enter("owner"), finding)["state"]
    assert send(enter(login), app, f"/findings/{finding}/rulings", verdict="right").status_code in (
        403,
        404,
    )
    assert case(enter("owner"), finding)["state"] == before == "listed"
    assert 'name="verdict"' not in enter(login).get(f"/findings/{finding}").text


def test_what_is_missing_in_a_drawn_session_is_reported(enter: Enter, app: FastAPI) -> None:
    inspector = enter("inspector")
    send(inspector, app, "/reviews", per="all", what="none", n=1, seed="gaps", wanted=1)
    with app.state.store.read() as session:
        finding = session.scalars(select(Case.finding_id).where(Case.rule == NOTHING)).one()
    assert f"/findings/{finding}?queue=1" in inspector.get("/reviews").text
    text = inspector.get(f"/findings/{finding}?queue=1&lang=en").text
    assert "Nothing found" in text
    assert '<option value="no_soothing">' in text
    sent = send(inspector, app, f"/findings/{finding}/missing", code="no_soothing")
    assert sent.headers["location"] == f"/findings/{finding}"
    assert case(inspector, finding)["verdict"] == "wrong"
    again = send(enter("inspector"), app, f"/findings/{finding}/missing", code="no_soothing")
    assert again.status_code == 400  # has reported it
    assert inspector.get("/findings/000000000000000000000000").status_code == 404
