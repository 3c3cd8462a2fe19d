"""Addresses keep what they are given; what somebody else changed first is told as that."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from jinpai.errors import Conflict
from jinpai.review import Desk
from jinpai.web.contexts import Page
from web.conftest import Enter

TOLD = Conflict("It was drawn just now.", zh="刚刚已有人抽取。")


def page_at(app: FastAPI, query: str) -> Page:
    scope = {
        "type": "http",
        "method": "GET",
        "app": app,
        "path": "/metrics/sales_amount",
        "query_string": query.encode(),
        "headers": [],
    }
    return Page(Request(scope))


def test_an_empty_cell_is_nobodys_and_stays_in_the_address(app: FastAPI) -> None:
    page = page_at(app, "agent=&day=2026-03-01")
    assert page.url("metric", code="rounds", agent="") == "/metrics/rounds?agent="
    assert page.url("metric", code="rounds", agent=None) == "/metrics/rounds"
    assert page.here(day="2026-03-02") == "/metrics/sales_amount?agent=&day=2026-03-02"
    assert page.here(day=None) == "/metrics/sales_amount?agent="


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_conflict_says_what_to_do(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    def beaten(*args: object, **more: object) -> None:
        raise TOLD

    monkeypatch.setattr(Desk, "sample", beaten)
    browser = enter("owner")
    token = browser.get("/account").text.split('<meta name="csrf" content="')[1].split('"')[0]
    path, form = f"/reviews?lang={language}", {"csrf": token}
    answer = browser.post(path, data=form, headers={"referer": f"http://testserver{path}"})
    assert answer.status_code == 409
    assert (str(TOLD) if language == "en" else TOLD.text_zh) in answer.text
    assert f'href="{path}"' in answer.text
    elsewhere = browser.post(path, data=form, headers={"referer": "http://evil.example/x"})
    assert (elsewhere.status_code, "evil" in elsewhere.text) == (409, False)
    told = browser.post(path, data=form, headers={"accept": "application/json"})
    assert told.json()["error"]["code"] == "conflict"
