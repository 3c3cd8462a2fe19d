"""Section 2 of the definitions, value by value: what is taken, how it is read, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lakes import counts, faults, load, look, new_lake, rows_of, whole

from jinpai.sources.base import Batch
from jinpai.tables.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return new_lake(tmp_path)


def message(**more: object) -> dict[str, object]:
    usual = {"message_id": "m", "buyer_id": "b", "agent_id": "a", "sender": "buyer"}
    return {**usual, "sent_at": "2026-03-02 09:05:02", "text": "亲", **more}


def order(**more: object) -> dict[str, object]:
    return {"order_id": "o", "created_at": "2026-03-02 09:00:00", **more}


def one(lake: Lake, table: str, row: dict[str, object], column: str, **options: Any) -> Any:
    """Import one row and return one of its values as the lake has it."""
    report = load(lake, whole(table, [row], zone=options.pop("zone", None)), **options)
    assert counts(report, table) == (1, 1, 0, 0, 0), report.rejects.to_pylist()
    ((value,),) = rows_of(lake.snapshot(), table, column)
    return value


def why(lake: Lake, table: str, row: dict[str, object]) -> tuple[str, str]:
    """Preview one row that is refused and return (column, reason)."""
    report = look(lake, whole(table, [row]))
    assert counts(report, table) == (1, 0, 0, 0, 1)
    ((_, column, reason),) = faults(report)
    return column, reason


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02 09:05:02",
        "2026-3-2 9:05:02",
        "2026/3/2 9:05:02",
        "2026/03/02T09:05:02",
        "2026-03-02T01:05:02Z",
        "2026-03-02 01:05:02+00:00",
        "2026-03-02T09:05:02+08:00",
        "2026-03-02T09:05:02+0800",
        "2026-03-02T09:05:02.000000+08",
        "2026-03-01T20:35:02-04:30",
        " 2026-03-02 09:05:02\t",
        "2026-03-02 01:05:02 UTC",
    ],
)
def test_times_are_read(lake: Lake, text: str) -> None:
    assert one(lake, "messages", message(sent_at=text), "sent_at") == datetime(2026, 3, 2, 1, 5, 2)


def test_fractions_and_minutes(lake: Lake) -> None:
    rows = [
        message(message_id="1", sent_at="2026-03-02 09:05"),
        message(message_id="2", sent_at="2026-03-02 09:05:00.25"),
    ]
    load(lake, whole("messages", rows))
    assert [at for (at,) in rows_of(lake.snapshot(), "messages", "sent_at")] == [
        datetime(2026, 3, 2, 1, 5),
        datetime(2026, 3, 2, 1, 5, 0, 250_000),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-02-30 10:00:00", "impossible_time"),
        ("2026-13-01 10:00:00", "impossible_time"),
        ("2026-03-02 25:00:00", "impossible_time"),
        ("2026-03-02 10:61:00", "impossible_time"),
        ("1969-12-31T23:59:59Z", "impossible_time"),
        ("2101-01-01T00:00:00Z", "impossible_time"),
        ("2026-03-02", "unreadable_time"),
        ("yesterday", "unreadable_time"),
        ("1772413502", "unreadable_time"),
        ("", "missing_required"),
    ],
)
def test_times_are_refused(lake: Lake, text: str, reason: str) -> None:
    assert why(lake, "messages", message(sent_at=text)) == ("sent_at", reason)


def test_clocks_set_forward_and_back(lake: Lake) -> None:
    """New York 2026: 8 March 02:30 never is; 1 November 01:30 is twice, the first is meant."""
    rows = [
        message(message_id="gap", sent_at="2026-03-08 02:30:00"),
        message(message_id="twice", sent_at="2026-11-01 01:30:00"),
        message(message_id="after", sent_at="2026-11-01 02:00:00"),
    ]
    report = load(lake, whole("messages", rows, zone="America/New_York"))
    assert faults(report) == [(1, "sent_at", "impossible_time")]
    assert rows_of(lake.snapshot(), "messages", "message_id, sent_at") == [
        ("after", datetime(2026, 11, 1, 7)),
        ("twice", datetime(2026, 11, 1, 5, 30)),
    ]


ZONES = ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC"]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(
        st.datetimes(datetime(1970, 1, 3), datetime(2100, 12, 30)), min_size=30, max_size=60
    ),
)
def test_local_times_are_placed_as_python_places_them(
    lake: Lake, zone: str, times: list[datetime]
) -> None:
    rows = [message(message_id=str(n), sent_at=str(at)) for n, at in enumerate(times)]
    report = look(lake, whole("messages", rows, zone=zone))
    sample = report.samples["messages"]
    places = sample["message_id"].to_pylist()
    placed = dict(zip(places, sample["sent_at"].to_pylist(), strict=True))
    refused = {row - 1 for row, _, _ in faults(report)}
    for number, at in enumerate(times):
        aware = at.replace(tzinfo=ZoneInfo(zone), fold=0)
        utc = aware.astimezone(UTC)
        exists = utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at
        assert (number in refused) == (not exists)
        if str(number) in placed:
            assert placed[str(number)] == utc.replace(tzinfo=None)


def test_zone_of_the_shop(lake: Lake) -> None:
    """The shop's zone holds even where its file comes last."""
    london = whole("shops", [{"shop_id": "s2", "timezone": "Europe/London"}], "shops.csv")
    rows = [message(), message(shop_id="s2", sent_at="2026-07-02 09:05:02")]
    load(lake, whole("messages", rows), london)
    expected = [("s1", datetime(2026, 3, 2, 1, 5, 2)), ("s2", datetime(2026, 7, 2, 8, 5, 2))]
    assert rows_of(lake.snapshot(), "messages", "shop_id, sent_at") == expected
    load(lake, whole("messages", rows, "again.csv"))
    assert rows_of(lake.snapshot(), "messages", "shop_id, sent_at") == expected


def test_unknown_zone_is_refused(lake: Lake) -> None:
    assert why(lake, "shops", {"timezone": "Mars/Base"}) == ("timezone", "unknown_value")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", "12.00"),
        ("12.5", "12.50"),
        ("1,234.50", "1234.50"),
        ("¥12", "12.00"),
        ("￥1,234.5", "1234.50"),
        ("598元", "598.00"),
        ("12.3400", "12.34"),
        ("0.00", "0.00"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_money_is_read(lake: Lake, text: str, value: str) -> None:
    assert one(lake, "products", {"product_id": "p", "price": text}, "price") == Decimal(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12.345", "unreadable_number"),
        ("1e3", "unreadable_number"),
        ("1,2,3", "unreadable_number"),
        ("free", "unreadable_number"),
        ("99999999999999999.99", "unreadable_number"),
        ("-0.01", "negative"),
    ],
)
def test_money_is_refused(lake: Lake, text: str, reason: str) -> None:
    assert why(lake, "products", {"product_id": "p", "price": text}) == ("price", reason)


@pytest.mark.parametrize("text", ["3", "3.0", "3.", "+3"])
def test_counts_are_read(lake: Lake, text: str) -> None:
    assert one(lake, "orders", order(item_count=text), "item_count") == 3


@pytest.mark.parametrize(
    ("table", "row", "fault"),
    [
        ("messages", message(buyer_id=" "), ("buyer_id", "missing_required")),
        ("messages", message(sender="ghost"), ("sender", "unknown_value")),
        ("messages", message(kind="video"), ("kind", "unknown_value")),
        ("messages", message(is_auto="maybe"), ("is_auto", "unknown_value")),
        ("messages", message(seq="x"), ("seq", "unreadable_number")),
        ("orders", order(order_id=""), ("order_id", "missing_key")),
        ("orders", order(order_id="4.70E+18"), ("order_id", "lost_digits")),
        ("orders", order(order_id="4.7e18"), ("order_id", "lost_digits")),
        ("orders", order(buyer_id="5E+15"), ("buyer_id", "lost_digits")),
        ("orders", order(item_count="-1"), ("item_count", "negative")),
        ("orders", order(item_count="1.5"), ("item_count", "unreadable_number")),
        ("orders", order(paid_at="2026-03-02 09:30:00"), ("paid_amount", "paid_without_amount")),
        ("orders", order(paid_amount="0.01"), ("paid_at", "amount_without_paid")),
        ("order_items", {"sub_order_id": "i"}, ("order_id", "missing_required")),
        ("order_items", {"order_id": "o"}, ("sub_order_id", "missing_key")),
        (
            "complaints",
            {"complaint_id": "c", "opened_at": "2026-03-02 09:00:00"},
            ("order_id", "missing_required"),
        ),
        (
            "reviews",
            {
                "review_id": "r",
                "order_id": "o",
                "posted_at": "2026-03-02 09:00:00",
                "service_score": "6",
            },
            ("service_score", "unknown_value"),
        ),
        ("products", {"product_id": "p", "attributes": "[1]"}, ("attributes", "unreadable_json")),
        ("products", {"product_id": "p", "attributes": "{"}, ("attributes", "unreadable_json")),
        (
            "agents",
            {"agent_id": "a", "active_from": "2026-02-30"},
            ("active_from", "impossible_time"),
        ),
        ("buyers", {"buyer_id": "b", "birthday": "soon"}, ("birthday", "unreadable_time")),
    ],
)
def test_rows_are_refused(
    lake: Lake, table: str, row: dict[str, object], fault: tuple[str, str]
) -> None:
    assert why(lake, table, row) == fault


def test_what_is_not_refused(lake: Lake) -> None:
    """Free orders are paid; hex ids are no lost digits; people are born before 1970."""
    rows = [order(order_id="12e4", paid_at="2026-03-02 09:00:01", paid_amount="0")]
    assert counts(load(lake, whole("orders", rows)), "orders") == (1, 1, 0, 0, 0)
    born = one(lake, "buyers", {"buyer_id": "b", "birthday": "1955/3/2"}, "birthday")
    assert born == date(1955, 3, 2)


def test_ends_before_starts(lake: Lake) -> None:
    """Up to 5 s the later column is set equal to the earlier and counted as corrected."""
    paid = {"paid_amount": "1"}
    rows = [
        order(order_id="1", paid_at="2026-03-02 08:59:55", **paid),
        order(order_id="2", paid_at="2026-03-02 08:59:54.999999", **paid),
        order(order_id="3", paid_at="2026-03-02 09:00:00", **paid),
    ]
    sessions = [
        {"agent_id": "a", "online_at": "2026-03-02 09:00:00", "offline_at": "2026-03-02 08:00:00"}
    ]
    refund = {"refund_id": "r", "order_id": "1", "opened_at": "2026-03-02 09:00:00"}
    refunds = [{**refund, "closed_at": "2026-03-02 08:59:57", "amount": "1"}]
    report = load(
        lake,
        whole("orders", rows),
        whole("online_sessions", sessions),
        whole("refunds", refunds),
    )
    assert counts(report, "orders") == (3, 2, 0, 0, 1)
    assert report.tables["orders"].corrected == 1
    assert report.tables["refunds"].corrected == 1
    assert ("paid_at", "end_before_start") in [fault[1:] for fault in faults(report)]
    assert ("offline_at", "end_before_start") in [fault[1:] for fault in faults(report)]
    nine = datetime(2026, 3, 2, 1)
    assert rows_of(lake.snapshot(), "orders", "order_id, paid_at") == [("1", nine), ("3", nine)]
    assert rows_of(lake.snapshot(), "refunds", "closed_at") == [(nine,)]
    wider = look(lake, whole("orders", rows), clock_skew_seconds=6)
    assert wider.tables["orders"].rejected == 0


def test_defaults_blanks_and_words(lake: Lake) -> None:
    rows = [
        message(message_id=" 1\t", sender=" Buyer ", is_auto="", kind="", text=" two  blanks "),
        message(message_id="2", is_auto="是", kind="IMAGE", text="", product_id="　"),
        message(message_id="3", is_auto="0", agent_id=""),
    ]
    load(lake, whole("messages", rows))
    names = "message_id, sender, is_auto, kind, text, product_id, agent_id"
    assert rows_of(lake.snapshot(), "messages", names) == [
        ("1", "buyer", False, "text", " two  blanks ", None, "a"),
        ("2", "buyer", True, "image", None, None, "a"),
        ("3", "buyer", False, "text", "亲", None, None),
    ]


def test_native_columns(lake: Lake) -> None:
    """Parquet types are taken as they are; a float id with more than 15 digits has lost some."""
    at = datetime(2026, 3, 2, 9, 5, 2)
    rows = pa.table(
        {
            "order_id": pa.array([1.0, 4.7e18, 123456789012345.0]),
            "buyer_id": pa.array([17, 17, 18], pa.int64()),
            "created_at": pa.array([at] * 3, pa.timestamp("ns")),
            "paid_at": pa.array([at.replace(tzinfo=UTC)] * 3, pa.timestamp("ms", "UTC")),
            "paid_amount": pa.array([12.1, 1.0, 7.25]),
            "payable_amount": pa.array([Decimal("1.500")] * 3, pa.decimal128(20, 3)),
            "item_count": pa.array([1, 2, 3], pa.int8()),
            "flag": pa.nulls(3),
            "note": pa.array(["a", "b", None]).dictionary_encode(),
        }
    )
    report = load(lake, Batch("orders", rows, "orders.parquet"))
    assert faults(report) == [(2, "order_id", "lost_digits")]
    names = "order_id, buyer_id, created_at, paid_at, paid_amount, payable_amount, item_count, note"
    created, paid = datetime(2026, 3, 2, 1, 5, 2), at
    assert rows_of(lake.snapshot(), "orders", names) == [
        ("1", "17", created, paid, Decimal("12.10"), Decimal("1.50"), 1, "a"),
        ("123456789012345", "18", created, paid, Decimal("7.25"), Decimal("1.50"), 3, None),
    ]


def test_rejects_keep_the_row(lake: Lake) -> None:
    """File, row, column, reason and the row as it came, in the report and in the lake."""
    rows = [{**message(), "source_row": 7}, {**message(sender="ghost"), "source_row": 9}]
    named = whole("messages", rows, "chats/day.csv")
    raw = whole("messages", [{**message(sender="x"), "raw": "x;y;z"}], "other.csv")
    report = load(lake, named, raw)
    kept = lake.rejects().to_pylist()
    places = [tuple(row[n] for n in ("source_file", "source_row", "column")) for row in kept]
    assert places == [("chats/day.csv", 9, "sender"), ("other.csv", 1, "sender")]
    assert '"sender":"ghost"' in kept[0]["raw"]
    assert kept[1]["raw"] == "x;y;z"
    assert report.reasons == {"unknown_value": 2}
    assert report.files["messages", "chats/day.csv"].inserted == 1
    assert rows_of(lake.snapshot(), "messages", "source_file, source_row") == [("chats/day.csv", 7)]
