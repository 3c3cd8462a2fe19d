"""The charts library in the package is the one the lock file names, unchanged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "src" / "jinpai" / "reports" / "assets"


def test_it_is_what_the_lock_file_names() -> None:
    made = json.loads((ASSETS / "echarts.json").read_text("utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    entry = lock["packages"]["node_modules/echarts"]
    assert (made["version"], made["integrity"]) == (entry["version"], entry["integrity"])
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    assert wanted["echarts"] == entry["version"]
    for name, sha256 in made["sha256"].items():
        assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == sha256, name


def test_it_equals_the_installed_package_where_there_is_one() -> None:
    installed = ROOT / "node_modules" / "echarts" / "dist" / "echarts.common.min.js"
    if installed.exists():
        assert installed.read_bytes() == (ASSETS / installed.name).read_bytes()


def test_its_licences_are_beside_it() -> None:
    assert "Apache License" in (ASSETS / "echarts.LICENSE").read_text("utf-8")
    assert "Apache ECharts" in (ASSETS / "echarts.NOTICE").read_text("utf-8")
    assert "BSD 3-Clause" in (ASSETS / "zrender.LICENSE").read_text("utf-8")
