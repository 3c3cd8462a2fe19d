"""Whose rows a list shows."""

from __future__ import annotations

from typing import Any

import pytest

from jinpai.store.people import User
from jinpai.web.errors import NotFound
from jinpai.web.sight import Sight

ROSTER: dict[str, dict[str, Any]] = {
    "s:a": {"team": "one"}, "s:b": {"team": "two"}, "s:c": {"team": "one"},
}  # fmt: skip


def sight(role: str, **more: Any) -> Sight:
    return Sight(User(login=role, role=role, **({"teams": []} | more)), ROSTER)


def test_lists_show_what_one_may_see() -> None:
    assert sight("owner").listed(None) is None
    assert sight("owner").listed("s:b") == ["s:b"]
    assert sight("supervisor", teams=["one"]).listed("") == ["s:a", "s:c"]
    assert sight("agent", agent_id="s:b").listed(None) == ["s:b"]
    with pytest.raises(NotFound):
        sight("agent", agent_id="s:b").listed("s:a")


def test_an_agent_nobody_listed_sees_own_rows_and_a_supervisor_of_nobody_none() -> None:
    assert sight("agent", agent_id="s:new").listed(None) == ["s:new"]
    assert sight("supervisor").listed(None) == [""]
