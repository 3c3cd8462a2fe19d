"""Hostile and damaged files: one clear error each, before any row is handed over."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from jinpai.errors import HostileFile, InputError, UnreadableFile
from jinpai.sources import registry
from jinpai.sources.base import Batch, Context
from jinpai.sources.decode import MAX_CELL
from jinpai.sources.files import open_paths

CONTEXT = Context("s", "Asia/Shanghai", {})
AGENTS = b"agent_id,name\na,A\nb,B\n"


def take(path: Path) -> int:
    """Do what an import does; return the rows handed over."""
    found = registry.recognise(open_paths([path]), "canonical")
    items = [item for claim in found.claims for item in claim.source.read(claim.files, CONTEXT)]
    return sum(item.rows.num_rows for item in items if isinstance(item, Batch))


def refused(path: Path, kind: type[InputError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        take(path)
    assert path.name in str(caught.value)
    assert caught.value.exit_code == 2


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_a_zip_bomb(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"agents.csv": bytes(40 << 20)})
    refused(path, HostileFile, "zip bomb")


def test_a_gzip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv.gz"
    path.write_bytes(gzip.compress(bytes(40 << 20)))
    refused(path, HostileFile, "zip bomb")


def test_a_workbook_bomb(tmp_path: Path) -> None:
    entries = {"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": b" " * (40 << 20)}
    refused(zipped(tmp_path / "a.xlsx", entries), HostileFile, "zip bomb")


def test_a_workbook_that_spans_everything(tmp_path: Path) -> None:
    path = tmp_path / "agents.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "agent_id")
        sheet.write(1_048_575, 16_383, "x")
    refused(path, HostileFile, "1,048,576 rows by 16,384 columns")


@pytest.mark.parametrize(
    "name", ["../agents.csv", "/etc/agents.csv", "a\\..\\..\\b.csv", "C:\\x.csv"]
)
def test_paths_that_leave_the_archive(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        archive.writestr(entry, AGENTS)
    refused(path, HostileFile, "outside the archive")


def test_a_link_in_an_archive(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("agents.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    refused(tmp_path / "a.zip", HostileFile, "outside the archive")


def test_a_link_out_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(AGENTS)
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "agents.csv").symlink_to(tmp_path / "secret.csv")
    refused(folder, HostileFile, "leads out of the folder")


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("agents.csv", AGENTS)
    refused(zipped(tmp_path / "a.zip", {"b.zip": inner.getvalue()}), HostileFile, "within")
    twice = tmp_path / "agents.csv.gz"
    twice.write_bytes(gzip.compress(gzip.compress(AGENTS)))
    refused(twice, HostileFile, "within")


def test_an_encrypted_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"agents.csv": AGENTS})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flags of the local header…
    data[data.index(b"PK\x01\x02") + 8] |= 1  # …and of the directory
    path.write_bytes(data)
    refused(path, UnreadableFile, "encrypted")


def test_an_encrypted_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    package = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1024) + package + bytes(1024))
    refused(path, UnreadableFile, "encrypted")


def test_a_damaged_binary_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096))
    refused(path, UnreadableFile, "cannot be read")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("kind", ["zip", "xlsx", "gz", "parquet"])
def test_files_cut_off(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / f"agents.{kind}"
    lines = b"".join(b"agent%d,%d\n" % (n, n * n) for n in range(3000))
    if kind == "zip":
        zipped(path, {"agents.csv": b"agent_id,name\n" + lines})
    elif kind == "gz":
        path.write_bytes(gzip.compress(b"agent_id,name\n" + lines))
    elif kind == "parquet":
        pq.write_table(pa.table({"agent_id": [str(n) for n in range(3000)]}), path)
    else:
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet().write_column(0, 0, ["agent_id", *map(str, range(3000))])
    os.truncate(path, int(path.stat().st_size * share))
    refused(path, UnreadableFile, "damaged or cut off")


def test_a_json_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "agents.json"
    path.write_text('[{"agent_id": "a"}, {"agent_id"', "utf-8")
    refused(path, UnreadableFile, "JSON cannot be read")


def test_json_nested_without_end(tmp_path: Path) -> None:
    path = tmp_path / "agents.json"
    path.write_text("[" * 200_000, "utf-8")
    refused(path, HostileFile, "nested too deeply")


def test_xml_with_entities(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "utf-8")
    refused(path, HostileFile, "entities")


@pytest.mark.parametrize("place", [5, 100_000])
def test_nul_characters(tmp_path: Path, place: int) -> None:
    data = bytearray(AGENTS * 10_000)
    data[place] = 0
    path = tmp_path / "agents.csv"
    path.write_bytes(data)
    refused(path, UnreadableFile, "NUL")


def test_cells_of_a_million_characters_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_bytes(b"agent_id,name\na," + b"x" * 1_000_000 + b"\n")
    assert take(path) == 1


@pytest.mark.parametrize("times", [2, 6])
def test_a_cell_without_end(tmp_path: Path, times: int) -> None:
    path = tmp_path / "agents.csv"
    path.write_bytes(b'agent_id,name\na,"' + b"xyz " * (MAX_CELL // 4 * times) + b'"\nb,c\n')
    refused(path, HostileFile, "longer than")


def test_a_line_without_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * (MAX_CELL + 5))
    (file,) = open_paths([path])
    with pytest.raises(HostileFile, match="longer than"):
        list(file.lines())


@pytest.mark.parametrize("name", ["agents.csv", "a.xlsx", "a.zip", "a.json", "a.parquet"])
def test_empty_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    refused(tmp_path / name, UnreadableFile, "empty")
    (tmp_path / name).write_bytes(b" \r\n \n")
    refused(tmp_path / name, UnreadableFile, "only blanks")


def test_things_that_are_no_files(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.csv", UnreadableFile, "no such file")
    refused(Path("/dev/zero"), UnreadableFile, "not a regular file")
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    refused(tmp_path / "photo.csv", UnreadableFile, "no table, text or archive")


def test_an_empty_folder_and_an_empty_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {})
    for place in (path, tmp_path / "folder"):
        (tmp_path / "folder").mkdir(exist_ok=True)
        with pytest.raises(InputError, match="no file to read"):
            take(place)


def test_wrong_extensions_work(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "agents.csv") as book:
        book.add_worksheet().write_column(0, 0, ["agent_id", "a"])
    assert take(tmp_path / "agents.csv") == 1
    (tmp_path / "agents.xlsx").write_bytes(AGENTS)
    assert take(tmp_path / "agents.xlsx") == 2
    (tmp_path / "agents.json").write_bytes(gzip.compress(AGENTS))
    assert take(tmp_path / "agents.json") == 2
