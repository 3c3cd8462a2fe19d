"""The side bar of one person: the pages they may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinpai.shipped import parsed
from jinpai.web.permissions import may_use

__all__ = ["Entry", "Group", "current", "menu"]

# Pages that belong to an entry whose address they do not go on from.
_UNDER = {
    "agent": ("team", "my_figures"),
    "conversation_at": ("conversations",),
    "payslip": ("my_pay",),
    "rule_edit": ("rules",),
}
_ORDER = ("menu_data", "menu_results", "menu_people", "menu_quality", "menu_pay", "menu_admin")


@dataclass(frozen=True)
class Entry:
    """A page in the side bar; ``word`` is the key of its name."""

    route: str
    icon: str
    word: str


@dataclass(frozen=True)
class Group:
    """Some pages under one heading."""

    word: str
    entries: tuple[Entry, ...]


@cache
def _groups() -> dict[str, list[Entry]]:
    here = files("jinpai.web")
    parts: list[dict[str, Any]] = parsed(here.joinpath("menu.yaml").read_text("utf-8"))
    more = here.joinpath("menu")
    names = sorted(one.name for one in more.iterdir()) if more.is_dir() else []
    for name in (name for name in names if name.endswith(".yaml")):
        parts += parsed(more.joinpath(name).read_text("utf-8"))
    made: dict[str, list[Entry]] = {}
    for part in parts:
        if part["group"] not in _ORDER:
            raise ValueError(f"menu: there is no group '{part['group']}'; known: {_ORDER}")
        made.setdefault(part["group"], []).extend(Entry(*page) for page in part["pages"])
    return made


def menu(role: str) -> list[Group]:
    """Return the groups with the pages the role may use; empty groups are left out."""
    groups = _groups()
    kept = (
        (word, tuple(entry for entry in groups.get(word, ()) if may_use(entry.route, role)))
        for word in _ORDER
    )
    return [Group(word, entries) for word, entries in kept if entries]


def current(groups: Sequence[Group], route: str, path: str, path_of: Callable[[str], str]) -> str:
    """Return the entry's route that a page belongs to: its own, else the nearest above; or "".

    Args:
        route, path: of the page. path_of: tells the path of an entry's route.
    """
    routes = [entry.route for group in groups for entry in group.entries]
    for one in (route, *_UNDER.get(route, ())):
        if one in routes:
            return one
    above = [one for one in routes if path.startswith(f"{path_of(one)}/")]
    return max(above, key=lambda one: len(path_of(one)), default="")
