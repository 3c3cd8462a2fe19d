"""Under a Chinese locale failures are told in Chinese: no English sentence on stderr."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.conftest import Run
from jinpai.errors import BalanceError, EngineError, InputError, UnknownName

CHINESE = re.compile("[\u4e00-\u9fff]")
# Codes, file names and commands stay; three plain English words in a row are a sentence.
SENTENCE = re.compile(r"(?:\b[A-Za-z]{2,}[,:;]? ){2,}[A-Za-z]{2,}\b")
# Commands; {shop} has figures, {empty} has none, {dir} is a folder of the test's own.
FAILURES = (
    "metrics {dir}/none",
    "init {shop} --shop-id s1 --shop-name shop --platform taobao",
    "init {dir}/w --shop-id s1 --shop-name shop --platform taobao --timezone Asia/Shangai",
    "init {dir}/w --shop-id s1 --shop-name shop --platform taobao --currency yuan",
    "init {dir}/bad.csv/w --shop-id s1 --shop-name shop --platform taobao",
    "run {empty}",
    "metrics {empty}",
    "run {shop} --as-of yesterday",
    "run {shop} --as-of 1999-01-01",
    "run {shop} --memory much",
    "metrics {shop} --metric sales_amout",
    "metrics {shop} --metric zzz",
    "metrics {shop} --by agnt",
    "metrics {shop} --metric silent_sales_amount --by agent",
    "metrics {shop} --from 2026-13-01",
    "metrics {shop} --from 2026-03-03 --to 2026-03-02",
    "metrics {shop} --from 2031-01-01",
    "metrics {shop} --shop other",
    "metrics {shop} --format parquet",
    "metrics {shop} --format csv --out {dir}/no/such/x.csv",
    "settings {shop} get sesion_gap",
    "settings {shop} set session_gap soon",
    "settings {shop} set judge_rule ordr",
    "settings {shop} set duty_hours {{}}",
    "settings {shop} set business_day_start 25:00",
    "explain {shop} order 999",
    "explain {shop} metric reply_rate --agent nobody",
    "explain {shop} reception --agent nobody --buyer b2 --day 2026-03-03",
    "decompose {shop} --with team",
    "import {empty} {dir}/none.csv",
    "import {empty} {dir}/unknown.csv",
    "import {empty} {dir}/empty.csv",
    "import {empty} {dir}/blank.csv",
    "import {empty} {dir}/cut.json",
    "import {empty} {dir}/bad.zip",
    "import {empty} {dir}/locked.zip",
    "import {empty} {dir}/inner.zip",
    "import {empty} {dir}/unknown.csv --source taobo",
    "import {empty} {dir}/unknown.csv --source taobao",
    "import {empty} {dir}/unknown.csv --mapping {dir}/none.yaml",
    "import {empty} {dir}/unknown.csv --mapping {dir}/list.yaml",
    "import {empty} {dir}/unknown.csv --mapping {dir}/broken.yaml",
    "import {empty} {dir}/unknown.csv --mapping {dir}/key.yaml",
    "import {empty} {dir}/unknown.csv --mapping {dir}/table.yaml",
    "import {empty} {dir}/unknown.csv --mapping {dir}/column.yaml",
    "import {empty} {dir}/unknown.csv --mapping {dir}/lost.yaml",
    "import {empty} {dir}/unknown.csv --mapping {dir}/lost.yaml --source taobao",
    "import {empty} {dir}/unknown.csv --option date_order",
    "import {empty} {dir}/unknown.csv --shop other",
    "demo {shop}",
    "simulate {dir}/out --agents 0",
    "simulate {dir}/out --start someday",
)
FILES = {
    "unknown.csv": "color,taste\nred,sweet\n",
    "bad.csv": "x",
    "empty.csv": "",
    "blank.csv": "  \n\n",
    "cut.json": '[{"a": 1}, {"a',
    "bad.zip": "PK\x03\x04 and no more",
    "list.yaml": "- a\n",
    "broken.yaml": "tables: [\n",
    "key.yaml": "tabels: []\n",
    "table.yaml": "tables:\n- {table: order, columns: {order_id: color}}\n",
    "column.yaml": "tables:\n- {table: orders, columns: {ordr_id: color}}\n",
    "lost.yaml": "tables:\n- {table: orders, columns: {order_id: colour}}\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files that cannot be taken."""
    import io
    import zipfile

    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        archive.writestr("b.zip", inner.getvalue())
    locked = bytearray(inner.getvalue())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + place] |= 1  # the bit that says: encrypted
    (tmp_path / "locked.zip").write_bytes(locked)
    return tmp_path


@pytest.mark.parametrize("command", FAILURES)
def test_failures_are_chinese(
    run: Run,
    tiny: Path,
    empty: Path,
    folder: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "zh")
    places = {"shop": tiny, "empty": empty, "dir": folder}
    ran = run(*(word.format(**places) for word in command.split()))
    assert ran.code == 2
    assert CHINESE.search(ran.err), ran.err
    said = ran.err
    for place in places.values():
        said = said.replace(str(place), "")
    said = re.sub(r"jinpai (?:init|import|run|demo)\b", "", said)
    assert not SENTENCE.search(said), ran.err


def test_what_a_file_is_is_told_in_the_locale(
    run: Run, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,buyer_id,created_at\no1,b1,2026-03-02T10:00:00+08:00\n", "utf-8")
    assert "Canonical orders (text)" in run("import", empty, file, "--dry-run").out
    monkeypatch.setenv("JINPAI_LANG", "zh")
    chinese = run("import", empty, file, "--dry-run").out
    assert "标准表 orders（text）" in chinese
    assert "Canonical" not in chinese


def test_a_column_is_as_wide_as_its_provisional_head(
    run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """询单转化率 takes ten cells and its mark one: the head stays in one line."""
    monkeypatch.setenv("JINPAI_LANG", "zh")
    out = run("metrics", tiny, "--by", "agent", "--metric", "inquiry_conversion_rate").out
    assert "询单转化率*" in out.splitlines()[0]


def test_an_error_keeps_both_languages() -> None:
    unknown = UnknownName("metric", "sales_amout", ["sales_amount"])
    assert str(unknown) == "There is no metric 'sales_amout'. Did you mean 'sales_amount'?"
    assert unknown.zh == "没有指标“sales_amout”。是不是“sales_amount”？"
    assert UnknownName("grain", "x", ["day", "week"]).zh == "没有维度“x”。可用的有：day、week。"
    assert UnknownName("order", "x", []).zh == "没有订单“x”。"
    placed = InputError("bad.", file="a.csv", row=3, column="c", hint="Mend it.", zh="有误。")
    assert str(placed) == "a.csv, row 3, column 'c': bad. Mend it."
    assert placed.zh == "a.csv，第 3 行，列“c”：有误。"
    assert EngineError("s", "select 1", "no").text_zh == "步骤“s”失败：no"
    assert BalanceError("only English").text_zh == "only English"
