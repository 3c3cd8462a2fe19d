"""Taobao: every sample tells the story it was made from, in every shape of an answer."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from taobao_reading import KEYS, Read, agree, story_items, story_orders, story_refunds, write_json

from jinpai.errors import InputError
from jinpai.sources.files import open_paths
from jinpai.sources.taobao import SOURCE


@pytest.fixture
def samples(shared: Path) -> Path:
    return shared / "formats" / "taobao"


@pytest.fixture
def story(shared: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((shared / "formats" / "story.json").read_text("utf-8"))
    return loaded


# -- the samples tell the story ------------------------------------------------------------------


def test_every_sample_is_recognised_by_content(samples: Path) -> None:
    layouts = {
        file.basename: found.layout
        for file in open_paths([samples])
        if (found := SOURCE.recognise(file))
    }
    assert layouts == {
        "ExportOrderDetailList202603071031.csv": "lines_old",
        "ExportOrderDetailList20260307103112.xlsx": "lines",
        "ExportOrderList202603071030.csv": "orders",
        "ExportOrderList20260307103012.xlsx": "orders",
        "ExportOrderList_resaved_by_excel.csv": "orders",
        "top_refunds_receive_get.json": "top",
        "top_traderates_get.json": "top",
        "top_trades_sold_get.json": "top",
        "评价_工具导出.xlsx": "reviews",
        "退款单_20260307.xlsx": "refunds",
        "退款管理_旧版.csv": "refunds",
    }


def test_other_platforms_are_left_alone(shared: Path) -> None:
    folders = [path for path in (shared / "formats").iterdir() if path.is_dir()]
    others = [path for path in folders if path.name != "taobao"]
    claims = {
        file.name: found.confidence
        for file in open_paths(others)
        if (found := SOURCE.recognise(file)) and found.confidence >= 0.5
    }
    assert claims == {}


def test_order_report_of_2018(samples: Path, story: dict[str, Any]) -> None:
    read = Read([samples / "ExportOrderList202603071030.csv"])
    orders = read.table("orders")
    agree(orders, story_orders(story), lacking=["shipped_at", "closed_at"])
    assert orders["4700000000000012001"]["note"] == '老客,送"灯泡"一个'
    assert "shipped_at" not in orders["4700000000000001001"]
    buyers = read.table("buyers")
    assert buyers.keys() == {buyer["nick"] for buyer in story["buyers"]}
    assert buyers["tb48110001"]["phone"] == "10000000002"


def test_order_workbook_of_2025(samples: Path, story: dict[str, Any]) -> None:
    read = Read([samples / "ExportOrderList20260307103012.xlsx"])
    agree(read.table("orders"), story_orders(story), lacking=["buyer_id", "closed_at"])
    assert not any("buyer_id" in row for row in read.rows("orders"))
    assert read.rows("buyers") == []


def test_open_platform_trades(samples: Path, story: dict[str, Any]) -> None:
    read = Read([samples / "top_trades_sold_get.json"])
    agree(read.table("orders"), story_orders(story, uid=True))
    assert {row["flag"] for row in read.rows("orders")} == {"0"}
    agree(read.table("order_items"), story_items(story))


def test_line_reports(samples: Path, story: dict[str, Any]) -> None:
    read = Read([samples / "ExportOrderDetailList20260307103112.xlsx"])
    agree(read.table("order_items"), story_items(story))
    truth = {
        item["id"]: {"title": item["title"], "price": Decimal(item["price"])}
        for item in story["items"]
    }
    agree(read.table("products"), truth)


def test_old_line_report_names_the_lines_itself(samples: Path, story: dict[str, Any]) -> None:
    read = Read([samples / "ExportOrderDetailList202603071031.csv"])
    truth = story_items(story)
    for place, known in enumerate(("4700000000000002002", "4700000000000002003"), 1):
        made = f"4700000000000002001#{place}"
        truth[made] = truth.pop(known) | {"sub_order_id": made}
    agree(read.table("order_items"), truth, lacking=["product_id", "amount"])
    amounts = {key: row["amount"] for key, row in read.table("order_items").items()}
    assert amounts["4700000000000011001"] == Decimal("398.00")  # 2 × 199, discounts not known
    assert amounts["4700000000000002001#2"] == Decimal("59.80")
    assert read.rows("products") == []


@pytest.mark.parametrize(
    "known", ["ExportOrderDetailList20260307103112.xlsx", "top_trades_sold_get.json"]
)
def test_old_line_report_takes_real_ids_from_its_neighbours(
    samples: Path, story: dict[str, Any], known: str
) -> None:
    old = "ExportOrderDetailList202603071031.csv"
    for names in ((old, known), (known, old)):
        read = Read([samples / name for name in names])
        agree(read.table("order_items"), story_items(story))


@pytest.mark.parametrize("name", ["退款管理_旧版.csv", "退款单_20260307.xlsx"])
@pytest.mark.parametrize(
    "lines", ["ExportOrderDetailList20260307103112.xlsx", "top_trades_sold_get.json"]
)
def test_refund_reports_find_their_orders(
    samples: Path, story: dict[str, Any], name: str, lines: str
) -> None:
    read = Read([samples / name, samples / lines])
    agree(read.table("refunds"), story_refunds(story))
    assert read.notes == []


def test_refund_report_alone_says_what_it_had_to_assume(
    samples: Path, story: dict[str, Any]
) -> None:
    read = Read([samples / "退款管理_旧版.csv"])
    truth = story_refunds(story)
    agree(read.table("refunds"), truth, lacking=["order_id"])
    refund = read.table("refunds")["150000000000000001"]
    assert refund["order_id"] == "4700000000000002003"
    assert [note.text_en[:9] for note in read.notes] == ["5 refunds"]
    assert "宝贝报表" in read.notes[0].text_zh


def test_open_platform_refunds(samples: Path, story: dict[str, Any]) -> None:
    agree(Read([samples / "top_refunds_receive_get.json"]).table("refunds"), story_refunds(story))


def test_open_platform_ratings(samples: Path, story: dict[str, Any]) -> None:
    reviews = Read([samples / "top_traderates_get.json"]).rows("reviews")
    orders = {order["key"]: order for order in story["orders"]}
    nicks = {buyer["key"]: buyer["nick"] for buyer in story["buyers"]}
    silent = {"V3", "V4"}  # texts the platform wrote
    truth = [
        {
            "order_id": orders[told["order"]]["ids"]["taobao"],
            "buyer_id": nicks[orders[told["order"]]["buyer"]],
            "posted_at": told["at"],
            "rating": told["result"],
            "text": None if told["key"] in silent else told["text"],
        }
        for told in story["reviews"]
    ]
    assert [{key: row[key] for key in truth[0]} for row in reviews] == truth
    assert len({row["review_id"] for row in reviews}) == 5


def test_review_workbook_tells_no_order_and_no_one(samples: Path, story: dict[str, Any]) -> None:
    rows = Read([samples / "评价_工具导出.xlsx"]).rows("reviews")
    assert [row["posted_at"] for row in rows] == [
        r["at"][:10] + " 00:00:00" for r in story["reviews"]
    ]
    assert [row["text"] for row in rows] == [
        None if place in (2, 3) else told["text"] for place, told in enumerate(story["reviews"])
    ]
    assert {row["order_id"] for row in rows} == {None}  # the tables stage rejects them: rightly
    assert not any("buyer_id" in row or "rating" in row for row in rows)


def test_ids_lost_in_excel_are_handed_on_to_be_rejected(samples: Path) -> None:
    rows = Read([samples / "ExportOrderList_resaved_by_excel.csv"]).rows("orders")
    assert {row["order_id"] for row in rows} == {"4.70E+18"}
    assert rows[0]["created_at"] == "2026-03-02 09:05:00"


def test_the_whole_folder_at_once_tells_the_story(samples: Path, story: dict[str, Any]) -> None:
    read = Read(path for path in sorted(samples.iterdir()) if path.suffix != ".md")
    orders = read.table("orders")
    del orders["4.70E+18"]
    agree(orders, story_orders(story))  # nicks, although the open platform knows only open ids
    agree(read.table("order_items"), story_items(story))
    agree(read.table("refunds"), story_refunds(story))
    assert read.notes == []
    assert read.rejects == []


def test_trace_leads_back_to_the_row_of_the_file(samples: Path) -> None:
    batch = Read([samples / "ExportOrderList202603071030.csv"]).batches[0]
    assert batch.rows["source_row"].to_pylist() == list(range(2, 15))
    raw = json.loads(batch.rows["raw"][0].as_py())
    assert raw["买家会员名"] == "晚风_01"
    assert raw["打款商家金额"] == "199.00元"


# -- shapes of open-platform answers -------------------------------------------------------------


def test_simplified_answers_say_the_same(samples: Path, tmp_path: Path) -> None:
    for name, plural, single in (
        ("top_trades_sold_get.json", "trades", "trade"),
        ("top_refunds_receive_get.json", "refunds", "refund"),
        ("top_traderates_get.json", "trade_rates", "trade_rate"),
    ):
        whole = json.loads((samples / name).read_text("utf-8"))
        (inner,) = whole.values()
        objects = inner[plural][single]
        for item in objects:
            if "orders" in item:
                item["orders"] = item["orders"]["order"]
        plain = {plural: objects, "request_id": "x"}
        pages = tmp_path / f"{plural}.jsonl"
        pages.write_text("\n".join(json.dumps({plural: [item]}) for item in objects), "utf-8")
        variants = [
            write_json(tmp_path / f"{plural}_plain.json", plain),
            write_json(tmp_path / f"{plural}_bare.json", objects),
            pages,
        ]
        expected = Read([samples / name])
        for file in variants:
            assert SOURCE.recognise(open_paths([file])[0]) is not None, file.name
            for table in KEYS:
                assert Read([file]).table(table) == expected.table(table), (file.name, table)


def test_one_object_in_place_of_a_list(tmp_path: Path) -> None:
    trade = {
        "tid": 4700000000000001001,
        "buyer_nick": "晚风_01",
        "buyer_open_uid": "AAF",
        "status": "SELLER_CONSIGNED_PART",
        "created": "2026-03-02 09:05:02",
        "pay_time": "2026-03-02 09:05:20",
        "payment": "45.00",
        "seller_flag": 3,
        "seller_memo": "加急",
        "orders": {
            "order": {
                "oid": 7,
                "num_iid": 9,
                "num": 2,
                "payment": "46.00",
                "divide_order_fee": "40.00",
            }
        },
    }
    for answer in (
        {"trades_sold_get_response": {"trades": {"trade": trade}}},
        {"trade_fullinfo_get_response": {"trade": trade}},
    ):
        read = Read([write_json(tmp_path / "t.json", answer)])
        (order,) = read.rows("orders")
        (item,) = read.rows("order_items")
        assert order == {
            "order_id": "4700000000000001001",
            "buyer_id": "晚风_01",
            "created_at": "2026-03-02 09:05:02",
            "paid_at": "2026-03-02 09:05:20",
            "payable_amount": Decimal(45),
            "status": "part_shipped",
            "flag": "3",
            "note": "加急",
            "paid_amount": Decimal(45),
        }
        assert (item["sub_order_id"], item["amount"], item["quantity"]) == ("7", Decimal(40), "2")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("TRADE_NO_CREATE_PAY", "unpaid"),
        ("PAY_PENDING", "unpaid"),
        ("WAIT_PRE_AUTH_CONFIRM", "unpaid"),
        ("PAID_FORBID_CONSIGN", "paid"),
        ("TRADE_BUYER_SIGNED", "shipped"),
        ("TRADE_CLOSED", "closed_refunded"),
        ("TRADE_CLOSED_BY_TAOBAO", "closed_unpaid"),
    ],
)
def test_trade_states(tmp_path: Path, code: str, status: str) -> None:
    trade = {"tid": 1, "status": code, "created": "2026-01-01 00:00:00", "orders": []}
    (order,) = Read([write_json(tmp_path / "t.json", {"trades": [trade]})]).rows("orders")
    assert order["status"] == status


@pytest.mark.parametrize(
    ("code", "disputed"),
    [
        *((code, False) for code in (1, 2, 7)),
        *((code, True) for code in (3, 4, 5, 6, 8, 9, 10, 11)),
    ],
)
def test_platform_help(tmp_path: Path, code: int, disputed: bool) -> None:
    refund = {"refund_id": "5", "tid": 1, "oid": 1, "status": "SUCCESS", "cs_status": code}
    refund |= {"created": "2026-01-01 00:00:00", "modified": "2026-01-02 00:00:00"}
    refund |= {"refund_fee": "1.00", "dispute_type": "REFUND_AND_RETURN"}
    (row,) = Read([write_json(tmp_path / "t.json", {"refunds": [refund]})]).rows("refunds")
    assert row["disputed_at"] == ("2026-01-01 00:00:00" if disputed else None)
    assert row["closed_by"] == ("platform" if code in (6, 8, 9) else "seller")
    assert row["goods_returned"] == "true"


def test_nick_is_carried_to_the_other_orders_of_an_open_id(
    samples: Path, story: dict[str, Any]
) -> None:
    read = Read([samples / "top_trades_sold_get.json", samples / "top_traderates_get.json"])
    buyers = {key: row["buyer_id"] for key, row in read.table("orders").items()}
    assert buyers["4700000000000012001"] == "tb48110001"  # not rated; known by another order of B2
    assert buyers["4700000000000003001"] == story["buyers"][2]["open_uid"]  # B3 rated nothing


def test_answers_without_results_and_broken_objects(tmp_path: Path) -> None:
    empty = write_json(tmp_path / "e.json", {"trades_sold_get_response": {"total_results": 0}})
    assert Read([empty]).items == []
    odd = write_json(tmp_path / "o.json", {"trades": {"trade": [{"tid": 1, "orders": 5}, "x"]}})
    read = Read([odd])
    assert [row["order_id"] for row in read.rows("orders")] == ["1"]
    (reject,) = read.rejects
    assert (reject.source_row, reject.reason, reject.table) == (2, "unreadable_row", "orders")


def test_an_error_of_the_platform_is_no_data(shared: Path, tmp_path: Path) -> None:
    error = {"code": 27, "msg": "Invalid session", "sub_code": "invalid-sessionkey"}
    file = write_json(tmp_path / "err.json", {"error_response": error})
    assert SOURCE.recognise(open_paths([file])[0]) is not None
    with pytest.raises(InputError, match=r"err\.json.*27, Invalid session, invalid-sessionkey"):
        Read([file])
    with pytest.raises(InputError, match="no trades, refunds or ratings"):
        Read([write_json(tmp_path / "other.json", {"hello": 1})])
