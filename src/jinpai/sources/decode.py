"""Text in any encoding: byte order mark, then strict UTF-8, then GB18030; also UTF-16 without mark.

Nothing is ever decoded with errors ignored: a text that fits no encoding is refused.
"""

from __future__ import annotations

import codecs
import io
import struct
from pathlib import Path

import pyarrow as pa

from jinpai.errors import HostileFile, UnreadableFile

__all__ = ["MAX_CELL", "MAX_TEXT", "detect_encoding", "open_text", "read_head", "read_whole"]

MAX_CELL = 10_000_000  # characters of one line or cell
MAX_TEXT = 1 << 30  # bytes of a text that has to be held whole
_CHUNK = 1 << 22
_HEAD = 1 << 16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# So many good multi-byte characters before the first bad byte: UTF-8 that was damaged, not GBK.
_SURELY_UTF8 = 16


def detect_encoding(path: Path, name: str) -> str:
    """Return the Python codec name that decodes the whole file strictly.

    Raises:
        UnreadableFile: no encoding fits, or the text holds NUL characters.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return _proven(path, name, encoding)
    if b"\0" in head:
        return _proven(path, name, _utf16_side(head, name))
    if _is_utf8(path):
        return "utf-8"
    failed, good = _scan(path, name, "utf-8")
    if failed is None:
        return "utf-8"
    if good < _SURELY_UTF8 and _scan(path, name, "gb18030")[0] is None:
        return "gb18030"
    raise UnreadableFile(
        f"the text is neither UTF-8 (bad byte at position {failed}) nor GB18030, or it is damaged.",
        file=name,
        hint="Export it again, or save it as UTF-8.",
        zh=f"文本既不是 UTF-8（第 {failed} 字节有误）也不是 GB18030，或已损坏。"
        "请重新导出，或另存为 UTF-8。",
    )


def _is_utf8(path: Path) -> bool:
    """Whether the whole file is UTF-8 without NULs; several times faster than decoding it."""
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            chunk = rest + chunk
            cut = len(chunk) - _unfinished(chunk)
            chunk, rest = chunk[:cut], chunk[cut:]
            if b"\0" in chunk or not _is_valid(chunk):
                return False
    return _is_valid(rest)


def _unfinished(chunk: bytes) -> int:
    """Return how many bytes at the end may be the beginning of a character."""
    for back in range(1, min(4, len(chunk) + 1)):
        if chunk[-back] >= 0xC0:
            return back
        if chunk[-back] < 0x80:
            return 0
    return 0


def _is_valid(chunk: bytes) -> bool:
    ends = pa.py_buffer(struct.pack("=ii", 0, len(chunk)))
    try:
        text = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(chunk)])
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _proven(path: Path, name: str, encoding: str) -> str:
    failed, _ = _scan(path, name, encoding)
    if failed is None:
        return encoding
    raise UnreadableFile(
        f"the file says it is {encoding} but breaks that encoding near byte {failed}.",
        file=name,
        hint="It is damaged or cut off; export it again.",
        zh=f"文件标明编码为 {encoding}，但第 {failed} 字节附近不符。文件损坏或不完整，请重新导出。",
    )


def _utf16_side(head: bytes, name: str) -> str:
    """Return the UTF-16 byte order of a text without mark, from the places of its zero bytes."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    few, many = min(even, odd), max(even, odd)
    if few == 0 and many * 20 >= len(head) // 2:
        return "utf-16-le" if odd > even else "utf-16-be"
    raise _nul(name)


def _nul(name: str) -> UnreadableFile:
    return UnreadableFile(
        "the text holds NUL characters.",
        file=name,
        hint="It is damaged or not a text file; export it again.",
        zh="文本中有 NUL 字符：文件损坏或不是文本，请重新导出。",
    )


def _scan(path: Path, name: str, encoding: str) -> tuple[int | None, int]:
    """Decode the file piece by piece: (byte of the first failure or None, wide characters seen)."""
    decoder = codecs.getincrementaldecoder(encoding)()
    place = wide = 0
    ascii_like = encoding in ("utf-8", "gb18030")
    clean = True  # no half character is waiting in the decoder
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if ascii_like and b"\0" in chunk:
                raise _nul(name)
            if not (ascii_like and clean and chunk.isascii()):
                try:
                    text = decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    return place + error.start, wide + _wide(chunk[: error.start], encoding)
                if not ascii_like and "\0" in text:
                    raise _nul(name)
                wide += 0 if text.isascii() else _SURELY_UTF8
                clean = not decoder.getstate()[0]
            place += len(chunk)
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return place, wide
    return None, wide


def _wide(part: bytes, encoding: str) -> int:
    return sum(character > "\x7f" for character in part.decode(encoding, "ignore"))


def open_text(path: Path, encoding: str, newline: str | None = "") -> io.TextIOWrapper:
    """Open the file for reading text; the byte order mark is left out."""
    return io.TextIOWrapper(path.open("rb"), encoding=encoding, newline=newline)


def read_head(path: Path, encoding: str, characters: int) -> str:
    """Return the first characters of the text."""
    with open_text(path, encoding) as file:
        return file.read(characters)


def read_whole(path: Path, encoding: str, name: str) -> str:
    """Return the whole text (HostileFile above ``MAX_TEXT`` bytes)."""
    if path.stat().st_size > MAX_TEXT:
        raise HostileFile(
            f"the file is larger than {MAX_TEXT >> 20} MiB, too large to be read whole.",
            file=name,
            hint="Split it into smaller files.",
            zh=f"文件超过 {MAX_TEXT >> 20} MiB，无法整个读入。请拆成较小的文件。",
        )
    with open_text(path, encoding) as file:
        return file.read()
