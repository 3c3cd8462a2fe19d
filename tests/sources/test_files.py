"""Opening files: kind by content, encodings, cells of workbooks, headers, row numbers."""

from __future__ import annotations

import gzip
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from jinpai.errors import UnknownFormat, UnknownName, UnreadableFile
from jinpai.sources import registry
from jinpai.sources.base import Note
from jinpai.sources.files import (
    Grid,
    SourceFile,
    clean_cell,
    find_header,
    normalise_header,
    open_paths,
    records,
)

TABLE = "订单编号,买家会员名\n1930001,晚风\n"


def opened(path: Path) -> SourceFile:
    (file,) = open_paths([path])
    return file


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_text_is_decoded_in_every_encoding(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE.encode(codec))
    file = opened(path)
    assert file.text() == TABLE
    assert file.head_text(4) == "订单编号"
    assert file.grids()[0].rows == [("订单编号", "买家会员名"), ("1930001", "晚风")]
    assert list(file.lines()) == [(1, "订单编号,买家会员名"), (2, "1930001,晚风")]


def test_gbk_far_behind_plain_ascii_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" * 2_000_000 + "晚风,1\n".encode("gbk"))
    assert list(opened(path).lines())[-1] == (2_000_001, "晚风,1")


def test_a_character_across_a_read_boundary_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "a" * ((1 << 22) - 1) + "晚\n"
    path.write_text(text, "utf-8")
    assert opened(path).text() == text


def test_damaged_utf8_is_refused_and_not_read_as_gbk(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("您好，请问这个灯还有货吗" * 20).encode() + b"\xe4\xbd")
    with pytest.raises(UnreadableFile, match="damaged"):
        open_paths([path])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"a": 1}\n{"a": 2}\n', "jsonl"),
        ('{\n "a": 1\n}\n', "json"),
        ('[{"a": 1}]', "json"),
        ("[晚风] 2024-01-01 10:00:00\n您好\n", "text"),
        ("[02/03/2026, 14:10:00] A: b\n", "text"),
        ('<?xml version="1.0"?><a/>', "xml"),
        ("a,b\n1,2\n", "text"),
    ],
)
def test_kind_is_known_by_content(tmp_path: Path, text: str, kind: str) -> None:
    path = tmp_path / "file.dat"
    path.write_text(text, "utf-8")
    assert opened(path).kind == kind


def test_a_workbook_under_a_wrong_name_is_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    book = openpyxl.Workbook()
    book.active.append(["订单编号"])
    book.save(path)
    assert opened(path).kind == "xlsx"


def test_cells_of_a_workbook_become_exact_text(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("数据")
        sheet.write_row(1, 0, [12, 12.5, 0.1 + 0.2, 123456789012345, 4.7e18, True, "x", 1e-7])
        sheet.write_datetime(2, 0, datetime(2026, 3, 2, 9, 5, 2), moment)
        sheet.write_datetime(3, 0, datetime(2026, 3, 3), moment)
        sheet.write_datetime(2, 1, date(1990, 1, 31), day)
    (grid,) = opened(path).grids()
    assert (grid.sheet, grid.first_row) == ("数据", 1)
    assert set(grid.rows[0]) == {None}
    assert grid.rows[1][:7] == ("12", "12.5", "0.3", "123456789012345", "4.7E+18", "true", "x")
    assert grid.rows[1][7] == "0.0000001"
    # a midnight among times is a time; a column of dates stays dates
    assert grid.rows[2][:2] == ("2026-03-02 09:05:02", "1990-01-31")
    assert grid.rows[3][0] == "2026-03-03 00:00:00"


def test_a_wrong_dimension_is_not_believed(tmp_path: Path) -> None:
    good, path = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    with xlsxwriter.Workbook(good) as book:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["订单编号", "a", "b"])
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            new.writestr(entry, data.replace(b'<dimension ref="A1:A3"/>', b'<dimension ref="A1"/>'))
    assert b'ref="A1"/>' in zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    assert len(opened(path).grids()[0].rows) == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f'a{delimiter}b{delimiter}c\n1{delimiter}"x, y; z"{delimiter}3\n', "utf-8")
    assert opened(path).grids()[0].rows[1] == ("1", "x, y; z", "3")


def test_quoted_line_breaks_keep_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,"a\nb"\n\n2,c\n', "utf-8")
    (grid,) = opened(path).grids()
    header = find_header(grid, ["id", "text"])
    assert header is not None
    assert [(row, r["id"]) for row, r in records(grid, header)] == [(2, "1"), (4, "2")]


def test_the_header_is_found_below_lead_rows_and_with_odd_spelling() -> None:
    rows: list[tuple[str | None, ...]] = [
        ("报表", None, None),
        (None, None, None),
        ("\ufeff订单编号 ", "金额（元）", "备注"),
        ('="1930001"', "'12\t", "--"),
        (None, "-", ""),
    ]
    grid = Grid("s", rows, first_row=1)
    header = find_header(grid, ["订单编号", "金额(元)"])
    assert header is not None
    assert (header.row, header.names) == (2, ["订单编号", "金额(元)", "备注"])
    assert list(records(grid, header)) == [
        (4, {"订单编号": "1930001", "金额(元)": "12", "备注": None})
    ]
    assert find_header(grid, ["订单编号", "无"]) is None


def test_quoted_numbers_lose_their_quotes_raw_and_doubled(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('订单编号,b\n="19300011112223334",1\n"=""1930002""",2\n', "utf-8")
    (grid,) = opened(path).grids()
    ids = [clean_cell(row[0]) for row in grid.rows[1:]]
    assert ids == ["19300011112223334", "1930002"]
    assert normalise_header(" 收货地址　") == "收货地址"


def test_whole_json_numbers_stay_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"tid": 1234567890123456789012}', "utf-8")
    assert opened(path).json() == {"tid": 1234567890123456789012}


def test_folders_and_archives_are_walked_and_clutter_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "2026").mkdir(parents=True)
    (folder / "README.md").write_text("# hello", "utf-8")
    (folder / ".DS_Store").write_bytes(b"\0\1")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "2026" / "b.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("订单/一.csv", TABLE)
        archive.writestr("__MACOSX/._一.csv", b"\0")
    notes: list[Note] = []
    files = open_paths([folder], notes)
    assert [file.name for file in files] == ["export/a.zip/订单/一.csv", "export/2026/b.csv.gz"]
    assert [file.text() for file in files] == [TABLE, TABLE]
    assert not any(file.given for file in files)
    assert sorted(note.source_file for note in notes) == [
        "export/.DS_Store",
        "export/README.md",
        "export/a.zip/__MACOSX/._一.csv",
        "export/empty.csv",
        "export/photo.png",
    ]


def test_names_in_archives_of_chinese_windows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("XXXX.csv", TABLE)
    path.write_bytes(path.read_bytes().replace(b"XXXX", "订单".encode("gbk")))
    assert opened(path).name == "a.zip/订单.csv"


def test_files_of_one_name_stay_apart_and_one_file_is_read_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.csv").write_text(TABLE, "utf-8")
    one, two = tmp_path / "a" / "x.csv", tmp_path / "b" / "x.csv"
    files = open_paths([one, two, one])
    assert len({file.name for file in files}) == len(files) == 2


def test_unpacked_copies_disappear(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode()))
    file = opened(path)
    copy = file.path
    assert copy.exists()
    del file
    assert not copy.exists()


def test_every_sample_file_opens(shared: Path) -> None:
    files = open_paths([shared / "formats"])
    assert len(files) > 80
    for file in files:
        assert file.head_text(100) or file.grids(5)


def test_unknown_source_offers_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE, "utf-8")
    with pytest.raises(UnknownName, match="'canonical'"):
        registry.recognise(open_paths([path]), "canonnical")


def test_a_file_nobody_takes_is_an_error_by_name_and_a_report_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "strange.csv").write_text("order_idd,foo\n1,2\n", "utf-8")
    (tmp_path / "agents.csv").write_text("agent_id,name\na,A\n", "utf-8")
    found = registry.recognise(open_paths([tmp_path]), "canonical")
    assert [file.basename for file in found.claims[0].files] == ["agents.csv"]
    assert [file.basename for file in found.unrecognised] == ["strange.csv"]
    with pytest.raises(UnknownFormat, match="'order_idd' is near 'order_id'"):
        registry.recognise(open_paths([tmp_path / "strange.csv"]), "canonical", ["order_id"])
