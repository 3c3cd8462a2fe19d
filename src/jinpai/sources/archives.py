"""What a file is, by its first bytes, and safe unpacking of .zip and .gz.

Nothing from an archive is written under its own name: members go to numbered files in a scratch
folder that disappears with the last file that needs it.
"""

from __future__ import annotations

import gzip
import re
import shutil
import stat
import tempfile
import weakref
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.errors import HostileFile, UnreadableFile

__all__ = ["Form", "Scratch", "form_of", "gunzip", "members", "unpack_member"]

Form = Literal["text", "xlsx", "xls", "parquet", "zip", "gzip", "binary", "empty"]

MAX_RATIO = 200  # unpacked bytes for each packed byte…
RATIO_FREE = 16 << 20  # …once this much has come out
MAX_UNPACKED = 64 << 30
MAX_WORKBOOK = 1 << 30
MAX_SHEET_CELLS = 50_000_000  # rows × columns a sheet spans
MAX_MEMBERS = 20_000
_CHUNK = 1 << 20
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"SQLite format 3", b"\x7fELF", b"MZ\x90")
_OTHER_ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_CELL_REFERENCE = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 27})


class Scratch:
    """A temporary folder that is removed when nobody holds it any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="jinpai-"))
        self._count = 0
        weakref.finalize(self, shutil.rmtree, str(self.path), True)

    def new(self) -> Path:
        """Return the path of a new file in the folder."""
        self._count += 1
        return self.path / str(self._count)


def form_of(path: Path, name: str) -> Form:
    """Return what the file is by content.

    Raises:
        UnreadableFile: damaged, cut off or encrypted.
        HostileFile: a workbook that would swell beyond reason.
    """
    with path.open("rb") as file:
        head = file.read(8192)
    if not head:
        return "empty"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_form(path, name)
    if head.startswith(_OLE):
        return _ole_form(path, name)
    if head.startswith((b"PAR1", b"PARE")):
        return _parquet_form(path, name, head)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "binary" if _is_binary(head) else "text"


def _is_binary(head: bytes) -> bool:
    if head.startswith(_BINARY + _OTHER_ARCHIVES):
        return True
    controls = len(head) - len(head.translate(None, _CONTROL.replace(b"\0", b"")))
    return controls * 20 > len(head)


def _ole_form(path: Path, name: str) -> Form:
    if path.stat().st_size <= MAX_WORKBOOK and _ENCRYPTED_PACKAGE in path.read_bytes():
        raise _encrypted(name, "workbook")
    return "xls"


def _parquet_form(path: Path, name: str, head: bytes) -> Form:
    if head.startswith(b"PARE"):
        raise _encrypted(name, "Parquet file")
    try:
        with pq.ParquetFile(path) as file:
            groups = range(file.metadata.num_row_groups)
            swollen = sum(file.metadata.row_group(at).total_byte_size for at in groups)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(name, "Parquet file", error) from error
    check_ratio(name, swollen, path.stat().st_size, allowed=MAX_RATIO * 10)
    return "parquet"


def _zip_form(path: Path, name: str) -> Form:
    with open_zip(path, name) as archive:
        names = set(archive.namelist())
        if "[Content_Types].xml" in names and any(entry.startswith("xl/") for entry in names):
            _check_workbook(archive, name, path.stat().st_size)
            return "xlsx"
        if "mimetype" in names or "[Content_Types].xml" in names:
            return "binary"
    return "zip"


def _check_workbook(archive: zipfile.ZipFile, name: str, packed: int) -> None:
    """Refuse a workbook whose parts swell, or whose sheets span more cells than can be held."""
    total = sum(entry.file_size for entry in archive.infolist())
    check_ratio(name, total, packed)
    if total > MAX_WORKBOOK:
        raise _too_large(name, total, MAX_WORKBOOK)
    for entry in archive.infolist():
        if entry.flag_bits & 1:
            raise _encrypted(name, "workbook")
        if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry.filename):
            _check_span(archive, entry, name)


def _check_span(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    last_row = last_column = 0
    tail = b""
    try:
        with archive.open(entry) as sheet:
            while chunk := sheet.read(_CHUNK):
                for letters, row in _CELL_REFERENCE.findall(tail + chunk):
                    last_row = max(last_row, int(row))
                    last_column = max(last_column, _column_number(letters))
                tail = chunk[-64:]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _damaged(name, "workbook", error) from error
    if last_row * last_column > MAX_SHEET_CELLS:
        raise HostileFile(
            f"a sheet spans {last_row:,} rows by {last_column:,} columns, mostly empty.",
            file=name,
            hint="Copy the filled part into a new workbook.",
            zh=f"有工作表跨 {last_row:,} 行 × {last_column:,} 列，大多为空。"
            "请把有内容的部分复制到新工作簿。",
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def open_zip(path: Path, name: str) -> zipfile.ZipFile:
    """Open a zip; names without the UTF-8 mark are read as GB18030, as Chinese Windows writes."""
    try:
        try:
            return zipfile.ZipFile(path, metadata_encoding="gb18030")
        except UnicodeDecodeError:
            return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(name, "archive", error) from error


def members(archive: zipfile.ZipFile, name: str, packed: int) -> list[zipfile.ZipInfo]:
    """Return the archive's files after checking them all.

    Raises:
        HostileFile: absolute or climbing paths, links, a bomb.
        UnreadableFile: encrypted.
    """
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise HostileFile(
            f"the archive holds {len(entries):,} files.",
            file=name,
            zh=f"压缩包里有 {len(entries):,} 个文件，太多。",
        )
    for entry in entries:
        _check_path(entry, name)
        if entry.flag_bits & 1:
            raise _encrypted(name, "archive")
    total = sum(entry.file_size for entry in entries)
    check_ratio(name, total, packed)
    _check_total(name, total)
    return sorted((e for e in entries if not e.is_dir()), key=lambda entry: entry.filename)


def _check_path(entry: zipfile.ZipInfo, name: str) -> None:
    inner = entry.filename.replace("\\", "/")
    parts = PurePosixPath(inner).parts
    escapes = inner.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", inner) is not None
    if escapes or stat.S_ISLNK(entry.external_attr >> 16):
        raise HostileFile(
            f"the archive's entry '{inner[:200]}' points outside the archive.",
            file=name,
            hint="Do not trust this file.",
            zh=f"压缩包中的“{inner[:200]}”指向压缩包之外。请勿信任该文件。",
        )


def unpack_member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, scratch: Scratch, name: str
) -> Path:
    """Write one file of the archive to the scratch folder and return where."""
    target = scratch.new()
    try:
        with archive.open(entry) as packed, target.open("wb") as out:
            _copy(packed, out, name, max(entry.compress_size, 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(name, "archive", error) from error
    return target


def gunzip(path: Path, scratch: Scratch, name: str) -> Path:
    """Write the unpacked content of a .gz to the scratch folder and return where."""
    target = scratch.new()
    try:
        with gzip.open(path) as packed, target.open("wb") as out:
            _copy(packed, out, name, path.stat().st_size)
    except (OSError, zlib.error, EOFError) as error:
        raise _damaged(name, "archive", error) from error
    return target


def _copy(packed: IO[bytes] | gzip.GzipFile, out: IO[bytes], name: str, packed_size: int) -> None:
    total = 0
    while chunk := packed.read(_CHUNK):
        total += len(chunk)
        check_ratio(name, total, packed_size)
        if total % (_CHUNK * 256) < len(chunk):
            _check_total(name, total)
        out.write(chunk)


def check_ratio(name: str, unpacked: int, packed: int, allowed: int = MAX_RATIO) -> None:
    """Raise HostileFile when so little holds so much that it must be a bomb."""
    if unpacked > RATIO_FREE and unpacked > packed * allowed:
        raise HostileFile(
            f"{packed:,} bytes would unpack to {unpacked:,} or more (a zip bomb).",
            file=name,
            hint="If it is genuine, unpack it yourself and import the files.",
            zh=f"{packed:,} 字节解压后至少 {unpacked:,} 字节（疑似压缩炸弹）。"
            "如确认无害，请自行解压后导入。",
        )


def _check_total(name: str, total: int) -> None:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if total > min(MAX_UNPACKED, free):
        raise _too_large(name, total, min(MAX_UNPACKED, free))


def _too_large(name: str, total: int, limit: int) -> HostileFile:
    return HostileFile(
        f"it would unpack to {total:,} bytes; {limit:,} can be taken.",
        file=name,
        hint="Split it into smaller files.",
        zh=f"解压后有 {total:,} 字节，最多可读 {limit:,} 字节。请拆成较小的文件。",
    )


_THINGS_ZH = {"archive": "压缩包", "workbook": "工作簿", "Parquet file": "Parquet 文件"}


def _encrypted(name: str, what: str) -> UnreadableFile:
    return UnreadableFile(
        f"the {what} is encrypted.",
        file=name,
        hint="Save it again without a password.",
        zh=f"{_THINGS_ZH[what]}已加密。请去掉密码后另存。",
    )


def _damaged(name: str, what: str, error: Exception) -> UnreadableFile:
    return UnreadableFile(
        f"the {what} is damaged or cut off ({error}).",
        file=name,
        hint="Download or export it again.",
        zh=f"{_THINGS_ZH[what]}损坏或不完整。请重新下载或导出。",
    )
