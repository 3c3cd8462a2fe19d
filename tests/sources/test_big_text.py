"""Big text: proven to be UTF-8 by pieces, read ahead in a thread, repeating columns coded."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinpai.errors import HostileFile, UnreadableFile
from jinpai.sources import decode, delimited
from jinpai.sources.ahead import ahead
from jinpai.sources.files import SourceFile


def test_items_come_in_order_and_errors_at_their_turn() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise UnreadableFile("broken", file="a.csv")

    found: list[int] = []
    with pytest.raises(UnreadableFile, match="broken"):
        found.extend(ahead(items()))
    assert found == [1, 2]


def test_who_stops_early_leaves_nothing_running() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    stream = ahead(items())
    assert next(stream) == 0
    stream.close()
    assert len(made) <= 3


@given(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40), st.integers(1, 9)
)
def test_pieces_end_anywhere(text: str, size: int) -> None:
    """Wherever a piece of the file ends, what is UTF-8 is found to be."""
    pieces, whole = [], text.encode()
    rest = b""
    for start in range(0, len(whole), size):
        chunk = rest + whole[start : start + size]
        cut = len(chunk) - decode._unfinished(chunk)
        pieces.append(chunk[:cut])
        rest = chunk[cut:]
    assert b"".join(pieces) + rest == whole
    assert all(decode._is_valid(piece) for piece in [*pieces, rest]) or decode._unfinished(rest)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1 << 22])
@pytest.mark.parametrize(
    ("contents", "encoding"),
    [
        ("金牌客服 🎉 ok\n" * 9, "utf-8"),
        ("plain\n" * 9, "utf-8"),
        ("金牌客服\n" * 9, "gb18030"),
        ("ends in 金", "utf-8"),
    ],
)
def test_encodings_at_every_piece_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contents: str, encoding: str, size: int
) -> None:
    monkeypatch.setattr(decode, "_CHUNK", size)
    path = tmp_path / "a.csv"
    path.write_bytes(contents.encode(encoding))
    assert decode.detect_encoding(path, "a.csv") == encoding
    path.write_bytes("金牌客服金牌客服金牌客服金牌客服金牌客服".encode()[:-1])
    with pytest.raises(UnreadableFile):
        decode.detect_encoding(path, "a.csv")


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_BIG", 0)


def rows_of(path: Path) -> pa.Table:
    file = SourceFile(path, path.name, "text", encoding="utf-8")
    header = delimited.read_header(file)
    assert header is not None
    places = {name: place for place, name in enumerate(header.names)}
    found = list(delimited.stream_delimited(file, header, places))
    return pa.concat_tables([one for one in found if isinstance(one, pa.Table)])


@pytest.mark.usefixtures("big")
def test_columns_that_repeat_are_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [[f"m{n}", "ab"[n % 2], "", "x,\n" if n % 3 else ""] for n in range(900)]
    rows[700:700] = [["", "", "", ""]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "who", "none", "note"], *rows])
    table = rows_of(path)
    kinds = [pa.types.is_dictionary(kind) for kind in table.schema.types]
    assert kinds == [False, True, True, True, False]
    assert list(
        zip(*(table[name].to_pylist() for name in ("id", "who", "none", "note")), strict=True)
    ) == [tuple(row) for row in rows if any(row)]
    assert table["source_row"].to_pylist() == [n + 2 for n in range(901) if n != 700]


@pytest.mark.usefixtures("big")
def test_an_endless_cell_of_a_repeating_column_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "MAX_CELL", 50)
    path = tmp_path / "a.csv"
    path.write_text("id,who\n" + "".join(f"{n},a\n" for n in range(300)) + f"x,{'y' * 51}\n")
    with pytest.raises(HostileFile, match="50 bytes"):
        rows_of(path)
