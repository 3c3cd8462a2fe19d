"""The one-time link a first start prints."""

from __future__ import annotations

from fastapi import FastAPI

from jinpai.store import Store
from jinpai.store.accounts import has_people, invite

__all__ = ["first_link"]


def first_link(app: FastAPI) -> str:
    """Return the path of a new link that makes the first owner; empty where there are people."""
    store: Store = app.state.store
    with store.write() as session:
        if has_people(session):
            return ""
        return f"/setup/{invite(session, None, actor='serve')}"
