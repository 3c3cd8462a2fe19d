"""Mapping files: the documented example, the real data sets, and errors that help."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from jinpai.errors import UnknownFormat, UnreadableFile, UsageError
from jinpai.sources import mapping, registry
from jinpai.sources.base import Batch, Context, Note, Reject
from jinpai.sources.files import open_paths

CONTEXT = Context("s", "Asia/Shanghai", {})
ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = ROOT / "tests" / "mappings"
Rows = dict[str, list[dict[str, Any]]]


def read(mapping_file: Path, *paths: Path) -> tuple[Rows, list[Reject], list[Note]]:
    """Return table -> rows, rejects and notes."""
    source = mapping.load(mapping_file)
    (claim,) = registry.recognise(open_paths(paths), source).claims
    rows: Rows = {}
    items = list(claim.source.read(claim.files, CONTEXT))
    for item in items:
        if isinstance(item, Batch):
            rows.setdefault(item.table, []).extend(item.rows.to_pylist())
    rejects = [item for item in items if isinstance(item, Reject)]
    return rows, rejects, [item for item in items if isinstance(item, Note)]


def made(tmp_path: Path, text: str, name: str, content: str) -> Rows:
    (tmp_path / "m.yaml").write_text(text, "utf-8")
    (tmp_path / name).write_text(content, "utf-8")
    return read(tmp_path / "m.yaml", tmp_path / name)[0]


def rows_of(text: str) -> list[dict[str, str | None]]:
    """Read a table written as Markdown; an empty cell is null."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [dict(zip(lines[0], (c or None for c in row), strict=True)) for row in lines[2:]]


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    example = text.partition("## A worked example")[2].partition("\n## ")[0]
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", example, re.DOTALL))
    (tmp_path / "desk.csv").write_text(blocks["csv"], "utf-8")
    (tmp_path / "desk.yaml").write_text(blocks["yaml"], "utf-8")
    rows, _, notes = read(tmp_path / "desk.yaml", tmp_path / "desk.csv")
    tables = re.findall(r"^`(\w+)`:\n\n((?:\|.*\n)+)", example, re.MULTILINE)
    assert {name for name, _ in tables} == set(rows) == {"messages", "orders"}
    for name, table in tables:
        expected = rows_of(table)
        got = [{key: row[key] for key in expected[0]} for row in rows[name]]
        assert got == expected
    assert notes == []


def test_chats_with_a_question_and_an_answer_in_one_row(shared: Path) -> None:
    data = shared / "data" / "chat_ops_10k"
    reference = json.loads((data / "reference.json").read_text("utf-8"))
    rows, rejects, _ = read(MAPPINGS / "chat_ops.yaml", data / "chats.csv.gz")
    messages = {row["message_id"]: row for row in rows["messages"]}
    asked = [row for row in messages.values() if row["sender"] == "buyer"]
    answered = [row for row in messages.values() if row["sender"] == "agent"]
    assert (len(asked), len(answered)) == (reference["chats"], reference["closed_by_agent"])
    assert len({row["agent_id"] for row in answered}) == reference["agents"]
    assert rejects == []
    # chat 8676274: assigned 15:55:01 in the shop's zone (+8), answered after 4.0 s
    assert messages["8676274-question"]["sent_at"] == "2021-02-26T15:55:01"
    assert messages["8676274-answer"]["sent_at"] == "2021-02-26 07:55:05+00:00"
    assert messages["8676274-answer"]["agent_id"] == "agent_061"
    # chat 8528073 was closed by the system; nobody was assigned
    assert messages["8528073-question"].get("agent_id") is None
    assert "8528073-answer" not in messages


def test_dialogues_nested_in_lines(shared: Path) -> None:
    data = shared / "data" / "twcs_sample"
    reference = json.loads((data / "reference.json").read_text("utf-8"))
    rows, rejects, _ = read(MAPPINGS / "twcs.yaml", data)
    messages = rows["messages"]
    assert (len(messages), rejects) == (reference["messages"], [])
    assert len({row["conversation_id"] for row in messages}) == reference["dialogues"]
    first = [row for row in messages if row["conversation_id"] == "twcs-8"]
    assert [row["sender"] for row in first][:2] == ["buyer", "agent"]
    assert {(row["buyer_id"], row["agent_id"]) for row in first} == {("115712", "sprintcare")}
    assert first[0]["sent_at"] == "2017-10-31T21:45:10+00:00"
    assert [row["seq"] for row in first] == [str(n) for n in range(1, len(first) + 1)]
    assert all(row["agent_id"] for row in messages)


def test_orders_whose_paid_amount_is_in_another_column(shared: Path) -> None:
    data = shared / "data" / "tmall_orders"
    reference = json.loads((data / "reference.json").read_text("utf-8"))
    rows, rejects, _ = read(MAPPINGS / "tmall.yaml", data / "tmall_order_report.csv.gz")
    orders = rows["orders"]
    paid = [row for row in orders if row["paid_at"]]
    assert (len(orders), len(paid), rejects) == (16_794, 14_400, [])
    assert sum(Decimal(row["payable_amount"]) for row in orders) == Decimal("1881479.24")
    assert reference["总金额_sum"] == 1881479.24
    assert {row["order_id"] for row in orders if row["paid_amount"]} == {
        row["order_id"] for row in paid
    }
    assert orders[0] == {
        "order_id": "1",
        "created_at": "2020-02-21 00:00:00",
        "paid_at": None,
        "payable_amount": "178.8",
        "paid_amount": None,
        "source_row": 2,
    }


ORDERS = "tables:\n - table: orders\n   columns:\n     order_id: id\n"


@pytest.mark.parametrize(
    ("spec", "cell", "expected"),
    [
        ("{column: x, format: epoch_s}", "1772413502", "2026-03-02 01:05:02+00:00"),
        ("{column: x, format: epoch_ms}", "1772413502123", "2026-03-02 01:05:02.123000+00:00"),
        ("{column: x, format: excel}", "46083.5", "2026-03-02 12:00:00"),
        ("{column: x, format: '%d.%m.%Y %H:%M'}", "02.03.2026 09:05", "2026-03-02 09:05:00"),
        ("{column: x, format: [iso, '%d.%m.%Y']}", "02.03.2026", "2026-03-02 00:00:00"),
        ("{column: x, format: '%d.%m.%Y'}", "soon", "soon"),
        (
            "{column: x, plus_seconds: '90.5'}",
            "2026/03/02 09:05:00",
            "2026-03-02 01:06:30.500000+00:00",
        ),
        ("{column: x, plus_seconds: id}", "2026-03-02T09:05:00Z", "2026-03-02 09:05:07+00:00"),
        ("{column: x, map: {No: '1', yes: '2'}}", "No", "1"),
        ("{column: x, map: {No: '1'}}", "maybe", "maybe"),
        ("{column: x, map: {No: '1'}, otherwise: null}", "maybe", None),
        ("{column: x, map: {No: '1'}, otherwise: '9'}", "maybe", "9"),
        ("{column: x, unit: fen}", "1234", "12.34"),
        ("{column: x, unit: fen}", "free", "free"),
        ("{column: x, default: none}", "--", "none"),
        ("{column: [none_here, x]}", "v", "v"),
        ("{template: 'a-{x}-{@row}'}", "v", "a-v-2"),
        ("{template: 'a-{x}'}", "-", None),
        ("{const: 2026-01-01}", "v", "2026-01-01"),
        ("{column: x, when: {column: x, above: 1}}", "1.5", "1.5"),
        ("{column: x, when: {column: x, above: 1}}", "1", None),
        ("{column: x, when: {column: id, equals: '7'}}", "v", "v"),
        ("{column: x, when: [{present: id}, {absent: id}]}", "v", None),
    ],
)
def test_values(tmp_path: Path, spec: str, cell: str, expected: str | None) -> None:
    head = "id,x,none_here\n"
    rows = made(tmp_path, f"{ORDERS}     status: {spec}\n", "a.csv", f'{head}7,"{cell}",\n')
    assert [row["status"] for row in rows["orders"]] == [expected]


def test_seconds_are_added_across_a_change_of_clocks(tmp_path: Path) -> None:
    # New York, 2026-03-08: 01:59:50 EST is 06:59:50 UTC; 20 s later it is 03:00:10 EDT.
    text = (
        f"timezone: America/New_York\n{ORDERS}     created_at: {{column: x, plus_seconds: '20'}}\n"
    )
    rows = made(tmp_path, text, "a.csv", "id,x\n7,2026-03-08 01:59:50\n")
    assert rows["orders"][0]["created_at"] == "2026-03-08 07:00:10+00:00"


def test_a_reply_is_filled_in_by_time_and_not_by_place(tmp_path: Path) -> None:
    text = """
tables:
  - table: messages
    columns:
      conversation_id: c
      buyer_id: {const: b}
      sent_at: t
      sender: who
      agent_id: {column: name, when: {column: who, equals: agent}, fill: next_in_conversation}
"""
    content = (
        "c,t,who,name\n"
        "1,2026-03-02 09:03:00,agent,B\n"
        "1,2026-03-02 09:00:00,buyer,\n"
        "2,2026-03-02 09:00:30,buyer,\n"
        "1,2026-03-02 09:01:00,agent,A\n"
        "1,2026-03-02 09:02:00,buyer,\n"
        "1,2026-03-02 09:04:00,buyer,\n"
    )
    rows = made(tmp_path, text, "a.csv", content)["messages"]
    assert [row["agent_id"] for row in rows] == ["B", "A", None, "A", "B", "B"]


def test_nested_records_with_two_parents(tmp_path: Path) -> None:
    text = """
records: data.orders
tables:
  - table: order_items
    records: parcels.goods
    columns:
      order_id: ../../tid
      sub_order_id: {template: "{../no}-{@index}"}
      product_id: item.id
  - table: orders
    columns: {order_id: tid, created_at: created}
"""
    goods = [{"item": {"id": 12345678901234567890}}, {"item": {"id": 2}}]
    orders = [{"tid": 7, "created": "2026-03-02 09:00", "parcels": [{"no": "p", "goods": goods}]}]
    rows = made(tmp_path, text, "a.json", json.dumps({"data": {"orders": orders}}))
    assert rows["order_items"] == [
        {
            "order_id": "7",
            "sub_order_id": "p-1",
            "product_id": "12345678901234567890",
            "source_row": 1,
        },
        {"order_id": "7", "sub_order_id": "p-2", "product_id": "2", "source_row": 1},
    ]
    assert [row["order_id"] for row in rows["orders"]] == ["7"]


def test_workbooks_below_lead_rows_and_parquet(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(f"sheet: 数据\n{ORDERS}     status: 状态（新）\n", "utf-8")
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet("封面").write_row(0, 0, ["id", "状态(新)"])
        sheet = book.add_worksheet("数据")
        sheet.write_row(2, 0, ["id", "状态(新)"])
        sheet.write_row(3, 0, [7, "完成"])
    rows, _, _ = read(tmp_path / "m.yaml", tmp_path / "a.xlsx")
    assert rows["orders"] == [{"order_id": "7", "status": "完成", "source_row": 4}]
    (tmp_path / "m.yaml").write_text(f"{ORDERS}     status: s\n", "utf-8")
    pq.write_table(pa.table({"id": [7, 8], "s": ["a", None]}), tmp_path / "b.parquet")
    rows, _, _ = read(tmp_path / "m.yaml", tmp_path / "b.parquet")
    assert [row["order_id"] for row in rows["orders"]] == ["7", "8"]


def test_words_of_people_are_kept_as_they_are(tmp_path: Path) -> None:
    text = (
        "tables:\n - table: messages\n   columns: {buyer_id: b, sent_at: t, sender: s, text: x}\n"
    )
    rows = made(tmp_path, text, "a.csv", "b,t,s,x\n '1,2026-03-02,buyer, - \n-,2026-03-02,buyer,\n")
    assert [(row["buyer_id"], row["text"]) for row in rows["messages"]] == [
        ("1", " - "),
        (None, None),
    ]


def test_bad_rows_become_rejects_and_idle_rules_are_noted(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        f"{ORDERS} - table: agents\n   when: {{column: id, equals: '99'}}\n"
        "   columns: {agent_id: id}\n",
        "utf-8",
    )
    (tmp_path / "a.csv").write_text("id,x\n7,1\n8\n9,1,2\n", "utf-8")
    rows, rejects, notes = read(tmp_path / "m.yaml", tmp_path / "a.csv")
    assert [row["order_id"] for row in rows["orders"]] == ["7"]
    assert [(reject.source_row, reject.raw) for reject in rejects] == [(3, "8"), (4, "9,1,2")]
    assert [note.text_en for note in notes] == ["rule 2 (agents) made no row"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tables: [{table: ordres, columns: {order_id: a}}]", "'orders'"),
        ("tables: [{table: orders, columns: {order_idd: a}}]", "'order_id'"),
        ("tables: [{table: orders, colums: {order_id: a}}]", r"tables\.0\.colums.*'columns'"),
        ("tables: [{table: orders, columns: {order_id: {colum: a}}}]", "'column'"),
        ("tables: [{table: orders}]", r"tables\.0\.columns.*needed"),
        ("table: []", "'tables'"),
        ("tables: [{table: orders, columns: {order_id: {const: a, column: b}}}]", "exactly one"),
        ("tables: [{table: orders, when: {column: a}, columns: {order_id: a}}]", "condition"),
        ("timezone: Asia/Shanghia\n" + ORDERS, "'Asia/Shanghai'"),
        (ORDERS + "     order_id: again\n", "given twice"),
        ("tables: [", "not YAML"),
        ("- a", "starts with"),
        ("tables: [{table: messages, columns: {agent_id: {column: a, fill: x}}}]", "fill"),
    ],
)
def test_errors_name_the_file_the_key_and_the_nearest_name(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=words) as caught:
        mapping.load(path)
    assert str(caught.value).startswith("shop.yaml: ")


def test_a_column_that_is_not_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(f"{ORDERS}     status: stat\n", "utf-8")
    (tmp_path / "a.csv").write_text("id,state\n1,x\n", "utf-8")
    with pytest.raises(UnreadableFile, match=r"m\.yaml reads the column 'stat'.*'state'"):
        read(tmp_path / "m.yaml", tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("just words\n", "utf-8")
    with pytest.raises(UnreadableFile, match="There are: just words"):
        read(tmp_path / "m.yaml", tmp_path / "a.csv")
    (tmp_path / "a.json").write_text('{"other": 1}', "utf-8")
    with pytest.raises(UnknownFormat):
        read(tmp_path / "m.yaml", tmp_path / "a.json")


LINES = """No,Cust,Day,Price,Qty
1,c1,2026-03-02 09:00:00,0.065,3
1,c1,2026-03-02 09:00:00,1.10,2
2,c2,2026-03-02 10:00:00,9.99,1
3,c3,2026-03-02 11:00:00,,1
4,c4,2026-03-02 12:00:00,cheap,1
2,c2,2026-03-02 10:05:00,0.01,1
"""


def test_prices_are_multiplied_and_lines_added_up(tmp_path: Path) -> None:
    rule = """
tables:
  - table: orders
    columns:
      order_id: No
      buyer_id: Cust
      created_at: Day
      paid_amount: {product: [Price, Qty], total: true}
      item_count: {column: Qty, total: true}
  - table: order_items
    columns:
      order_id: No
      sub_order_id: {template: "{No}-{@row}"}
      quantity: Qty
      amount: {product: [Price, Qty, "2"]}
"""
    rows = made(tmp_path, rule, "lines.csv", LINES)
    orders = {row["order_id"]: row for row in rows["orders"]}
    # 0.195 + 2.20 = 2.395, rounded once; two whole sums; nothing; what cannot be multiplied stays.
    assert {key: row["paid_amount"] for key, row in orders.items()} == {
        "1": "2.40", "2": "10", "3": None, "4": "cheap * 1",
    }  # fmt: skip
    assert (orders["1"]["item_count"], orders["2"]["created_at"]) == ("5", "2026-03-02 10:05:00")
    # 0.39, exactly to the cent; 4.40; 19.98; empty; unreadable; 0.02
    amounts = [row["amount"] for row in rows["order_items"]]
    assert amounts == ["0.39", "4.40", "19.98", None, "cheap * 1 * 2", "0.02"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{product: [Price]}", "product"),
        ("{product: [Price, Qty], column: Qty}", "exactly one"),
        ("{product: [Price, Quantiy]}", "Quantiy"),
        ("{product: [Price, Qty], totals: true}", "total"),
    ],
)
def test_products_that_do_not_hold(tmp_path: Path, value: str, words: str) -> None:
    rule = f"tables: [{{table: orders, columns: {{order_id: No, paid_amount: {value}}}}}]"
    with pytest.raises((UsageError, UnreadableFile), match=words):
        made(tmp_path, rule, "lines.csv", LINES)


def test_only_numbers_that_add_up_are_totals(tmp_path: Path) -> None:
    rule = "tables: [{table: orders, columns: {order_id: {column: No, total: true}}}]"
    with pytest.raises(UsageError, match="paid_amount"):
        made(tmp_path, rule, "lines.csv", LINES)
