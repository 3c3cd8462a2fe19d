"""Importing as the owner does it: dropped, looked at, loaded, calculated, taken back, mapped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.conftest import serving
from jinpai.jobs.supervisor import Supervisor
from jinpai.simulate import simulate
from jinpai.store.accounts import add_user
from jinpai.store.logins import start_session
from jinpai.web.app import create_app
from jinpai.web.security import COOKIE
from jinpai.workspace import init

# What the mapping that the editor begins with reads, but for the name of the last column.
DESK = """编号,买家,客服,时间,发送方,说的话
1,tb_1,晴川:小麦,2026-03-02 10:00:00,买家,有货吗
2,tb_1,晴川:小麦,2026-03-02 10:00:08,客服,有的亲
"""
PATIENCE = 60_000.0  # milliseconds that a job may take on a machine that does much else
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Given:
    """The owner's page, and files to drop; of the orders' last line the time is no time."""

    page: Page
    base: str
    orders: Path
    good: int
    desk: Path


def files(folder: Path) -> tuple[Path, int, Path]:
    """Write a Taobao order report with one more, wrong line, and a file that nobody knows."""
    simulate(folder / "taobao", agents=2, days=2, buyers=20, source="taobao")
    (orders,) = (folder / "taobao").glob("ExportOrderList*.csv")
    lines = orders.read_bytes().decode("gb18030").splitlines()
    wrong = TIME.sub("昨天", lines[-1], count=1)
    orders.write_bytes("\n".join([*lines, wrong, ""]).encode("gb18030"))
    (folder / "desk.csv").write_text(DESK, "utf-8")
    return orders, len(lines) - 1, folder / "desk.csv"


@pytest.fixture
def given(chromium: Browser, tmp_path: Path) -> Iterator[Given]:
    shop = init(tmp_path / "shop", shop_id="s1", name="晴川家居旗舰店", platform="taobao")
    app = create_app(shop.root)
    with app.state.store.write() as session:
        cookie = start_session(session, add_user(session, "boss", role="owner", actor="tests"))
    worker, wrong = Supervisor(shop.root), list[str]()
    worker.start()
    for base in serving(app):
        made = chromium.new_context(viewport={"width": 1366, "height": 768})
        made.add_cookies(
            [
                {"name": name, "value": value, "url": base}
                for name, value in ((COOKIE, cookie), ("jinpai_lang", "en"))
            ]
        )
        page = made.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield Given(page, base, *files(tmp_path))
        made.close()
        worker.stop()
    assert wrong == []


def drop(given: Given, path: Path) -> None:
    """Drop a file on the page as a hand would, and wait until it was looked at."""
    page = given.page
    page.goto(f"{given.base}/import")
    place = page.locator("[data-drop]").bounding_box()
    assert place
    at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    hand = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    page.wait_for_url("**/import/batches/*")
    expect(page.locator(".jp-work")).to_have_count(0, timeout=PATIENCE)


def row(page: Page, table: str, text: str) -> Locator:
    return page.locator(f"#t-{table} tbody tr", has_text=text)


def cells(found: Locator) -> list[str]:
    return [text.strip() for text in found.locator("td, th").all_inner_texts()]


def done(page: Page) -> None:
    """Wait, on a job's page, until it tells that it is over and well."""
    page.wait_for_url("**/jobs/*")
    expect(page.locator(".jp-said .badge")).to_have_text("done", timeout=PATIENCE)


def button(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("button", name=name, exact=True)


def look_over(given: Given, page: Page) -> None:
    """What was recognised, what would be loaded, and the row that cannot be, to take home."""
    assert "Taobao order report" in row(page, "files", given.orders.name).inner_text()
    # In, inserted, replaced, unchanged, rejected.
    counts = cells(row(page, "counts", "Orders"))
    assert counts[:6] == ["Orders", str(given.good + 1), str(given.good), "0", "0", "1"]
    wrong = page.locator("#t-rejects tbody tr")
    expect(wrong).to_have_count(1)
    assert cells(wrong)[1:4] == [given.orders.name, str(given.good + 2), "created_at"]
    page.locator("#t-rejects summary", has_text="Download").click()
    with page.expect_download() as sent:
        page.locator("#t-rejects a[href*='format=csv']").click()
    assert "昨天" in sent.value.path().read_text("utf-8-sig")


def take_back(page: Page, base: str, rows: str) -> None:
    """Undo the newest import and find both in the history."""
    page.goto(f"{base}/import")
    expect(page.locator("#t-imports tbody tr")).to_have_count(1)
    assert f"Orders +{rows}" in page.locator("#t-imports tbody tr").inner_text()
    page.locator("#t-imports").get_by_role("link", name="Undo").click()
    expect(page.locator("#undo .jp-facts")).to_contain_text(f"−{rows}")
    page.locator("#undo button").click()
    done(page)
    page.goto(f"{base}/import")
    expect(page.locator("#t-imports tbody tr")).to_have_count(2)
    assert f"Orders −{rows}" in page.locator("#t-imports tbody tr").first.inner_text()
    expect(page.locator("#t-imports").get_by_role("link", name="Undo")).to_have_count(0)


def write_mapping(page: Page, base: str) -> None:
    """Make a mapping, see what is wrong as one types, mend it, save it."""
    page.goto(f"{base}/import")
    page.fill("#mapping-name", "desk")
    button(page, "New mapping").click()
    text = page.locator("textarea[name=text]")
    expect(page.locator("#check")).to_contain_text("It can be read")
    begun = text.input_value()
    text.fill(begun.replace("text: 内容", "words: 内容"))
    expect(page.locator("#check .alert-danger")).to_contain_text("words")
    text.fill(begun.replace("内容", "说的话"))
    expect(page.locator("#check .alert-danger")).to_have_count(0)
    button(page, "Save").click()
    expect(page.locator(".alert-success")).to_contain_text("Saved")


def test_the_owner_imports_takes_back_and_maps(given: Given) -> None:
    page, base, followed = given.page, given.base, list[str]()
    page.on("request", lambda asked: followed.append(asked.url))
    drop(given, given.orders)
    look_over(given, page)
    button(page, "Import").click()
    done(page)
    page.goto(f"{base}/import")  # what is at work stands there until it is over
    expect(page.locator(".jp-work")).to_have_count(0, timeout=PATIENCE)
    page.goto(f"{base}/jobs")
    expect(row(page, "jobs", "Calculation")).to_contain_text("done")
    page.goto(f"{base}/overview?from=2026-03-01&to=2026-03-02")
    expect(page.locator(".jp-tile-value").first).to_be_visible()
    take_back(page, base, str(given.good))

    drop(given, given.desk)
    unknown = page.url
    expect(page.locator(".alert-danger")).to_contain_text("--mapping")
    write_mapping(page, base)
    page.goto(unknown)
    page.select_option("select[name=mapping]", "desk")
    button(page, "Dry run").click()
    expect(row(page, "counts", "Messages")).to_be_visible(timeout=PATIENCE)
    assert cells(row(page, "counts", "Messages"))[:3] == ["Messages", "2", "2"]
    expect(page.locator("#t-rows_messages")).to_contain_text("有的亲")
    button(page, "Import").click()
    done(page)
    page.goto(f"{base}/import")
    expect(page.locator("#t-imports tbody tr").first).to_contain_text("Messages +2")
    assert any(re.search(r"/jobs/\d+/events", url) for url in followed)  # progress as it came
