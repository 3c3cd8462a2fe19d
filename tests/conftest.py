"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no fault of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

GAPS = {"notimpl": "the engine cannot", "notyet": "we do not", "never": "it would make no sense"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=("duckdb", "spark", "both"), default="duckdb")


def pytest_configure(config: pytest.Config) -> None:
    for gap, meaning in GAPS.items():
        told = f"{gap}(engine, raises): fails there in just that way, since {meaning} (engines.py)"
        config.addinivalue_line("markers", told)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Expect the failures that tests say they have on the engine."""
    engine = config.getoption("--engine")
    for item in items:
        for mark in (mark for gap in GAPS for mark in item.iter_markers(gap)):
            if engine in mark.args:
                why = f"{mark.name} on {engine}: {GAPS[mark.name]}"
                item.add_marker(pytest.mark.xfail(raises=mark.kwargs["raises"], reason=why))


@pytest.fixture(scope="session", autouse=True)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Compute what tests run on the engine asked for with ``--engine``."""
    if request.config.getoption("--engine") == "duckdb":
        yield
        return
    from engines import ENGINES

    name = request.config.getoption("--engine")
    with ENGINES[name].computing(tmp_path_factory.mktemp(name)):
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data beside the repository; tests that need it are skipped without it."""
    path = Path(__file__).resolve().parents[2] / "shared"
    if not path.is_dir():
        pytest.skip("needs ../shared, the development data")
    return path


@pytest.fixture
def shipped_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the own rules of workspaces that other tests opened in this process."""
    monkeypatch.setattr("jinpai.quality.names._own", {})
