"""Steps: what the stages return and an engine executes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

__all__ = ["Step", "sql_step"]


@dataclass(frozen=True)
class Step:
    """One relation to make.

    Attributes:
        name: what the relation means; later steps refer to it by this name.
        sql: one SELECT over canonical tables, run relations and earlier steps.
        keep: stored once (True) or inlined as a view (False).
    """

    name: str
    sql: str
    keep: bool = True


def sql_step(package: str, name: str, *, keep: bool = True) -> Step:
    """Return the step whose SELECT lies in ``<package>/<name>.sql``.

    >>> sql_step("jinpai.conversations", "threads").name
    'threads'
    """
    text = resources.files(package).joinpath(f"{name}.sql").read_text("utf-8")
    return Step(name, text.strip().rstrip(";"), keep)
