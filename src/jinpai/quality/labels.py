"""Labels: where in a file the truth is, and how it becomes classes.

item.sentiment                    the item's label, as it is
turn.satisfaction=dissatisfied    two classes: is it this value
dialogue.quality_mean.S<0         two classes: is the number below (<, <=, >, >=)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from jinpai.errors import UsageError

__all__ = ["Label", "Level", "parse_label"]

Level = Literal["item", "turn", "dialogue"]

_FORM = re.compile(r"(item|turn|dialogue)\.([\w.-]+?)(?:(<=|>=|<|>|=)(.+))?", re.ASCII | re.DOTALL)
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Label:
    """Where a label is and what makes two classes of it.

    Attributes:
        path: keys below the thing's ``labels``.
        test: ``=``, ``<``, ``<=``, ``>``, ``>=``, or empty: the value itself is the class.
        against: what ``=`` compares the label's text with.
        limit: what the others compare its number with.
    """

    level: Level
    path: tuple[str, ...]
    test: str = ""
    against: str = ""
    limit: float = 0.0

    @property
    def is_numeric(self) -> bool:
        """Tell whether the label must be a number."""
        return self.test in _ORDERS

    def find(self, labels: Mapping[str, Any]) -> Any:
        """Return the raw label, or None where the thing has none."""
        found: Any = labels
        for key in self.path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def class_of(self, raw: Any) -> str:
        """Return the class of a raw label; raises ValueError for one it cannot take."""
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            raw = _plain(raw)
        if not self.test:
            return str(raw)
        if self.test == "=":
            return str(str(raw) == self.against).lower()
        return str(_ORDERS[self.test](number_of(raw), self.limit)).lower()


def _plain(raw: Any) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    raise ValueError("the label is neither a text nor a number")


def number_of(raw: Any) -> float:
    """Return a label as a number; raises ValueError."""
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) < float("inf"):
        return float(raw)
    raise ValueError(f"the label is {raw!r}, not a number")


def parse_label(text: str) -> Label:
    """Return the label a text such as ``turn.satisfaction=dissatisfied`` names.

    Raises UsageError.

    >>> parse_label("dialogue.quality_mean.S<0").class_of(-0.25)
    'true'
    """
    match = _FORM.fullmatch(text.strip())
    if match is None or any(not part for part in match[2].split(".")):
        raise _bad(text)
    level, path, test, against = match.groups()
    limit = 0.0
    if test in _ORDERS:
        try:
            limit = number_of(float(against))
        except ValueError:
            raise _bad(text) from None
    return Label(
        cast(Level, level), tuple(path.split(".")), test or "", (against or "").strip(), limit
    )


def _bad(text: str) -> UsageError:
    return UsageError(
        f"--label: '{text}' is no label; write item.NAME, turn.NAME or dialogue.NAME, and"
        " =VALUE or <NUMBER for two classes, such as turn.satisfaction=dissatisfied.",
        zh=f"--label：“{text}”不是标签；请写 item.名称、turn.名称或 dialogue.名称，"
        "需要分成两类时再加 =值 或 <数字，例如 turn.satisfaction=dissatisfied。",
    )
