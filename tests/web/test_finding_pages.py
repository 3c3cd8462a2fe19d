"""Findings in the browser are those of the API, seen by those who may."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

import jinpai
from web.conftest import Enter

JSON = {"accept": "application/json"}
PERIOD = "from=2026-03-01&to=2026-03-14"


def own_agent(app: FastAPI) -> str:
    roster = app.state.reader.roster("demo")
    return min(one for one in roster if roster[one]["team"])


@pytest.mark.parametrize("kind", ["faults", "merits", "all"])
def test_the_list_has_what_the_api_has(enter: Enter, shop: Path, kind: str) -> None:
    found, _ = jinpai.open(shop).findings(first="2026-03-01", last="2026-03-14")
    keep = {"faults": (False,), "merits": (True,), "all": (False, True)}[kind]
    wanted = [row["finding_id"] for row in found if row["is_merit"] in keep]
    path = f"/findings?{PERIOD}&kind={kind}"
    browser, rows, cursor = enter("owner"), [], ""
    while True:
        part = browser.get(
            f"{path}&cursor={cursor}&findings.cols=points,finding_id", headers=JSON
        ).json()["tables"]["findings"]
        rows += [row["finding_id"] for row in part["rows"]]
        cursor = part["next"]
        if not cursor:
            break
    assert rows == wanted
    assert part["total"] == len(wanted)


def test_filters_and_order_are_in_the_address(enter: Enter, shop: Path, app: FastAPI) -> None:
    agent = own_agent(app)
    wanted, count = jinpai.open(shop).findings(
        rules=["ignored"], agent=agent, first="2026-03-02", last="2026-03-09"
    )
    path = f"/findings?from=2026-03-02&to=2026-03-09&code=ignored&agent={agent}"
    table = (
        enter("owner")
        .get(f"{path}&findings.sort=-started_at&findings.cols=finding_id", headers=JSON)
        .json()["tables"]["findings"]
    )
    assert table["total"] == count > 1
    order = sorted(wanted, key=lambda row: row["started_at"], reverse=True)
    assert [row["finding_id"] for row in table["rows"]] == [row["finding_id"] for row in order][:50]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_finding_shows_its_conversation_and_marks_why(
    enter: Enter, shop: Path, language: str
) -> None:
    workspace = jinpai.open(shop)
    for row in workspace.findings(limit=30)[0][::6]:
        one = workspace.finding(row["finding_id"], unmask=True)
        answer = enter("owner").get(f"/findings/{row['finding_id']}?lang={language}")
        assert answer.status_code == 200
        assert one[f"reason_{language}"].replace("'", "&#39;") in answer.text
        assert answer.text.count(" jp-shows") == len(one["evidence"])
        assert answer.text.count("<mark>") <= len(one["evidence"])


def test_the_marked_characters_are_the_evidence(enter: Enter, shop: Path) -> None:
    workspace = jinpai.open(shop)
    for row in workspace.findings()[0]:
        one = workspace.finding(row["finding_id"])
        told = [m for m in one["messages"] if m["evidence"]]
        if len(told) == 1 and told[0]["text"] and told[0]["evidence"][1] < len(told[0]["text"]):
            start, end = told[0]["evidence"]
            answer = enter("owner").get(f"/findings/{row['finding_id']}")
            assert f"<mark>{told[0]['text'][start:end]}</mark>" in answer.text
            return
    pytest.fail("no finding with words inside a message")


def test_agents_and_supervisors_see_their_own_only(enter: Enter, shop: Path, app: FastAPI) -> None:
    roster, agent = app.state.reader.roster("demo"), own_agent(app)
    team = {one for one in roster if roster[one]["team"] == roster[agent]["team"]}
    found, _ = jinpai.open(shop).findings(first="2026-03-01", last="2026-03-14", faults=True)
    for login, allowed in (("agent", {agent}), ("supervisor", team)):
        browser = enter(login)
        total = browser.get(f"/findings?{PERIOD}", headers=JSON).json()["tables"]["findings"]
        assert total["total"] == sum(row["agent_id"] in allowed for row in found)
        for row in (
            next(row for row in found if row["agent_id"] in allowed),
            *(row for row in found if row["agent_id"] not in allowed),
        )[:8]:
            status = browser.get(f"/findings/{row['finding_id']}").status_code
            assert status == (200 if row["agent_id"] in allowed else 404)
    hidden = next(row for row in found if row["agent_id"] != agent)
    told = enter("agent").get(f"/findings/{hidden['finding_id']}", headers=JSON)
    absent = enter("agent").get("/findings/none", headers=JSON)
    assert (told.status_code, told.json()) == (absent.status_code, absent.json())
    assert enter("agent").get("/findings?agent=x", headers=JSON).status_code == 404


def talk_path(row: dict[str, Any]) -> str:
    agent = quote(row["agent_id"] or "", safe="")
    return f"/conversations/{quote(row['buyer_id'], safe='')}?agent={agent}&day={row['day']}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_conversation_marks_what_was_found_in_it(enter: Enter, shop: Path, language: str) -> None:
    workspace, browser = jinpai.open(shop), enter("owner")
    found, _ = workspace.findings()
    for row in workspace.findings(limit=30)[0][::6]:
        key = (row["buyer_id"], row["agent_id"], row["day"])
        here = [o for o in found if (o["buyer_id"], o["agent_id"], o["day"]) == key]
        answer = browser.get(f"{talk_path(row)}&lang={language}")
        shown = {one["message_id"] for o in here for one in o["evidence"]}
        assert answer.text.count(" jp-shows") == len(shown)
        for one in here:
            assert f'href="/findings/{one["finding_id"]}"' in answer.text
            assert one[f"reason_{language}"].replace("'", "&#39;") in answer.text
        page = browser.get(f"/findings/{row['finding_id']}").text
        place = f"#m-{row['evidence'][0]['message_id']}" if row["evidence"] else ""
        assert f'href="{talk_path(row).replace("&", "&amp;")}{place}"' in page
        told = browser.get(talk_path(row), headers=JSON).json()["findings"]
        assert [one["finding_id"] for one in told] == [one["finding_id"] for one in here]


def test_an_agent_sees_no_findings_of_others_in_the_own_conversations(
    enter: Enter, shop: Path, app: FastAPI
) -> None:
    agent = own_agent(app)
    row = next(o for o in jinpai.open(shop).findings(faults=True)[0] if o["agent_id"] == agent)
    told = enter("agent").get(talk_path(row), headers=JSON).json()["findings"]
    known = {o["finding_id"]: o["agent_id"] for o in jinpai.open(shop).findings()[0]}
    assert {known[one["finding_id"]] for one in told} == {agent}
