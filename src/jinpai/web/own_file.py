"""A file of the workspace that people edit as text in the browser: read, told apart, replaced."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from uuid import uuid4

__all__ = ["as_lines", "mark_of", "replace_file", "text_of_file"]


def as_lines(text: str) -> str:
    """Return what a browser sent as lines of a file; never the name of one."""
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def mark_of(text: str) -> str:
    """Return what tells a text from any other, for a form to say what it was made from."""
    return hashlib.sha256(text.encode()).hexdigest()


def text_of_file(file: Path) -> str:
    """Return the text of a file, empty where it is not there; what is no UTF-8 is shown as such."""
    return file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""


def replace_file(file: Path, text: str) -> None:
    """Replace the file as a whole, so that nobody reads half of it."""
    aside = file.with_name(f".{uuid4().hex}.tmp")
    with aside.open("x", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
