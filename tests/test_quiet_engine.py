"""Standard output belongs to the command: the engine never draws on it."""

from __future__ import annotations

import pytest

from jinpai.engine.duckdb import DuckEngine


def test_no_progress_is_drawn(capfd: pytest.CaptureFixture[str]) -> None:
    with DuckEngine(threads=1) as engine:
        shown = engine.con.execute("select current_setting('enable_progress_bar')").fetchone()
    assert shown == (False,)
    assert capfd.readouterr().out == ""
