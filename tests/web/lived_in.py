"""A workspace in which people have worked, by its own pages' forms: what they list is there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.demo import SHOP_ID
from jinpai.jobs.worker import Worker
from jinpai.store.accounts import add_user, find_user, set_password
from jinpai.store.logins import start_session
from jinpai.store.people import ROLES
from jinpai.web.security import COOKIE
from web.small import messages, orders

PASSWORD = "a long enough password"  # noqa: S105 - of made-up people
JSON = {"accept": "application/json"}


def add_people(app: FastAPI) -> tuple[str, str]:
    """Make somebody of each role, named like it; returns the agent's account and a team mate's."""
    roster = app.state.reader.roster(SHOP_ID)
    agent = min(one for one in roster if roster[one]["team"])
    mate = min(one for one in roster if one != agent and roster[one]["team"])
    more: dict[str, dict[str, Any]] = {
        "supervisor": {"teams": sorted({roster[one]["team"] for one in (agent, mate)})},
        "agent": {"agent_id": agent},
    }
    with app.state.store.write() as session:
        for role in ROLES:
            user = add_user(session, role, role=role, actor="tests", **more.get(role, {}))
            set_password(session, user, PASSWORD, actor="tests")
    return agent, mate


def signed_in(app: FastAPI, role: str) -> TestClient:
    """A browser of the one of that role."""
    made = TestClient(app, follow_redirects=False, headers={"accept": "text/html"})
    with app.state.store.write() as session:
        made.cookies.set(COOKIE, start_session(session, find_user(session, role)))
    page = made.get("/account").text
    made.headers["x-csrf-token"] = page.split('<meta name="csrf" content="')[1].split('"')[0]
    return made


def live_in(app: FastAPI, period: str) -> None:
    """Let people import, run, draw, rule, appeal, calibrate, lock and set things.

    period: ``from=…&to=…``, days that have findings. People are those of `add_people`.
    """
    owner, inspector, agent = (signed_in(app, role) for role in ("owner", "inspector", "agent"))
    worker = Worker(app.state.reader.root)
    try:
        _imports(owner, worker)
        _quality(owner, inspector, agent, period)
        _pay(owner, period)
        _asked(owner, worker, period)
    finally:
        worker.close()


def _sent(browser: TestClient, path: str, **fields: Any) -> str:
    """Send a form; returns where it leads."""
    answer = browser.post(path, data=fields)
    assert answer.status_code == 303, (path, answer.status_code, answer.text[-600:])
    return str(answer.headers["location"])


def _rows(browser: TestClient, path: str, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get(path, headers=JSON).json()["tables"][table]["rows"]
    return found


def _batch(browser: TestClient, files: dict[str, str]) -> dict[str, str]:
    made: dict[str, str] = browser.post("/import/batches", headers=JSON).json()
    for name, body in files.items():
        answer = browser.post(made["files"], params={"name": name}, content=body.encode())
        assert answer.status_code == 201, answer.text
    return made


def _imports(owner: TestClient, worker: Worker) -> None:
    wrong = messages(3) + "m-9,no time,shop:Al,b1,buyer,hello\nm-8,,shop:Al,b1,buyer,hello\n"
    files = {"三月/orders.csv": orders(3), "三月/messages.csv": wrong, "读我.txt": "\x00\x01" * 40}
    first = _batch(owner, files)
    _sent(owner, first["look"])
    worker.drain()
    _sent(owner, f"{first['page']}/load", then_run="1")
    second = _batch(owner, files)  # stays: looked at, not loaded
    _sent(owner, second["look"])
    _sent(owner, "/import/mappings", name="旧系统")
    worker.drain()


def _quality(owner: TestClient, inspector: TestClient, agent: TestClient, period: str) -> None:
    page = agent.get(f"/findings?{period}").text
    links = [part.split('"')[0] for part in page.split('href="/findings/')[1:]]
    ids = list(dict.fromkeys(link.split("?")[0] for link in links))[:3]
    for at, one in enumerate(ids):
        _sent(agent, f"/findings/{one}/appeal", reason=f"当时网络中断，第 {at + 1} 次说明")
    _sent(inspector, f"/reviews?{period}", per="agent", n=4, seed="一")
    _sent(inspector, f"/reviews?{period}", per="agent", n=1, seed="二", what="none")
    _sent(inspector, f"/findings/{ids[0]}/decision", outcome="upheld", comment="日志可以证实")
    drawn = _rows(inspector, f"/reviews?{period}", "reviews")
    assert len(drawn) > 4
    page = inspector.get("/reviews").text
    for part in page.split('href="/findings/')[1:8]:
        one = part.split('"')[0].split("?")[0].split("&")[0]
        inspector.post(f"/findings/{one}/rulings", data={"verdict": "right", "comment": "属实"})
    for name, judges in (("三月校准", ("owner", "inspector")), ("四月校准", ("owner",))):
        fields: dict[str, Any] = {"name": name, "n": 3, "members": ["owner", "inspector"]}
        path = _sent(owner, f"/calibrations?{period}", **fields).partition("?")[0]
        cases = owner.get(path, headers=JSON).json()["findings"]
        for role in judges:
            browser = owner if role == "owner" else inspector
            for at, case in enumerate(cases):
                verdict = "partly" if at and role == "owner" else "right"
                _sent(browser, f"{path}/{case['finding_id']}", verdict=verdict, comment="见聊天")


def _pay(owner: TestClient, period: str) -> None:
    _sent(owner, "/kpi/start")
    _sent(owner, f"/kpi/lock?plan=starter&{period}", name="三月上半月", agreed="yes")


def _asked(owner: TestClient, worker: Worker, period: str) -> None:
    _sent(owner, f"/jobs/report?{period}", form="html")
    worker.drain()
    _sent(owner, "/jobs/run")
    waiting = _sent(owner, f"/jobs/report?{period}", form="xlsx").partition("?")[0]
    _sent(owner, f"{waiting}/cancel")
    _sent(owner, "/jobs/terms", nightly="02:30")
    _sent(owner, "/settings", name="session_gap", value="1200", place="all")
    for path, fields in (
        ("/account/tokens", {"name": "报表", "scopes": ["read", "export"]}),
        ("/people", {"login": "lan", "name": "阿兰", "role": "readonly"}),
    ):
        assert owner.post(path, data=fields).status_code == 200  # what is shown once


def talk_of(browser: TestClient, period: str) -> str:
    """Return the address of a conversation of the period."""
    page = browser.get(f"/conversations?{period}").text
    return "/conversations/" + page.split('href="/conversations/')[1].split('"')[0]


def agent_page(agent: str, period: str) -> str:
    """Return the address of an agent's page."""
    return f"/agents/{quote(agent, safe='')}?{period}"
