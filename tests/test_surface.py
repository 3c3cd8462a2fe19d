"""What the package shows of itself, and what it needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jinpai

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "jinpai"
# Where the name one imports is not the name one installs.
INSTALLED_AS = {
    "argon2": "argon2-cffi",
    "prometheus_client": "prometheus-client",
    "python_calamine": "python-calamine",
    "re2": "google-re2",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_public_names_are_those_listed() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    public = {"__version__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jinpai"):
            public |= {alias.asname or alias.name for alias in node.names}
    public -= {"workspace"}  # the module the lazy names come from
    assert jinpai.__all__ == sorted(public)
    assert all(getattr(jinpai, name) is not None for name in jinpai.__all__)


def test_import_needs_nothing_installed() -> None:
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import jinpai"
    ran = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_everything_imported_is_a_declared_dependency() -> None:
    used = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                used.add(node.module.partition(".")[0])
    others = used - set(sys.stdlib_module_names) - {"jinpai"}
    extras = project()["optional-dependencies"].values()
    entries = [*project()["dependencies"], *(entry for extra in extras for entry in extra)]
    declared = {re.split(r"[<>=!~ \[]", entry)[0].lower() for entry in entries}
    # Time zones are data: nothing imports tzdata. FastAPI asks for python-multipart where a form
    # comes, PySpark for pandas where executors run Python.
    unseen = {"tzdata", "python-multipart", "pandas"}
    assert {INSTALLED_AS.get(name, name) for name in others} == declared - unseen


def test_version_is_the_same_everywhere() -> None:
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert jinpai.__version__ == project()["version"] == newest[1]


def test_lock_files_name_no_place() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        lines = path.read_text("utf-8").splitlines()
        assert [line for line in lines if "://" in line or line.startswith("-")] == []
        pinned = [line for line in lines if line and not line.startswith(" ")]
        assert all("==" in line and line.endswith("\\") for line in pinned), path.name


def test_lock_files_hold_every_dependency() -> None:
    declared = {re.split(r"[<>=!~ \[]", entry)[0].lower() for entry in project()["dependencies"]}
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        locked = set(re.findall(r"^([\w.-]+)==", path.read_text("utf-8"), re.MULTILINE))
        assert declared - {name.lower() for name in locked} == set(), path.name
