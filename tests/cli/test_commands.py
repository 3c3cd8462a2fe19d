"""Every command: what it says, its JSON, its exit code.

The tiny shop (conftest.py) by hand: Bo answers after 10 s and 30 s, sells o1 for 1,234.50; o2 of a
buyer who never wrote (65.50) is silent; Al leaves a buyer unanswered.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import AGENT, Run, write_shop


def test_init_makes_a_workspace_once(run: Run, tmp_path: Path) -> None:
    shop = tmp_path / "w"
    args = ("init", shop, "--shop-id", "s1", "--shop-name", "N", "--platform", "taobao")
    first = run(*args, "--timezone", "Europe/Paris", "--currency", "EUR", "--format", "json")
    assert first.code == 0
    assert json.loads(first.out)["shop"] == {
        "shop_id": "s1",
        "name": "N",
        "platform": "taobao",
        "timezone": "Europe/Paris",
        "currency": "EUR",
    }
    again = run(*args)
    assert (again.code, again.out) == (2, "")
    assert "workspace already" in again.err


def test_import_counts_every_row(run: Run, empty: Path, tmp_path: Path) -> None:
    write_shop(tmp_path / "exports")
    found = json.loads(run("import", empty, tmp_path / "exports", "--format", "json").out)
    assert found["tables"]["messages"] == {
        "rows_in": 5,
        "inserted": 5,
        "replaced": 0,
        "unchanged": 0,
        "rejected": 0,
        "corrected": 0,
    }
    assert found["total"]["rows_in"] == 9
    assert {seen["source"] for seen in found["files"]} == {"canonical"}
    again = run("import", empty, tmp_path / "exports")
    assert again.code == 0
    assert [
        word
        for line in again.out.splitlines()
        if line.startswith("total")
        for word in line.split()[1:-1]
    ] == ["9", "=", "0", "+", "0", "+", "9", "+", "0", "✓"]


def test_import_dry_run_changes_nothing_and_masks_phones(
    run: Run, empty: Path, tmp_path: Path
) -> None:
    write_shop(tmp_path / "exports")
    for form in ("table", "json"):
        ran = run("import", empty, tmp_path / "exports", "--dry-run", "--format", form)
        assert ran.code == 0
        assert "138****5678" in ran.out
        assert "13812345678" not in ran.out
    found = json.loads(ran.out)
    assert found["dry_run"] is True
    assert len(found["preview"]["messages"]) == 5
    assert run("run", empty).code == 2  # nothing is loaded


def test_import_rejects_are_shown_with_their_place(run: Run, empty: Path, tmp_path: Path) -> None:
    bad = tmp_path / "orders.csv"
    bad.write_text("order_id,created_at,paid_amount\no1,2026-03-02T10:00:00Z,1\no2,never,\n")
    ran = run("import", empty, bad, "--strict", "--format", "json")
    found = json.loads(ran.out)
    assert ran.code == 1
    assert found["rejects_total"] == 2
    second = next(row for row in found["rejects"] if row["row"] == 3)
    assert (second["file"], second["column"]) == ("orders.csv", "created_at")
    assert second["reason"] == "unreadable_time"
    assert "never" in second["raw"]
    table = run("import", empty, bad)
    assert table.code == 0
    assert "the time cannot be read" in table.out
    # Good rows are loaded all the same.
    bad.write_text("order_id,created_at\no1,2026-03-02T10:00:00Z\no2,never\n")
    assert run("import", empty, bad, "--strict").code == 1
    assert run("run", empty).code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("no-such-file.csv",), "no-such-file.csv"),
        ((), "PATH"),
        (("x", "--source", "taobo"), "taobao"),
        (("x", "--option", "novalue"), "KEY=VALUE"),
        (("x", "--memory", "lots"), "--memory"),
        (("x", "--shop", "s2"), "s2"),
        (
            (
                "x",
                "--nonsense",
            ),
            "--nonsense",
        ),
    ],
)
def test_import_asked_wrongly(
    run: Run, empty: Path, args: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(empty.parent)
    (empty.parent / "x").write_text("order_id\n1\n")
    ran = run("import", empty, *args, "--format", "json")
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_run_reports(run: Run, tiny: Path) -> None:
    found = json.loads(
        run("run", tiny, "--threads", "1", "--memory", "1GB", "--format", "json").out
    )
    (shop,) = found["shops"]
    assert shop["as_of"] == "2026-03-03T09:00:00+08:00"
    assert (shop["first_day"], shop["last_day"]) == ("2026-03-02", "2026-03-03")
    assert found["rows"]["receptions"] == 2
    assert set(found["checks"].values()) == {0}
    shown = run("run", tiny)
    assert shown.code == 0
    assert "The books balance" in shown.err


def test_run_before_everything_is_refused(run: Run, tiny: Path) -> None:
    ran = run("run", tiny, "--as-of", "2020-01-01")
    assert ran.code == 2
    assert "2020-01-01" in ran.err


def test_settings(run: Run, empty: Path) -> None:
    ran = run("settings", empty, "list", "--format", "json")
    listed = {one["name"]: one for one in json.loads(ran.out)["settings"]}
    assert listed["session_gap"]["value"] == 600  # definitions, section 3
    assert listed["session_gap"]["source"] == "default"
    assert run("settings", empty, "set", "session_gap", "5 min").code == 0
    assert run("settings", empty, "get", "session_gap").out == "300\n"
    own = ("--shop", "s1", "--format", "json")
    changed = run("settings", empty, "set", "auto_reply_texts", '["您好"]', *own)
    assert json.loads(changed.out)["new"] == ["您好"]
    assert (
        json.loads(run("settings", empty, "get", "auto_reply_texts", *own).out)["source"] == "shop"
    )
    table = run("settings", empty, "list")
    assert "session_gap" in table.out
    assert "auto_reply_texts" in table.err  # the shop's own is pointed out
    history = json.loads(run("settings", empty, "history", "--format", "json").out)["history"]
    assert [(one["setting"], one["old"], one["new"], one["shop_id"]) for one in history] == [
        ("session_gap", None, 300, None),
        ("auto_reply_texts", None, ["您好"], "s1"),
    ]
    assert "session_gap" in run("settings", empty, "history").out


@pytest.mark.parametrize(
    "args",
    [
        ("set", "session_gap", "soon"),
        ("set", "sesion_gap", "5"),
        ("get", "nothing"),
        ("list", "--shop", "s2"),
        ("frobnicate",),
        (),
    ],
)
def test_settings_asked_wrongly(run: Run, empty: Path, args: tuple[str, ...]) -> None:
    ran = run("settings", empty, *args)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_explain_metric(run: Run, tiny: Path) -> None:
    args = ("explain", tiny, "metric", "avg_response_seconds", "--agent", AGENT)
    found = json.loads(run(*args, "--day", "2026-03-02", "--format", "json").out)
    assert (found["value"], found["row_count"]) == (20.0, 2)  # (10 s + 30 s) / 2
    shown = run(*args)
    assert "20.0s" in shown.out
    assert "hello" in shown.out
    assert "13812345678" not in shown.out
    assert "138****5678" in shown.out
    assert "13812345678" in run(*args, "--unmask").out


@pytest.mark.parametrize(
    "code", ["rounds", "sales_amount", "online_hours", "consulted_buyers", "max_concurrency",
             "amount_per_buyer_ratio", "filtered_buyers", "assist_receptions", "created_orders"],
)  # fmt: skip
def test_explain_shows_every_kind_of_fact(run: Run, tiny: Path, code: str) -> None:
    ran = run("explain", tiny, "metric", code)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out


def test_explain_order(run: Run, tiny: Path) -> None:
    found = json.loads(run("explain", tiny, "order", "o1", "--format", "json").out)
    assert {rule["agent_id"] for rule in found["rules"]} == {AGENT}
    shown = run("explain", tiny, "order", "o1")
    assert "¥1,234.50" in shown.out
    assert "silent" in run("explain", tiny, "order", "o2").out
    assert run("explain", tiny, "order", "o9").code == 2


def test_explain_reception(run: Run, tiny: Path) -> None:
    args = ("explain", tiny, "reception", "--agent", "Al", "--buyer", "b2", "--day", "2026-03-03")
    found = json.loads(run(*args, "--format", "json").out)
    assert found["reception"]["agent_id"] == "shop:Al"
    assert found["reception"]["kind"] == "inquiry"
    assert "anyone?" in run(*args).out


def test_decompose(run: Run, tiny: Path) -> None:
    args = ("decompose", tiny, "--agent", "Al", "--with", AGENT)
    found = json.loads(run(*args, "--format", "json").out)
    # Al sold nothing, Bo 1,234.50: all of the difference.
    assert found["difference"] == pytest.approx(-1234.5)
    assert "-¥1,234.50" in run(*args).out


def test_simulate(run: Run, tmp_path: Path) -> None:
    args = ("--agents", 2, "--days", 2, "--buyers", 5, "--seed", 3, "--truth", tmp_path / "t.json")
    for source in ("canonical", "taobao"):
        out = tmp_path / source
        ran = run("simulate", out, *args, "--source", source, "--format", "json")
        found = json.loads(ran.out)
        assert found["rows"]["agents"] == 2
        assert all(Path(file).is_file() for file in found["files"])
    assert json.loads((tmp_path / "t.json").read_text("utf-8"))["seed"] == 3
    assert run("simulate", tmp_path / "again", *args).code == 0
    assert run("simulate", tmp_path / "none", "--agents", 0).code == 2


def test_demo_refuses_somebody_elses_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    ran = run("demo", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_no_workspace(run: Run, tmp_path: Path) -> None:
    for args in (("run",), ("metrics",), ("import", "x"), ("settings", "list")):
        ran = run(args[0], tmp_path / "nowhere", *args[1:])
        assert (ran.code, ran.out) == (2, "")
        assert "nowhere" in ran.err or "workspace" in ran.err
