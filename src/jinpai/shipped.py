"""Data files that come with Jinpai."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["parsed"]

# The C library's loader is ten times quicker; a wheel without it is rare.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parsed(text: str) -> Any:
    """Return what a YAML text of ours holds; users' files take `yaml.safe_load`, which tells more.

    >>> parsed("a: [1, 是]")
    {'a': [1, '是']}
    """
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
