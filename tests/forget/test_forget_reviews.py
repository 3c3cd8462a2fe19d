"""What people decided about a forgotten buyer's findings goes on counting."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import jinpai.forget.erase as erase
from jinpai.forget.erase import Forgotten, forget_buyer
from jinpai.review import open_desk
from jinpai.store import open_store
from jinpai.store.events import Event
from jinpai.store.reviews import Case
from jinpai.workspace import Workspace, init

AGENT, BUYER = "店:小美", "tb_lihong88"
# The first answer takes 21 s, one more than `ignored` allows (8 points), the second 150 s, 30 more
# than `slow_answer` does (4 points); in the other talk the answer takes 8 s.
MESSAGES = f"""conversation_id,buyer_id,agent_id,sent_at,sender,text
c1,{BUYER},{AGENT},2026-03-02 10:00:00,buyer,这件衣服有L码吗
c1,{BUYER},{AGENT},2026-03-02 10:00:21,agent,您好，有的亲，您拍这款就好
c1,{BUYER},{AGENT},2026-03-02 10:01:00,buyer,谢谢，什么时候发货
c1,{BUYER},{AGENT},2026-03-02 10:03:30,agent,今天就发，还有什么可以帮您的吗
c2,wangwei_77,{AGENT},2026-03-02 11:00:00,buyer,在吗
c2,wangwei_77,{AGENT},2026-03-02 11:00:08,agent,您好，在的
"""
Found = dict[str, dict[str, Any]]


def found_of(shop: Workspace) -> Found:
    """Return rule -> its finding; only one buyer has any."""
    with Workspace(shop.root).derived() as (engine, _, _):
        rows = engine.fetch("findings", "select * from findings order by rule").to_pylist()
    assert len({row["buyer_id"] for row in rows}) == 1
    return {row["rule"]: row for row in rows}


def score_of(shop: Workspace, buyer: str) -> float:
    sql = "select score from session_scores where buyer_id = $buyer"
    with Workspace(shop.root).derived() as (engine, _, _):
        return float(engine.fetch("score", sql, {"buyer": buyer})["score"][0].as_py())


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in which the appeal against 8 points was upheld, and 4 points were ruled right."""
    folder = tmp_path_factory.mktemp("decided")
    shop = init(folder / "shop", shop_id="s1", name="店", platform="taobao")
    shop.config.set("inspect", True)
    (folder / "messages.csv").write_text(MESSAGES, "utf-8")
    shop.import_files([folder / "messages.csv"])
    shop.run()
    found = found_of(shop)
    with open_desk(shop.root) as desk:
        ignored, slow = found["ignored"]["finding_id"], found["slow_answer"]["finding_id"]
        desk.appeal(ignored, agent=AGENT, reason="系统延迟")
        desk.decide(ignored, "upheld", reviewer="蔡")
        desk.rule(slow, "right", reviewer="蔡")
    return shop.root


@pytest.fixture
def shop(made_once: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made_once, tmp_path / "shop")
    return Workspace(tmp_path / "shop")


def counts_as_decided(shop: Workspace, done: Forgotten) -> None:
    found = found_of(shop)
    assert {rule: one["is_overruled"] for rule, one in found.items()} == {
        "ignored": True,
        "slow_answer": False,
    }
    assert score_of(shop, done.name) == 96.0


def test_no_fault_is_found_where_only_words_are_gone(shop: Workspace) -> None:
    """The agent said hello and offered more; that cannot be read any longer."""
    before = set(found_of(shop))
    forget_buyer(shop, BUYER, actor="lan")
    faults = {rule for rule, one in found_of(shop).items() if not one["is_merit"]}
    assert faults == {"ignored", "slow_answer"} <= before


def test_an_upheld_appeal_still_counts_once_the_buyer_is_forgotten(shop: Workspace) -> None:
    shop.run()
    old = found_of(shop)
    assert score_of(shop, BUYER) == 97.0  # the last words close well, a merit of 1 point
    done = forget_buyer(shop, BUYER, actor="lan")
    assert done.cases == 2
    counts_as_decided(shop, done)
    new = found_of(shop)
    with open_desk(shop.root) as desk:
        stories = {rule: desk.story(one["finding_id"]) for rule, one in new.items()}
    appeal = stories["ignored"]["appeal"]
    assert (appeal["reason"], appeal["outcome"], appeal["decided_by"]) == (
        "系统延迟", "upheld", "蔡",
    )  # fmt: skip
    kinds = [one["kind"] for one in stories["ignored"]["events"]]
    assert kinds == ["case.upheld", "case.appealed"]
    assert [one["verdict"] for one in stories["slow_answer"]["rulings"]] == ["right"]
    # The case shows the messages that are there now.
    assert stories["ignored"]["evidence"] == new["ignored"]["evidence"]
    left = {one["finding_id"] for one in old.values()}
    with open_store(shop.config) as store, store.read() as session:
        assert not left & {case.finding_id for case in session.query(Case)}
        told = [repr(vars(event)) for event in session.query(Event)]
    assert not [text for text in told if any(one in text for one in left)]
    Workspace(shop.root).run(full=True)
    counts_as_decided(shop, done)


def test_stopped_in_between_the_next_call_brings_decisions_along(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erase, "forget_in_store", stopped)
        with pytest.raises(KeyboardInterrupt):
            forget_buyer(shop, BUYER)
    assert not found_of(shop)["ignored"]["is_overruled"]
    # Stopped again, before the last run: any run brings it.
    forgetting = Workspace(shop.root)
    ran = iter([forgetting.run])
    monkeypatch.setattr(forgetting, "run", lambda **how: next(ran, stopped)(**how))
    with pytest.raises(KeyboardInterrupt):
        forget_buyer(forgetting, BUYER)
    Workspace(shop.root).run()
    done = forget_buyer(Workspace(shop.root), BUYER)
    assert done.cases == 0  # they have followed already
    counts_as_decided(shop, done)
