"""What rules are called, for those who list figures and judge nothing: read without compiling."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from jinpai.shipped import parsed

__all__ = ["RULES_FILE", "RuleName", "know_rules", "rule_names"]

# A workspace's own rules lie beside its jinpai.toml.
RULES_FILE = "rules.yaml"


class RuleName(NamedTuple):
    """A rule's code and names, and whether it is a merit."""

    code: str
    zh: str
    en: str
    is_merit: bool


_own: dict[str, RuleName] = {}


def rule_names() -> tuple[RuleName, ...]:
    """Return the shipped rules and those of the workspaces opened in this process."""
    return _all(tuple(_own.values()))


def know_rules(root: Path) -> None:
    """Take the names of a workspace's own rules; a file that cannot be read is left to the run."""
    path = root / RULES_FILE
    if not path.is_file():
        return
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError):
        return
    known = {name.code: name for name in _shipped()}
    _own.update((name.code, name) for name in _names(data, known))


@cache
def _all(own: tuple[RuleName, ...]) -> tuple[RuleName, ...]:
    return tuple(({name.code: name for name in _shipped()} | {o.code: o for o in own}).values())


@cache
def _shipped() -> tuple[RuleName, ...]:
    text = files(__package__).joinpath("rules.yaml").read_text("utf-8")
    return tuple(_names(parsed(text), {}))


def _names(data: Any, known: dict[str, RuleName]) -> list[RuleName]:
    entries = data.items() if isinstance(data, dict) else ()
    found = []
    for code, entry in entries:
        if not isinstance(entry, dict) or entry.get("drop"):
            continue
        base = known.get(str(code), RuleName(str(code), str(code), str(code), is_merit=False))
        is_merit = entry["group"] == "merit" if "group" in entry else base.is_merit
        zh, en = (str(entry.get(name, getattr(base, name))) for name in ("zh", "en"))
        found.append(RuleName(base.code, zh, en, is_merit))
    return found
