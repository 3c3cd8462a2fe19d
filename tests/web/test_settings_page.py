"""Settings in the browser: what is in force, changed and taken back, and the history of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.jobs.worker import Worker
from jinpai.settings import REGISTRY
from jinpai.store import events_of
from jinpai.web.app import create_app
from jinpai.workspace import init
from jinpai.workspace_config import load_config
from web.conftest import Enter
from web.small import browser_of, small_shop

JSON = {"accept": "application/json"}


def send(browser: TestClient, **fields: Any) -> Any:
    """Send the form with the token of the page one is on."""
    token = browser.get("/account").text.split('<meta name="csrf" content="')[1].split('"')[0]
    return browser.post("/settings", data={"csrf": token, **fields})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_setting_is_listed_and_opens(enter: Enter, language: str) -> None:
    browser = enter("owner")
    rows = browser.get("/settings", headers=JSON).json()["tables"]["settings"]["rows"]
    assert [row["name"] for row in rows] == list(REGISTRY)
    for name, entry in REGISTRY.items():
        page = browser.get(f"/settings?name={name}&lang={language}").text
        assert f'name="name" value="{name}"' in page
        assert (entry.zh if language == "zh" else entry.en).split("'")[0] in page
    assert browser.get("/settings?name=none", headers=JSON).status_code == 404


def test_a_change_is_kept_told_and_taken_back(enter: Enter, shop: Path, app: FastAPI) -> None:
    browser, place = enter("owner"), {"name": "session_gap", "place": "all"}
    before = load_config(shop).get("session_gap")
    try:
        assert send(browser, value="15 min", **place).status_code == 303
        assert load_config(shop).get("session_gap").value == 900
        rows = browser.get("/settings", headers=JSON).json()["tables"]["history"]["rows"]
        assert rows[0]["new"] == "900"
        with app.state.store.read() as session:
            (event, *_) = events_of(session, "setting:session_gap")
        assert (event.actor, event.after["value"]) == ("owner", 900)
    finally:
        send(browser, value="", back="yes", **place)
    assert load_config(shop).get("session_gap") == before


def test_what_cannot_be_is_refused_and_shown_again(enter: Enter, shop: Path) -> None:
    before = load_config(shop).history()
    answer = send(enter("owner"), name="session_gap", value="<b>never</b>")
    assert answer.status_code == 400
    assert "<b>never" not in answer.text
    assert load_config(shop).history() == before


def test_a_change_is_tried_before_it_is_saved(enter: Enter, shop: Path) -> None:
    browser, history = enter("owner"), load_config(shop).history()
    place = "/settings/preview?name=session_gap&value=30%20min"
    token = browser.get("/account").text.split('<meta name="csrf" content="')[1].split('"')[0]
    form = {"csrf": token, "name": "session_gap", "value": "30 min", "place": "all"}
    assert browser.get(place, headers=JSON).json()["trial"]["state"] == "none"
    assert browser.post("/settings/preview", data=form).headers["location"] == place
    waits = browser.get(place, headers=JSON | {"hx-target": "preview"}).json()["trial"]
    assert waits["state"] == "queued"
    browser.post("/settings/preview", data=form)  # asked again, it is not worked out twice
    worker = Worker(shop)
    assert worker.drain() == 1
    worker.close()
    told = browser.get(place, headers=JSON).json()
    assert told["trial"]["state"] == "done"
    rows = told["tables"]["preview"]["rows"]
    # Longer sessions cut off fewer answers: fewer rounds stay unanswered, none more.
    (shop_row,) = [row for row in rows if row["metric"] == "未回复轮数" and row["agent"] == "全店"]
    assert shop_row["after"] < shop_row["before"]
    assert all(row["before"] != row["after"] for row in rows)
    part = browser.get(
        "/settings/preview?name=session_gap&value=30+min", headers={"hx-target": "preview"}
    )
    assert "<html" not in part.text
    assert load_config(shop).history() == history
    for query, status in {
        "name=none&value=1": 404,
        "name=session_gap&value=never": 200,  # told on the page
        "name=session_gap": 200,
    }.items():
        assert browser.get(f"/settings/preview?{query}").status_code == status


def test_a_setting_and_its_audit_entry_come_together(
    enter: Enter, shop: Path, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("jinpai.web.views.settings.log_event", broken)
    answer = send(enter("owner"), name="session_gap", value="17 min", place="all")
    assert answer.status_code == 500
    assert load_config(shop).get("session_gap").value != 17 * 60


@pytest.mark.parametrize(("language", "word"), [("zh", "先计算一次"), ("en", "Calculate once")])
def test_settings_open_before_the_first_run_and_a_trial_says_what_to_do(
    tmp_path: Path, language: str, word: str
) -> None:
    with TestClient(create_app(small_shop(tmp_path / "shop").root)) as nobody:
        app: Any = nobody.app
        browser = browser_of(app)
        assert send(browser, name="session_gap", value="15 min", place="shop").status_code == 303
        page = browser.get(f"/settings?name=session_gap&lang={language}")
        assert page.status_code == 200
        assert 'value="900"' in page.text
        (change,) = browser.get("/settings", headers=JSON).json()["tables"]["history"]["rows"]
        assert (change["new"], change["place"]) == ("900", "金牌")
        asked = f"/settings/preview?name=session_gap&value=900&lang={language}"
        for headers in ({}, {"hx-request": "true", "hx-target": "preview"}):
            shown = browser.get(asked, headers=headers)
            assert shown.status_code == 200
            assert word in shown.text
            assert 'action="/jobs/run' in shown.text
        told = browser.get(asked, headers=JSON)
        assert (told.status_code, told.json()["error"]["code"]) == (409, "not_run")


def test_a_trial_without_any_data_leads_to_the_import(tmp_path: Path) -> None:
    root = init(tmp_path / "shop", shop_id="s1", name="金牌", platform="taobao").root
    with TestClient(create_app(root)) as nobody:
        app: Any = nobody.app
        shown = browser_of(app).get("/settings/preview?name=session_gap&value=900&lang=en").text
    assert "nothing was imported yet" in shown
    assert 'href="/import"' in shown.split("<main")[1]
    assert 'action="/jobs/run' not in shown
