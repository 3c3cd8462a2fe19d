"""Commands told to people: they must work when they are copied."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

__all__ = ["shell_word"]


def shell_word(text: str | Path) -> str:
    """Return a word of a shell's command, quoted only where it must be.

    >>> shell_word("my-shop"), shell_word("店铺 1"), shell_word("店铺")
    ('my-shop', "'店铺 1'", '店铺')
    """
    word = str(text)
    return word if re.fullmatch(r"[\w@%+=:,./~\\-]+", word) else shlex.quote(word)
