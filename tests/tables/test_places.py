"""Where a workspace may lie: any folder name, and paths given relative to where one stands."""

from __future__ import annotations

from pathlib import Path

import pytest

import jinpai
from jinpai.tables.lake import Lake

MESSAGES = (
    "message_id,buyer_id,agent_id,sent_at,sender,text\n"
    "m1,b,x,2026-03-01 10:00:00,buyer,hello\n"
    "m2,b,x,2026-03-01 10:00:30,agent,welcome\n"
)


def _filled(root: Path) -> jinpai.Workspace:
    shop = jinpai.init(root, shop_id="s", name="S", platform="taobao")
    Path("messages.csv").write_text(MESSAGES, "utf-8")
    shop.import_files(["messages.csv"])
    return shop


@pytest.mark.parametrize("name", ["my shop", "店铺", "100% [a]*'b", "a#b?c+d"])
def test_a_workspace_may_have_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shop = _filled(Path(name))
    shop.run()
    rounds = shop.metrics(["avg_response_seconds"])
    assert rounds["value"].to_pylist() == [30.0]
    again = shop.import_files(["messages.csv"]).report.total
    assert (again.inserted, again.unchanged) == (0, 2)


def test_files_in_force_survive_the_sweep_of_their_writers_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after its manifest and before it tidied up, a writer has happened: nothing is lost."""
    monkeypatch.chdir(tmp_path)
    root = Path("shop")
    _filled(root)
    for file in (root / "lake" / "messages").rglob("part-*.parquet"):
        (root / "lake" / "_tmp" / file.name.split("-")[1]).mkdir(exist_ok=True)
    lake = Lake(root)
    assert lake.repair()
    assert lake.snapshot().count("messages") == 2
