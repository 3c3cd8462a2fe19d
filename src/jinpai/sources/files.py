"""Open what a user gives us: folders, archives, workbooks, text in any encoding, safely.

What a file is, is decided by its content, never by its name. Nothing here knows any platform.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from jinpai.errors import HostileFile, InputError, UnreadableFile, reason_zh
from jinpai.sources import archives, decode
from jinpai.sources.base import Note
from jinpai.sources.grids import (
    Grid,
    Header,
    clean_cell,
    find_header,
    normalise_header,
    read_delimited,
    read_workbook,
    records,
    sniff_delimiter,
)

__all__ = [
    "FileKind",
    "Grid",
    "Header",
    "SourceFile",
    "clean_cell",
    "find_header",
    "normalise_header",
    "open_paths",
    "records",
]

FileKind = Literal["text", "json", "jsonl", "xml", "xlsx", "xls", "parquet"]
_HEAD = 20_000
_IGNORED = frozenset({"thumbs.db", "desktop.ini", "__macosx", "license", "licence"})
_IGNORED_SUFFIXES = (".md", ".rst")


@dataclass
class SourceFile:
    """One readable file: given by path, found in a folder, or unpacked from an archive.

    Attributes:
        path: local file to read (for a packed file: its unpacked copy).
        name: shown to people, ``orders.zip/a.csv``.
        kind: by content.
        layout: set by the registry from the winning Recognition.
        given: named by the user, not merely found in a folder or archive.
    """

    path: Path
    name: str
    kind: FileKind
    layout: str = ""
    encoding: str | None = None
    given: bool = True
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def basename(self) -> str:
        """The last part of ``name``."""
        return self.name.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The last part of ``name`` without ``.gz`` and without its extension."""
        base = self.basename.removesuffix(".gz")
        return base.rpartition(".")[0] or base

    @property
    def is_text(self) -> bool:
        """Whether the content is text of any kind."""
        return self.kind in ("text", "json", "jsonl", "xml")

    def head_text(self, characters: int = _HEAD) -> str:
        """Return the decoded start of a text ('' for workbooks and Parquet), without BOM."""
        if not self.is_text:
            return ""
        held = cast(str, self._cache.get("head", ""))
        if len(held) < characters and not self._cache.get("head_is_all"):
            held = decode.read_head(self.path, self.text_encoding(), characters)
            self._cache.update(head=held, head_is_all=len(held) < characters)
        return held[:characters]

    def text(self) -> str:
        """Return the whole decoded text (UnreadableFile for binary kinds, HostileFile if huge)."""
        return decode.read_whole(self.path, self.text_encoding(), self.name)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield (line number, line without its end); HostileFile for an endless line."""
        with decode.open_text(self.path, self.text_encoding(), newline=None) as file:
            number = 0
            while line := file.readline(decode.MAX_CELL):
                number += 1
                if len(line) == decode.MAX_CELL and line[-1] != "\n":
                    raise _long_line(self.name, number)
                yield number, line.removesuffix("\n")

    def json(self) -> Any:
        """Return the parsed JSON; whole numbers stay exact whatever their size."""
        if "json" not in self._cache:
            self._cache["json"] = parse_json(self.text(), self.name)
        return self._cache["json"]

    def json_lines(self) -> Iterator[tuple[int, Any]]:
        """Yield (line number, parsed value) of every filled line (UnreadableFile for a bad one)."""
        for number, line in self.lines():
            if line and not line.isspace():
                yield number, parse_json(line, self.name, number)

    def grids(self, head: int | None = None) -> Sequence[Grid]:
        """Return the sheets of a workbook, or the one grid of a delimited text; [] for others.

        ``head`` limits each grid to its first rows.
        """
        key = f"grids:{head}"
        if "grids:None" in self._cache:
            whole = cast(list[Grid], self._cache["grids:None"])
            return [Grid(g.sheet, g.rows[:head], g.first_row) for g in whole]
        if key not in self._cache:
            self._cache[key] = self._grids(head)
        return cast(list[Grid], self._cache[key])

    def open_text(self) -> io.TextIOWrapper:
        """Open the text for reading, line ends as they are."""
        return decode.open_text(self.path, self.text_encoding())

    def delimiter(self) -> str:
        """Return the delimiter of a delimited text, judged by its first rows."""
        return sniff_delimiter(self.head_text())

    def _grids(self, head: int | None) -> list[Grid]:
        if self.kind in ("xlsx", "xls"):
            return read_workbook(self.path, self.name, head)
        if self.kind != "text":
            return []
        with self.open_text() as file:
            return [read_delimited(file, self.delimiter(), self.name, head)]

    def text_encoding(self) -> str:
        """Return the codec that decodes the text (UnreadableFile for binary kinds)."""
        if not self.is_text:
            raise UnreadableFile(
                f"this is a {self.kind} file, not text.",
                file=self.name,
                zh=f"这是 {self.kind} 文件，不是文本。",
            )
        if self.encoding is None:
            self.encoding = decode.detect_encoding(self.path, self.name)
        return self.encoding


def parse_json(text: str, name: str, row: int | None = None) -> Any:
    """Parse JSON text.

    Raises:
        UnreadableFile: not JSON, or cut off.
        HostileFile: nested without end.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise HostileFile(
            "the JSON is nested too deeply.", file=name, row=row, zh="JSON 嵌套层数过多。"
        ) from error
    except ValueError as error:
        raise UnreadableFile(
            f"the JSON cannot be read ({error}).",
            file=name,
            row=row,
            hint="It is damaged or cut off; export it again.",
            zh="JSON 无法读取：文件损坏或不完整，请重新导出。",
        ) from error


def _long_line(name: str, number: int) -> HostileFile:
    return HostileFile(
        f"the line is longer than {decode.MAX_CELL:,} characters.",
        file=name,
        row=number,
        zh=f"该行超过 {decode.MAX_CELL:,} 个字符。",
    )


# -- opening -------------------------------------------------------------------------------------


def open_paths(
    paths: Sequence[Path],
    notes: list[Note] | None = None,
    names: Mapping[Path, str] | None = None,
) -> list[SourceFile]:
    """Return every file under the given files, folders and .zip/.gz archives, in order.

    Inside a folder or archive, clutter (.DS_Store, README.md, …), empty files and files of no known
    kind are left out; each is named in ``notes`` when a list is given.

    Args:
        names: what people call files whose paths say nothing (uploads); of several, those of no
            known kind are left out as in a folder.
    Raises:
        HostileFile: zip bomb, path or link that leaves its folder, archive within an archive.
        UnreadableFile: missing, damaged, cut off or encrypted; empty or of no known kind when the
            user named it.
    """
    opener = _Opener(notes if notes is not None else [], names or {})
    for path in paths:
        opener.given(Path(path))
    return opener.files


class _Opener:
    def __init__(self, notes: list[Note], named: Mapping[Path, str]) -> None:
        self.files: list[SourceFile] = []
        self.notes, self.named = notes, named
        self._seen: set[Path] = set()
        self._names: set[str] = set()

    def given(self, path: Path) -> None:
        """Open one path the user named."""
        try:
            if path.is_dir():
                self._folder(path)
            elif path in self.named:
                self._named(path, self.named[path])
            elif path.is_file():
                self._file(path, self._unique(path.name, path), given=True)
            else:
                why, zh = (
                    ("this is not a regular file.", "这不是普通文件。请检查路径。")
                    if path.exists()
                    else ("there is no such file.", "没有这个文件。请检查路径。")
                )
                raise UnreadableFile(why, file=str(path), hint="Check the path.", zh=zh)
        except OSError as error:
            raise UnreadableFile(
                f"cannot be opened ({error}).",
                file=str(path),
                zh=f"无法打开（{reason_zh(error)}）。",
            ) from error

    def _named(self, path: Path, name: str) -> None:
        folders, _, last = name.rpartition("/")
        if not any(self._clutter(part, name) for part in (*folders.split("/"), last) if part):
            self._file(path, self._unique(name, Path(name)), given=len(self.named) == 1)

    def _unique(self, name: str, path: Path) -> str:
        """Return ``name``, or more of the path where another file already has that name."""
        if name in self._names:
            name = path.as_posix().lstrip("./")
        self._names.add(name)
        return name

    def _folder(self, folder: Path) -> None:
        root = folder.resolve()
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted(f for f in folders if not self._clutter(f, f"{folder.name}/{f}"))
            for name in sorted(names):
                path = Path(parent, name)
                shown = f"{root.name}/{path.relative_to(folder).as_posix()}"
                if not self._clutter(name, shown) and self._inside(path, root, shown):
                    self._file(path, self._unique(shown, path), given=False)

    def _inside(self, path: Path, root: Path, shown: str) -> bool:
        """Whether the path is a file of its own; a link out of the folder is hostile."""
        if path.is_symlink():
            if not path.resolve().is_relative_to(root):
                raise HostileFile(
                    "this link leads out of the folder.", file=shown, zh="该链接指向文件夹之外。"
                )
            self._note(shown, "a link, left out", "是链接，未读取")
            return False
        if not path.is_file():
            self._note(shown, "not a regular file, left out", "不是普通文件，未读取")
            return False
        return True

    def _clutter(self, name: str, shown: str) -> bool:
        low = name.lower()
        if low.startswith(".") or low in _IGNORED or low.endswith(_IGNORED_SUFFIXES):
            self._note(shown, "not data, left out", "不是数据，未读取")
            return True
        return False

    def _note(self, shown: str, text_en: str, text_zh: str) -> None:
        self.notes.append(Note(shown, text_en, text_zh))

    def _file(self, path: Path, name: str, given: bool) -> None:
        if path.resolve() in self._seen:
            return
        self._seen.add(path.resolve())
        form = archives.form_of(path, name)
        if form == "zip":
            self._zip(path, name)
        else:
            self._plain(path, name, form, given, None)

    def _zip(self, path: Path, name: str) -> None:
        scratch = archives.Scratch()
        with archives.open_zip(path, name) as archive:
            for entry in archives.members(archive, name, path.stat().st_size):
                inner = entry.filename.replace("\\", "/")
                shown = f"{name}/{inner}"
                if any(self._clutter(part, shown) for part in inner.split("/")):
                    continue
                target = archives.unpack_member(archive, entry, scratch, shown)
                form = archives.form_of(target, shown)
                if form == "zip":
                    raise _nested(shown)
                self._plain(target, shown, form, False, scratch)

    def _plain(
        self,
        path: Path,
        name: str,
        form: archives.Form,
        given: bool,
        scratch: archives.Scratch | None,
    ) -> None:
        if form == "gzip":
            scratch = scratch or archives.Scratch()
            path = archives.gunzip(path, scratch, name)
            form = archives.form_of(path, name)
            if form in ("zip", "gzip"):
                raise _nested(name)
        if form in ("empty", "binary"):
            self._useless(name, form, given)
            return
        if form == "text":
            kind, encoding = _text_kind(path, name)
            file = SourceFile(path, name, kind, encoding=encoding, given=given)
        else:
            file = SourceFile(path, name, cast(FileKind, form), given=given)
        file._cache["scratch"] = scratch  # keeps the unpacked copy as long as the file
        self.files.append(file)

    def _useless(self, name: str, form: archives.Form, given: bool) -> None:
        empty = form == "empty"
        if given:
            raise UnreadableFile(
                "the file is empty." if empty else "this is no table, text or archive we can read.",
                file=name,
                hint="Export it again as CSV, XLSX or JSON.",
                zh=("文件是空的。" if empty else "这不是可读取的表格、文本或压缩包。")
                + "请重新导出为 CSV、XLSX 或 JSON。",
            )
        if empty:
            self._note(name, "empty, left out", "空文件，未读取")
        else:
            self._note(name, "of no known kind, left out", "无法识别的文件类型，未读取")


def _nested(name: str) -> InputError:
    return HostileFile(
        "an archive within an archive is not opened.",
        file=name,
        hint="Unpack it first.",
        zh="不读取压缩包里的压缩包。请先解压。",
    )


_XML = re.compile(r"\s*<(\?xml|!DOCTYPE|[A-Za-z_][\w.:-]*[\s/>])")
_JSON_OBJECT = re.compile(r"\s*\{\s*(\"|\})")
_JSON_ARRAY = re.compile(r"\s*\[\s*([\[\{\]])")


def _text_kind(path: Path, name: str) -> tuple[FileKind, str]:
    """Return (kind, encoding) of a text."""
    encoding = decode.detect_encoding(path, name)
    head = decode.read_head(path, encoding, 1 << 18)
    if not head.strip("\ufeff \t\r\n\u3000"):
        raise UnreadableFile(
            "the file holds only blanks.",
            file=name,
            hint="Export it again.",
            zh="文件里只有空白。请重新导出。",
        )
    if _XML.match(head):
        if "<!ENTITY" in head:
            raise HostileFile(
                "the XML declares entities of its own.",
                file=name,
                zh="XML 自带实体声明，不予读取。",
            )
        return "xml", encoding
    if _JSON_ARRAY.match(head):
        return "json", encoding
    if _JSON_OBJECT.match(head):
        return ("jsonl" if _is_lines(head, name) else "json"), encoding
    return "text", encoding


def _is_lines(head: str, name: str) -> bool:
    """Whether an object is followed by another on the next line, or the name says so."""
    first, newline, rest = head.lstrip().partition("\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return not newline and name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))
    return bool(rest.strip()) or name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))
