"""What a run computes again, and what it leaves alone: settings, one shop, kills, maintenance."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jinpai.errors import UnknownName, WorkspaceError
from jinpai.refresh import job, layout, plan
from jinpai.refresh.ground import Ground
from jinpai.run import RESULTS
from jinpai.tables.lake import Lake
from jinpai.tables.schema import TABLES
from reference.shops import CHOICES
from reference.time import Calendar

from .sequences import Setup, Story, delete_rows, digest, load, run
from .test_incremental import fresh, same_as_full

ORDERS = {"judged_orders", "reception_links"}
JUDGED = {"findings", "session_scores", "session_products"}
CHATS = {"sessions", "rounds", "receptions", *JUDGED}
# By the definitions: what a setting has a part in. (A session decides who wins an order, a filter
# which sessions may; the kind of a reception decides which orders it is linked with.)
DEPENDS: dict[str, set[str]] = {
    "business_day_start": {*CHATS, *ORDERS, "online_days", "sale_lines"},  # lie in weeks of days
    "session_gap": {*CHATS, *ORDERS},
    "excluded_flags": {"receptions", "sale_lines", *ORDERS, *JUDGED},
    "auto_reply_texts": {*CHATS, *ORDERS},
    "auto_reply_prefixes": {*CHATS, *ORDERS},
    "internal_accounts": {*CHATS, *ORDERS},
    "excluded_buyers": {*CHATS, *ORDERS},
    "ad_phrases": {*CHATS, *ORDERS},
    "ad_max_messages": {*CHATS, *ORDERS},
    "one_sentence": {*CHATS, *ORDERS},
    "one_sentence_max": {*CHATS, *ORDERS},
    "inquiry_days": {"receptions", "reception_links"},
    "aftersale_days": {"receptions", "reception_links"},
    "followup_window": {"receptions", "reception_links"},
    "two_sided": ORDERS,
    "order_window": ORDERS,
    "judge_rule": set(),
    "repurchase_days": set(),
    "payment_days": {"judged_orders", "reception_links"},
    "duty_hours": {"rounds"},
    "platform_from": {"rounds"},
    "platform_to": {"rounds"},
    "slow_times": {"receptions"},
    "slow_seconds": {"receptions"},
}


def loaded(root: Path, seed: int, shops: int) -> tuple[Setup, list[Story]]:
    setup, stories = fresh(root, Random(seed), shops)
    for step in range(len(stories[0].parts)):
        load(setup, {story.shop.shop_id: story.rows(step) for story in stories})
    return setup, stories


def versions(setup: Setup) -> dict[str, int]:
    return {name: Lake(setup.root).snapshot().versions[name] for name in RESULTS}


def test_a_setting_makes_again_what_depends_on_it_and_nothing_else(tmp_path: Path) -> None:
    setup, _ = loaded(tmp_path / "w", 5, 3)
    setup.values["s1"].clear()
    run(setup)  # settings stay once they are set, so that each run has one change
    assert set(DEPENDS) == set(CHOICES)
    for name, depends in DEPENDS.items():
        before = versions(setup)
        setup.values["s1"][name] = CHOICES[name][-1]
        report = run(setup)
        made = {table for table, at in versions(setup).items() if at != before[table]}
        assert made <= depends, name
        planned = set(report.changed) if report.mode == "full" else made
        assert planned <= depends, name
        assert report.mode == ("partial" if depends else "nothing"), name
    same_as_full(setup, tmp_path / "full")


def test_one_shop_alone(tmp_path: Path) -> None:
    setup, stories = fresh(tmp_path / "w", Random(2), 3)
    load(setup, {story.shop.shop_id: story.rows(0) for story in stories})
    run(setup)
    other = digest(setup, "s0")
    for step in (1, 2, 3):
        load(setup, {story.shop.shop_id: story.rows(step) for story in stories})
    report = run(setup, shop_id="s1")
    assert report.mode == "partial"
    assert digest(setup, "s0") == other
    behind = {shop.shop_id for shop in report.shops if shop.versions}
    assert behind == {"s0", "s2"}
    alone = digest(setup, "s1")
    run(setup)
    assert digest(setup, "s1") == alone
    assert digest(setup, "s0") != other
    same_as_full(setup, tmp_path / "full")
    with pytest.raises(UnknownName, match="s9"):
        run(setup, shop_id="s9")


def test_the_first_run_may_be_of_one_shop(tmp_path: Path) -> None:
    setup, _ = loaded(tmp_path / "w", 3, 2)
    assert [shop.shop_id for shop in run(setup, shop_id="s1").shops] == ["s1"]
    assert [shop.shop_id for shop in run(setup).shops] == ["s0", "s1"]
    same_as_full(setup, tmp_path / "full")


def test_the_manifest_says_what_was_done(tmp_path: Path) -> None:
    setup, stories = fresh(tmp_path / "w", Random(11), 8)
    load(setup, {story.shop.shop_id: story.rows(0) for story in stories})
    assert run(setup).why[0].en == "this is the first run"
    load(setup, {"s0": stories[0].rows(1)})
    run(setup)
    snapshot = Lake(setup.root).snapshot()
    meta = snapshot.run or {}
    assert meta["mode"] == "partial"
    assert meta["versions"] == {n: at for n, at in snapshot.versions.items() if n in TABLES}
    messages = next(one for one in meta["changes"] if one["table"] == "messages")
    assert messages["why"] == "loaded"
    assert messages["rows"] > 0
    assert set(meta["checks"].values()) == {0}
    assert {"shop_equals_agents_silent_excluded", "all_sales_judged"} <= set(meta["checks"])
    for facts in meta["changed"].values():
        assert facts["added"] + facts["removed"] > 0
        assert facts["buckets"]
    assert meta["seconds"]["merge"] > 0


def test_old_weeks_keep_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of chats far after the rest touches no file of the weeks before."""
    monkeypatch.setattr(layout, "_OWN_WEEKS", 0)
    setup, stories = fresh(tmp_path / "w", Random(8), 2)
    for step in range(len(stories[0].parts)):
        for story in stories:  # what may have an end that lies later
            for table in ("refunds", "online_sessions"):
                story.parts[step].pop(table, None)
        load(setup, {story.shop.shop_id: story.rows(step) for story in stories})
    run(setup)
    before = {name: set(Lake(setup.root).snapshot().files(name)) for name in RESULTS}
    noon = Calendar(stories[0].shop.timezone, "00:00").day_start(stories[0].shop_day(1000))
    chat = [
        {"message_id": f"new{n}", "buyer_id": "someone new", "agent_id": "a1", "seq": n,
         "sent_at": noon + n * 1_000_000, "sender": ("buyer", "agent")[n % 2],
         "text": ("有货吗", "有货")[n % 2]}
        for n in range(4)
    ]  # fmt: skip
    load(setup, {"s0": {"messages": chat}})
    report = run(setup)
    assert report.mode == "partial"
    assert report.touched["buyer"] == 1
    after = {name: set(Lake(setup.root).snapshot().files(name)) for name in RESULTS}
    # None of these messages shows a product.
    changed = CHATS - {"session_products"}
    assert {name for name in RESULTS if before[name] != after[name]} == changed
    assert [name for name in RESULTS if not before[name] <= after[name]] == []
    same_as_full(setup, tmp_path / "full")


def test_another_run_came_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup, stories = fresh(tmp_path / "w", Random(4), 8)
    load(setup, {story.shop.shop_id: story.rows(0) for story in stories})
    run(setup)
    load(setup, {"s1": stories[1].rows(1)})
    real = job.patch

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(job, "patch", real)
        run(setup)
        return real(*arguments)

    monkeypatch.setattr(job, "patch", slow)
    with pytest.raises(WorkspaceError, match="run it again"):
        run(setup)
    same_as_full(setup, tmp_path / "full")


def run_once(setup: Setup, ready: Any) -> None:
    """In a process of its own."""
    ready.send("go")
    run(setup)


def test_killed_at_any_moment(tmp_path: Path) -> None:
    setup, stories = fresh(tmp_path / "w", Random(6), 3)
    load(setup, {story.shop.shop_id: story.rows(0) for story in stories})
    run(setup)
    rng, context = Random(1), multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jinpai.run", "line.sequences"])
    span, seen = 1.0, set[bool]()
    for turn in range(8):
        before = digest(setup)
        if turn < 3:
            load(setup, {story.shop.shop_id: story.rows(turn + 1) for story in stories})
        else:
            delete_rows(setup, rng)
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=run_once, args=(setup, there))
        process.start()
        assert here.recv() == "go"
        began = time.monotonic()
        if turn:
            process.join(rng.uniform(0, 1.1) * span)
            process.kill()
        process.join()
        span = span if turn else time.monotonic() - began
        after = digest(setup)
        seen.add(after == before)
        run(setup)
        final = digest(setup)
        assert after in (before, final)
    same_as_full(setup, tmp_path / "full")
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("seqs", "read"), [(1000, [False]), (1, [False, True]), (None, [True])], ids=str
)
def test_ids_are_read_where_messages_tie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seqs: int | None, read: list[bool]
) -> None:
    """Nobody else asks for them where sessions are not inspected."""
    setup, (story,) = fresh(tmp_path / "w", Random(8), 1)
    setup.values["s0"].clear()
    setup.values["s0"]["inspect"] = False
    for number, row in enumerate(row for part in story.parts for row in part["messages"]):
        row["seq"] = None if seqs is None else number % seqs
        row["sent_at"] -= row["sent_at"] % 60_000_000
    load(setup, {"s0": story.rows(0)})
    run(setup)
    asked, put = list[bool](), Ground.put

    def watched(self: Ground, table: str, sql: str) -> None:
        if table == "messages":
            asked.append("r.message_id" in sql)
        put(self, table, sql)

    monkeypatch.setattr(Ground, "put", watched)
    monkeypatch.setattr(plan, "_MOST", 1)
    load(setup, {"s0": story.rows(1)})
    assert run(setup).mode == "partial"
    assert asked == read
    same_as_full(setup, tmp_path / "full")
