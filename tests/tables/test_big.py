"""Big files take a shorter way; what comes of them must be the same as on the long way."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lakes import counts, load, new_lake, rows_of

from jinpai.sources import registry
from jinpai.sources.base import Batch, Context
from jinpai.sources.files import open_paths
from jinpai.tables.lake import Lake
from jinpai.tables.stage import Stager

Row = dict[str, Any]
SCHEMA = pa.schema(
    [
        ("message_id", pa.string()),
        ("buyer_id", pa.string()),
        ("agent_id", pa.string()),
        ("sent_at", pa.timestamp("us", "UTC")),
        ("seq", pa.int32()),
        ("sender", pa.string()),
        ("text", pa.string()),
    ]
)
NAMES = "message_id, buyer_id, agent_id, sent_at::VARCHAR, seq, sender, text"


def messages(count: int, text: str = "在吗") -> list[Row]:
    """Messages of two months, eighteen hours apart in turn."""
    start = datetime(2026, 1, 30, tzinfo=UTC)
    return [
        {
            "message_id": f"m{n}",
            "buyer_id": f"b{n % 7}",
            "agent_id": None if n % 5 else "店:小桐",
            "sent_at": start + timedelta(minutes=n),
            "seq": n,
            "sender": "buyer" if n % 2 else "agent",
            "text": text,
        }
        for n in range(count)
    ]


def shown(row: Row) -> tuple[Any, ...]:
    values = {**row, "sent_at": row["sent_at"].strftime("%Y-%m-%d %H:%M:%S")}
    return tuple(values[name] for name in SCHEMA.names)


def batches(folder: Path, rows: list[Row], slow: bool = False) -> list[Batch]:
    path = folder / "messages.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, row_group_size=500)
    context = Context("s1", "Asia/Shanghai", {})
    (claim,) = registry.recognise(open_paths([path]), "canonical").claims
    found = [item for item in claim.source.read(claim.files, context) if isinstance(item, Batch)]
    assert all(batch.scan for batch in found)
    return [batch.loaded() for batch in found] if slow else found


@pytest.fixture(autouse=True)
def straight(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Small files count as big; returns which scans took the short way."""
    monkeypatch.setattr("jinpai.sources.canonical._BIG", 500)
    monkeypatch.setattr("jinpai.sources.canonical._ROWS", 1000)
    monkeypatch.setattr("jinpai.tables.stage._STRAIGHT", 500)
    taken: list[bool] = []
    real = Stager._scanned

    def watched(self: Stager, *arguments: Any) -> bool:
        taken.append(real(self, *arguments))
        return taken[-1]

    monkeypatch.setattr(Stager, "_scanned", watched)
    return taken


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return new_lake(tmp_path / "lake")


def test_clean_rows_take_the_short_way(tmp_path: Path, lake: Lake, straight: list[bool]) -> None:
    rows = messages(3700)
    report = load(lake, *batches(tmp_path, rows))
    assert straight == [True] * 4
    assert counts(report, "messages") == (3700, 3700, 0, 0, 0)
    assert rows_of(lake.snapshot(), "messages", NAMES) == sorted(
        (shown(row) for row in rows), key=lambda row: row[0]
    )
    numbers = rows_of(lake.snapshot(), "messages", "source_row, substr(message_id, 2)::INT + 1")
    assert all(place == number for place, number in numbers)
    samples = report.samples["messages"]["source_row"].to_pylist()
    assert sorted(samples) == list(range(1, 21))


@pytest.mark.parametrize("slow", [False, True])
def test_again_with_changes(tmp_path: Path, lake: Lake, slow: bool) -> None:
    rows = messages(3000)
    load(lake, *batches(tmp_path, rows))
    again = load(lake, *batches(tmp_path, rows, slow))
    assert counts(again, "messages") == (3000, 0, 0, 3000, 0)
    assert again.snapshot_id == 1
    dice = random.Random(3)
    changed = [dict(row) for row in messages(3400)]
    for row in dice.sample(changed[:3000], 40):
        row["text"] = None if row["seq"] % 2 else "换了"
    changed[10]["sent_at"] += timedelta(days=20)  # moves to another month
    altered = sum(one != other for one, other in zip(rows, changed, strict=False))
    twice = [dict(changed[5], text="后来"), dict(changed[3100], text="后来"), changed[7]]
    report = load(lake, *batches(tmp_path, [*changed, *twice], slow))
    last = {row["message_id"]: row for row in [*changed, *twice]}
    # The later rows: m5 differs from what was just loaded, as does m3100; m7 is the same again.
    assert counts(report, "messages") == (3403, 400, altered + 2, 3000 - altered + 1, 0)
    expected = sorted((shown(row) for row in last.values()), key=lambda row: row[0])
    assert rows_of(lake.snapshot(), "messages", NAMES) == expected


def test_all_replaced(tmp_path: Path, lake: Lake) -> None:
    load(lake, *batches(tmp_path, messages(2000)))
    report = load(lake, *batches(tmp_path, messages(2000, "新")))
    assert counts(report, "messages") == (2000, 0, 2000, 0, 0)
    assert rows_of(lake.snapshot(), "messages", "DISTINCT text") == [("新",)]
    assert lake.snapshot().count("messages") == 2000


@pytest.mark.parametrize(
    ("column", "value", "became"),
    [
        ("buyer_id", " b1", "b1"),
        ("buyer_id", "'007", "007"),
        ("buyer_id", '="007"', "007"),
        ("buyer_id", "b\t1", "b\t1"),
        ("buyer_id", "4.70E+18", None),
        ("buyer_id", "", None),
        ("sender", "Buyer", "buyer"),
        ("sender", "nobody", None),
        ("message_id", "m1 ", "m1"),
        ("sent_at", datetime(1969, 1, 1, tzinfo=UTC), None),
    ],
)
def test_odd_values_as_on_the_long_way(
    tmp_path: Path, lake: Lake, column: str, value: object, became: str | None
) -> None:
    rows = messages(1500)
    rows[1400][column] = value
    report = load(lake, *batches(tmp_path, rows))
    slow = new_lake(tmp_path / "slow")
    other = load(slow, *batches(tmp_path, rows, slow=True))
    assert counts(report, "messages") == counts(other, "messages")
    assert report.reasons == other.reasons
    names = f"{NAMES}, source_row"
    assert rows_of(lake.snapshot(), "messages", names) == rows_of(
        slow.snapshot(), "messages", names
    )
    assert sum(report.reasons.values()) == (became is None)
    if became is not None and column != "sent_at":
        found = rows_of(lake.snapshot(), "messages", f"source_row, {column}")
        assert (1401, became) in found
