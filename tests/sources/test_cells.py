"""Cells: every shape of times, money and empties that FORMATS §0 lists."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinpai.sources.cells import (
    SUMMARY_WORDS,
    blank_to_none,
    is_summary,
    parse_money_text,
    parse_phone_text,
    parse_time_text,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02 09:05:02", "2026-03-02 09:05:02"),
        ("2026/3/2 9:05", "2026-03-02 09:05:00"),
        ("2026-3-2 9:03:07", "2026-03-02 09:03:07"),
        ("2026-03-02T09:05:02", "2026-03-02 09:05:02"),
        ("2026-03-02 09:05:02.123", "2026-03-02 09:05:02.123000"),
        ("\t2026-03-02 09:05:02\t", "2026-03-02 09:05:02"),
        ("20260302", "2026-03-02 00:00:00"),
        ("20260302090502", "2026-03-02 09:05:02"),
        ("2026年3月2日", "2026-03-02 00:00:00"),
        ("2026年3月2日 9时5分", "2026-03-02 09:05:00"),
        ("2026年03月02日09:05:02", "2026-03-02 09:05:02"),
        ("1772413502", "2026-03-02T01:05:02Z"),  # 2026-03-02 09:05:02 in Shanghai
        ("1772413502250", "2026-03-02T01:05:02.250000Z"),
        # 46083 days after 1899-12-30 is 2026-03-02; 32702 s of 86400 is 09:05:02
        ("46083.37849537037", "2026-03-02 09:05:02"),
        ("46083", "2026-03-02 00:00:00"),
    ],
)
def test_times_of_all_shapes_are_normalised(text: str, expected: str) -> None:
    assert parse_time_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30 10:00:00",
        "2026-13-01",
        "yesterday",
        "9:05",
        "2026-03-02 25:00:00",
        "2026-3-29:05",
    ],
)
def test_unreadable_times_are_handed_on_unchanged(text: str) -> None:
    assert parse_time_text(text) == text


@pytest.mark.parametrize("text", [None, "", " ", "-", "--", "null", "NULL", "\t", "无退款申请"])
def test_nothing_has_many_spellings(text: str | None) -> None:
    assert blank_to_none(text) is None
    assert parse_time_text(text) is None
    assert parse_money_text(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("199.00", "199.00"),
        ("¥1,299.50", "1299.50"),
        ("￥12元", "12"),
        ("0元", "0"),
        ("-3.20", "-3.20"),
        ("12.345", "12.345"),
        ("4.70E+18", "4.70E+18"),
        ("面议", "面议"),
    ],
)
def test_money(text: str, expected: str) -> None:
    assert parse_money_text(text) == expected


def test_phones_lose_guards_but_masked_ones_are_nothing() -> None:
    assert parse_phone_text("'10000000001") == "10000000001"
    assert parse_phone_text("86-10000000001") == "10000000001"
    assert parse_phone_text("100****0001") is None


@pytest.mark.parametrize("word", sorted(SUMMARY_WORDS))
def test_summary_rows_are_known_by_their_first_filled_cell(word: str) -> None:
    assert is_summary([None, f" {word} ", "7"])
    assert not is_summary(["张合计", word])


@given(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 12, 31)))
def test_a_written_time_reads_back(moment: dt.datetime) -> None:
    text = parse_time_text(f"{moment:%Y/}{moment.month}/{moment.day} {moment.hour}:{moment:%M:%S}")
    assert text == moment.replace(microsecond=0).isoformat(sep=" ")
