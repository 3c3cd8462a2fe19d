"""The command line without its script."""

from __future__ import annotations

import subprocess
import sys

from jinpai import __version__


def test_python_runs_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jinpai", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"jinpai {__version__}"
