"""Cursors: where the next page of a long list begins. They say nothing to those who read them."""

from __future__ import annotations

import base64
import binascii

from jinpai.errors import UsageError

__all__ = ["OldCursor", "cursor_of", "place_of"]


class OldCursor(UsageError):
    """A cursor of a list that has changed. Programs are told; a browser begins the list anew."""


def cursor_of(place: int, tag: str) -> str:
    """Return the cursor of a place in a list; ``tag`` names the state the list is of.

    >>> place_of(cursor_of(50, "run7"), "run7")
    50
    """
    return base64.urlsafe_b64encode(f"{place}.{tag}".encode()).decode().rstrip("=")


def place_of(cursor: str | None, tag: str) -> int:
    """Return the place of a cursor; without one, 0.

    Raises OldCursor for a cursor of another state, or for what is none.
    """
    if not cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        place, _, of = text.partition(".")
        if of == tag and place.isascii() and place.isdigit() and len(place) < 12:
            return int(place)
    except (binascii.Error, ValueError):
        pass
    raise OldCursor(
        "The list has changed since this page was made; begin again at its first page.",
        zh="列表自上次打开后已有变化；请从第一页重新开始。",
    )
