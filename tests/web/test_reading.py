"""What pages remember is what was asked, and only as long as it is true."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import jinpai
from jinpai.quality import names
from jinpai.quality.names import RuleName
from jinpai.talk import SORTS, list_talks, message_files, read_talk
from jinpai.web.memory import Memory
from jinpai.web.preparing import Prepared, Preparer
from jinpai.web.reading import NotRun, Reader
from jinpai.web.warm import warm
from jinpai.workspace import scopes_of

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 12)


@pytest.fixture
def copy(shop: Path, tmp_path: Path) -> Path:
    """The shop again, to be changed."""
    ignored = shutil.ignore_patterns("store.db*", "cache", ".spill", "exports")
    return Path(shutil.copytree(shop, tmp_path / "shop", ignore=ignored))


@pytest.fixture
def reader(copy: Path) -> Iterator[Reader]:
    made = Reader(copy)
    yield made
    made.close()


def all_talks(reader: Reader) -> list[dict[str, object]]:
    with reader.talks(reader.default_shop()) as talks:
        engine, snapshot = talks.engine, talks.snapshot
        (scope,) = scopes_of(talks.shops, None, None)
        files = message_files(snapshot, talks.shops[0])
        listed = list_talks(engine, scope, listed=talks.listed, limit=60)
        return [
            read_talk(
                engine, talks.rows, snapshot, scope, files, row["buyer_id"], row["agent_id"],
                row["day"],
            )
            for row in listed
        ]  # fmt: skip


def test_sorted_files_give_the_same_conversations(reader: Reader) -> None:
    plain = all_talks(reader)
    reader.sort_talks()
    assert len(list((reader.root / "cache").glob("talk-*"))) == 6
    assert all_talks(reader) == plain
    assert any(talk["orders"] for talk in plain)


def test_lists_have_one_order_wherever_they_are_read(reader: Reader) -> None:
    def listed() -> list[list[tuple[object, ...]]]:
        with reader.talks(reader.default_shop()) as talks:
            (scope,) = scopes_of(talks.shops, FIRST, LAST)
            ways: list[dict[str, Any]] = [{"sort": way + key} for key in SORTS for way in ("", "-")]
            ways += [{"agents": ["demo:nobody"]}, {"buyer": "1", "offset": 7}]
            found = [list_talks(talks.engine, scope, listed=talks.listed, **one) for one in ways]
        keys = ("buyer_id", "agent_id", "session_no", "longest_us", "unanswered")
        return [[tuple(row[key] for key in keys) for row in rows] for rows in found]

    plain = listed()
    reader.sort_talks()
    assert listed() == plain
    assert len(plain[0]) == 50


def test_files_that_are_gone_or_damaged_are_done_without(reader: Reader) -> None:
    plain = all_talks(reader)
    reader.sort_talks()
    next((reader.root / "cache").glob("talk-*-list.duckdb")).unlink()
    assert all_talks(reader) == plain
    next((reader.root / "cache").glob("talk-*-rounds.parquet")).write_bytes(b"PAR1")
    again = Reader(reader.root)
    assert all_talks(again) == plain
    again.close()


def test_a_conversation_is_what_the_table_of_messages_holds(reader: Reader) -> None:
    talks = all_talks(reader)
    sql = """
        select count(*) as n from messages
        where buyer_id = $buyer and agent_id is not distinct from $agent and sender <> 'system'
            and sent_at between $first and $last
    """
    with reader.derived() as (engine, _, _):
        for talk in talks[:20]:
            times = [talk["sessions"][0]["started_at"], talk["sessions"][-1]["ended_at"]]  # type: ignore[index]
            values = {"buyer": talk["buyer_id"], "agent": talk["agent_id"]}
            values |= dict(zip(("first", "last"), (t.rstrip("Z") for t in times), strict=True))
            rows = engine.fetch("messages", sql, values)
            assert rows["n"][0].as_py() == len(talk["messages"])  # type: ignore[arg-type]


@pytest.mark.parametrize("by", [(), ("agent",), ("agent", "day"), ("product",), ("stage",)])
def test_figures_come_back_from_disk_as_they_were(reader: Reader, by: tuple[str, ...]) -> None:
    asked = reader.ask(by=by, first=FIRST, last=LAST)
    again = Reader(reader.root)
    found = again.ask(by=by, first=FIRST, last=LAST)
    plain = jinpai.open(reader.root).ask(by=by, first=FIRST, last=LAST)
    assert found.rows == asked.rows == plain.rows
    assert [type(row.value) for row in found.rows] == [type(row.value) for row in plain.rows]
    assert (found.grain, found.judge_rule, found.is_stale) == (plain.grain, plain.judge_rule, False)
    again.close()


def test_a_damaged_file_is_asked_again(reader: Reader) -> None:
    wanted = reader.ask(first=FIRST, last=LAST).rows
    for file in (reader.root / "cache").glob("*.arrow"):
        file.write_bytes(file.read_bytes()[:100])
    again = Reader(reader.root)
    assert again.ask(first=FIRST, last=LAST).rows == wanted
    again.close()


def test_another_run_and_other_settings_are_seen_at_once(reader: Reader, copy: Path) -> None:
    key, shop = reader.run_key, reader.default_shop()
    before = reader.ask(["rounds"], first=FIRST, last=LAST).rows[0].value
    assert not reader.is_stale(shop)
    writer = jinpai.open(copy)
    writer.config.set("session_gap", "60", shop)
    assert reader.is_stale(shop)
    assert reader.run_key == key
    jinpai.open(copy).run()
    assert reader.run_key != key
    assert not reader.is_stale(shop)
    assert reader.ask(["rounds"], first=FIRST, last=LAST).rows[0].value > before


def test_warming_asks_what_pages_ask(reader: Reader) -> None:
    warm(reader, reader.default_shop())
    asked = len(list((reader.root / "cache").glob("*.arrow")))
    warm(reader, reader.default_shop())
    assert len(list((reader.root / "cache").glob("*.arrow"))) == asked > 5


def test_a_preparer_asks_all_of_it_and_pages_ask_nothing_any_more(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparer = Preparer(reader.root, warm, 20)
    *held, prepared = preparer.answers(300.0)
    preparer.close()
    assert isinstance(prepared, Prepared)
    assert prepared.run_key == reader.run_key
    for one in held:
        assert isinstance(one, tuple)
        reader.memory.keep(*one)
    reader.take_over()
    monkeypatch.setattr(reader, "derived", None)  # nobody may ask an engine
    warm(reader, reader.default_shop())


def test_what_else_a_process_has_read_does_not_change_the_run(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preparer knows the rules of its workspace; this process may have opened others too."""
    key = reader.run_key
    monkeypatch.setitem(
        names._own, "of_another_shop", RuleName("of_another_shop", "别", "Else", False)
    )
    other = Reader(reader.root)
    assert other.run_key == key
    other.close()


def test_a_preparer_that_dies_says_no_more(reader: Reader) -> None:
    preparer = Preparer(reader.root, warm, 20)
    preparer.kill()
    assert list(preparer.answers(300.0)) == []
    preparer.close()


def test_pages_show_the_run_before_until_the_new_one_is_taken_over(
    reader: Reader, copy: Path
) -> None:
    reader.sort_talks()
    reader.take_over()
    key, talks = reader.run_key, all_talks(reader)
    reader.hands_over = True
    jinpai.open(copy).config.set("session_gap", "60", reader.default_shop())
    jinpai.open(copy).run()
    assert reader.run_key == key
    assert reader.published_key() != key
    assert all_talks(reader) == talks
    reader.take_over()
    assert reader.run_key == reader.published_key() != key
    assert all_talks(reader) != talks
    assert not list((reader.root / "cache").glob(f"talk-{key}-*"))


def test_before_the_first_run_it_says_so(tmp_path: Path) -> None:
    jinpai.init(tmp_path / "new", shop_id="s", name="N", platform="taobao")
    reader = Reader(tmp_path / "new")
    with pytest.raises(NotRun, match="jinpai run"):
        reader.shops()


def test_memory_keeps_to_its_size_and_forgets_the_least_used(tmp_path: Path) -> None:
    memory = Memory(tmp_path, limit=100)
    for name in "abc":
        memory.keep(name, name.upper(), 30)
    assert memory.found("a") == "A"
    memory.keep("d", "D", 40)
    assert [memory.found(name) for name in "abcd"] == ["A", None, "C", "D"]
    assert memory.bytes == 100
    memory.keep("d", "D", 10)
    assert memory.bytes == 70


def test_memory_asks_once(tmp_path: Path) -> None:
    memory, asked = Memory(tmp_path), []
    for _ in range(3):
        assert memory.kept("key", lambda: asked.append(1) or "answer") == "answer"
    assert asked == [1]
    with pytest.raises(ValueError, match="no"):
        memory.kept("other", lambda: int("no"))
    assert memory.kept("other", lambda: 5) == 5


def test_after_a_night_only_new_files_of_messages_are_copied(reader: Reader, copy: Path) -> None:
    def copies() -> dict[str, int]:
        found = (reader.root / "cache").glob("said-*")
        return {one.name: one.stat().st_mtime_ns for one in found}

    reader.sort_talks()
    reader.take_over()
    before = copies()
    assert before
    (copy / "new.csv").write_text(
        "message_id,sent_at,agent_id,buyer_id,sender,text\n"
        "n1,2026-05-02T10:00:00+08:00,晴川家居旗舰店:阿岚,n,buyer,在吗\n",
        "utf-8",
    )
    jinpai.open(copy).import_files([copy / "new.csv"])
    jinpai.open(copy).run()
    reader.sort_talks()
    reader.take_over()
    after = copies()
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()
