"""Taking an import back: rows of before, refused after later imports, whole when killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from lakes import load, new_lake, rows_of, whole

from jinpai.errors import UsageError, WorkspaceError
from jinpai.sources.base import Reject
from jinpai.tables import delta, upkeep
from jinpai.tables.lake import Lake
from jinpai.tables.undo import imports, undo

AT = "2026-03-02 09:00:00"


def orders(*notes: str) -> object:
    rows = [{"order_id": f"{n}", "created_at": AT, "note": one} for n, one in enumerate(notes)]
    return whole("orders", rows, "orders.csv")


def notes(lake: Lake) -> list[object]:
    return [row[0] for row in rows_of(lake.snapshot(), "orders", "note")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return new_lake(tmp_path)


def test_the_rows_of_before_are_back_and_the_states_stay(lake: Lake) -> None:
    first = load(lake, orders("a", "b")).snapshot_id
    refused = Reject("orders", "orders.csv", 9, None, "unreadable_row", "x")
    second = load(lake, orders("A", "b", "c"), refused).snapshot_id
    assert lake.rejects().num_rows == 1
    done = undo(lake, second)
    assert (done.rows, len(done.rejects)) == ({"orders": 1}, 1)
    assert notes(lake) == ["a", "b"]
    assert lake.rejects().num_rows == 0
    assert [row[0] for row in rows_of(lake.at(second), "orders", "note")] == ["A", "b", "c"]
    assert upkeep.verify(lake).faults == upkeep.verify(lake, second).faults == []
    listed = [(one.number, one.what, one.rows, one.may_undo) for one in imports(lake)]
    assert listed == [
        (done.state, "undo", {"orders": -1}, False),
        (second, "import", {"orders": 1}, False),
        (first, "import", {"orders": 2}, False),
    ]
    with pytest.raises(UsageError, match="Later imports changed the same tables"):
        undo(lake, second)
    undo(lake, first)  # the same files as that import had made
    assert notes(lake) == []
    load(lake, orders("A", "b", "c"))
    assert notes(lake) == ["A", "b", "c"]


def test_it_is_refused_when_later_imports_changed_the_same_tables(lake: Lake) -> None:
    first = load(lake, orders("a")).snapshot_id
    other = whole("agents", [{"agent_id": "x", "name": "X"}], "agents.csv")
    agents = load(lake, other).snapshot_id
    later = load(lake, orders("a", "b")).snapshot_id
    with pytest.raises(UsageError, match=r"\(orders\)"):
        undo(lake, first)
    assert undo(lake, agents).rows == {"agents": 1}
    assert notes(lake) == ["a", "b"]
    undo(lake, later)
    assert undo(lake, first).rows == {"orders": 1}
    assert notes(lake) == []


def test_what_was_no_import_or_is_cleaned_up_is_refused(lake: Lake) -> None:
    load(lake, orders("a"))
    second = load(lake, orders("b")).snapshot_id
    with pytest.raises(WorkspaceError):
        undo(lake, 99)
    third = load(lake, orders("c")).snapshot_id
    with pytest.raises(UsageError, match="was not made by an import"):
        undo(lake, undo(lake, third).state)
    upkeep.vacuum(lake, days=0, hours=0)
    with pytest.raises(UsageError, match="cleaned up"):
        undo(lake, second)
    assert notes(lake) == ["b"]


def test_killed_before_it_is_published_it_has_not_happened(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, orders("a", "b"))
    second = load(lake, orders("A", "b")).snapshot_id

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("jinpai.tables.state.publish", die)
        with pytest.raises(KeyboardInterrupt):
            undo(lake, second)
    assert lake.repair()
    assert notes(lake) == ["A", "b"]
    assert upkeep.verify(lake, second).faults == upkeep.verify(lake, second - 1).faults == []
    assert undo(lake, second).rows == {"orders": 0}
    assert notes(lake) == ["a", "b"]
    assert delta.version(lake.folder / "orders") == lake.snapshot().versions["orders"]
