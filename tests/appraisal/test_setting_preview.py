"""What a change of a setting would do, worked by hand on the shop of two agents."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import jinpai
from jinpai.appraisal.preview import SettingPreview
from jinpai.cli import main
from jinpai.errors import SettingError, UnknownName, UsageError

from .shop import MARCH, open_shop

FIRST, LAST = map(date.fromisoformat, MARCH)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> jinpai.Workspace:
    return open_shop(tmp_path_factory.mktemp("tried"))


def tried(shop: jinpai.Workspace, name: str, value: Any) -> SettingPreview:
    return shop.preview_setting(name, value, first=FIRST, last=LAST, shop_id="s1")


def test_a_longer_session_takes_in_the_answer_that_came_after_700_seconds(
    shop: jinpai.Workspace,
) -> None:
    found = tried(shop, "session_gap", "800")
    assert (found.old, found.new) == (600, 800)
    means = {
        one.agent_id or ("shop" if one.is_shop else "nobody"): (one.before, one.after)
        for one in found.changed
        if one.metric == "avg_response_seconds"
    }
    # A answered three buyers after 10 s and one after 700 s: (3 × 10 + 700) ÷ 4. B four after 40 s:
    # the shop's mean goes from (30 + 160) ÷ 7 to (730 + 160) ÷ 8.
    assert means == {"A": (10.0, 182.5), "shop": (pytest.approx(190 / 7), 111.25)}
    assert {one.agent_id for one in found.changed} == {None, "A"}
    assert len(found.changed) < found.figures


def test_nothing_is_kept(shop: jinpai.Workspace, tmp_path: Path) -> None:
    before = shop.metrics(["avg_response_seconds"], by=["agent"], first=FIRST, last=LAST)
    tried(shop, "session_gap", 800)
    again = jinpai.open(shop.root)
    after = again.metrics(["avg_response_seconds"], by=["agent"], first=FIRST, last=LAST)
    assert after.equals(before)
    assert again.config.get("session_gap").value == 600


@pytest.mark.parametrize(("name", "value", "acts"), [
    ("session_gap", 600, True),  # as it is
    ("missing", "zero", False),
    ("inspect", True, False),
])  # fmt: skip
def test_what_changes_no_figure(shop: jinpai.Workspace, name: str, value: Any, acts: bool) -> None:
    found = tried(shop, name, value)
    assert (found.changed, found.acts) == ((), acts)


@pytest.mark.parametrize(("name", "value", "kind"), [
    ("clock_skew", 9, UsageError),
    ("session_gap", "soon", SettingError),
    ("session_gabs", 9, UnknownName),
])  # fmt: skip
def test_what_cannot_be_tried(
    shop: jinpai.Workspace, name: str, value: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        tried(shop, name, value)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_the_command_line(
    shop: jinpai.Workspace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
) -> None:
    monkeypatch.setenv("JINPAI_LANG", language)
    days = ["--from", MARCH[0], "--to", MARCH[1]]
    command = ["settings", str(shop.root), "try", "session_gap", "800", *days]
    for more in ((), ("--format", "json")):
        with pytest.raises(SystemExit) as end:
            main([*command, *more])
        assert end.value.code == 0
    told = capsys.readouterr()
    text, _, found = told.out.partition("{")
    assert "182.5" in text
    changed = json.loads("{" + found)["changed"]
    assert {"A", None} == {one["agent_id"] for one in changed}
    assert ("没有保存" if language == "zh" else "nothing was saved") in told.err
