"""Names and texts that people give, made fit to keep, or refused."""

from __future__ import annotations

import re
import unicodedata

from jinpai.errors import UsageError

__all__ = ["known_as", "said", "same_person"]

_NAME, _TEXT = 200, 4000
# What PostgreSQL cannot keep, or what would hide or turn text around in a name.
_NEVER = re.compile("[\x00\ud800-\udfff]")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def known_as(name: str, what: str = "--as") -> str:
    """Return a person's name as it is kept: one form of each letter, no blanks around it.

    Raises UsageError for an empty one, or one that is no line of text.

    >>> known_as(" Ｂｏ ")
    'Bo'
    """
    kept = unicodedata.normalize("NFKC", name).strip()
    if not kept or len(kept) > _NAME or _UNSEEN.search(kept):
        raise UsageError(
            f"{what}: {name[:40]!r} is no name: write one line of at most {_NAME} characters.",
            zh=f"{what}：{name[:40]!r} 不是有效的名字：请写一行，不超过 {_NAME} 个字。",
        )
    return kept


def same_person(one: str, other: str) -> bool:
    """Tell whether two names, which need not be fit to keep, are the same but for capitals."""
    return _form(one) == _form(other)


def _form(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def said(text: str, what: str, *, needed: bool = False) -> str:
    """Return a comment or reason as it is kept; raises UsageError for one that cannot be."""
    kept = text.strip()
    if _NEVER.search(kept) or len(kept) > _TEXT:
        raise UsageError(
            f"{what}: write at most {_TEXT} characters, none of them NUL.",
            zh=f"{what}：不超过 {_TEXT} 个字，且不能含空字符。",
        )
    if needed and not kept:
        raise UsageError(f"{what}: say why.", zh=f"{what}：请写明理由。")
    return kept
