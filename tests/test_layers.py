"""The line holds: a stage imports only stages before it, and the package loads light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "jinpai"
# Below every stage, each importing only those before it in this list, or engine's own.
FOUNDATION = (
    "errors",
    "hints",
    "periods",
    "duty",
    "shipped",
    "settings",
    "toml_file",
    "service_terms",
    "workspace_config",
    "engine",
    "store",
)
STAGES = (
    "sources",
    "tables",
    "conversations",
    "attribution",
    "quality",
    "metrics",
    "scoring",
    "reports",
)


def imports(path: Path, package: Path) -> Iterator[str]:
    """Yield the first name under jinpai of everything a module imports, type-only imports too."""
    here = path.relative_to(package.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from alias.name.split(".")[1:2] if alias.name.startswith("jinpai.") else ()
        elif isinstance(node, ast.ImportFrom):
            base = list(here[: len(here) - node.level]) if node.level else []
            parts = [*base, *(node.module or "").split(".")] if node.module else base
            if parts[:1] == ["jinpai"]:
                yield from parts[1:2] or [alias.name for alias in node.names]


def breaches(package: Path) -> list[str]:
    """Return every import that reads forward along the line."""
    order = {name: place for place, name in enumerate((*FOUNDATION, *STAGES))}
    modules = {path.stem for path in package.glob("*")}
    found = []
    for path in sorted(package.rglob("*.py")):
        owner = path.relative_to(package).with_suffix("").parts[0]
        for name in imports(path, package):
            # Whatever is not on the line (run, cli, web, simulate, …) stands above it.
            forward = order.get(name, len(order)) > order.get(owner, len(order))
            if owner in order and name in modules and forward:
                found.append(f"{path.relative_to(package)} imports {name}")
    return found


def test_no_stage_reads_forward() -> None:
    assert breaches(PACKAGE) == []


@pytest.mark.parametrize(
    "line",
    [
        "from jinpai.tables.schema import TABLES",
        "import jinpai.tables",
        "from jinpai import tables",
        "from ..tables import schema",
        "from .. import tables",
        "def f():\n    from jinpai.cli import main",
    ],
)
def test_a_breach_is_seen(tmp_path: Path, line: str) -> None:
    package = tmp_path / "jinpai"
    for name in ("sources", "tables"):
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text("")
    (package / "cli.py").write_text("from jinpai.sources import x\nfrom jinpai import tables\n")
    (package / "sources" / "one.py").write_text("from jinpai.sources import x\n")
    (package / "tables" / "one.py").write_text("from jinpai.sources import x\n")
    assert breaches(package) == []
    (package / "sources" / "two.py").write_text(line + "\n")
    assert [text.split(" ")[0] for text in breaches(package)] == ["sources/two.py"]


def test_importing_the_package_loads_no_engine() -> None:
    code = (
        "import sys, jinpai; heavy = {'duckdb', 'pyarrow', 'deltalake', 'pandas', 'polars'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
