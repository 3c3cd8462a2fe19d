"""Texts made plain before they are judged: one form of width, case and placeholders."""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "UNSEEN", "plain", "without_unseen", "words_only"]

# Full-width ASCII to half width, the ideographic comma and stop to theirs.
_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
# What masks put in place of a number, name or address: only its first character is kept.
_MASK = re.compile(r"\[([^\[\]]?)[^\[\]]{0,40}\]")
_HANDLE = re.compile(r"@[^\s@,:;!?，。：；！？]{1,40}")
# Marks that hide, join or turn text around.
_RANGES = (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x2069)
HIDDEN = "\u00ad\u034f\ufe0f\ufeff" + "".join(
    chr(code) for first, last in _RANGES for code in range(first, last + 1)
)
UNSEEN = re.compile(f"[{HIDDEN}]")

_MASK_LEFT = re.compile(r"<.?>|#e-?s?")


def plain(text: str) -> str:
    """Return a text in lower case and half width, masks and handles shortened, no hidden marks.

    >>> plain("ＡＢ？[数字x]@小王 好")
    'ab?<数>@ 好'
    """
    text = UNSEEN.sub("", text).translate(_WIDTH).lower()
    return _HANDLE.sub("@", _MASK.sub(r"<\1>", text))


def without_unseen(text: str) -> str:
    """Return a text without the marks that hide, join or turn text around."""
    return UNSEEN.sub("", text)


def words_only(text: str) -> str:
    """Return a plain text without the masks, which are nobody's words."""
    return _MASK_LEFT.sub(" ", text)
