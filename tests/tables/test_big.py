"""Big files take a shorter way; what comes of them must be the same as on the long way."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from lakes import counts, faults, load, new_lake, rows_of

from jinpai.sources import registry
from jinpai.sources.base import Batch, Context
from jinpai.sources.files import open_paths
from jinpai.tables import conform, direct
from jinpai.tables.lake import Lake
from jinpai.tables.load import ImportReport
from jinpai.tables.schema import TABLES
from jinpai.tables.stage import Stager

pc: Any = pyarrow.compute
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


def read(path: Path) -> list[Batch]:
    context = Context("s1", "Asia/Shanghai", {})
    (claim,) = registry.recognise(open_paths([path]), "canonical").claims
    return [item for item in claim.source.read(claim.files, context) if isinstance(item, Batch)]


def batches(folder: Path, rows: list[Row], kind: str = "parquet") -> list[Batch]:
    path = folder / f"messages.{kind}"
    table = pa.Table.from_pylist(rows, SCHEMA)
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=500)
    else:
        texts = [pc.strftime(table["sent_at"], "%Y-%m-%dT%H:%M:%SZ")]
        shown = table.set_column(3, "sent_at", pc.utf8_replace_slice(texts[0], 19, 26, ""))
        pacsv.write_csv(shown, path)
    return read(path)


@pytest.fixture(autouse=True)
def straight(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Small files count as big; returns which chunks took the short way."""
    monkeypatch.setattr("jinpai.sources.canonical._BIG", 500)
    monkeypatch.setattr("jinpai.sources.canonical._ROWS", 1000)
    monkeypatch.setattr("jinpai.sources.delimited._BIG", 500)
    monkeypatch.setattr("jinpai.tables.stage._STRAIGHT", 500)
    taken: list[bool] = []
    real = Stager._straight

    def watched(self: Stager, *arguments: Any) -> bool:
        taken.append(real(self, *arguments))
        return taken[-1]

    monkeypatch.setattr(Stager, "_straight", watched)
    return taken


def long_way(folder: Path, *items: Batch) -> tuple[Lake, ImportReport]:
    """Load where nothing is taken as it is."""
    lake = new_lake(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(direct, "taken", lambda *_: None)
        return lake, load(lake, *items)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return new_lake(tmp_path / "lake")


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_clean_rows_take_the_short_way(
    tmp_path: Path, lake: Lake, straight: list[bool], kind: str
) -> None:
    rows = messages(3700)
    report = load(lake, *batches(tmp_path, rows, kind))
    assert straight
    assert all(straight)
    assert counts(report, "messages") == (3700, 3700, 0, 0, 0)
    assert rows_of(lake.snapshot(), "messages", NAMES) == sorted(
        (shown(row) for row in rows), key=lambda row: row[0]
    )
    numbers = rows_of(lake.snapshot(), "messages", "source_row, substr(message_id, 2)::INT + 1")
    header = int(kind == "csv")
    assert all(place == number + header for place, number in numbers)
    samples = report.samples["messages"]["source_row"].to_pylist()
    assert sorted(samples) == list(range(1 + header, 21 + header))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_again_with_changes(tmp_path: Path, lake: Lake, kind: str) -> None:
    rows = messages(3000)
    load(lake, *batches(tmp_path, rows, kind))
    again = load(lake, *batches(tmp_path, rows, kind))
    assert counts(again, "messages") == (3000, 0, 0, 3000, 0)
    assert again.snapshot_id == 1
    dice = random.Random(3)
    changed = [dict(row) for row in messages(3400)]
    for row in dice.sample(changed[:3000], 40):
        row["text"] = None if row["seq"] % 2 else "换了"
    changed[10]["sent_at"] += timedelta(days=20)  # moves to another month
    altered = sum(one != other for one, other in zip(rows, changed, strict=False))
    twice = [dict(changed[5], text="后来"), dict(changed[3100], text="后来"), changed[7]]
    report = load(lake, *batches(tmp_path, [*changed, *twice], kind))
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
    slow, other = long_way(tmp_path / "slow", *batches(tmp_path, rows))
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


# What a canonical order file may say; each column also has its plain values, most of the time.
ODD: dict[str, tuple[list[str], list[str]]] = {
    "shop_id": (["s1", "s2", ""], [" s1", "店"]),
    "order_id": ([], ["", "4.70E+18", "12e4", "1e5", "1.5e3", " 7", "7\u3000", '="77"', "'88"]),
    "buyer_id": (["b1", "b2", ""], ["b\t1", "9E+9", "e1", "1E1"]),
    "created_at": (
        ["2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-05 10:00:00Z"],
        [
            *("", "2026-02-30T00:00:00Z", "2026-02-01T24:00:00Z", "2026-02-01T23:60:00Z"),
            *("2026-02-01T23:59:60Z", "1969-12-31T23:59:59Z", "2101-01-01T00:00:00Z"),
            *(
                "2026-02-01T10:00:00",
                "2026-02-01T10:00:00+08:00",
                "2026-02-01",
                "xxxxxxxxxxxxxxxxxxxZ",
            ),
            *("2026/02/01 10:00:00Z", "2026-2-1 10:00:00Z", "2026-02-01T10:00:00z"),
        ],
    ),
    "paid_at": (["", "2026-03-06T00:00:00Z"], ["2026-01-31T23:59:58Z", "2025-01-01T00:00:00Z"]),
    "paid_amount": (
        ["", "1.50", "0"],
        ["-1", "1.505", ".5", "5.", "1,234.5", "¥3", "12345678901234567"],
    ),
    "item_count": (
        ["1", "2", ""],
        ["-1", "1.0", "0x10", "+3", "007", "12345678901234567890", "1 "],
    ),
    "status": (["paid", ""], [" paid ", "é"]),
    "note": (["", "催", "a,b"], ["=1+1", " two ", "line\nbreak"]),
}


def orders_of(dice: random.Random, count: int) -> list[Row]:
    """Orders without a fault, as texts."""
    rows = []
    for number in range(count):
        row = {name: dice.choice(usual) for name, (usual, _) in ODD.items() if usual}
        row["order_id"] = f"{dice.choice('o4')}{number}"
        row["paid_amount"] = row["paid_at"] and dice.choice(["1.50", "0", "88"])
        rows.append(row)
    return rows


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("column", ODD)
def test_what_is_taken_is_what_conforming_makes(column: str, coded: bool) -> None:
    """Every value by itself: refused here, or typed as on the long way."""
    table, refused = TABLES["orders"], 0
    for value in ("", *ODD[column][0], *ODD[column][1]):
        rows = orders_of(random.Random(1), 3)
        rows[1][column] = value
        chunk = pa.Table.from_pylist(rows)
        if coded:
            chunk = pa.table({name: chunk[name].dictionary_encode() for name in chunk.column_names})
        made = direct.taken(table, chunk, "s1")
        refused += made is None
        with duckdb.connect() as con:
            con.register(
                "chunk", chunk.rename_columns([f"c_{name}" for name in chunk.column_names])
            )
            con.execute("CREATE VIEW c AS SELECT *, 0 AS _n, 0 AS _row FROM chunk")
            query = conform.conformed(
                table,
                {name: chunk[name].type for name in ODD},
                lambda local: local,
                shop_id="s1",
                patch=False,
                clock_skew=5,
            ).replace("FROM chunk", "FROM c")
            names = ", ".join(conform.columns_of(table))
            if made is not None:
                con.register("made", made)
                assert (
                    con.sql(f"SELECT {names} FROM made").fetchall()
                    == con.sql(
                        f"SELECT {names} FROM ({query}) WHERE _bad IS NULL AND NOT _fix"
                    ).fetchall()
                )
    assert (refused > 0) == (column not in ("status", "note"))


@pytest.mark.parametrize("seed", range(6))
def test_any_text_as_on_the_long_way(tmp_path: Path, lake: Lake, seed: int) -> None:
    """The two ways agree on every row, reject and reason."""
    dice = random.Random(seed)
    rows = orders_of(dice, 600)
    for name in dice.sample(sorted(ODD), seed % 3):
        rows[dice.randrange(600)][name] = dice.choice(ODD[name][1])
    path = tmp_path / "orders.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(ODD))
        writer.writeheader()
        writer.writerows(rows)
    report = load(lake, *read(path))
    slow, other = long_way(tmp_path / "slow", *read(path))
    assert counts(report, "orders") == counts(other, "orders")
    assert faults(report) == faults(other)
    assert report.rejects["raw"].to_pylist() == other.rejects["raw"].to_pylist()
    every = "* EXCLUDE (source_file)"
    assert rows_of(lake.snapshot(), "orders", every) == rows_of(slow.snapshot(), "orders", every)


@pytest.mark.parametrize("seed", range(8))
def test_typed_columns_as_on_the_long_way(tmp_path: Path, lake: Lake, seed: int) -> None:
    """Parquet of every type a tool may write."""
    dice = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    count = 700
    times = [start + timedelta(hours=dice.randrange(2000)) for _ in range(count)]
    ends = [dice.choice([None, at + timedelta(hours=dice.choice([5, 9]))]) for at in times]
    if dice.random() < 0.3:
        ends[5] = times[5] - timedelta(seconds=dice.choice([3, 7]))
    amounts = [end and Decimal(dice.choice(["0.00", "7.25"])) for end in ends]
    strings = dice.choice([pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
    unit = dice.choice(["us", "ms", "ns"])
    columns = {
        "order_id": pa.array(
            [f"o{n}" for n in range(count)], dice.choice([pa.string(), pa.large_string()])
        ),
        "buyer_id": pa.array([dice.choice(["b1", "b2", None]) for _ in times]).cast(strings),
        "created_at": pa.array(times, pa.timestamp(unit, "UTC")),
        "paid_at": pa.array(ends, pa.timestamp(unit, dice.choice(["UTC", "Asia/Shanghai"]))),
        "paid_amount": pa.array(amounts, dice.choice([pa.decimal128(10, 2), pa.decimal128(18, 4)])),
        "item_count": pa.array(
            [dice.randrange(5) for _ in times], dice.choice([pa.int8(), pa.int64(), pa.uint16()])
        ),
        "note": pa.array([dice.choice(["", "x", None]) for _ in times]).cast(strings),
    }
    path = tmp_path / "orders.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=300)
    report = load(lake, *read(path))
    slow, other = long_way(tmp_path / "slow", *read(path))
    assert counts(report, "orders") == counts(other, "orders")
    assert report.tables["orders"].corrected == other.tables["orders"].corrected
    assert faults(report) == faults(other)
    every = "* EXCLUDE (source_file)"
    assert rows_of(lake.snapshot(), "orders", every) == rows_of(slow.snapshot(), "orders", every)
