"""Taobao: headers of other years, and the rules for orders, lines, refunds and reviews, by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from taobao_reading import Read, write_csv, write_json

from jinpai.errors import UnknownFormat
from jinpai.sources.files import open_paths
from jinpai.sources.taobao import SOURCE

# -- headers of other years ----------------------------------------------------------------------

HEADER_2012 = (
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,"
    "买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址,运送方式"
)
HEADER_2021 = (
    "订单编号,支付单号,支付详情,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,订单创建时间,"
    "订单付款时间 ,宝贝标题 ,宝贝总数量,退款金额,确认收货时间,"
    "打款商家金额,发货时间,商家备忘,主订单编号"
)
HEADER_FINANCE = (
    "订单编号,支付单号,支付详情,买家应付货款,买家应付邮费,总金额,买家实付金额,订单创建时间,订单付款时间,"
    "商品标题,退款金额,是否主动赔付,主动赔付金额,主动赔付出账时间,商品属性SKU,C2B小额收款,"
    "确认收货打款金额,含应开票给个人红包,总金额(旧版)"
)


def row_of(header: str, **cells: str) -> list[str]:
    by_name = {name.strip(): name for name in header.split(",")}
    assert set(cells) <= set(by_name)
    return [cells.get(name, "") for name in by_name]


def test_report_of_2012_has_no_times(tmp_path: Path) -> None:
    paid = row_of(HEADER_2012, 订单编号="11", 买家会员名="甲", 总金额="20.00", 订单状态="交易关闭")
    paid[8] = "20.00"
    never = row_of(HEADER_2012, 订单编号="12", 买家会员名="乙", 总金额="9.00", 订单状态="交易关闭")
    never[8] = "0.00"
    file = write_csv(tmp_path / "x.csv", HEADER_2012, paid, never)
    (source,) = open_paths([file])
    found = SOURCE.recognise(source)
    assert found is not None
    assert found.what == "Taobao order report, 15 columns (about 2012)"
    read = Read([file])
    assert read.rows("orders") == [
        {
            "order_id": "11",
            "buyer_id": "甲",
            "payable_amount": Decimal("20.00"),
            "status": "closed_refunded",
        },
        {
            "order_id": "12",
            "buyer_id": "乙",
            "payable_amount": Decimal("9.00"),
            "status": "closed_unpaid",
        },
    ]
    assert read.rows("buyers") == [{"buyer_id": "甲"}, {"buyer_id": "乙"}]


def test_report_of_2021(tmp_path: Path) -> None:
    row = row_of(
        HEADER_2021,
        订单编号='="1930000000000000011"',
        主订单编号='="1930000000000000011"',
        总金额="￥1,205.00",
        买家实际支付金额="1200.00",
        订单状态="买家已付款,等待卖家发货",
        订单创建时间="2021/11/11 0:00:03",
        订单付款时间="2021/11/11 0:01",
        宝贝总数量="2",
        商家备忘="急",
    )
    (order,) = Read([write_csv(tmp_path / "orders", HEADER_2021, row)]).rows("orders")
    assert order == {
        "order_id": "1930000000000000011",
        "created_at": "2021-11-11 00:00:03",
        "paid_at": "2021-11-11 00:01:00",
        "shipped_at": None,
        "finished_at": None,
        "payable_amount": Decimal("1205.00"),
        "paid_amount": Decimal("1200.00"),
        "item_count": "2",
        "status": "paid",
        "note": "急",
    }


def test_orders_without_buyers_are_said_once_per_file(tmp_path: Path) -> None:
    """Reports since 2021 name no buyer: such orders cannot meet a chat, which a note must say."""
    rows = [row_of(HEADER_2021, 订单编号=number, 总金额="5") for number in ("21", "22", "23")]
    nameless = write_csv(tmp_path / "orders", HEADER_2021, *rows)
    (note,) = Read([nameless]).notes
    assert note.source_file == "orders"
    assert note.text_en.startswith("3 orders name no buyer")
    assert "count as silent" in note.text_en
    assert note.text_zh.startswith("3 个订单没有买家昵称")
    assert "静默" in note.text_zh
    for cure in ("taobao.trades.sold.get", "docs/mapping.md"):
        assert cure in note.text_en
        assert cure in note.text_zh
    trades = [
        {"tid": tid, "buyer_nick": "甲", "created": "2021-11-11 00:00:03"} for tid in (21, 22, 23)
    ]
    named = write_json(tmp_path / "answer.json", {"trades_sold_get_response": {"trades": trades}})
    assert not Read([nameless, named]).notes


def test_finance_variant_tells_no_state(tmp_path: Path) -> None:
    row = row_of(
        HEADER_FINANCE, 订单编号="21", 总金额="30", 买家实付金额="30", 退款金额="无退款申请"
    )
    row[7:9] = "2026-01-02 03:04:05", "2026-01-02 03:05:00"
    total = row_of(HEADER_FINANCE, 订单编号="合计", 总金额="30")
    (order,) = Read([write_csv(tmp_path / "财务.csv", HEADER_FINANCE, row, total)]).rows("orders")
    assert "status" not in order
    assert "item_count" not in order
    assert order["paid_amount"] == Decimal(30)


def test_workbook_with_lead_rows_and_a_second_sheet(tmp_path: Path) -> None:
    path = tmp_path / "随便什么名字.dat"
    with xlsxwriter.Workbook(str(path)) as book:
        notes, sheet = book.add_worksheet("说明"), book.add_worksheet("订单")
        notes.write(0, 0, "本表由店铺导出")
        sheet.write(0, 0, "订单报表")
        sheet.write_row(2, 0, HEADER_2021.replace("（", "(").split(","))
        sheet.write_row(
            3, 0, row_of(HEADER_2021, 订单编号="31", 总金额="5", 订单状态="等待买家付款")
        )
    read = Read([path])
    assert [row["order_id"] for row in read.rows("orders")] == ["31"]
    assert read.batches[0].rows["source_row"].to_pylist() == [4]


def test_a_file_forced_on_the_reader_is_refused(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "订单号,实付款,下单时间", ["1", "2", "3"])
    assert SOURCE.recognise(open_paths([file])[0]) is None
    with pytest.raises(UnknownFormat, match=r"a\.csv.*mapping file"):
        Read([file])


# -- order rules ---------------------------------------------------------------------------------

SHORT = "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,联系手机,订单创建时间,订单付款时间"


def one_order(tmp_path: Path, **cells: str) -> dict[str, Any]:
    file = write_csv(tmp_path / "o.csv", SHORT, row_of(SHORT, **cells))
    (order,) = Read([file]).rows("orders")
    return order


def test_unpaid_orders_have_no_paid_amount(tmp_path: Path) -> None:
    order = one_order(
        tmp_path, 订单编号="1", 总金额="35.90", 买家实际支付金额="35.90", 订单状态="等待买家付款"
    )
    assert (order["paid_at"], order["paid_amount"], order["status"]) == (None, None, "unpaid")


def test_a_paid_state_without_time_keeps_its_amount_to_be_rejected(tmp_path: Path) -> None:
    order = one_order(tmp_path, 订单编号="1", 总金额="9", 买家实际支付金额="9", 订单状态="交易成功")
    assert (order["paid_at"], order["paid_amount"]) == (None, Decimal(9))


def test_a_free_order_is_paid_with_nothing(tmp_path: Path) -> None:
    order = one_order(
        tmp_path,
        订单编号="1",
        买家实际支付金额="0.00",
        订单状态="交易成功",
        订单付款时间="2026-01-01 00:00:00",
    )
    assert (order["paid_at"], order["paid_amount"]) == ("2026-01-01 00:00:00", Decimal(0))


def test_unreadable_cells_reach_the_tables_stage(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "o.csv",
        SHORT,
        row_of(
            SHORT,
            订单编号="1",
            总金额="十元",
            订单创建时间="2026-02-30 10:00:00",
            订单状态="新状态",
        ),
    )
    (batch,) = Read([file]).batches
    (row,) = batch.rows.to_pylist()
    assert row["payable_amount"] == "十元"
    assert row["created_at"] == "2026-02-30 10:00:00"
    assert row["status"] == "新状态"


def test_masked_nicks_and_phones_name_nobody(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "o.csv",
        SHORT,
        row_of(SHORT, 订单编号="1", 买家会员名="摩**", 联系手机="100****0001"),
        row_of(SHORT, 订单编号="2", 买家会员名="明白", 联系手机="100****0001"),
        row_of(SHORT, 订单编号="3", 买家会员名="明白", 联系手机="'10000000009"),
    )
    read = Read([file])
    assert "buyer_id" not in read.table("orders")["1"]
    assert read.table("orders")["2"]["buyer_id"] == "明白"
    assert read.table("buyers") == {"明白": {"buyer_id": "明白", "phone": "10000000009"}}


# -- lines and refunds ---------------------------------------------------------------------------


def test_amount_of_a_line(tmp_path: Path) -> None:
    header = "子订单编号,主订单编号,标题,价格,购买数量,买家应付货款,买家实际支付金额,订单付款时间"
    file = write_csv(
        tmp_path / "l.csv",
        header,
        ["11", "1", "灯", "10.00", "3", "28.00", "27.50", "2026-01-01 00:00:00"],
        ["12", "1", "赠品", "10.00", "1", "0.00", "0.00", "2026-01-01 00:00:00"],
        ["2", "2", "灯", "10.00", "2", "19.00", "0.00", ""],
        ["3", "3", "灯", "10.00", "2", "", "", ""],
    )
    amounts = {row["sub_order_id"]: row["amount"] for row in Read([file]).rows("order_items")}
    assert amounts == {
        "11": Decimal("27.50"),
        "12": Decimal(0),
        "2": Decimal(19),
        "3": Decimal(20),
    }


REFUND = (
    "订单编号,退款编号,退款完结时间,退款总额,退给买家金额,退给平台金额,售后类型,退款申请时间,退款状态,"
    "客服介入状态,买家退款原因,备注标签,是否帮他退款,部分退款/全额退款"
)


@pytest.mark.parametrize(
    ("status", "helped", "ended", "facts"),
    [
        ("退款成功", "无客服介入", "2026-01-03 00:00:00", ("refunded", "seller", False)),
        ("退款成功", "客服介入，支持买家", "2026-01-03 00:00:00", ("refunded", "platform", True)),
        ("退款关闭", "", "2026-01-03 00:00:00", ("cancelled", "buyer", False)),
        ("退款关闭", "处理完成", "2026-01-03 00:00:00", ("cancelled", "platform", True)),
        ("退款关闭", "客服介入撤销", "2026-01-03 00:00:00", ("cancelled", "buyer", False)),
        ("卖家拒绝退款", "客服已经介入", "", (None, None, True)),
        ("卖家拒绝退款", "需客服介入", "", (None, None, False)),
        ("卖家拒绝退款", "无客服介入", "2026-01-03 00:00:00", ("rejected", "seller", False)),
        ("买家已经退货，等待卖家确认收货", "不需客服介入", "", (None, None, False)),
    ],
)
def test_who_closed_a_refund(
    tmp_path: Path, status: str, helped: str, ended: str, facts: tuple[Any, ...]
) -> None:
    row = row_of(
        REFUND, 订单编号="1", 退款编号="9", 退款申请时间="2026-01-01 00:00:00", 售后类型="仅退款"
    )
    row[2], row[3], row[4], row[8], row[9] = ended, "12.00", "10.00", status, helped
    (refund,) = Read([write_csv(tmp_path / "退款单.csv", REFUND, row)]).rows("refunds")
    disputed = refund["disputed_at"] == "2026-01-01 00:00:00"
    assert (refund["outcome"], refund["closed_by"], disputed) == facts
    assert refund["closed_at"] == (ended or None)
    assert refund["amount"] == Decimal(10)  # what the buyer got; 2 went back to the platform
    assert refund["goods_returned"] == "false"


def test_refund_of_a_whole_longer_order_names_no_line(tmp_path: Path) -> None:
    lines = write_csv(
        tmp_path / "l.csv",
        "子订单编号,主订单编号,标题,价格,购买数量",
        ["11", "1", "灯", "10.00", "1"],
        ["12", "1", "泡", "5.00", "1"],
    )
    refunds = write_csv(
        tmp_path / "r.csv",
        REFUND,
        row_of(REFUND, 订单编号="1", 退款编号="8", 退款状态="退款成功"),
        row_of(REFUND, 订单编号="12", 退款编号="9", 退款状态="退款成功"),
    )
    read = Read([refunds, lines])
    found = {
        key: (row["order_id"], row.get("sub_order_id"))
        for key, row in read.table("refunds").items()
    }
    assert found == {"8": ("1", None), "9": ("1", "12")}
    assert read.notes == []


# -- reviews -------------------------------------------------------------------------------------


def test_review_workbook_b_and_alias_families(tmp_path: Path) -> None:
    b = write_csv(
        tmp_path / "b.csv",
        "序号,用户昵称,评价时间,评价类型,SKU,初评内容,追评内容",
        ["1", "甲乙", "2026-03-06", "差评", "白", "灯坏了", "还行"],
    )
    family = write_csv(
        tmp_path / "f.csv",
        "订单号,昵称,回复,评论时间,商品名称,评分,评价正文",
        ["77", "丙", "亲，抱歉抱歉抱歉抱歉抱歉", "2026/3/6 9:05", "灯", "4", "不错"],
        ["78", "丙", "", "2026/3/6 9:06", "灯", "2", "15天内买家未作出评价"],
    )
    (first,) = Read([b]).rows("reviews")
    assert (first["buyer_id"], first["rating"], first["text"]) == ("甲乙", "bad", "灯坏了")
    good, bad = Read([family]).rows("reviews")
    assert good | {"review_id": ""} == {
        "review_id": "",
        "order_id": "77",
        "buyer_id": "丙",
        "posted_at": "2026-03-06 09:05:00",
        "rating": "good",
        "text": "不错",
    }
    assert (bad["rating"], bad["text"]) == ("bad", None)
    assert Read([family]).rows("reviews")[0]["review_id"] == good["review_id"] != bad["review_id"]


@pytest.mark.parametrize(
    "text",
    [
        "评价方未及时做出评价,系统默认好评!",
        "评价方未及时做出评价，系统默认好评！",
        "此用户没有填写评价。",
        "此用户没有填写评论!",
        "此用户未填写评价内容",
        "15天内买家未作出评价",
        "系统默认评论",
    ],
)
def test_texts_that_are_no_opinions(tmp_path: Path, text: str) -> None:
    rate = {"tid": 1, "oid": 1, "role": "buyer", "result": "good", "content": text}
    rate["created"] = "2026-01-01 00:00:00"
    (row,) = Read([write_json(tmp_path / "r.json", {"trade_rates": [rate]})]).rows("reviews")
    assert (row["text"], row["rating"]) == (None, "good")


def test_ratings_by_the_shop_are_no_reviews(tmp_path: Path) -> None:
    rates = [
        {"tid": 1, "oid": 1, "role": "seller", "result": "good", "created": "2026-01-01 00:00:00"},
        {"tid": 2, "oid": 2, "role": "buyer", "result": "bad", "created": "2026-01-01 00:00:00"},
    ]
    read = Read([write_json(tmp_path / "r.json", {"trade_rates": rates})])
    assert [row["order_id"] for row in read.rows("reviews")] == ["2"]
    assert [note.text_en[:9] for note in read.notes] == ["1 ratings"]
