"""Calibration in the browser: nobody sees the others' rulings until all have ruled on all."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from web.conftest import Enter

JSON = {"accept": "application/json"}
PERIOD = "from=2026-03-01&to=2026-03-14"


def post(browser: TestClient, path: str, **fields: Any) -> Any:
    """Send a form with the token of the page one is on."""
    token = browser.get("/account").text.split('<meta name="csrf" content="')[1].split('"')[0]
    return browser.post(path, data={"csrf": token, **fields})


def open_session(browser: TestClient, **fields: Any) -> Any:
    wanted = {"name": "March", "n": 3, "seed": "s", "members": ["owner", "inspector"], **fields}
    return post(browser, f"/calibrations?{PERIOD}", **wanted)


def told(browser: TestClient, path: str) -> dict[str, Any]:
    found: dict[str, Any] = browser.get(path, headers=JSON).json()
    return found


def test_rulings_are_hidden_until_all_have_ruled(enter: Enter) -> None:
    owner, inspector = enter("owner"), enter("inspector")
    made = open_session(owner)
    assert made.status_code == 303
    path = made.headers["location"].partition("?")[0]
    names = [one["finding_id"] for one in told(owner, path)["findings"]]
    assert len(names) == 3
    # Two of three are the same; by chance a third would be, so kappa is (2/3 - 1/3) / (1 - 1/3).
    said = {"owner": ("right", "right", "partly"), "inspector": ("wrong", "right", "partly")}
    to = f"{path}/{names[0]}"
    for name, verdict in zip(names, said["owner"], strict=True):
        assert to.partition("?")[0] == f"{path}/{name}"
        comment = f"because {name}"
        to = post(owner, f"{path}/{name}", verdict=verdict, comment=comment).headers["location"]
    assert to.partition("?")[0] == path
    seen = told(inspector, path)
    assert (seen["rulings"], seen["agreement"], seen["ruled"]["owner"]) == ([], None, 3)
    assert "because" not in inspector.get(path).text
    assert "because" not in inspector.get(f"{path}/{names[0]}").text
    assert len(told(owner, path)["rulings"]) == 3
    for name, verdict in zip(names, said["inspector"], strict=True):
        post(inspector, f"{path}/{name}", verdict=verdict)
    seen = told(inspector, path)
    assert seen["agreement"]["agreement"] == pytest.approx(2 / 3)
    assert seen["agreement"]["kappa"] == pytest.approx(0.5)
    rows = seen["tables"]["said"]["rows"]
    assert [row["differ"] for row in rows] == [True, False, False]
    assert "because" in inspector.get(path).text


def test_one_rules_once_and_members_only(enter: Enter) -> None:
    owner = enter("owner")
    path = open_session(owner, name="Once").headers["location"].partition("?")[0]
    name = told(owner, path)["findings"][0]["finding_id"]
    page = f"{path}/{name}"
    assert post(owner, page, verdict="right").status_code == 303
    again = post(owner, page, verdict="wrong")
    assert again.status_code == 409
    assert 'class="alert alert-danger"' in again.text
    assert post(enter("supervisor"), page, verdict="right").status_code in (400, 404)
    assert post(owner, page, verdict="perhaps").status_code == 400
    assert owner.get(f"{path}/none").status_code == 404
    assert owner.get("/calibrations/999").status_code == 404
    assert enter("agent").get(path).status_code == 403


def test_who_may_not_see_the_conversations_takes_no_part(enter: Enter, app: FastAPI) -> None:
    owner = enter("owner")
    before = len(told(owner, "/calibrations")["tables"]["calibrations"]["rows"])
    for members in (["owner"], ["owner", "nobody"], ["owner", "supervisor"], ["owner", "agent"]):
        answer = open_session(owner, members=members, per="agent")
        assert answer.status_code == 400
    assert len(told(owner, "/calibrations")["tables"]["calibrations"]["rows"]) == before
    assert owner.get("/calibrations?lang=en").status_code == 200
