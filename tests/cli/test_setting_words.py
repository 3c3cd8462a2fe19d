"""What `settings set` says of the value before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

import jinpai
from jinpai.cli import main


def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert end.value.code == 0
    return capsys.readouterr().err


def test_the_old_value_is_the_one_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "en")
    root = str(tmp_path / "ws")
    jinpai.init(root, shop_id="s1", name="n", platform="taobao")
    assert "session_gap: 600 -> 900." in say(capsys, "settings", root, "set", "session_gap", "900")
    assert "session_gap: 900 -> 600." in say(capsys, "settings", root, "set", "session_gap", "null")


def test_a_negative_number_is_a_value_and_paths_are_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "en")
    root = str(tmp_path / "my shop")
    jinpai.init(root, shop_id="s1", name="n", platform="taobao")
    for value, words in (("-5", "not -5"), ("--shp", "No such option: --shp")):
        with pytest.raises(SystemExit) as end:
            main(["settings", root, "set", "session_gap", value])
        assert end.value.code == 2
        assert words in capsys.readouterr().err
    assert f"jinpai run '{root}'" in say(capsys, "settings", root, "set", "session_gap", "900")
