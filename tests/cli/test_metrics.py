"""`jinpai metrics` in every form; the figures of the tiny shop are worked out in test_commands."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from cli.conftest import AGENT, Run
from jinpai.cli.export import safe_cell


def rows_of(text: str) -> dict[tuple[Any, ...], Any]:
    rows = json.loads(text)["rows"]
    return {(*row["grain"].values(), row["metric"]): row["value"] for row in rows}


def test_json_is_what_the_issue_says(run: Run, tiny: Path) -> None:
    ran = run("metrics", tiny, "--format", "json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert list(found) == ["settings_id", "as_of", "timezone", "shops", "rows"]
    assert found["as_of"] == "2026-03-03T09:00:00+08:00"
    assert found["timezone"] == "Asia/Shanghai"
    assert {shop["shop_id"] for shop in found["shops"]} == {"s1"}
    assert found["shops"][0]["settings_id"] == found["settings_id"]
    first = found["rows"][0]
    assert list(first) == [
        "shop_id", "grain", "metric", "judge_rule", "value", "numerator", "denominator", "status",
    ]  # fmt: skip
    assert first["grain"] == {}
    assert rows_of(ran.out)[("silent_amount",)] == "65.50"
    assert rows_of(ran.out)[("shop_sales_amount",)] == "1300.00"
    assert rows_of(ran.out)[("sales_orders",)] == 1
    assert rows_of(ran.out)[("online_hours",)] is None


def test_grain_and_options(run: Run, tiny: Path) -> None:
    args = ("--metric", "sales_amount,rounds", "--by", "agent,day", "--format", "json")
    found = rows_of(run("metrics", tiny, *args).out)
    assert found[(AGENT, "2026-03-02", "sales_amount")] == "1234.50"
    assert found[("shop:Al", "2026-03-03", "rounds")] == 1
    later = rows_of(run("metrics", tiny, *args, "--from", "2026-03-03", "--to", "2026-03-03").out)
    assert set(later) == {("shop:Al", "2026-03-03", code) for code in ("sales_amount", "rounds")}
    rule = json.loads(run("metrics", tiny, *args, "--judge-rule", "payment").out)
    assert {row["judge_rule"] for row in rule["rows"]} == {"payment"}


def test_table_for_people(run: Run, tiny: Path) -> None:
    ran = run("metrics", tiny, "--by", "agent", "--metric", "sales_amount,first_response_seconds")
    (line,) = [line for line in ran.out.splitlines() if "Bo" in line]
    # First response: each session's first round, 10 s; one session.
    assert line.split()[-2:] == ["¥1,234.50", "10.0s"]
    assert "sales*" in ran.out
    assert "provisional" in ran.err
    whole = run("metrics", tiny)
    assert "Inquiry conversion" in whole.out
    assert "sales_amount" in whole.out


def test_hostile_names_are_shown_and_not_obeyed(run: Run, tiny: Path) -> None:
    ran = run("metrics", tiny, "--by", "agent")
    assert "[red]\\x1b[31mBo" in ran.out
    assert "\x1b" not in ran.out


def test_a_narrow_window_keeps_whole_columns(
    run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in ("60", "100", "300"):
        monkeypatch.setenv("COLUMNS", width)
        ran = run("metrics", tiny, "--by", "agent")
        assert max(len(line) for line in ran.out.splitlines()) <= int(width)
        assert "¥1,234.50" in ran.out
    monkeypatch.setenv("COLUMNS", "60")
    assert "do not fit" in run("metrics", tiny, "--by", "agent").err


def test_csv(run: Run, tiny: Path, tmp_path: Path) -> None:
    args = ("metrics", tiny, "--by", "team", "--metric", "sales_amount,reply_rate")
    text = run(*args, "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == [
        "shop_id", "team", "metric", "judge_rule", "value", "numerator", "denominator", "status",
    ]  # fmt: skip
    found = {(row["team"], row["metric"]): row["value"] for row in rows}
    # A team named '=one' must be no formula; its amount stays a number.
    assert found[("'=one", "sales_amount")] == "1234.50"
    assert found[("'=one", "reply_rate")] == "1.0"
    assert run(*args, "--format", "csv", "--out", tmp_path / "a.csv").out == ""
    assert (tmp_path / "a.csv").read_text("utf-8") == text


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert safe_cell(f"a{text}") == f"a{text}"


def test_xlsx(run: Run, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.xlsx"
    args = ("metrics", tiny, "--by", "team,day", "--format", "xlsx")
    assert run(*args, "--out", out).code == 0
    sheet = openpyxl.load_workbook(out).active
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref
    heads = [cell.value for cell in sheet[1]]
    rows = [dict(zip(heads, line, strict=True)) for line in sheet.iter_rows(min_row=2)]
    (one,) = [
        row for row in rows
        if row["team"].value == "'=one" and row["metric"].value == "sales_amount"
    ]  # fmt: skip
    assert (one["value"].value, one["value"].number_format) == (1234.5, "#,##0.00")
    assert one["team"].data_type == "s"
    assert one["day"].value.isoformat().startswith("2026-03-02")
    rate = next(row for row in rows if row["metric"].value == "reply_rate")
    assert rate["value"].number_format == "0.0%"


def test_parquet(run: Run, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    assert run("metrics", tiny, "--by", "agent", "--format", "parquet", "--out", out).code == 0
    rows = pq.read_table(out).to_pylist()
    amounts = {row["agent_id"]: row["value"] for row in rows if row["metric"] == "sales_amount"}
    assert amounts[AGENT] == 1234.5


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--metric", "sales_amout"), "sales_amount"),
        (("--by", "agnet"), "agent"),
        (("--by", "agent", "--metric", "silent_amount"), "silent_amount"),
        (("--from", "2026-03-09", "--to", "2026-03-01"), "2026-03-01"),
        (("--from", "2027-01-01"), "2027-01-01"),
        (("--from", "yesterday"), "yesterday"),
        (("--judge-rule", "luck"), "luck"),
        (("--shop", "s2"), "s2"),
        (("--format", "xlsx"), "--out"),
        (("--format", "parquet"), "--out"),
        (("--format", "pdf"), "pdf"),
        (("--format", "csv", "--out", "no/such/folder/a.csv"), "--out"),
    ],
)
def test_asked_wrongly(run: Run, tiny: Path, args: tuple[str, ...], words: str) -> None:
    ran = run("metrics", tiny, *args)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_before_a_run_and_after_a_change(run: Run, empty: Path, tiny: Path, tmp_path: Path) -> None:
    ran = run("metrics", empty)
    assert (ran.code, ran.out) == (2, "")
    assert "jinpai run" in ran.err
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    assert run("settings", copy, "set", "session_gap", "300").code == 0
    ran = run("metrics", copy, "--format", "json")
    assert ran.code == 0
    assert "jinpai run" in ran.err
    json.loads(ran.out)


@pytest.mark.parametrize(
    "args", [("--to", "2025-12-31"), ("--from", "2027-01-01", "--to", "2027-01-02")]
)
def test_days_without_data_are_told(run: Run, tiny: Path, args: tuple[str, ...]) -> None:
    asked = ("metrics", tiny, "--metric", "rounds", "--from", "2025-12-01", *args)
    ran = run(*asked, "--format", "json")
    assert ran.code == 0
    assert "Nothing is loaded of these days: the data of s1 are of 2026-03-0" in ran.err
    assert list(json.loads(ran.out)) == ["settings_id", "as_of", "timezone", "shops", "rows"]
    assert "Nothing is loaded" not in run("metrics", tiny, "--from", "2026-03-03").err
