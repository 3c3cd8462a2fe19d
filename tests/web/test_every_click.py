"""Whatever a page offers answers: each kind of link, form and button, for each role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.demo import make_demo
from jinpai.store.people import ROLES
from jinpai.web.app import create_app
from web.clicks import PASSED_OVER, Form, walk
from web.lived_in import add_people, live_in, signed_in

PERIOD = "from=2026-03-01&to=2026-03-04"


# What would shut out those who look.
NOT_SENT = {*PASSED_OVER, "people_active", "people_change", "people_reset"}


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    root: Path = tmp_path_factory.mktemp("clicks") / "shop"
    app = create_app(make_demo(root, agents=4, days=4, buyers=30).workspace.root)
    with TestClient(app):
        add_people(app)
        live_in(app, PERIOD)
        yield app


def send(browser: TestClient, form: Form) -> str:
    """Send a form as it stands; returns what is wrong with the answer, or nothing."""
    files = {"file": ("x.jsonl", b"{}\n")} if form.has_file else None
    fields: dict[str, list[str]] = {}
    for name, value in form.fields:
        fields.setdefault(name, []).append(value)
    answer = browser.post(form.action, data=fields, files=files)
    is_told = answer.status_code in (400, 409) and 'class="alert' in answer.text
    is_refused = answer.status_code == 400 and "empty-title" in answer.text
    if answer.status_code < 400 or is_told or is_refused:
        return ""
    return f"{answer.status_code} {answer.text[-300:]}"


@pytest.mark.parametrize("role", ROLES)
def test_every_kind_of_link_and_form_answers(lived_in: FastAPI, role: str) -> None:
    browser, wrong = signed_in(lived_in, role), dict[str, str]()
    forms = walk(browser, "/", wrong, is_brief=role != "owner")
    assert wrong == {}
    assert "" not in forms, forms[""]  # each form leads to a route
    token = browser.headers.pop("x-csrf-token")
    for name, (_, form) in forms.items():
        # Who may not use a route gets 404; who may is asked for the token.
        answer = browser.post(form.action, headers={"x-csrf-token": "wrong"})
        assert answer.status_code == 403, (role, name)
    browser.headers["x-csrf-token"] = token
    for name, (page, form) in forms.items():
        if name not in NOT_SENT and (told := send(browser, form)):
            wrong[f"{page} {form.action} {form.fields}"] = told
    assert wrong == {}
