"""The command ``lake``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from buckets import bucket, served
from conftest import AGENTS, MESSAGES, ORDERS, Ran, Run
from jinpai.workspace import Workspace


def shop(run: Run, tmp_path: Path, *options: str) -> Path:
    """A workspace with two imports of orders."""
    place = tmp_path / "店 铺"
    named = ("--shop-id", "s1", "--shop-name", "One", "--platform", "taobao")
    assert run("init", place, *named, *options).code == 0
    for number, text in enumerate((ORDERS, ORDERS.replace("o1", "o3").replace("o2", "o4"))):
        folder = tmp_path / f"exports-{number}"
        folder.mkdir()
        (folder / "orders.csv").write_text(text, "utf-8")
        (folder / "messages.csv").write_text(MESSAGES, "utf-8")
        (folder / "agents.csv").write_text(AGENTS, "utf-8")
        assert run("import", place, folder).code == 0
    assert run("run", place).code == 0
    return place


def parsed(ran: Ran, code: int = 0) -> dict[str, object]:
    assert ran.code == code, ran.err
    found: dict[str, object] = json.loads(ran.out)
    return found


def test_the_round(run: Run, tmp_path: Path) -> None:
    place = shop(run, tmp_path)
    figures = run("metrics", place, "--by", "agent", "--format", "json").out
    seen = parsed(run("lake", "verify", place, "--format", "json"))
    assert (seen["state"], seen["faults"], seen["unproven"]) == (3, [], 0)
    done = parsed(run("lake", "optimize", place, "--format", "json"))
    (orders,) = done["tables"]  # type: ignore[misc]
    assert (orders["table"], orders["files_before"], orders["files_after"]) == ("orders", 2, 1)
    assert "No table" in run("lake", "optimize", place).err
    again = run("metrics", place, "--by", "agent", "--format", "json")
    assert again.out == figures
    assert "changed since" not in again.err  # the run is as good as before
    would = parsed(
        run("lake", "vacuum", place, "--days", "0", "--hours", "0", "--dry-run", "--format", "json")
    )
    assert would["dry_run"] is True
    gone = run("lake", "vacuum", place, "--days", "0", "--hours", "0")
    assert f"{len(would['files'])} files" in gone.err  # type: ignore[arg-type]
    states = parsed(run("lake", "history", place, "--format", "json"))["states"]
    assert [(one["what"], one["is_readable"]) for one in states] == [  # type: ignore[attr-defined]
        ("import", False),
        ("import", False),
        ("run", False),
        ("optimize", True),
    ]
    assert run("run", place, "--full").code == 0
    assert run("metrics", place, "--by", "agent", "--format", "json").out == figures


def test_tables_for_people(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = shop(run, tmp_path)
    assert "Tables changed" in run("lake", "history", place).out
    assert "0 problem(s)" in run("lake", "verify", place).err
    monkeypatch.setenv("JINPAI_LANG", "zh")
    assert "改动的表" in run("lake", "history", place).out
    assert "现文件数" in run("lake", "optimize", place).out
    assert "将清理 0 个文件" in run("lake", "vacuum", place, "--dry-run").err
    assert "问题 0 处" in run("lake", "verify", place).err


def test_damage_is_exit_1(run: Run, tmp_path: Path) -> None:
    place = shop(run, tmp_path)
    Path(Workspace(place).lake.snapshot().files("orders")[0]).unlink()
    ran = run("lake", "verify", place)
    assert ran.code == 1
    assert "missing" in ran.out
    assert "backup" in ran.err
    assert len(parsed(run("lake", "verify", place, "--format", "json"), 1)["faults"]) == 1  # type: ignore[arg-type]
    assert run("lake", "verify", place, "--state", "99").code == 2


def test_a_workspace_in_an_object_store(run: Run, tmp_path: Path) -> None:
    with served() as address:
        url = f"{bucket(address, 'command-line')}/shop"
        place = shop(run, tmp_path, "--lake", url)
        figures = run("metrics", place, "--by", "agent", "--format", "json").out
        other = tmp_path / "other machine"
        named = ("--shop-id", "s1", "--shop-name", "One", "--platform", "taobao")
        assert run("init", other, *named, "--lake", url, "--lake-endpoint", address).code == 0
        assert run("metrics", other, "--by", "agent", "--format", "json").out == figures
        assert parsed(run("lake", "verify", other, "--format", "json"))["faults"] == []
        bad = run("init", tmp_path / "bad", *named, "--lake", "https://example.com")
        assert bad.code == 2
        assert "s3://BUCKET" in bad.err
