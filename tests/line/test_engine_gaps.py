"""What one engine does and the other does not: marked where it is asked for (see engines.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinpai.errors import UsageError
from jinpai.workspace import Workspace
from line.driving import WORLDS, Shop


@pytest.fixture
def loaded(tmp_path: Path) -> Workspace:
    shop = Shop(tmp_path / "shop")
    shop.load(WORLDS / "three_minutes" / "messages.csv")
    return Workspace(shop.root)


@pytest.mark.notyet("spark", raises=AssertionError)
def test_a_second_run_has_nothing_to_do(loaded: Workspace) -> None:
    assert loaded.run().mode == "full"
    assert loaded.run().mode == "nothing"


@pytest.mark.notyet("spark", raises=UsageError)
def test_one_shop_alone(loaded: Workspace) -> None:
    assert [shop.shop_id for shop in loaded.run(shop_id="s").shops] == ["s"]
