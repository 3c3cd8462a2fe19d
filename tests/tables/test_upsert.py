"""Loading again, over and under: against a plain model that takes one row at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lakes import counts, load, look, new_lake, patch, rows_of, whole

from jinpai.sources.base import Batch
from jinpai.tables import stage, upsert
from jinpai.tables.lake import Lake
from jinpai.tables.schema import TABLES

COLUMNS = ("order_id", "created_at", "closed_at", "note", "flag")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return new_lake(tmp_path)


def order(key: str, note: str = "", day: str = "2026-03-02") -> dict[str, object]:
    return {"order_id": key, "created_at": f"{day} 09:00:00", "note": note}


def test_again_changes_nothing(lake: Lake) -> None:
    batch = whole("orders", [order("1"), order("2")])
    assert counts(load(lake, batch), "orders") == (2, 2, 0, 0, 0)
    before = lake.snapshot()
    again = whole("orders", [order("1"), order("2")], "other-name.csv")
    assert counts(load(lake, again), "orders") == (2, 0, 0, 2, 0)
    assert lake.snapshot().id == before.id, "no new state for nothing new"
    assert rows_of(lake.snapshot(), "orders", "source_file") == [("a.csv",), ("a.csv",)]


def test_other_contents_replace(lake: Lake) -> None:
    load(lake, whole("orders", [order("1", "x"), order("2", "y")]))
    report = load(lake, whole("orders", [order("1", "z"), order("2", "y"), order("3")], "b.csv"))
    assert counts(report, "orders") == (3, 1, 1, 1, 0)
    assert rows_of(lake.snapshot(), "orders", "order_id, note, source_file") == [
        ("1", "z", "b.csv"),
        ("2", "y", "a.csv"),
        ("3", None, "b.csv"),
    ]


# Two texts of one hash in DuckDB 2.0: bytes 8 and 16 cancel each other out.
ALIKE = ("4512000000000023000", "4512000900000026000")


@pytest.mark.parametrize("length", range(1, 9))
def test_keys_of_one_hash_are_apart(tmp_path: Path, length: int) -> None:
    """However long what stands before them in a key."""
    lake, shop = new_lake(tmp_path), {"shop_id": "s" * length}
    load(lake, whole("orders", [order(ALIKE[0], "x")]), **shop)
    report = load(lake, whole("orders", [order(ALIKE[1], "x")], "b.csv"), **shop)
    assert counts(report, "orders") == (1, 1, 0, 0, 0)
    assert rows_of(lake.snapshot(), "orders", "order_id") == [(one,) for one in ALIKE]


def test_contents_of_one_hash_are_apart(lake: Lake) -> None:
    load(lake, whole("orders", [order("1", ALIKE[0])]))
    report = load(lake, whole("orders", [order("1", ALIKE[1])], "b.csv"))
    assert counts(report, "orders") == (1, 0, 1, 0, 0)
    assert rows_of(lake.snapshot(), "orders", "note") == [(ALIKE[1],)]


def test_later_rows_and_files_win(lake: Lake) -> None:
    first = whole("orders", [order("1", "a"), order("1", "b"), order("1", "b")])
    second = whole("orders", [order("1", "c")], "b.csv")
    report = load(lake, first, second)
    assert counts(report, "orders") == (4, 1, 2, 1, 0)
    assert rows_of(lake.snapshot(), "orders", "note, source_file") == [("c", "b.csv")]


def test_a_row_moves_to_another_month(lake: Lake) -> None:
    load(lake, whole("orders", [order("1"), order("2")]))
    load(lake, whole("orders", [order("1", day="2026-05-02")]))
    files = lake.snapshot().data_files("orders")
    assert {(file.month, file.rows) for file in files} == {("2026-03", 1), ("2026-05", 1)}
    assert len(rows_of(lake.snapshot(), "orders")) == 2


def test_same_key_in_two_shops(lake: Lake) -> None:
    load(lake, whole("orders", [order("1", "mine"), {**order("1", "theirs"), "shop_id": "店/2"}]))
    load(lake, whole("orders", [{**order("1", "changed"), "shop_id": "店/2"}]))
    notes = rows_of(lake.snapshot(), "orders", "shop_id, note")
    assert notes == [("s1", "mine"), ("店/2", "changed")]


def test_patch_keeps_what_it_lacks(lake: Lake) -> None:
    load(lake, whole("orders", [order("1", "kept")]))
    report = load(lake, patch("orders", [{"order_id": "1", "flag": "red"}]))
    assert counts(report, "orders") == (1, 0, 1, 0, 0)
    assert rows_of(lake.snapshot(), "orders", "note, flag") == [("kept", "red")]
    report = load(lake, patch("orders", [{"order_id": "1", "note": None}]))
    assert rows_of(lake.snapshot(), "orders", "note, flag") == [(None, "red")]
    report = load(lake, whole("orders", [order("1")]))
    assert rows_of(lake.snapshot(), "orders", "note, flag") == [(None, None)]


def test_patch_within_one_import(lake: Lake) -> None:
    messages = [{"message_id": "1", "buyer_id": "b", "sent_at": "2026-03-02 09:00:00"}]
    full = whole("messages", [{**messages[0], "sender": "agent", "is_auto": "1"}])
    report = load(lake, full, patch("messages", [{"message_id": "1", "kind": "image"}]))
    assert counts(report, "messages") == (2, 1, 1, 0, 0)
    assert rows_of(lake.snapshot(), "messages", "is_auto, kind") == [(True, "image")]


def test_patch_of_an_unknown_row(lake: Lake) -> None:
    """It is a row of its own when it has all a row needs, and is refused when not."""
    enough = {"order_id": "1", "created_at": "2026-03-02 09:00:00"}
    report = load(lake, patch("orders", [enough, {"order_id": "2", "created_at": ""}]))
    assert counts(report, "orders") == (2, 1, 0, 0, 1)
    report = load(lake, patch("orders", [{"order_id": "3", "flag": "red"}]))
    assert counts(report, "orders") == (1, 0, 0, 0, 1)
    assert report.reasons == {"missing_required": 1}


def test_patch_is_judged_with_what_it_meets(lake: Lake) -> None:
    """A patch may not leave a paid order without an amount, nor paid before it was made."""
    load(lake, whole("orders", [order("1"), order("2"), order("3")]))
    paid = {"paid_at": "2026-03-02 09:00:10"}
    report = load(lake, patch("orders", [{"order_id": "1", **paid}]))
    assert report.reasons == {"paid_without_amount": 1}
    early = {"paid_at": "2026-03-02 08:00:00", "paid_amount": "1"}
    near = {"paid_at": "2026-03-02 08:59:58", "paid_amount": "1"}
    report = load(lake, patch("orders", [{"order_id": "2", **early}, {"order_id": "3", **near}]))
    assert report.reasons == {"end_before_start": 1}
    assert report.tables["orders"].corrected == 1
    equal = rows_of(lake.snapshot(), "orders", "order_id, created_at = paid_at")
    assert equal == [("1", None), ("2", None), ("3", True)]


def chat(text: str = "在吗") -> dict[str, object]:
    at = "2026-03-02 09:00:00"
    return {"buyer_id": "b", "agent_id": "a", "sender": "buyer", "sent_at": at, "text": text}


def test_messages_without_ids(lake: Lake) -> None:
    """Equal rows of a file are told apart by their number; the same file again is the same."""
    three = whole("messages", [chat(), chat("!"), chat(), chat()], "chat.txt")
    assert counts(load(lake, three), "messages") == (4, 4, 0, 0, 0)
    again = whole("messages", [chat(), chat("!"), chat(), chat()], "copy.txt")
    more = whole("messages", [chat()], "copy.txt")
    assert counts(load(lake, again, more), "messages") == (5, 1, 0, 4, 0)
    ids = [key for (key,) in rows_of(lake.snapshot(), "messages", "message_id")]
    assert len(set(ids)) == 5


def test_preview_changes_nothing(lake: Lake) -> None:
    load(lake, whole("orders", [order("1", "x")]))
    before = lake.snapshot()
    report = look(lake, whole("orders", [order("1", "y"), order("2"), order("")]))
    assert counts(report, "orders") == (3, 1, 1, 0, 1)
    assert report.dry_run
    assert report.samples["orders"]["order_id"].to_pylist() == ["1", "2"]
    assert lake.snapshot() == before
    assert lake.rejects().num_rows == 0


def test_every_table_takes_every_column(lake: Lake) -> None:
    """Words such as ``at`` and ``text`` are columns like others."""
    values = {"time": "2026-03-02 09:00:00", "date": "2026-03-02", "json": '{"a": 1}'}

    def rows(note: str) -> list[Batch]:
        return [
            whole(
                table.name,
                [
                    {
                        column.name: (column.values or (values.get(column.kind, "1"),))[0]
                        + (note if column.kind == "text" else "")
                        for column in table.columns
                        if column.name != "timezone"
                    }
                ],
            )
            for table in TABLES.values()
        ]

    for note, fate in (("", "inserted"), ("", "unchanged"), ("x", "replaced")):
        report = load(lake, *rows(note))
        for name, one in report.tables.items():
            text = any(column.kind == "text" for column in TABLES[name].columns)
            assert getattr(one, fate if text or fate == "inserted" else "unchanged") == 1, name


# -- a model that takes one row at a time ---------------------------------------------------------


@dataclass
class Model:
    """The orders of one shop, and what became of each row."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, batch: Batch) -> None:
        for row in batch.rows.to_pylist():
            self.outcomes[batch.source_file, self._fate(row, batch.patch)] += 1

    def _fate(self, row: dict[str, Any], keep: bool) -> str:
        known = self.rows.get(row["order_id"])
        base = dict.fromkeys(COLUMNS) if known is None or not keep else known
        merged = {**base, **{name: value or None for name, value in row.items()}}
        if merged["created_at"] is None:
            return "rejected"
        self.rows[row["order_id"]] = merged
        return "inserted" if known is None else "unchanged" if merged == known else "replaced"


ORDERS = st.fixed_dictionaries(
    {
        "order_id": st.sampled_from(["1", "2", "3", "4"]),
        "created_at": st.sampled_from(
            ["2026-03-02 09:00:00", "2026-03-02 09:00:00", "2026-05-01 00:00:00", ""]
        ),
        "closed_at": st.sampled_from(["", "2026-06-01 00:00:00"]),
        "note": st.sampled_from(["", "x"]),
        "flag": st.sampled_from(["", "red"]),
    }
)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    rows = draw(st.lists(ORDERS, min_size=1, max_size=6))
    file = draw(st.sampled_from(["a.csv", "b.csv"]))
    if draw(st.booleans()):
        return whole("orders", rows, file)
    carried = draw(st.sets(st.sampled_from(COLUMNS[1:]), max_size=3))
    kept = [{name: row[name] for name in COLUMNS if name in {"order_id", *carried}} for row in rows]
    return patch("orders", kept, file)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    imports=st.lists(st.lists(batches(), min_size=1, max_size=4), min_size=1, max_size=3),
    flush=st.sampled_from([2, 5, 1000]),
    straight=st.sampled_from([1, 1000]),
)
def test_any_sequence_of_imports(
    tmp_path_factory: pytest.TempPathFactory, imports: list[list[Batch]], flush: int, straight: int
) -> None:
    lake, model = new_lake(tmp_path_factory.mktemp("lake")), Model()
    with pytest.MonkeyPatch.context() as small:
        small.setattr(stage, "_FLUSH", flush)
        small.setattr(stage, "_CHUNK", 2)
        small.setattr(stage, "_STRAIGHT", straight)
        small.setattr(upsert, "_AT_ONCE", 2)
        for given_batches in imports:
            model.outcomes.clear()
            for batch in given_batches:
                model.take(batch)
            report = load(lake, *given_batches, timezone="UTC")
            found = {
                (file, outcome): getattr(one, outcome)
                for (_, file), one in report.files.items()
                for outcome in ("inserted", "replaced", "unchanged", "rejected")
            }
            assert {key: rows for key, rows in found.items() if rows} == dict(model.outcomes)
            stored = "order_id, created_at::VARCHAR, closed_at::VARCHAR, note, flag"
            expected = [tuple(row[name] for name in COLUMNS) for row in model.rows.values()]
            assert rows_of(lake.snapshot(), "orders", stored) == sorted(expected)
