"""The side bar of one person: the pages they may use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from jinpai.web.permissions import may_use

__all__ = ["Entry", "Group", "menu"]

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
    parts: list[dict[str, Any]] = yaml.safe_load(here.joinpath("menu.yaml").read_text("utf-8"))
    more = here.joinpath("menu")
    names = sorted(one.name for one in more.iterdir()) if more.is_dir() else []
    for name in (name for name in names if name.endswith(".yaml")):
        parts += yaml.safe_load(more.joinpath(name).read_text("utf-8"))
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
