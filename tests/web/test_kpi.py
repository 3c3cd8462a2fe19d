"""Scoreboard, payslips and locks say what the API says; who may see and lock."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI

import jinpai
from jinpai.scoring.examples import write_example
from jinpai.scoring.plan import load_plan
from jinpai.store import events_of
from web.conftest import Enter

JSON = {"accept": "application/json"}
FROM, TO = date(2026, 3, 8), date(2026, 3, 14)
PERIOD = f"from={FROM}&to={TO}"


@pytest.fixture
def plan(shop: Path) -> Iterator[Path]:
    """The example plan in the workspace, for one test."""
    folder = shop / "plans"
    folder.mkdir(exist_ok=True)
    write_example("starter", folder / "starter.yaml")
    yield folder / "starter.yaml"
    shutil.rmtree(folder)


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found
    return found[1]


def test_scoreboard_says_what_the_api_says(enter: Enter, shop: Path, plan: Path) -> None:
    sheet = jinpai.open(shop).score(plan, first=FROM, last=TO).sheets[0]
    rows = enter("owner").get(f"/kpi?{PERIOD}", headers=JSON).json()["tables"]["scoreboard"]["rows"]
    assert [(row["rank"], row["total_normalised"], row["pay"]) for row in rows] == [
        (one.rank, pytest.approx(float(one.total_normalised or 0)), one.pay and one.pay.total / 100)
        for one in sheet.agents
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_open_in_both_languages(
    enter: Enter, app: FastAPI, plan: Path, language: str
) -> None:
    agent = quote(next(iter(app.state.reader.roster("demo"))), safe="")
    for path in (f"/kpi?{PERIOD}", f"/kpi/payslips/{agent}?{PERIOD}"):
        assert enter("owner").get(f"{path}&lang={language}").status_code == 200


def test_a_payslip_adds_up(enter: Enter, app: FastAPI, shop: Path, plan: Path) -> None:
    """The points of the lines are score × weight, and add up to the total of the API."""
    sheet = jinpai.open(shop).score(plan, first=FROM, last=TO).sheets[0]
    for one in sheet.agents:
        path = f"/kpi/payslips/{quote(one.subject, safe='')}?{PERIOD}"
        rows = enter("owner").get(path, headers=JSON).json()["tables"]["score"]["rows"]
        points = [row["points"] for row in rows if row["points"] is not None]
        assert sum(points) == pytest.approx(float(one.total))
        for row in rows:
            if row["score"] is not None:
                assert row["points"] == pytest.approx(row["score"] * row["weight"] / 100)


def test_an_agent_sees_only_the_own_payslip(enter: Enter, app: FastAPI, plan: Path) -> None:
    roster = app.state.reader.roster("demo")
    own = min(one for one in roster if roster[one]["team"])
    others = [one for one in roster if one != own]
    browser = enter("agent")
    to = browser.get(f"/kpi/mine?{PERIOD}").headers["location"]
    answer = browser.get(to)
    assert answer.status_code == 200
    for other in others:
        assert browser.get(f"/kpi/payslips/{quote(other, safe='')}").status_code == 404
        assert other not in answer.text
    assert browser.get("/kpi").status_code == 403


def test_a_supervisor_sees_the_own_teams_scores(enter: Enter, app: FastAPI, plan: Path) -> None:
    roster = app.state.reader.roster("demo")
    team = roster[min(one for one in roster if roster[one]["team"])]["team"]
    mine = {one.split(":")[1] for one in roster if roster[one]["team"] == team}
    page = enter("supervisor").get(f"/kpi?{PERIOD}", headers=JSON).json()
    names = {row["agent"] for row in page["tables"]["scoreboard"]["rows"]}
    assert names
    assert names <= mine


def test_the_owner_starts_from_the_example(enter: Enter, app: FastAPI, shop: Path) -> None:
    browser = enter("owner")
    token = csrf_of(browser.get(f"/kpi?{PERIOD}").text)
    assert browser.post("/kpi/start", data={"csrf": token}).status_code == 303
    try:
        assert "starter" in browser.get(f"/kpi?{PERIOD}").text
        again = browser.post("/kpi/start", data={"csrf": token})
        assert again.status_code == 400
    finally:
        shutil.rmtree(shop / "plans")


def test_a_lock_is_made_once_and_differs_in_nothing(
    enter: Enter, app: FastAPI, shop: Path, plan: Path
) -> None:
    browser = enter("owner")
    token = csrf_of(browser.get(f"/kpi?{PERIOD}").text)
    form = {"csrf": token, "name": "march-web"}
    path = f"/kpi/lock?plan=starter&{PERIOD}"
    assert browser.post(path, data=form).status_code == 400  # nobody agreed
    made = browser.post(path, data=form | {"agreed": "yes"})
    assert made.status_code == 303
    assert browser.post(path, data=form | {"agreed": "yes"}).status_code == 400  # the name is taken
    with app.state.store.read() as session:
        events = events_of(session, "lock:march-web")
    assert [(one.actor, one.kind) for one in events] == [("owner", "period.locked")]
    shown = browser.get(made.headers["location"], headers=JSON).json()
    assert shown["tables"]["changes"]["rows"] == []
    sheet = jinpai.open(shop).since_lock("march-web")["locked"]
    assert (sheet["from"], sheet["to"]) == (str(FROM), str(TO))
    pays = [Decimal(one["pay"]["total"]) for one in sheet["agents"] if one["pay"]]
    board = browser.get(f"/kpi?{PERIOD}", headers=JSON).json()["tables"]["scoreboard"]["rows"]
    assert sum(pays) == pytest.approx(sum(Decimal(str(row["pay"])) for row in board))


def test_the_editor_looks_over_what_is_typed_and_saves_what_can_be_read(
    enter: Enter, app: FastAPI, plan: Path
) -> None:
    browser, text = enter("owner"), plan.read_text("utf-8")
    html = browser.get(f"/kpi/plans/starter?{PERIOD}").text
    form = {"csrf": csrf_of(html), "seen": sha256(text.encode()).hexdigest()}
    check, save = f"/kpi/plans/starter/check?{PERIOD}", f"/kpi/plans/starter?{PERIOD}"
    faulty = text.replace("weight: 30", "weight: 31", 1)
    found = browser.post(check, data=form | {"text": faulty}, headers=JSON).json()["tables"]
    assert [row["code"] for row in found["faults"]["rows"]] == ["weights"]
    broken = browser.post(check, data=form | {"text": "indicators: [0.38, 0.41)"})
    assert broken.status_code == 200
    assert 'role="alert"' in broken.text
    assert browser.post(save, data=form | {"text": "name: ["}).status_code == 400
    assert plan.read_text("utf-8") == text
    assert browser.post(save, data=form | {"text": faulty}).status_code == 303
    assert plan.read_text("utf-8") == faulty
    late = browser.post(save, data=form | {"text": text})
    assert late.status_code == 400  # it is no longer the text that was looked at
    with app.state.store.read() as session:
        assert events_of(session, "plan:starter")[0].kind == "plan.saved"


def test_the_editor_tries_what_is_typed(enter: Enter, shop: Path, plan: Path) -> None:
    """The totals shown are those the API gives under the plan as typed."""
    typed = plan.read_text("utf-8").replace("weight: 30", "weight: 10", 1)
    wanted = jinpai.open(shop).score(load_plan(typed), first=FROM, last=TO).sheets[0]
    browser = enter("owner")
    form = {"csrf": csrf_of(browser.get(f"/kpi/plans/starter?{PERIOD}").text), "text": typed}
    answer = browser.post(f"/kpi/plans/starter/check?{PERIOD}", data=form, headers=JSON).json()
    rows = answer["tables"]["trial"]["rows"]
    assert [(row["rank"], row["total"]) for row in rows] == [
        (one.rank, pytest.approx(float(one.total_normalised or 0))) for one in wanted.agents
    ]


@pytest.mark.parametrize("name", ["none", "..%2f..%2fjinpai", "starter.yaml"])
def test_no_other_file_is_a_plan(enter: Enter, plan: Path, name: str) -> None:
    assert enter("owner").get(f"/kpi/plans/{name}").status_code == 404


def test_what_moves_the_ranking_is_what_the_api_says(enter: Enter, shop: Path, plan: Path) -> None:
    wanted = jinpai.open(shop).whatif(plan, first=FROM, last=TO).tornado
    answer = enter("owner").get(f"/kpi/plans/starter/moves?{PERIOD}&lang=en", headers=JSON).json()
    rows = {row["what"]: (row["fall"], row["rise"]) for row in answer["tables"]["moves"]["rows"]}
    assert rows == {row["en"]: (row["fall"], row["rise"]) for row in wanted}
