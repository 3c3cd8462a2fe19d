"""What a run leaves alone, and what one engine does that the other does not (see engines.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinpai.workspace import Workspace
from jinpai.workspace_config import ShopEntry
from line.driving import WORLDS, Shop, write_csv

# Within 180 s by the definitions' example: none of one round, then one of two.
BEFORE, AFTER = (0, 1), (1, 2)
OTHER = "店 'q' \" \\ $t"


@pytest.fixture
def loaded(tmp_path: Path) -> Workspace:
    shop = Shop(tmp_path / "shop")
    shop.load(WORLDS / "three_minutes" / "messages.csv")
    return Workspace(shop.root)


def answered(workspace: Workspace) -> dict[str, tuple[object, object]]:
    rows = workspace.ask(["within_180s_rate"]).rows
    return {row.shop_id: (row.numerator, row.denominator) for row in rows}


def test_a_second_run_has_nothing_to_do(loaded: Workspace) -> None:
    assert loaded.run().mode == "full"
    before = loaded.lake.snapshot().id
    again = loaded.run()
    assert again.mode == "nothing"
    assert again.rows["rounds"] == 1
    assert loaded.lake.snapshot().id == before
    assert loaded.run(full=True).mode == "full"


def test_one_shop_alone(loaded: Workspace) -> None:
    loaded.config.add_shop(ShopEntry(OTHER, "T", "taobao", "Asia/Shanghai"))
    loaded = Workspace(loaded.root)
    loaded.import_files([WORLDS / "three_minutes" / "messages.csv"], shop_id=OTHER)
    loaded.run()
    assert answered(loaded) == {"s": BEFORE, OTHER: BEFORE}
    for shop_id in ("s", OTHER):
        loaded.import_files([WORLDS / "three_minutes" / "more.csv"], shop_id=shop_id)
    report = loaded.run(shop_id=OTHER)
    assert report.mode == "partial"
    assert [shop.shop_id for shop in report.shops if shop.versions] == ["s"]
    assert answered(loaded) == {"s": BEFORE, OTHER: AFTER}
    assert loaded.run(shop_id=OTHER).mode == "nothing"
    loaded.run()
    assert answered(loaded) == {"s": AFTER, OTHER: AFTER}


def test_the_first_run_may_be_of_one_shop(loaded: Workspace) -> None:
    assert [shop.shop_id for shop in loaded.run(shop_id="s").shops] == ["s"]
    assert answered(loaded) == {"s": BEFORE}


def test_a_new_message_computes_its_buyer_alone(loaded: Workspace, tmp_path: Path) -> None:
    lines = [f"b{n},X,2026-03-02 11:10:15,buyer,你好" for n in range(20)]
    header = "buyer_id,agent_id,sent_at,sender,text"
    loaded.import_files([write_csv(tmp_path / "in" / "many.csv", header, lines)], shop_id="s")
    loaded.run()
    loaded.import_files([WORLDS / "three_minutes" / "more.csv"], shop_id="s")
    report = loaded.run()
    assert report.mode == "partial"
    assert report.touched["buyer"] == 1
    assert answered(loaded) == {"s": (1, 22)}
