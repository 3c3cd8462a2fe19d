"""Labelled files: one JSON object a line, plain or gzip, read into examples to judge.

Two forms: dialogues (``dialogue_id``, ``turns`` of role, text, labels; ``labels``) and single texts
(``id``, ``text``, ``labels``). An example holds what may be seen when it is judged and no more.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinpai.errors import HostileFile, InputError, UnreadableFile
from jinpai.quality.labels import Label, number_of

__all__ = ["Example", "Turn", "labelled", "read_objects", "turns_of"]

ROLES = ("buyer", "agent", "robot", "system")
_LINE_BYTES = 64 << 20
_FILE_BYTES = 8 << 30
# Published sets that hide their words write their numbers; each becomes one character.
_TOKEN_BASE = 0x20000
_TOKENS = 0x90000


@dataclass(frozen=True)
class Turn:
    """One message: who wrote it (see ROLES) and what."""

    role: str
    text: str
    sent_at: str | None = None


@dataclass(frozen=True)
class Example:
    """Something to judge: a text, a turn with what came before it, or a dialogue.

    Attributes:
        turns: all turns of the dialogue (shared between its examples); one for a single text.
        end: how many of them may be seen; a turn that is judged is the last of these.
        label: its class, or empty.
        value: the raw number of a numeric label.
        group: the dialogue or item it belongs to, from 0.
        is_dialogue: all of what is seen is judged, not its last text.
    """

    turns: Sequence[Turn]
    end: int
    label: str = ""
    value: float = 0.0
    group: int = 0
    is_dialogue: bool = False

    @property
    def seen(self) -> Sequence[Turn]:
        """What may be seen, in order."""
        return self.turns[: self.end]

    @property
    def text(self) -> str:
        """The text of the last turn that may be seen."""
        return self.turns[self.end - 1].text if self.end else ""


def labelled(path: Path, label: Label) -> list[Example]:
    """Return the labelled things of a file, in its order.

    Raises:
        InputError: unreadable file or line (with its row), a label that is no number where one is
            needed, or nothing that bears the label.
    """
    found = list[Example]()
    for group, (row, thing) in enumerate(read_objects(path)):
        turns = turns_of(thing, path, row)
        for end, labels in _places(thing, turns, label):
            raw = label.find(labels)
            if raw is None:
                continue
            try:
                value = number_of(raw) if label.is_numeric else 0.0
                whole = label.level == "dialogue"
                found.append(Example(turns, end, label.class_of(raw), value, group, whole))
            except ValueError as error:
                name = ".".join((label.level, *label.path))
                raise InputError(
                    f"{error}.", file=str(path), row=row, column=name, zh="标签的值不对。"
                ) from None
    if not found:
        raise _nothing(path, label)
    return found


def _places(
    thing: Mapping[str, Any], turns: Sequence[Turn], label: Label
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if label.level == "turn":
        for place, turn in enumerate(thing.get("turns") or (), 1):
            yield place, _mapping(turn.get("labels"))
    elif (label.level == "dialogue") == ("turns" in thing):
        yield len(turns), _mapping(thing.get("labels"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _nothing(path: Path, label: Label) -> InputError:
    name = ".".join((label.level, *label.path))
    known = sorted(_names(path))
    return InputError(
        f"nothing here has the label {name}.",
        file=str(path),
        hint=f"Labels in this file: {', '.join(known[:12]) or 'none'}.",
        zh=f"文件中没有标签 {name}。文件中的标签有：{'、'.join(known[:12]) or '无'}。",
    )


def _names(path: Path) -> set[str]:
    """Return the labels of the first lines of a file."""
    names = set[str]()
    for number, (row, thing) in enumerate(read_objects(path)):
        if number == 100:
            break
        top = "dialogue" if turns_of(thing, path, row) and "turns" in thing else "item"
        names |= {f"{top}.{key}" for key in _mapping(thing.get("labels"))}
        for turn in thing.get("turns") or ():
            names |= {f"turn.{key}" for key in _mapping(turn.get("labels"))}
    return names


def read_objects(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (row, object) of a .jsonl or .jsonl.gz file; rows count from 1, blank lines are none.

    Raises UnreadableFile or HostileFile.
    """
    for row, line in _lines(path):
        if not line.strip():
            continue
        try:
            thing = json.loads(line)
        except (ValueError, RecursionError):
            raise UnreadableFile(
                "the line is not JSON.", file=str(path), row=row, zh="这一行不是 JSON。"
            ) from None
        if not isinstance(thing, Mapping):
            raise UnreadableFile(
                "the line is not a JSON object.",
                file=str(path),
                row=row,
                zh="这一行不是 JSON 对象。",
            )
        yield row, thing


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    size = 0
    try:
        with path.open("rb") as probe:
            packed = probe.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            for row in range(1, 1 << 62):
                line = file.readline(_LINE_BYTES + 1)
                if not line:
                    return
                size += len(line)
                if len(line) > _LINE_BYTES or size > _FILE_BYTES:
                    raise HostileFile(
                        f"lines may have {_LINE_BYTES >> 20} MiB, the whole file"
                        f" {_FILE_BYTES >> 30} GiB.",
                        file=str(path),
                        row=row,
                        zh=f"每行最多 {_LINE_BYTES >> 20} MiB，"
                        f"整个文件最多 {_FILE_BYTES >> 30} GiB。",
                    )
                yield row, line.removeprefix(b"\xef\xbb\xbf") if row == 1 else line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UnreadableFile(
            "the gzip file is damaged or cut off.", file=str(path), zh="gzip 文件已损坏或不完整。"
        ) from None


def turns_of(thing: Mapping[str, Any], path: Path, row: int) -> Sequence[Turn]:
    """Return the turns of a dialogue, or the one of a single text; raises UnreadableFile."""
    coded = bool(_mapping(thing.get("meta")).get("text_is_token_ids"))
    if "turns" not in thing:
        return (Turn("buyer", _text(thing, path, row, "text", coded)),)
    turns = thing["turns"]
    if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        raise _wrong(path, row, "turns", "is not a list of objects", "不是对象的列表")
    return [_turn(turn, path, row, coded) for turn in turns]


def _turn(turn: Mapping[str, Any], path: Path, row: int, coded: bool) -> Turn:
    if turn.get("role") not in ROLES:
        raise _wrong(
            path, row, "role", f"is none of {', '.join(ROLES)}", f"应为 {'、'.join(ROLES)}"
        )
    sent_at = turn.get("sent_at")
    if sent_at is not None and not isinstance(sent_at, str):
        raise _wrong(path, row, "sent_at", "is not an ISO time", "不是 ISO 时间")
    return Turn(str(turn["role"]), _text(turn, path, row, "text", coded), sent_at)


def _text(thing: Mapping[str, Any], path: Path, row: int, key: str, coded: bool) -> str:
    text = thing.get(key)
    if not isinstance(text, str):
        raise _wrong(path, row, key, "is not a text", "不是文本")
    if not coded:
        return text
    return "".join(chr(_TOKEN_BASE + hash_of(token) % _TOKENS) for token in text.split())


def hash_of(token: str) -> int:
    """Return a number for a token, its own where it is one."""
    return int(token) if token.isascii() and token.isdecimal() else zlib.crc32(token.encode())


def _wrong(path: Path, row: int, column: str, what: str, zh: str) -> UnreadableFile:
    return UnreadableFile(
        f"'{column}' {what}.", file=str(path), row=row, column=column, zh=f"{zh}。"
    )
