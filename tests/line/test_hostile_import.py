"""Hostile and damaged files through the command line: one clear error, exit 2, the lake untouched.

Every bad file comes after a good one in the same import: all or nothing must hold even then.
"""

from __future__ import annotations

import gzip
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from line.driving import WORLDS, Shop, jinpai, write_csv

HEADER = "buyer_id,agent_id,sent_at,sender,text"
LINES = [f"b{n},X,2026-03-02 10:{n // 60 % 60:02}:{n % 60:02},buyer,第{n}句" for n in range(3000)]
TEXT = "\n".join([HEADER, *LINES]).encode()


def zipped(path: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename, entry.compress_type = name, zipfile.ZIP_DEFLATED
        archive.writestr(entry, data)
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def cut(path: Path) -> Path:
    os.truncate(path, path.stat().st_size * 6 // 10)
    return path


def workbook(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate([HEADER, *LINES[:500]]):
            sheet.write_row(row, 0, line.split(","))
    return path


def parquet(path: Path) -> Path:
    pq.write_table(pa.table({"buyer_id": [f"b{n}" for n in range(3000)]}), path)
    return path


def encrypted_workbook(path: Path) -> Path:
    package = "EncryptedPackage".encode("utf-16-le")
    return written(path, bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1024) + package + bytes(1024))


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "zip bomb": (lambda d: zipped(d / "a.zip", "m.csv", bytes(40 << 20)), "zip bomb"),
    "traversal": (lambda d: zipped(d / "a.zip", "../m.csv", TEXT), "outside the archive"),
    "cut zip": (lambda d: cut(zipped(d / "a.zip", "m.csv", TEXT)), "damaged or cut off"),
    "cut gzip": (lambda d: cut(written(d / "m.csv.gz", gzip.compress(TEXT))), "damaged or cut off"),
    "cut workbook": (lambda d: cut(workbook(d / "m.xlsx")), "damaged or cut off"),
    "cut parquet": (lambda d: cut(parquet(d / "m.parquet")), "damaged or cut off"),
    "cut json": (lambda d: written(d / "m.json", b'[{"buyer_id": "b1"}, {"buy'), "JSON"),
    "encrypted": (lambda d: encrypted_workbook(d / "m.xlsx"), "encrypted"),
    "empty": (lambda d: written(d / "m.csv", b""), "empty"),
    "blank": (lambda d: written(d / "m.csv", b"\r\n \n"), "blank"),
    "NUL": (lambda d: written(d / "m.csv", TEXT[:-10] + b"\0" + TEXT[-10:]), "NUL"),
    "picture": (lambda d: written(d / "m.csv", b"\x89PNG\r\n\x1a\n" + bytes(200)), "no table"),
    "endless cell": (
        lambda d: written(d / "m.csv", TEXT + b'\nb1,X,,buyer,"' + b"x" * 11_000_000),
        "longer than",
    ),
    "damaged UTF-8": (lambda d: written(d / "m.csv", TEXT + b"\xe5\xa5\xbd\xe5"), "UTF-8"),
    "nobody's": (lambda d: write_csv(d / "m.csv", "colour,size", ["red,4"]), "no reader"),
    "missing": (lambda d: d / "nothing.csv", "no such file"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("hostile") / "shop")
    shop.load(WORLDS / "rounds")
    return shop


@pytest.mark.parametrize("name", BAD)
def test_one_clear_error(shop: Shop, tmp_path: Path, name: str) -> None:
    make, words = BAD[name]
    good, bad = write_csv(tmp_path / "good.csv", HEADER, LINES), make(tmp_path)
    before, rows = shop.snapshot_id, shop.rows("messages", "message_id")
    answer = jinpai("import", shop.root, good, bad, "--format", "json")
    assert answer.code == 2
    assert answer.out == ""
    assert words in answer.err
    assert bad.name in answer.err
    assert answer.err.count("Error:") == 1
    assert "Traceback" not in answer.err
    assert len(answer.err) < 1000
    assert shop.snapshot_id == before
    assert shop.rows("messages", "message_id") == rows
    assert not (shop.root.parent / "m.csv").exists()


def test_a_million_characters_are_a_long_text(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    long = "长" * 1_000_000
    shop.load(write_csv(tmp_path / "m.csv", HEADER, [f"b,X,2026-03-02 10:00:00,buyer,{long}"]))
    assert shop.rows("messages", "text") == [(long,)]


@pytest.mark.parametrize("name", ["m.json", "m.xlsx", "m.zip", "m"])
def test_a_wrong_extension_does_not_matter(tmp_path: Path, name: str) -> None:
    shop = Shop(tmp_path / "shop")
    assert shop.load(written(tmp_path / name, TEXT))["total"]["inserted"] == len(LINES)


def test_a_workbook_called_csv(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    assert shop.load(workbook(tmp_path / "m.csv"))["total"]["inserted"] == 500


@pytest.mark.parametrize(
    "words", ["小明" + " " * 900_000 + "x", "客户: 小" + " " * 900_000 + "x", "1," * 450_000]
)
def test_a_line_that_makes_patterns_try_everything(tmp_path: Path, words: str) -> None:
    """A buyer may paste anything into a chat: minutes of matching would be a way to stop a shop."""
    lines = ["2026-03-02", "客户:小明", "10:00:00", words, "小明", "10:00:05", "好", "店:小桐", ""]
    file = written(tmp_path / "page.txt", "\n".join(lines).encode())
    started = time.monotonic()
    assert Shop(tmp_path / "shop", name="店").load(file)["total"]["inserted"] == 2
    assert time.monotonic() - started < 20  # seconds; unbounded patterns take far longer
