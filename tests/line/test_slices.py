"""A run made for a slice of the buyers at a time gives the same rows as one made at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jinpai import quality
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import EngineError, KeyClash, LacksMemory
from jinpai.quality.inspector import Inspector
from jinpai.refresh import job, plan, slices
from jinpai.refresh.report import RunReport
from jinpai.tables.contents import contents
from jinpai.tables.lake import Lake
from jinpai.tables.load import import_batches
from jinpai.workspace_config import ShopEntry
from reference.model import Shop
from reference.shops import random_shop

from .sequences import Setup, load, run, zones


def loaded(place: Path, *shops: Shop) -> Setup:
    """Return a workspace with the shops' tables and settings, whose sessions are inspected."""
    setup = Setup(place)
    for shop in shops:
        setup.shops[shop.shop_id] = ShopEntry(shop.shop_id, "s", "taobao", shop.timezone)
        setup.values[shop.shop_id] = dict(shop.settings)
    import_batches(Lake(place), [zones(shops)], shop_id=shops[0].shop_id, timezone="Asia/Shanghai")
    load(setup, {shop.shop_id: shop.tables for shop in shops})
    return setup


def left(setup: Setup) -> dict[str, str]:
    """Return what the tables of the last run hold."""
    return contents(Lake(setup.root).snapshot())


def made_at_once(place: Path, seed: int) -> tuple[Setup, dict[str, str]]:
    """Return a workspace that was run at once, and what that left."""
    setup = loaded(place, random_shop(Random(seed)))
    run(setup, full=True)
    return setup, left(setup)


def in_slices(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(job, "slices_for", lambda messages, memory: count)


def same_in_slices(
    setup: Setup, count: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[RunReport, RunReport]:
    """Run at once and in slices, which must leave the same tables; return both reports."""
    whole = run(setup, full=True)
    at_once = left(setup)
    in_slices(monkeypatch, count)
    sliced = run(setup, full=True)
    assert left(setup) == at_once
    return whole, sliced


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [2, 7])
def test_a_run_in_slices_is_the_same_run(
    seed: int, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(seed)
    shops = [replace(random_shop(rng), shop_id=f"s{number}") for number in range(1 + seed % 3)]
    whole, sliced = same_in_slices(loaded(tmp_path, *shops), count, monkeypatch)
    assert sum(whole.rows.values()) > 0
    assert (sliced.rows, sliced.checks) == (whole.rows, whole.checks)
    assert "store visible_messages" in sliced.seconds.keys() - whole.seconds.keys()


@pytest.mark.parametrize("seqs", [1, 2])
def test_messages_that_only_their_ids_place(
    seqs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids are not sorted into slices where each message has a seq; those that tie are read anew."""
    shop = random_shop(Random(8))
    shop.tables["messages"] = [
        {**one, "seq": number % seqs} for number, one in enumerate(shop.rows("messages"))
    ]
    same_in_slices(loaded(tmp_path, shop), 3, monkeypatch)


def test_a_shop_without_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = random_shop(Random(9))
    shop.tables["messages"] = []
    same_in_slices(loaded(tmp_path, shop), 3, monkeypatch)


def test_sessions_in_force_are_judged_in_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other rules need no other sessions: those of the last run are judged, each once."""
    setup = loaded(tmp_path, random_shop(Random(1)))
    run(setup, full=True)
    before = left(setup)
    monkeypatch.setattr(Inspector, "book_id", "another")
    in_slices(monkeypatch, 3)
    monkeypatch.setattr(plan, "_MOST", -1)
    judged = run(setup)
    assert judged.mode == "full"
    assert set(judged.changed) == set(quality.RESULTS)
    assert left(setup) == before


def test_what_lacks_memory_is_tried_in_more_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup, at_once = made_at_once(tmp_path, 2)
    careful, tried = DuckEngine.careful, list[str]()

    def short(self: DuckEngine, name: str, sql: str, act: Any) -> Any:
        if name == "stretches":
            tried.append(name)
            if len(tried) in (1, 3):  # the first time, and in the second slice of four
                raise LacksMemory(name, sql, "no room")
        return careful(self, name, sql, act)

    monkeypatch.setattr(DuckEngine, "careful", short)
    run(setup, full=True)
    assert len(tried) == 1 + 2 + 16
    assert left(setup) == at_once


def test_memory_that_never_suffices_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup, at_once = made_at_once(tmp_path, 3)

    def never(self: DuckEngine, name: str, sql: str, act: Any) -> Any:
        raise LacksMemory(name, sql, "no room")

    monkeypatch.setattr(DuckEngine, "careful", never)
    with pytest.raises(LacksMemory, match="no room"):
        run(setup, full=True)
    assert left(setup) == at_once


def test_two_things_that_share_a_key_in_a_slice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another salt tells them apart; where none does, nothing is published."""
    setup, at_once = made_at_once(tmp_path, 4)
    in_slices(monkeypatch, 2)
    shared = "select 'thread' as kind from run_shops where salt in ('', '1')"
    monkeypatch.setattr(slices, "key_clashes", lambda: shared)
    run(setup, full=True)
    assert left(setup) == at_once
    monkeypatch.setattr(slices, "key_clashes", lambda: "select 'thread' as kind from run_shops")
    with pytest.raises(KeyClash):
        run(setup, full=True)


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = loaded(tmp_path, random_shop(Random(5)))
    in_slices(monkeypatch, 3)
    told = list[tuple[str, float]]()
    run(setup, full=True, on_step=lambda name, at, of: told.append((name, at / of)))
    names, shares = [name for name, _ in told], [share for _, share in told]
    assert names.index("store visible_messages") < names.index("stretches")
    assert names.count("stretches") == 3
    assert names[-1] == "check"
    assert shares[0] == 0
    assert 0.75 < shares[-1] < 1
    assert shares == sorted(shares)


def test_memory_decides_how_many() -> None:
    with DuckEngine(memory_limit="1GB") as engine:
        assert engine.memory_bytes == pytest.approx(1e9, rel=0.06)
        with engine.limited_to(0.5):
            assert engine.memory_bytes == pytest.approx(5e8, rel=0.06)
        assert engine.memory_bytes == pytest.approx(1e9, rel=0.06)
    assert [slices.slices_for(rows, 1 << 30) for rows in (0, 11_900_000, 12_000_000)] == [1, 1, 3]
    assert slices.slices_for(10**12, 1 << 20) == slices.MOST_SLICES


def test_what_the_engine_lacks_is_told_from_other_faults() -> None:
    with DuckEngine(threads=1, memory_limit="20MB") as engine:
        with pytest.raises(LacksMemory):
            engine.hold("much", "select list(range) as l from range(90000000)")
        with pytest.raises(EngineError, match="nowhere") as told:
            engine.hold("lost", "select nowhere from range(3)")
        assert not isinstance(told.value, LacksMemory)
