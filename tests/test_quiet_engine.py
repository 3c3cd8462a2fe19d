"""What the engine does by itself: it draws nothing, and tries again what needed too much memory."""

from __future__ import annotations

import duckdb
import pytest

from jinpai.engine.duckdb import DuckEngine


def test_no_progress_is_drawn(capfd: pytest.CaptureFixture[str]) -> None:
    with DuckEngine(threads=1) as engine:
        shown = engine.con.execute("select current_setting('enable_progress_bar')").fetchone()
    assert shown == (False,)
    assert capfd.readouterr().out == ""


def test_what_needs_too_much_memory_is_done_by_one_thread_once_more() -> None:
    with DuckEngine(threads=2) as engine:
        asked = list[int]()

        def threads() -> int:
            ((now,),) = engine.con.execute("select current_setting('threads')").fetchall()
            asked.append(now)
            if now > 1:
                raise duckdb.OutOfMemoryException("failed to pin block")
            return int(now)

        assert engine.careful("step", "select 1", threads) == 1
        assert asked == [2, 1]
        engine.con.execute("set threads = 1")
        assert engine.careful("step", "select 1", threads) == 1
        assert engine.con.execute("select current_setting('threads')").fetchall() == [(1,)]
