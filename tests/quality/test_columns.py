"""Judging column by column finds exactly what judging session by session finds."""

from __future__ import annotations

import datetime
import json
import random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.quality import inspector
from jinpai.quality.checks import CHECKS
from jinpai.quality.columns.checks import COLUMNAR, RARE
from jinpai.quality.columns.sheet import Sheet
from jinpai.quality.columns.walk import walk
from jinpai.quality.inspector import INSPECTED, Inspector
from jinpai.quality.lines import sessions_in
from jinpai.quality.rule import shipped_rules
from jinpai.quality.sequence import compile_sequence
from jinpai.quality.session import Session

from .one_by_one import rows_one_by_one

LINES = pa.schema(
    [
        ("shop_id", pa.string()),
        ("buyer_id", pa.string()),
        ("agent_key", pa.string()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("day", pa.date32()),
        ("session_no", pa.int64()),
        ("agent_role", pa.string()),
        ("as_of_us", pa.int64()),
        ("role", pa.string()),
        ("at_us", pa.int64()),
        ("place", pa.int64()),
        ("line_id", pa.string()),
        ("kind", pa.string()),
        ("text", pa.string()),
        ("product_id", pa.string()),
        ("category", pa.string()),
        ("attributes", pa.string()),
        ("paid_us", pa.int64()),
        ("closed_us", pa.int64()),
    ]
)
# Own rules that use all the little languages have, beside the shipped ones.
RULES = """
no_greeting: {shadow: true}
insult: {shadow: true}
early_and_late:
  zh: 甲
  en: A
  group: merit
  points: 1.25
  when:
    any:
      - {act: agent.greeting, first: 2, count: 2}
      - {act: agent.closing, last: 3}
      - {act: buyer.thanks, after: agent.recommend_also, within: 30.5}
      - {check: nagging}
  settings: {ratio: 2}
  reason_zh: '{count}次 {agent}对{buyer} {ratio}'
  reason_en: '{count} {agent} {buyer} {ratio}'
  breaks: [B 在吗, A 您好, A 您好]
  keeps: [B 在吗]
both:
  zh: 乙
  en: B
  group: wording
  points: 3
  when:
    all:
      - {act: buyer.greeting}
      - {sequence: '^ B (A | R){1,3} !agent.closing+ $'}
      - not: {any: [{act: agent.insult}, {check: recalled}, {check: slow_round}]}
      - {check: first_response}
  settings: {seconds: 4}
  reason_zh: '{wait} {count}'
  reason_en: '{wait} {count} {order}'
  breaks: [B 在吗, B 在吗, A 嗯]
  keeps: [B 在吗]
mixed:
  zh: 丙
  en: C
  group: timing
  points: 2
  roles: [aftersale]
  when:
    any:
      - {all: [{check: repeated_phrase}, {not: {check: silent_watch}}]}
      - {all: [{act: agent.apology}, {check: unlike_product}]}
      - {sequence: '(B A)* R? $'}
  settings: {times: 2, seconds: 60}
  reason_zh: '{count} {minutes}'
  reason_en: '{count} {minutes}'
  breaks: [B 在吗]
  keeps: [B 在吗]
ignored: {settings: {seconds: 8.5}}
one_word: {settings: {characters: 2}}
"""


def phrases() -> list[str]:
    """Return what the shipped rules' conversations say, and what is hard to read."""
    said = {
        line.split(" ", 1)[1]
        for rule in shipped_rules()
        for line in (*rule.breaks, *rule.keeps)
        if line[0] in "BA" and " " in line
    }
    odd = [
        "",
        "😊",
        "[微笑]",
        " 嗯 ",
        "。",
        "谢\u200b谢",
        "您好" + "啊" * 21_000,
        "加\u202e微信",
        "你撤回了一条消息",
        "\u3000\x1c客服撤回了一条消息\xa0",
        "Me\u017f\u017fage was RECALLED\n",
        " 好的呢 ",
        "好的呢",
        "#E-s01",
    ]
    return [*sorted(said), *odd]


def lines(seed: int, buyers: int) -> pa.Table:
    """Return session lines of some buyers, made at random."""
    rng = random.Random(seed)
    said = phrases()
    found = list[dict[str, Any]]()
    for buyer in range(buyers):
        shop = f"s{buyer * 2 // max(buyers, 1)}"
        same = {"shop_id": shop, "buyer_id": f"b{buyer:05}", "as_of_us": 10_000_000_000}
        for number in range(rng.randrange(3)):
            at = rng.randrange(3_000) * 1_000_000
            paid = at + rng.choice([30, 59, 60, 61, 900, 5000]) * 1_000_000
            order = {"agent_key": "", "start_us": -1, "end_us": -1, "role": "order", "at_us": at}
            times = {
                "paid_us": rng.choice([None, paid]),
                "closed_us": rng.choice([None, None, paid]),
            }
            found.append(same | order | times | {"place": 0, "line_id": f"o{buyer}-{number}"})
        for number in range(1, rng.randrange(1, 4) + 1):
            found += session(rng, same, f"{buyer}-{number}", said)
    order = ("shop_id", "buyer_id", "start_us", "agent_key", "at_us", "place", "line_id")
    found.sort(key=lambda row: tuple(row[name] for name in order))
    return pa.Table.from_pylist(found, LINES)


def session(
    rng: random.Random, same: dict[str, Any], name: str, said: list[str]
) -> list[dict[str, Any]]:
    start = rng.randrange(3_000_000) * 1_000
    at, rows, shy = start, list[dict[str, Any]](), rng.random() < 0.1
    window = 0.6 if rng.random() < 0.2 else 0.05
    for place in range(rng.choice([1, 2, 3, 5, 8, 13, 40])):
        role = rng.choices(["buyer", "agent", "robot"], [1 if shy else 5, 12 if shy else 5, 1])[0]
        shows = rng.random() < window
        line = {
            "role": role,
            "at_us": at,
            "place": place,
            "line_id": f"m{name}-{place}",
            "kind": rng.choices(["text", "emoji", "link", None], [20, 1, 1, 1])[0],
            "text": None if rng.random() < 0.02 else rng.choice(said),
            "product_id": f"p{rng.randrange(4)}" if shows else None,
            "category": rng.choice(["裙子", "杯子", None]) if shows else None,
            "attributes": rng.choice([json.dumps({"材质": "棉"}), "{}", None]) if shows else None,
        }
        rows.append(line)
        if rng.random() < 0.05:
            rows.append(
                {"role": "transfer", "at_us": at, "place": 1 << 60, "line_id": f"t{name}-{place}"}
            )
        at += rng.choice([0, 1, 4000, 4001, 8500, 20_000, 20_001, 130_000, 7777]) * 1000
    of_session = {
        "agent_key": rng.choice(["", "甲", "乙/1"]),
        "start_us": start,
        "end_us": at,
        "day": datetime.date(2026, 3, rng.randrange(1, 28)),
        "session_no": 1,
        "agent_role": rng.choice(["presale", "aftersale", "both", None]),
    }
    return [same | of_session | row for row in rows]


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("session_id", "rule", "product_id")
    return sorted(rows, key=lambda row: tuple(row[name] or "" for name in names))


def by_columns(inspector: Inspector, batches: list[pa.RecordBatch]) -> list[dict[str, Any]]:
    return in_order(pa.Table.from_batches(inspector(batches), INSPECTED).to_pylist())


def one_by_one(inspector: Inspector, batches: list[pa.RecordBatch]) -> list[dict[str, Any]]:
    rows = rows_one_by_one(inspector, batches)
    return in_order(pa.Table.from_pylist(rows, INSPECTED).to_pylist())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    root = tmp_path_factory.mktemp("own")
    (root / "rules.yaml").write_text(RULES, "utf-8")
    return Inspector(root)


@pytest.mark.parametrize("seed", range(2))
def test_random_sessions(own: Inspector, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspector, "_FEWEST", 50)  # that there are several tables
    made = lines(seed, 50).to_batches(max_chunksize=97)
    expected = one_by_one(own, made)
    assert by_columns(own, made) == expected
    overruled = frozenset(row["finding_id"] for row in expected[::7] if row["finding_id"])
    softer = Inspector(own.root, overruled)
    assert by_columns(softer, made) == one_by_one(softer, made)


def test_sessions_without_words(own: Inspector) -> None:
    made = lines(3, 40)
    is_even = pa.array([hash(row) % 2 == 0 for row in made["start_us"].to_pylist()])
    gone = pc.if_else(is_even, pa.scalar(None, pa.string()), made["text"])
    made = made.set_column(made.column_names.index("text"), made.field("text"), gone)
    found = by_columns(own, made.to_batches())
    assert found == one_by_one(own, made.to_batches())
    assert len({row["session_id"] for row in found if row["rule"]}) > 10


def test_every_rule_was_tried(own: Inspector) -> None:
    made = lines(0, 400).to_batches()
    found = {row["rule"] for row in by_columns(own, made)}
    assert {rule.code for rule in own.book.rules} <= found


def test_every_check_has_its_columns() -> None:
    assert CHECKS.keys() == COLUMNAR.keys() | RARE.keys()
    assert not COLUMNAR.keys() & RARE.keys()


def test_nothing_comes_of_nothing(own: Inspector) -> None:
    assert list(own([])) == []
    assert list(own(lines(1, 0).to_batches())) == []


SYMBOL = st.sampled_from(
    ["A", "B", "R", ".", "!A", "agent.greeting", "buyer.thanks", "!buyer.thanks", "ask_why"]
)
SEQUENCE = st.recursive(
    SYMBOL,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda ways: f"({' | '.join(ways)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def sheet(own: Inspector) -> Sheet:
    return Sheet(lines(5, 60), own.book.scanner)


@pytest.fixture(scope="module")
def alone(own: Inspector, sheet: Sheet) -> list[Session]:
    of_buyers = sessions_in(sheet.lines.to_batches(), own.book.scanner)
    return [session for of_buyer in of_buyers for _, session in of_buyer]


@settings(max_examples=60, deadline=None)
@given(SEQUENCE, st.booleans(), st.booleans())
def test_random_sequences(
    own: Inspector, sheet: Sheet, alone: list[Session], text: str, at_start: bool, at_end: bool
) -> None:
    written = f"{'^' * at_start} {text} {'$' * at_end}"
    pattern = compile_sequence(written, {act.name for act in own.book.acts})
    held, starts, ends = walk(pattern, sheet, sheet.human >= 0)
    for place, one in enumerate(alone):
        expected = pattern.find(one.messages)
        assert bool(held[place]) == (expected is not None)
        if expected is not None:
            begins = sheet.starts[place]
            assert (starts[place] - begins, ends[place] - begins) == expected
