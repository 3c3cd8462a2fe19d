"""Shops of which little is known: no chats, no names, nobody in particular."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from jinpai.reporting import collect
from jinpai.reports import Report, render_page, write_workbook
from jinpai.reports.words import LANGUAGES
from jinpai.workspace import init

ORDERS = """order_id,buyer_id,created_at,paid_at,paid_amount
o1,b1,2026-03-02T10:00:00+08:00,2026-03-02T10:00:30+08:00,20.00
"""
NOBODY = """sent_at,agent_id,buyer_id,sender,text
2026-03-02T09:00:00+08:00,,b1,buyer,hello?
2026-03-02T09:10:00+08:00,t:new,b2,buyer,hi
2026-03-02T09:10:05+08:00,t:new,b2,agent,hello
"""


def made(folder: Path, **texts: str) -> Report:
    """Return the report of a shop of these canonical tables."""
    (folder / "files").mkdir()
    for table, text in texts.items():
        (folder / "files" / f"{table}.csv").write_text(text, "utf-8")
    shop = init(folder / "shop", shop_id="s1", name="Little", platform="other")
    shop.import_files([folder / "files"])
    shop.run()
    return collect(shop)


@pytest.mark.parametrize("language", LANGUAGES)
def test_orders_without_a_chat(tmp_path: Path, language: str) -> None:
    report = made(tmp_path, orders=ORDERS)
    assert report.agents.sheets == ()
    assert report.waits.rounds == 0
    page = render_page(report, "zh" if language == "zh" else "en")
    assert "¥20.00" in page
    write_workbook(report, "zh" if language == "zh" else "en", tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert len(book.sheetnames) >= 8


def test_nobody_in_particular_and_an_account_without_a_row(tmp_path: Path) -> None:
    report = made(tmp_path, orders=ORDERS, messages=NOBODY)
    (sheet,) = report.agents.sheets
    assert (sheet.agent_id, sheet.name, sheet.team, sheet.split) == ("t:new", "t:new", None, None)
    assert report.agents.unassigned["consulted_buyers"].value == 1
    page = render_page(report, "en")
    assert "Unassigned" in page
    assert "t:new" in page
    # One round of the two was answered, after 5 s; the other was nobody's.
    assert (report.waits.rounds, report.waits.answered, report.waits.median) == (2, 1, 5.0)


def test_names_that_two_accounts_share(tmp_path: Path) -> None:
    agents = "agent_id,name,team\nt:new,Lee,one\nt:old,Lee,one\n"
    rows = "2026-03-02T09:20:00+08:00,t:old,b3,buyer,hi\n"
    report = made(tmp_path, messages=NOBODY + rows, agents=agents)
    assert {sheet.name for sheet in report.agents.sheets} == {"Lee (t:new)", "Lee (t:old)"}
