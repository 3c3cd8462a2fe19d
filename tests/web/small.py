"""A shop of a few lines, for tests that import and run: its files, and its app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.errors import UnknownName
from jinpai.store.accounts import add_user, find_user
from jinpai.store.logins import start_session
from jinpai.web.security import COOKIE
from jinpai.workspace import Workspace, init

MESSAGES = "message_id,sent_at,agent_id,buyer_id,sender,text\n"
ORDERS = "order_id,buyer_id,created_at,paid_at,paid_amount\n"


def messages(day: int = 2, buyers: Sequence[str] = ("b1", "b2")) -> str:
    """Two messages of each buyer with shop:Al on a day of March 2026."""
    lines = []
    for number, buyer in enumerate(buyers):
        at = f"2026-03-{day:02}T{10 + number}:00"
        lines.append(f"{buyer}-{day}-1,{at}:00+08:00,shop:Al,{buyer},buyer,call 13812345678\n")
        lines.append(f"{buyer}-{day}-2,{at}:20+08:00,shop:Al,{buyer},agent,hello\n")
    return MESSAGES + "".join(lines)


def orders(day: int = 2, buyers: Sequence[str] = ("b1",), amount: str = "100.00") -> str:
    """An order of each buyer on that day, paid."""
    at = f"2026-03-{day:02}T12:0"
    lines = [
        f"o-{buyer}-{day},{buyer},{at}0:00+08:00,{at}1:00+08:00,{amount}\n" for buyer in buyers
    ]
    return ORDERS + "".join(lines)


def small_shop(root: Path, *, runs: bool = False) -> Workspace:
    """A workspace of one shop with two conversations and an order, computed if asked."""
    shop = init(root, shop_id="s1", name="金牌", platform="taobao")
    files = root / "given"
    files.mkdir()
    (files / "messages.csv").write_text(messages(), "utf-8")
    (files / "orders.csv").write_text(orders(), "utf-8")
    shop.import_files([files / "messages.csv", files / "orders.csv"])
    if runs:
        shop.run()
    return shop


def browser_of(app: FastAPI, role: str = "owner") -> TestClient:
    """A browser of somebody of that role, made where there is nobody."""
    made = TestClient(app, follow_redirects=False, headers={"accept": "text/html"})
    with app.state.store.write() as session:
        try:
            user = find_user(session, role)
        except UnknownName:
            user = add_user(
                session, role, role=role, actor="tests", teams=["x"], agent_id="shop:Al"
            )
        made.cookies.set(COOKIE, start_session(session, user))
    return made


def csrf_of(browser: TestClient) -> dict[str, str]:
    """The header a change by that browser carries."""
    token = browser.get("/account").text.split('<meta name="csrf" content="')[1].split('"')[0]
    return {"x-csrf-token": token}
