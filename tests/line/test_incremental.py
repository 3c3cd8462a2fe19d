"""A run that computes a part gives what a run that computes all gives, byte for byte."""

from __future__ import annotations

import os
import shutil
from itertools import cycle
from pathlib import Path
from random import Random
from unittest import mock

import pytest

from jinpai.refresh import job, layout
from jinpai.run import RunReport
from jinpai.tables import write
from jinpai.tables.contents import contents
from jinpai.tables.lake import Lake
from jinpai.tables.load import import_batches
from jinpai.workspace_config import ShopEntry

from .sequences import Setup, Story, delete_rows, digest, load, run, zones

# Shops of one workspace are sequences of their own: 60 here, or as many as JINPAI_SEQUENCES says;
# JINPAI_SEED tries others.
SEED = int(os.environ.get("JINPAI_SEED", "0"))
SHOPS = (1, 2, 3, 6, 20, 28) * max(1, int(os.environ.get("JINPAI_SEQUENCES", "60")) // 60)
STEPS = 4


# A full run is made at once, or for a slice of the buyers at a time.
COUNTS = cycle((1, 3, 1))


def fresh(root: Path, rng: Random, shops: int) -> tuple[Setup, list[Story]]:
    stories = [Story(rng, f"s{number}", STEPS) for number in range(shops)]
    setup = Setup(root)
    for story in stories:
        name = story.shop.shop_id
        setup.shops[name] = ShopEntry(name, name, "taobao", story.shop.timezone)
        setup.values[name] = story.values
    root.mkdir()
    places = [zones([story.shop for story in stories])]
    import_batches(Lake(root), places, shop_id="s0", timezone="Asia/Shanghai")
    return setup, stories


def advance(setup: Setup, stories: list[Story], rng: Random, step: int) -> None:
    """Import the next rows of most shops, or of few; change settings; take rows back."""
    share = rng.choice((0.1, 0.4, 1.0)) if 0 < step < STEPS - 1 else 1.0
    for place, story in enumerate(stories):
        if rng.random() >= share and place:  # what does not come now comes next time
            for table, rows in story.parts[step].items():
                story.parts[step + 1].setdefault(table, [])[:0] = rows
            story.parts[step].clear()
    load(setup, {story.shop.shop_id: story.rows(step) for story in stories})
    if rng.random() < 0.4:
        delete_rows(setup, rng)
    for story in stories:
        if rng.random() < 0.3 / len(stories):
            story.change_settings()


def same_as_full(setup: Setup, folder: Path, **options: object) -> None:
    other = Setup(folder, setup.shops, setup.values)
    shutil.copytree(setup.root, folder)
    with mock.patch.object(job, "slices_for", return_value=next(COUNTS)):
        report = run(other, full=True, **options)
    assert report.mode == "full"
    partly, wholly = digest(setup), digest(other)
    assert [name for name, hashed in partly.items() if hashed != wholly[name]] == []
    assert contents(Lake(setup.root).snapshot()) == contents(Lake(folder).snapshot())
    shutil.rmtree(folder)


@pytest.mark.parametrize("number", range(len(SHOPS)))
def test_any_sequence_of_imports(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(SEED * 1000 + number)
    setup, stories = fresh(tmp_path / "w", rng, SHOPS[number])
    for story in stories:
        story.values["inspect"] = number % 2 == 0  # else ids of messages are hardly ever asked for
    modes: list[RunReport] = []
    monkeypatch.setattr(layout, "_OWN_WEEKS", rng.choice((0, 2, 9)))
    monkeypatch.setattr(write, "_SHARED", (250_000, 40, 5)[number % 3])
    for step in range(STEPS):
        advance(setup, stories, rng, step)
        options = {"as_of": "2027-01-01"} if rng.random() < 0.15 else {}
        modes.append(run(setup, **options))
        assert set(modes[-1].checks.values()) == {0}
        if step == STEPS - 1 or rng.random() < 0.3:
            same_as_full(setup, tmp_path / "full", **options)
    again = run(setup, **options)
    assert again.mode == "nothing"
    assert again.rows == modes[-1].rows
