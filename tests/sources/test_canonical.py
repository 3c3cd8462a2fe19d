"""The canonical reader: every file kind gives the same rows, and no row is lost."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.errors import UnknownFormat, UnreadableFile
from jinpai.sources import canonical_tables, registry
from jinpai.sources.base import Batch, Context, Note, Reject
from jinpai.sources.files import open_paths
from jinpai.tables import schema

CONTEXT = Context("s", "Asia/Shanghai", {})
HEADER = ["message_id", "buyer_id", "agent_id", "sent_at", "seq", "sender", "text"]
ROWS = [
    ["m1", "0012345678901234567", "店:小桐", "2026-03-02 09:05:02", "1", "buyer", "您好，\n在吗"],
    ["m2", "0012345678901234567", "店:小桐", "2026-03-02 09:05:09", "", "agent", '\'=亲,"在"的'],
]


def read(*paths: Path) -> tuple[list[Batch], list[Reject], list[Note]]:
    claims = registry.recognise(open_paths(paths), "canonical").claims
    items = [item for claim in claims for item in claim.source.read(claim.files, CONTEXT)]
    return (
        [item for item in items if isinstance(item, Batch)],
        [item for item in items if isinstance(item, Reject)],
        [item for item in items if isinstance(item, Note)],
    )


def cells(batch: Batch) -> list[list[str]]:
    rows: list[dict[str, Any]] = batch.rows.to_pylist()
    return [[str(row[name] or "") for name in HEADER] for row in rows]


def write_csv(path: Path, delimiter: str = ",", codec: str = "utf-8") -> None:
    with path.open("w", encoding=codec, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([HEADER, *ROWS])


def write(path: Path, how: str) -> None:
    records = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    if how == "jsonl":
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), "utf-8")
    elif how == "json":
        path.write_text(json.dumps(records), "utf-8")
    elif how == "tables.json":
        path.write_text(json.dumps({"messages": records, "orders": []}), "utf-8")
    elif how == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif how == "xlsx":
        with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
            book.add_worksheet("说明").write(0, 0, "hello")
            sheet = book.add_worksheet("messages")
            for at, row in enumerate([HEADER, *ROWS]):
                sheet.write_row(at, 0, row)
    elif how == "gz":
        write_csv(path)
        path.write_bytes(gzip.compress(path.read_bytes()))
    else:
        delimiter, codec = {"tsv": ("\t", "utf-8")}.get(how, (",", how))
        write_csv(path, delimiter, codec)


@pytest.mark.parametrize(
    ("name", "how", "first"),
    [
        ("messages.csv", "utf-8", 2),
        ("messages-2026-03.csv", "utf-8-sig", 2),
        ("Messages (1).csv", "gb18030", 2),
        ("messages_1.txt", "utf-16", 2),
        ("messages.tsv", "tsv", 2),
        ("messages.csv.gz", "gz", 2),
        ("export-of-march.csv", "utf-8", 2),
        ("messages.jsonl", "jsonl", 1),
        ("messages.json", "json", 1),
        ("all.json", "tables.json", 1),
        ("messages_1.parquet", "parquet", 1),
        ("book.xlsx", "xlsx", 2),
    ],
)
def test_every_kind_of_file_gives_the_same_rows(
    tmp_path: Path, name: str, how: str, first: int
) -> None:
    write(tmp_path / name, how)
    (batch,), rejects, _ = read(tmp_path / name)
    assert (batch.table, batch.source_file, batch.patch) == ("messages", name, False)
    assert cells(batch) == ROWS
    assert batch.rows["source_row"].to_pylist() == [first, first + 1]
    assert rejects == []


def test_names_and_required_columns_agree_with_the_schema() -> None:
    assert schema.table_columns() == canonical_tables.COLUMNS
    for name, table in schema.TABLES.items():
        needed = {c.name for c in table.columns if c.required} - {"message_id"}
        assert set(canonical_tables.REQUIRED[name]) == needed
        assert {c.name for c in table.columns if c.kind == "id"} == {
            c.name for c in table.columns if canonical_tables.is_id(c.name)
        }


def test_rows_with_a_wrong_number_of_cells_are_rejected_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_text('agent_id,name\na,A\nb\n\nc,"x\ny"\nd,D,extra\ne,E\nf', "utf-8")
    (batch,), rejects, _ = read(path)
    assert batch.rows.to_pylist() == [
        {"agent_id": "a", "name": "A", "source_row": 2},
        {"agent_id": "c", "name": "x\ny", "source_row": 5},
        {"agent_id": "e", "name": "E", "source_row": 7},
    ]
    assert [(r.table, r.source_row, r.reason, r.raw) for r in rejects] == [
        ("agents", 3, "unreadable_row", "b"),
        ("agents", 6, "unreadable_row", "d,D,extra"),
        ("agents", 8, "unreadable_row", "f"),
    ]


CELL = st.text(st.sampled_from('ab晚 ,"\n1'), max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=12), st.sampled_from(["\n", "\r\n"])
)
def test_no_row_is_lost(
    tmp_path_factory: pytest.TempPathFactory, rows: Sequence[Sequence[str]], end: str
) -> None:
    path = tmp_path_factory.mktemp("rows") / "agents.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([["agent_id", "name", "team"], *rows])
    batches, rejects, _ = read(path)
    got = {row["source_row"]: row for batch in batches for row in batch.rows.to_pylist()}
    bad = {reject.source_row for reject in rejects}
    for number, row in enumerate(rows, 2):
        if len(row) == 3 and any(row):
            kept = got.pop(number)
            assert [kept["agent_id"], kept["name"], kept["team"]] == list(row)
        elif len(row) != 3 and any(row):
            assert number in bad
    assert got == {}


def test_a_misspelt_required_column_is_an_error_that_names_both(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    path.write_text("message_id,buyer_id,sent_att,sender,text\nm,b,2026-03-02,buyer,x\n", "utf-8")
    with pytest.raises(UnreadableFile, match=r"'sent_at'.*'sent_att'"):
        read(path)


def test_a_misspelt_optional_column_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_text("agent_id,name,persn_id,source_row\na,A,p,1\n", "utf-8")
    (batch,), _, notes = read(path)
    assert batch.rows.column_names == ["agent_id", "name", "source_row"]
    assert [note.text_en for note in notes] == [
        "column 'persn_id' is not part of 'agents', not used; is 'person_id' meant?"
    ]


def test_columns_that_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    path.write_text("buyer_id,sent_at,sender\nb,2026-03-02 10:00:00,buyer\n", "utf-8")
    (batch,), _, _ = read(path)
    assert batch.rows.column_names == ["buyer_id", "sent_at", "sender", "source_row"]


def test_a_file_of_another_platform_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_text("Agent name,Assigned conversations\nA,3\n", "utf-8")
    with pytest.raises(UnknownFormat):
        read(path)


def test_no_sample_of_a_platform_is_taken(shared: Path) -> None:
    reader = registry.source("canonical")
    taken = [file.name for file in open_paths([shared / "formats"]) if reader.recognise(file)]
    assert taken == []


def test_what_spreadsheets_did_to_ids_is_undone_and_lost_digits_show(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        'order_id,buyer_id,created_at,note\n="19300011112223334",\'186,2026-03-02 10:00,"=""1"""\n'
        '"=""2""",b\t,2026-03-02 10:00,x\n4.70E+18,b,2026-03-02 10:00,x\n',
        "utf-8",
    )
    (batch,), _, _ = read(path)
    assert batch.rows["order_id"].to_pylist() == ["19300011112223334", "2", "4.70E+18"]
    assert batch.rows["buyer_id"].to_pylist() == ["186", "b", "b"]
    assert batch.rows["note"].to_pylist() == ['="1"', "x", "x"]


def test_native_parquet_types_are_kept_and_ids_become_exact(tmp_path: Path) -> None:
    at = datetime(2026, 3, 2, 1, 5, 2, 7, tzinfo=UTC)
    table = pa.table(
        {
            "product_id": pa.array([1.0, 4.7e18, None], pa.float64()),
            "title": pa.array(["a", "b", "a"]).dictionary_encode(),
            "attributes": [{"色": "白"}, None, {"色": "黑"}],
            "price": pa.array([1, 2, None], pa.int64()),
        }
    )
    pq.write_table(table, tmp_path / "products.parquet")
    orders = pa.table(
        {"order_id": [10**18], "created_at": pa.array([at], pa.timestamp("us", "UTC"))}
    )
    pq.write_table(orders, tmp_path / "orders.parquet")
    batches, _, _ = read(tmp_path / "orders.parquet", tmp_path / "products.parquet")
    made = {batch.table: batch.rows for batch in batches}
    assert made["orders"].to_pylist() == [{"order_id": 10**18, "created_at": at, "source_row": 1}]
    assert made["products"].to_pylist() == [
        {
            "product_id": "1",
            "title": "a",
            "attributes": '{"色": "白"}',
            "price": 1,
            "source_row": 1,
        },
        {"product_id": "4.7e+18", "title": "b", "attributes": None, "price": 2, "source_row": 2},
        {
            "product_id": None,
            "title": "a",
            "attributes": '{"色": "黑"}',
            "price": None,
            "source_row": 3,
        },
    ]


def test_a_large_csv_comes_in_several_batches_with_running_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jinpai.sources.canonical._ROWS", 100_000)
    path = tmp_path / "messages.csv"
    count = 400_000
    with path.open("w", encoding="utf-8") as file:
        file.write("message_id,buyer_id,sent_at,sender,text\n")
        text = "请问这个灯具还有货吗" * 3
        file.writelines(f"m{n},b,2026-03-02 10:00:00,buyer,{text}\n" for n in range(count))
    batches, _, _ = read(path)
    assert len(batches) > 1
    numbers = pa.concat_tables([batch.rows for batch in batches])
    assert numbers["source_row"].to_pylist() == list(range(2, count + 2))
    assert numbers["message_id"][-1].as_py() == f"m{count - 1}"


def test_bad_json_lines_are_rejected_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "agents.jsonl"
    path.write_text(
        '{"agent_id": "a"}\n{"agent_id": \n[1]\n{"agent_id": 7, "name": "N"}\n', "utf-8"
    )
    (batch,), rejects, _ = read(path)
    assert batch.rows.to_pylist() == [
        {"agent_id": "a", "name": None, "source_row": 1},
        {"agent_id": "7", "name": "N", "source_row": 4},
    ]
    assert [(reject.source_row, reject.reason) for reject in rejects] == [
        (2, "unreadable_row"),
        (3, "unreadable_row"),
    ]
