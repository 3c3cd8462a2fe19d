"""Who may use which route: data in permissions.yaml and permissions/*.yaml, checked at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinpai.shipped import parsed
from jinpai.store.people import ROLES

__all__ = ["EVERYONE", "check_routes", "may_use", "permissions", "role_name"]

EVERYONE = "everyone"


@cache
def _data() -> Mapping[str, Any]:
    here = files("jinpai.web")
    made = parsed(here.joinpath("permissions.yaml").read_text("utf-8"))
    more = here.joinpath("permissions")
    for place in more.iterdir() if more.is_dir() else ():
        if place.name.endswith(".yaml"):
            part = parsed(place.read_text("utf-8")) or {}
            for key in (EVERYONE, "all"):
                made[key] = [*made[key], *part.get(key, ())]
            made["routes"] = {**made["routes"], **part.get("routes", {})}
    return made  # type: ignore[no-any-return]


@cache
def permissions() -> Mapping[str, frozenset[str]]:
    """Return route name -> roles that may use it; EVERYONE stands for those without one too."""
    data = _data()
    made = {name: frozenset(roles) for name, roles in data["routes"].items()}
    for name, roles in made.items():
        if unknown := roles - set(ROLES):
            raise ValueError(f"permissions: route '{name}' names no role {sorted(unknown)}")
    made |= dict.fromkeys(data["all"], frozenset(ROLES))
    return made | dict.fromkeys(data[EVERYONE], frozenset({EVERYONE, *ROLES}))


def may_use(route: str, role: str | None) -> bool:
    """Tell whether a role, or None for nobody in particular, may use a route."""
    return (role or EVERYONE) in permissions().get(route, frozenset())


def role_name(role: str, language: str) -> str:
    """Return what a role is called."""
    zh, en = _data()["roles"][role]
    return str(zh if language == "zh" else en)


def check_routes(names: Iterable[str]) -> None:
    """Raise ValueError for a route nobody was given, and for an entry of a route there is not."""
    there, known = set(names), set(permissions())
    if there != known:
        raise ValueError(
            f"permissions.yaml: routes without an entry {sorted(there - known)}, "
            f"entries without a route {sorted(known - there)}"
        )
