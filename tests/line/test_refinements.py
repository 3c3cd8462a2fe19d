"""Loading again, loading more, loading the same in other clothes: the lake holds each fact once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from line.driving import Shop, jinpai, write_csv

MESSAGES = "buyer_id,agent_id,sent_at,sender,text"
TALK = [
    "晚风_01,店:小桐,2026-03-02 09:03:07,buyer,在吗",
    "晚风_01,店:小桐,2026-03-02 09:03:55,agent,亲，在的～",
    # Twice in one second, in the same words: two messages.
    "晚风_01,店:小桐,2026-03-02 09:04:00,buyer,好的",
    "晚风_01,店:小桐,2026-03-02 09:04:00,buyer,好的",
    "老周,店:阿岳,2026-03-03 10:00:00,buyer,什么时候发货",
    "老周,店:阿岳,2026-03-03 10:00:30,agent,今天",
    "老周,店:阿岳,2026-03-04 08:00:00,buyer,收到了",
]
COLUMNS = ("message_id", "buyer_id", "agent_id", "sent_at", "sender", "text", "seq")
ORDERS = "order_id,buyer_id,created_at,paid_at,payable_amount,paid_amount,item_count"
REFUNDS = "refund_id,order_id,opened_at,closed_at,amount,outcome"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def counts(report: Any) -> tuple[int, ...]:
    """Return rows in, inserted, replaced, unchanged, rejected of all tables."""
    names = ("rows_in", "inserted", "replaced", "unchanged", "rejected")
    return tuple(report["total"][name] for name in names)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
def test_encodings_are_one(shop: Shop, tmp_path: Path, encoding: str) -> None:
    bom = "\ufeff" if encoding == "utf-16-be" else ""
    other = write_csv(tmp_path / "other" / "talk.csv", bom + MESSAGES, TALK, encoding)
    shop.load(other)
    rows = shop.rows("messages", *COLUMNS)
    assert len(rows) == len(TALK)
    assert sorted(row[5] for row in rows) == sorted(line.split(",")[4] for line in TALK)
    plain = write_csv(tmp_path / "talk.csv", MESSAGES, TALK)
    assert counts(shop.load(plain)) == (7, 0, 0, 7, 0)
    assert shop.rows("messages", *COLUMNS) == rows


def test_again_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    talk = write_csv(tmp_path / "talk.csv", MESSAGES, TALK)
    assert counts(shop.load(talk)) == (7, 7, 0, 0, 0)
    state = shop.snapshot_id
    assert counts(shop.load(talk)) == (7, 0, 0, 7, 0)
    assert shop.snapshot_id == state
    assert counts(shop.load(talk, talk)) == (7, 0, 0, 7, 0)  # one file named twice is one file


def test_overlapping_exports(shop: Shop, tmp_path: Path) -> None:
    early = write_csv(tmp_path / "week1.csv", MESSAGES, TALK[:6])
    late = write_csv(tmp_path / "week2.csv", MESSAGES, TALK[2:])
    shop.load(early)
    # The second export begins with the two equal messages and ends with one that is new.
    assert counts(shop.load(late)) == (5, 1, 0, 4, 0)
    rows = shop.rows("messages", *COLUMNS)
    whole = Shop(tmp_path / "whole")
    whole.load(write_csv(tmp_path / "all.csv", MESSAGES, TALK))
    assert rows == whole.rows("messages", *COLUMNS)


def test_a_dry_run_only_looks(shop: Shop, tmp_path: Path) -> None:
    talk = write_csv(tmp_path / "talk.csv", MESSAGES, TALK)
    state = shop.snapshot_id
    report = shop.must("import", shop.root, talk, "--dry-run")
    assert report["dry_run"]
    assert counts(report) == (7, 7, 0, 0, 0)
    assert shop.snapshot_id == state
    assert shop.rows("messages", "message_id") == []


def test_strict_tells_but_loads_what_is_good(shop: Shop, tmp_path: Path) -> None:
    talk = write_csv(tmp_path / "talk.csv", MESSAGES, [*TALK, "b,店:小桐,yesterday,buyer,喂"])
    answer = jinpai("import", shop.root, talk, "--strict")
    assert answer.code == 1
    assert len(shop.rows("messages", "message_id")) == len(TALK)


def test_a_refund_that_is_paid_out_lowers_net_sales(shop: Shop, tmp_path: Path) -> None:
    order = "K1,晚风_01,2026-03-02 09:04:30,2026-03-02 09:05:00,199.00,199.00,1"
    shop.load(
        write_csv(tmp_path / "talk.csv", MESSAGES, TALK),
        write_csv(tmp_path / "orders.csv", ORDERS, [order]),
        write_csv(tmp_path / "r1.csv", REFUNDS, ["F1,K1,2026-03-03 09:00:00,,29.90,"]),
    )
    assert net_sales(shop) == (Decimal("199.00"), Decimal("199.00"))
    closed = "F1,K1,2026-03-03 09:00:00,2026-03-03 12:00:00,29.90,refunded"
    report = shop.load(write_csv(tmp_path / "r2.csv", REFUNDS, [closed]))
    assert counts(report) == (1, 0, 1, 0, 0)
    assert net_sales(shop) == (Decimal("199.00"), Decimal("169.10"))
    assert counts(shop.load(tmp_path / "r2.csv")) == (1, 0, 0, 1, 0)


def net_sales(shop: Shop) -> tuple[Any, Any]:
    shop.run()
    found = shop.values(["sales_amount", "net_sales_amount"], ("agent",))
    return found["sales_amount", "店:小桐"], found["net_sales_amount", "店:小桐"]


def test_transfers_are_kept_once(shop: Shop, tmp_path: Path) -> None:
    header = "transfer_id,buyer_id,from_agent_id,to_agent_id,at"
    first = write_csv(tmp_path / "t.csv", header, ["T1,b,A,B,2026-03-02 09:00:00"])
    assert counts(shop.load(first)) == (1, 1, 0, 0, 0)
    assert counts(shop.load(first)) == (1, 0, 0, 1, 0)
    moved = write_csv(tmp_path / "u.csv", header, ["T1,b,A,C,2026-03-02 09:00:00"])
    assert counts(shop.load(moved)) == (1, 0, 1, 0, 0)
    assert shop.rows("transfers", "transfer_id", "to_agent_id") == [("T1", "C")]


def test_orders_whose_ids_lost_digits_are_all_refused(shared: Path, shop: Shop) -> None:
    """Nicks are whole: the buyers are known; a run finds nothing to count."""
    file = shared / "formats/taobao/ExportOrderList_resaved_by_excel.csv"
    report = shop.load(file)
    assert report["reasons"] == {"lost_digits": 13}
    assert report["tables"]["orders"]["rejected"] == report["tables"]["orders"]["rows_in"] == 13
    assert {reject["column"] for reject in report["rejects"]} == {"order_id"}
    assert shop.rows("orders", "order_id") == []
    answer = jinpai("run", shop.root)
    assert answer.code == 2
    assert "No messages or orders" in answer.err


def test_summary_rows_are_not_agents(shared: Path, shop: Shop) -> None:
    reports = sorted((shared / "formats/qianniu").glob("*生意参谋*.xlsx"))
    reports += sorted((shared / "formats/qianniu").glob("自定义报表*.xlsx"))
    assert len(reports) == 5
    report = shop.load(*reports)
    assert report["total"]["rows_in"] == 0
    assert {note["file"] for note in report["notes"]} == {path.name for path in reports}
    assert shop.rows("agents", "agent_id") == []


def test_a_total_row_is_no_order(shop: Shop, tmp_path: Path) -> None:
    header = "订单编号,买家会员名,买家应付货款,买家实际支付金额,订单状态,订单创建时间,订单付款时间"
    times = "2026-03-02 09:05:02,2026-03-02 09:05:20"
    line = f'="4700000000000001001",晚风_01,199.00,199.00,交易成功,{times}'
    total = "合计,,199.00,199.00,,,"
    file = write_csv(tmp_path / "orders.csv", header, [line, total], "gb18030")
    assert shop.load(file)["total"]["rejected"] == 0
    assert shop.rows("orders", "order_id", "paid_amount") == [
        ("4700000000000001001", Decimal("199.00"))
    ]
