"""One shop, told in many formats: the same canonical rows wherever a format can carry them.

Expected rows come from the story that all sample files tell, never from the files.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jinpai.tables.schema import table_columns
from line.driving import Shop

NAME = "示例灯具旗舰店"
STATUS = {
    "DONE": "finished",
    "CLOSED_REFUND": "closed_refunded",
    "CLOSED_UNPAID": "closed_unpaid",
    "WAIT_PAY": "unpaid",
    "WAIT_SHIP": "paid",
    "SHIPPED": "shipped",
}
OLD_ORDERS = "taobao/ExportOrderList202603071030.csv"
NEW_ORDERS = "taobao/ExportOrderList20260307103012.xlsx"
NEW_LINES = "taobao/ExportOrderDetailList20260307103112.xlsx"
TOP_TRADES = "taobao/top_trades_sold_get.json"
Told = Mapping[str, Any]
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def told(shared: Path) -> Told:
    facts: Told = json.loads((shared / "formats/story.json").read_text("utf-8"))
    return facts


@pytest.fixture
def load(shared: Path, tmp_path: Path) -> Callable[..., Shop]:
    """Return a function that loads sample files into a fresh shop."""

    def loaded(*files: str, options: Mapping[str, str] | None = None) -> Shop:
        shop = Shop(tmp_path / "shop", name=NAME)
        shop.load(*(shared / "formats" / file for file in files), options=options)
        return shop

    return loaded


def utc(text: str | None) -> datetime | None:
    """Return the UTC time of a time in the story, which is Shanghai's."""
    return datetime.fromisoformat(text) - timedelta(hours=8) if text else None


def ordered(rows: Iterable[Iterable[Any]]) -> Rows:
    return sorted((tuple(row) for row in rows), key=lambda row: [str(value) for value in row])


# -- orders, items, refunds, reviews -------------------------------------------------------------


def told_order(order: Told) -> dict[str, Any]:
    ended, state = utc(order["ended_at"]), order["status"]
    return {
        "order_id": order["ids"]["taobao"],
        "created_at": utc(order["created"]),
        "paid_at": utc(order["paid_at"]),
        "shipped_at": utc(order["shipped_at"]),
        "finished_at": ended if state == "DONE" else None,
        "closed_at": ended if state.startswith("CLOSED") else None,
        "payable_amount": Decimal(order["payable"]),
        "paid_amount": Decimal(order["paid"]) if order["paid_at"] else None,
        "item_count": sum(line["qty"] for line in order["lines"]),
        "status": STATUS[state],
    }


@pytest.mark.parametrize(
    ("files", "unknown"),
    [
        ([OLD_ORDERS], {"shipped_at", "closed_at"}),
        ([NEW_ORDERS], {"closed_at"}),
        ([TOP_TRADES], set()),
        # Together they know everything, whatever the order.
        ([OLD_ORDERS, NEW_ORDERS, TOP_TRADES], set()),
        ([TOP_TRADES, NEW_ORDERS, OLD_ORDERS], set()),
    ],
)
def test_orders(told: Told, load: Callable[..., Shop], files: list[str], unknown: set[str]) -> None:
    shop = load(*files)
    expected = [told_order(order) for order in told["orders"]]
    for order in expected:
        order.update(dict.fromkeys(unknown))
    columns = tuple(expected[0])
    assert shop.rows("orders", *columns) == ordered(order.values() for order in expected)


def test_buyers_of_orders(told: Told, load: Callable[..., Shop]) -> None:
    nicks = {buyer["key"]: buyer["nick"] for buyer in told["buyers"]}
    shop = load(OLD_ORDERS)
    assert shop.rows("orders", "order_id", "buyer_id") == ordered(
        (order["ids"]["taobao"], nicks[order["buyer"]]) for order in told["orders"]
    )


def test_new_reports_name_no_buyer(load: Callable[..., Shop]) -> None:
    assert {buyer for (buyer,) in load(NEW_ORDERS).rows("orders", "buyer_id")} == {None}


def told_items(told: Told, *, discounted: bool) -> Rows:
    products = {item["key"]: item for item in told["items"]}
    rows = []
    for order in told["orders"]:
        for sub_order_id, line in zip(order["ids"]["taobao_sub"], order["lines"], strict=True):
            # Only orders of one line have a discount, so it is that line's.
            less = Decimal(order["discount"]) if discounted else Decimal(0)
            amount = Decimal(line["price"]) * line["qty"] - less
            product = products[line["item"]]
            rows.append(
                (order["ids"]["taobao"], sub_order_id, product["title"], line["qty"], amount)
            )
    return rows


@pytest.mark.parametrize("file", [NEW_LINES, TOP_TRADES])
def test_items(told: Told, load: Callable[..., Shop], file: str) -> None:
    shop = load(file)
    columns = ("order_id", "sub_order_id", "title", "quantity", "amount")
    assert shop.rows("order_items", *columns) == ordered(told_items(told, discounted=True))
    ids = {item["title"]: item["id"] for item in told["items"]}
    for title, product_id in shop.rows("order_items", "title", "product_id"):
        assert product_id == ids[title]


def test_items_of_the_old_report(told: Told, load: Callable[..., Shop]) -> None:
    """It has neither line ids nor discounts: prices times pieces, ids made from the order's."""
    shop = load("taobao/ExportOrderDetailList202603071031.csv")
    columns = ("order_id", "title", "quantity", "amount")
    expected = [(row[0], *row[2:]) for row in told_items(told, discounted=False)]
    assert shop.rows("order_items", *columns) == ordered(expected)
    ids = [one for (one,) in shop.rows("order_items", "sub_order_id")]
    assert len(set(ids)) == len(ids) == len(expected)


def told_refunds(told: Told, *, known: bool = True) -> Rows:
    orders = {order["key"]: order["ids"] for order in told["orders"]}
    outcomes = {"退款成功": "refunded", "退款关闭": "cancelled"}
    rows = []
    for one in told["refunds"]:
        line = orders[one["order"]]["taobao_sub"][one["line"]]
        rows.append(
            (
                orders[one["order"]]["taobao"] if known else line,
                line,
                utc(one["applied"]),
                utc(one["finished"]),
                Decimal(one["amount"]),
                one["reason"],
                outcomes.get(one["status"]),
                one["type"] == "退货退款",
            )
        )
    return ordered(rows)


REFUND = (
    "order_id", "sub_order_id", "opened_at", "closed_at", "amount", "reason", "outcome",
    "goods_returned",
)  # fmt: skip


@pytest.mark.parametrize(
    ("files", "known"),
    [
        (["taobao/退款管理_旧版.csv", NEW_LINES], True),
        (["taobao/退款单_20260307.xlsx", TOP_TRADES], True),
        (["taobao/top_refunds_receive_get.json"], True),
        # Alone, the report's line ids are all there is.
        (["taobao/退款管理_旧版.csv"], False),
        (["taobao/退款单_20260307.xlsx"], False),
    ],
)
def test_refunds(told: Told, load: Callable[..., Shop], files: list[str], known: bool) -> None:
    rows = ordered(load(*files).rows("refunds", *REFUND))
    assert rows == told_refunds(told, known=known)


def test_reviews(told: Told, load: Callable[..., Shop]) -> None:
    silent = ("评价方未及时做出评价", "此用户没有填写评价")  # the platform's words, not a buyer's
    orders = {order["key"]: order["ids"]["taobao"] for order in told["orders"]}
    nicks = {buyer["key"]: buyer["nick"] for buyer in told["buyers"]}
    buyers = {order["key"]: nicks[order["buyer"]] for order in told["orders"]}
    expected = [
        (
            orders[one["order"]],
            buyers[one["order"]],
            utc(one["at"]),
            one["result"],
            None if one["text"].startswith(silent) else one["text"],
        )
        for one in told["reviews"]
    ]
    shop = load("taobao/top_traderates_get.json", TOP_TRADES)
    columns = ("order_id", "buyer_id", "posted_at", "rating", "text")
    assert ordered(shop.rows("reviews", *columns)) == ordered(expected)


# -- messages ------------------------------------------------------------------------------------


def told_messages(told: Told, *, auto: bool = True) -> Rows:
    """Return (buyer's nick, agent's name, sender, UTC time, text) of what was said.

    The agent of a buyer's message is the next to write in that conversation, else the last.
    """
    nicks = {buyer["key"]: buyer["nick"] for buyer in told["buyers"]}
    names = {agent["key"]: agent["name"] for agent in told["agents"]}
    left_out = ("recall", "transfer") if auto else ("recall", "transfer", "auto")
    rows = []
    for chat in told["conversations"]:
        said = [one for one in chat["messages"] if one["kind"] not in left_out]
        for place, one in enumerate(said):
            agents = [other["agent"] for other in said[place:] + said[:place][::-1]]
            agent = next((key for key in agents if key), None)
            text = None if one["kind"] == "image" else one["text"]
            rows.append((nicks[chat["buyer"]], names.get(agent), one["from"], utc(one["t"]), text))
    return ordered(rows)


def seen_messages(shop: Shop) -> Rows:
    """Return the same of the lake; help desks' numbers become the names that came with them."""
    agents = dict(shop.rows("agents", "agent_id", "name"))
    buyers = dict(shop.rows("buyers", "buyer_id", "name"))
    columns = ("buyer_id", "agent_id", "sender", "sent_at", "text", "kind")
    rows = []
    for buyer, agent, sender, sent_at, text, kind in shop.rows("messages", *columns):
        if sender == "system" or kind == "card":  # notices, the survey
            continue
        name = agents.get(agent) or (agent and agent.split(":")[-1])
        said = None if kind == "image" else text
        rows.append((buyers.get(buyer) or buyer, name, sender, sent_at, said))
    return ordered(rows)


@pytest.mark.parametrize("file", ["clipboard_glued", "clipboard_two_line", "bracket_lines"])
def test_copied_chats(told: Told, load: Callable[..., Shop], file: str) -> None:
    # An agent's message to somebody who never answers does not show to whom it went: rejected.
    silent = "亲，您退的货收到了，已退款"
    expected = [row for row in told_messages(told) if row[4] != silent]
    shop = load(f"qianniu/{file}.txt")
    assert seen_messages(shop) == expected


def test_the_query_page(told: Told, load: Callable[..., Shop]) -> None:
    shop = load("qianniu/web_query_page.txt", options={"date": "2026-03-02"})
    assert seen_messages(shop) == told_messages(told)


def test_chatwoot(told: Told, load: Callable[..., Shop]) -> None:
    # The greeting was a bot's there: the only thing the two tellings differ in.
    greeting = "您好，欢迎光临示例灯具旗舰店"
    expected = [
        (*row[:2], "robot" if row[4] == greeting else row[2], *row[3:])
        for row in told_messages(told)
    ]
    assert seen_messages(load("chatwoot")) == ordered(expected)


def test_zendesk(told: Told, load: Callable[..., Shop]) -> None:
    # Automatic replies are no comments.
    assert seen_messages(load("zendesk")) == told_messages(told, auto=False)


@pytest.mark.parametrize(
    ("file", "order", "chat", "unit"),
    [
        ("_chat_ios_24h.txt", "dmy", "C2", 1),
        ("de_android.txt", "dmy", "C2", 60),
        ("zh_ampm.txt", "ymd", "C2", 60),
        ("与+1 202-555-0103的 WhatsApp 聊天.txt", "ymd", "C3", 60),
        ("es_android.txt", "dmy", "C5", 60),
        ("_chat_ios_us.txt", "mdy", "C6", 1),
        ("fi_ios.txt", "dmy", "C6", 1),
    ],
)
def test_whatsapp(
    told: Told, load: Callable[..., Shop], file: str, order: str, chat: str, unit: int
) -> None:
    """Android writes minutes only, and of media often not even which kind they were."""
    shop = load(f"whatsapp/{file}", options={"date_order": order})
    columns = ("sent_at", "sender", "text", "kind")
    rows = shop.rows("messages", *columns)
    seen = [row[:3] for row in rows if row[1] != "system" and row[3] not in ("image", "other")]
    messages = next(one for one in told["conversations"] if one["key"] == chat)["messages"]
    expected = []
    for one in messages:
        if one["kind"] == "text":
            at = utc(one["t"])
            assert at is not None
            expected.append((at - timedelta(seconds=at.second % unit), one["from"], one["text"]))
    assert ordered(seen) == ordered(expected)


# -- whole folders -------------------------------------------------------------------------------

FOLDERS = {
    # folder -> (options, reject reasons, files nobody takes)
    "taobao": ({}, {"lost_digits", "missing_required"}, set()),
    "qianniu": ({}, {"missing_required", "unreadable_time"}, {"top_sign_vectors.json"}),
    "chatwoot": ({}, set(), set()),
    "zendesk": ({}, set(), set()),
    "whatsapp": ({"date_order": "mdy"}, set(), set()),
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_whole_folder(shared: Path, tmp_path: Path, folder: str) -> None:
    options, reasons, unknown = FOLDERS[folder]
    shop = Shop(tmp_path / "shop", name=NAME)
    report = shop.load(shared / "formats" / folder, options=options)
    assert set(report["reasons"]) == reasons
    left = {file["file"] for file in report["files"] if file["source"] is None}
    assert left == {f"{folder}/{name}" for name in unknown}
    notes = {note["file"]: note["en"] for note in report["notes"]}
    # What the platform answered instead of data is no reason to refuse the other files.
    assert folder != "qianniu" or "Invalid session" in notes["qianniu/top_error_response.json"]
    total = report["total"]
    parts = ("inserted", "replaced", "unchanged", "rejected")
    assert total["rows_in"] == sum(total[part] for part in parts)
    shop.run()
    again = shop.load(shared / "formats" / folder, options=options)["total"]
    assert again["rejected"] == total["rejected"]
    assert again["inserted"] == 0


def test_an_archive_is_its_folder(shared: Path, tmp_path: Path) -> None:
    files = [path for path in (shared / "formats/taobao").iterdir() if path.suffix != ".md"]
    with zipfile.ZipFile(tmp_path / "taobao.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.write(path, path.name)
    packed, plain = Shop(tmp_path / "packed", name=NAME), Shop(tmp_path / "plain", name=NAME)
    packed.load(tmp_path / "taobao.zip")
    plain.load(shared / "formats/taobao")
    for table in ("orders", "order_items", "refunds", "reviews", "products", "buyers"):
        columns = table_columns()[table]
        assert packed.rows(table, *columns) == plain.rows(table, *columns)
