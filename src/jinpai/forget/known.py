"""Who was forgotten, without saying who: a secret salt and keyed hashes of account names.

The list lies with the lake's states (`forgotten.json`), so that every machine that imports into the
lake knows it. From the list alone nobody can be told; who has both it and a name can test the name,
and that is what an import does with every name it meets.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from jinpai.errors import WorkspaceError
from jinpai.tables.lake import Lake
from jinpai.tables.mounts import mounted
from jinpai.toml_file import write_whole

__all__ = ["PREFIX", "Known", "load", "remember", "same_id"]

PREFIX = "forgotten-"
_FILE = "forgotten.json"
_BLANKS = " \t\n\r\xa0\u3000"
_BETWEEN = re.compile(r"[\s,;|\"'{}\[\]()（）<>，；、]+")
_WORDS_TOGETHER = 4  # a name of so many words is still found in a file's name


@dataclass(frozen=True)
class Known:
    """The list.

    Attributes:
        salt: of this lake, secret, in hex; empty where nobody was ever forgotten.
        buyers: the names that stand for forgotten buyers (`name_of`).
        words: keyed hashes of what else named them: phones, names.
    """

    salt: str = ""
    buyers: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.buyers)

    def name_of(self, buyer: str) -> str:
        """Return what stands for a buyer from now on: the same for ever in this lake."""
        return PREFIX + self.mark("buyer", buyer)[:20]

    def mark(self, kind: str, text: str) -> str:
        """Return the keyed hash of a text of some kind, in hex."""
        return hmac.new(
            bytes.fromhex(self.salt), f"{kind}:{text}".encode(), hashlib.sha256
        ).hexdigest()

    def holds(self, buyer: str) -> str | None:
        """Return what stands for a buyer who was forgotten, None for anybody else."""
        name = self.name_of(same_id(buyer))
        return name if name in self.buyers else None

    def names_anybody(self, text: str) -> bool:
        """Tell whether a text (a raw row, a file's name) names somebody who was forgotten."""
        return any(
            self.holds(word) or self.mark("word", word) in self.words for word in _words(text)
        )

    def file_without(self, name: str) -> str:
        """Return the name of a source file, without its last part where that names somebody."""
        folder, slash, _ = name.rpartition("/")
        return f"{folder}{slash}***" if self.names_anybody(name) else name


def same_id(text: str) -> str:
    """Return an account name as the tables hold it."""
    return text.strip(_BLANKS)


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text, and a few words together as they stand there."""
    stem = text.rpartition("/")[2].rpartition(".")[0] or text
    for one in {text, stem}:
        parts = [word for word in _BETWEEN.split(one) if word]
        yield from parts
        for length in range(2, _WORDS_TOGETHER + 1):
            yield from (" ".join(parts[at : at + length]) for at in range(len(parts) - length + 1))


def load(lake: Lake) -> Known:
    """Return the list of a lake, empty where there is none; raises WorkspaceError when damaged."""
    path = lake.states / _FILE
    here = mounted(path)
    found = here.read(path) if here else path.read_bytes() if path.is_file() else None
    if found is None:
        return Known()
    try:
        made = json.loads(found)
        return Known(made["salt"], frozenset(made["buyers"]), frozenset(made["words"]))
    except (ValueError, TypeError, KeyError) as error:
        raise WorkspaceError(
            f"{path}: the list of forgotten buyers cannot be read ({error!r}). Restore it from a"
            " backup; without it an import could bring forgotten buyers back.",
            zh=f"{path}：已遗忘买家的名单无法读取。请从备份恢复；否则再次导入可能会带回这些买家。",
        ) from None


def remember(lake: Lake, buyer: str, words: Iterable[str]) -> Known:
    """Put a buyer on the list, and the words that named them; returns the list."""
    known = load(lake)
    if not known.salt:
        known = replace(known, salt=secrets.token_hex(32))
    known = replace(
        known,
        buyers=known.buyers | {known.name_of(buyer)},
        words=known.words | {known.mark("word", word) for word in words if word},
    )
    _save(lake.states / _FILE, known)
    return known


def _save(path: Path, known: Known) -> None:
    made = {"salt": known.salt, "buyers": sorted(known.buyers), "words": sorted(known.words)}
    text = json.dumps(made, indent=1) + "\n"
    if here := mounted(path):
        here.write(path, text.encode())
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    write_whole(path, text)
