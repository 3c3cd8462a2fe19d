"""The rules and acts in force in a workspace: the shipped ones with its own files.

``rules.yaml`` and ``acts.yaml`` beside ``jinpai.toml`` change and add (docs/inspection.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jinpai.quality.acts.patterns import Act, load_acts
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.judge import Judge
from jinpai.quality.names import RULES_FILE
from jinpai.quality.rule import Rule, load_rules

__all__ = ["ACTS_FILE", "Book", "book_id", "load_book", "own_files"]

ACTS_FILE = "acts.yaml"


@dataclass(frozen=True)
class Book:
    """Rules with the acts they speak of, and what placeholders stand for."""

    rules: tuple[Rule, ...]
    acts: tuple[Act, ...]
    placeholders: Mapping[str, str]

    @cached_property
    def scanner(self) -> Scanner:
        """Tells the acts of texts."""
        return Scanner(self.acts, self.placeholders)

    @cached_property
    def judge(self) -> Judge:
        """Applies the rules."""
        return Judge(self.rules, self.scanner)

    def __getstate__(self) -> dict[str, object]:
        """Leave out what is compiled: it cannot be sent to another process."""
        return {name: getattr(self, name) for name in ("rules", "acts", "placeholders")}


def load_book(root: Path | None = None) -> Book:
    """Return the book of a workspace, without one the shipped book; raises UsageError."""
    rules, acts = own_files(root)
    known, placeholders = load_acts(acts)
    return Book(load_rules(rules, {act.name for act in known}), known, placeholders)


def book_id(root: Path | None = None) -> str:
    """Return a hash of all that decides findings besides the data: files and this package."""
    made = hashlib.sha256(_shipped())
    for path in own_files(root):
        made.update(b"\0" + (path.read_bytes() if path else b""))
    return made.hexdigest()[:16]


def own_files(root: Path | None) -> tuple[Path | None, Path | None]:
    """Return the workspace's own files, None for one that is not there."""
    if root is None:
        return None, None
    rules, acts = root / RULES_FILE, root / ACTS_FILE
    return rules if rules.is_file() else None, acts if acts.is_file() else None


@cache
def _shipped() -> bytes:
    made = hashlib.sha256()
    _add(made, files(__package__))
    return made.digest()


def _add(made: hashlib._Hash, folder: Traversable) -> None:
    for inner in sorted(folder.iterdir(), key=lambda one: one.name):
        if inner.is_dir() and inner.name != "__pycache__":
            _add(made, inner)
        elif inner.name.endswith((".py", ".sql", ".yaml", ".txt")):
            made.update(inner.name.encode() + b"\0" + inner.read_bytes())
