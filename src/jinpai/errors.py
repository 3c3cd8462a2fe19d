"""Every error a caller can meet, in one small tree.

    JinpaiError                 base; ``exit_code`` says what the command line returns
    ├── UsageError              asked wrongly: option, date, name            (exit 2)
    │   ├── UnknownName         a name that does not exist; offers the nearest one
    │   └── SettingError        a setting refused its value
    ├── InputError              a file we cannot take; nothing was changed   (exit 2)
    │   ├── UnknownFormat       no reader recognises the file
    │   ├── UnreadableFile      damaged, truncated, empty, encrypted, wrong type
    │   └── HostileFile         would cost too much or escape its folder
    ├── WorkspaceError          no workspace here, or one we may not touch   (exit 2)
    ├── BalanceError            books of a run do not balance; nothing was published (exit 1)
    └── EngineError             a step failed in the engine; carries step name and SQL (exit 1)

A message says what, where (file, row, column, key) and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "BalanceError",
    "EngineError",
    "HostileFile",
    "InputError",
    "JinpaiError",
    "SettingError",
    "UnknownFormat",
    "UnknownName",
    "UnreadableFile",
    "UsageError",
    "WorkspaceError",
    "nearest",
]


class JinpaiError(Exception):
    """Base of every error Jinpai raises on purpose."""

    exit_code = 1


class UsageError(JinpaiError):
    """The request itself is wrong; nothing was read or written."""

    exit_code = 2


class UnknownName(UsageError):
    """A metric, setting, table, column or option value that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        hint = nearest(name, self.known)
        more = f" Did you mean '{hint}'?" if hint else f" Known: {', '.join(self.known[:12])}."
        super().__init__(f"There is no {kind} '{name}'.{more}")


class SettingError(UsageError):
    """A setting refused its value; the message names the key and what it takes."""


class InputError(JinpaiError):
    """A file that cannot be taken. Nothing was changed."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message, self.file, self.row, self.column, self.hint = message, file, row, column, hint
        place = file or ""
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column '{column}'"
        text = f"{place}: {message}" if place else message
        super().__init__(f"{text} {hint}" if hint else text)


class UnknownFormat(InputError):
    """No reader recognises the file."""


class UnreadableFile(InputError):
    """The file is damaged, truncated, empty, encrypted, or not what its name says."""


class HostileFile(InputError):
    """The file would cost too much to open or reaches outside its folder."""


class WorkspaceError(JinpaiError):
    """There is no workspace here, or not one this version may touch."""

    exit_code = 2


class BalanceError(JinpaiError):
    """A balance check of a run found rows; the run was not published."""


class EngineError(JinpaiError):
    """A step failed inside the engine.

    Attributes:
        step: name of the relation that was being made.
        sql: the full statement.
    """

    def __init__(self, step: str, sql: str, cause: str) -> None:
        self.step, self.sql, self.cause = step, sql, cause
        super().__init__(f"Step '{step}' failed: {cause}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to ``name``, or None when nothing is close.

    >>> nearest("sales_amout", ["sales_amount", "rounds"])
    'sales_amount'
    """
    found = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None
