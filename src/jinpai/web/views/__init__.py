"""The pages. A module here with a ``router`` is found and its routes are served."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from fastapi import APIRouter

__all__ = ["routers"]


def routers() -> Iterator[APIRouter]:
    """Yield the router of every module in this folder, in the order of their names."""
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        router = getattr(import_module(f"{__name__}.{found.name}"), "router", None)
        if router is not None:
            yield router
