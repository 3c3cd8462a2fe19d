"""How patiently DuckDB's allocator gives memory back: ours, unless the environment says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NAME = "DUCKDB_JE_MALLOC_CONF"
PROGRAM = f"import sys, os, jinpai; assert 'duckdb' not in sys.modules; print(os.environ['{NAME}'])"


@pytest.mark.parametrize("own", [None, "dirty_decay_ms:1"])
def test_the_allocator_is_told_before_duckdb_is_loaded(own: str | None) -> None:
    environment = {key: value for key, value in os.environ.items() if key != NAME}
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | ({NAME: own} if own else {}),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert said == (own or "dirty_decay_ms:10000,muzzy_decay_ms:10000")
