"""Stores to test on, each test on both databases: SQLite, and a real PostgreSQL of our own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import psycopg
import pytest

import jinpai
from jinpai.simulate import simulate
from jinpai.store import Store, open_store
from jinpai.workspace import init

_NAMES = count(1)


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs: Debian keeps them off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def unprivileged() -> str | None:
    """Return whom the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a server for this session; yields the URL of its first database, name left out."""
    programs = binaries()
    if programs is None:
        pytest.fail("PostgreSQL is missing: apt-get install postgresql")
    user = unprivileged()
    # Not pytest's own folder, which only its owner may enter; in memory where there is room.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own name is made in it
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30
    folder = Path(tempfile.mkdtemp(prefix="jinpai-pg-", dir=memory if has_room else None))
    if user is not None:
        shutil.chown(folder, user)
    data, port = folder / "data", _free_port()
    start = {"user": user, "cwd": folder, "capture_output": True, "check": True}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "jinpai", "-A", "trust", "-E", "UTF8", "-N"],
        **start,
    )
    options = ["-c", "fsync=off", "-k", folder, "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], user=user, cwd=folder, stderr=log
        )
    try:
        url = f"postgresql://jinpai@127.0.0.1:{port}"
        _wait(url, server, folder / "log")
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is wanted any more
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(f"{url}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(log.read_text("utf-8"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Name the database a test runs on."""
    return str(request.param)


@pytest.fixture
def new_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return a function that makes an empty database and returns its URL."""
    if database == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'{next(_NAMES)}.db'}"
    server: str = request.getfixturevalue("postgres")
    return lambda: create(server, "template1")


def create(server: str, template: str) -> str:
    """Make a database like another; returns its URL."""
    name = f"t{next(_NAMES)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"create database {name} template {template}")
    return f"{server}/{name}"


@pytest.fixture
def other_url(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database of the other kind."""
    if store.is_sqlite:
        return create(request.getfixturevalue("postgres"), "template1")
    return f"sqlite:///{tmp_path / 'other.db'}"


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """Return the URL of an empty database."""
    return new_url()


@pytest.fixture(scope="session")
def ready_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of SQLite with this version's tables."""
    path = tmp_path_factory.mktemp("ready") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def ready_name(postgres: str) -> str:
    """Return the name of a database of PostgreSQL with this version's tables."""
    made = create(postgres, "template1")
    open_store(made).close()
    return made.rpartition("/")[2]


@pytest.fixture
def new_store(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], Store]]:
    """Return a function that opens another empty store of this version."""

    def make() -> Store:
        if database == "sqlite":
            path = tmp_path / f"{next(_NAMES)}.db"
            shutil.copyfile(request.getfixturevalue("ready_file"), path)
            made = f"sqlite:///{path}"
        else:
            server: str = request.getfixturevalue("postgres")
            made = create(server, request.getfixturevalue("ready_name"))
        return opened.enter_context(open_store(made))

    with ExitStack() as opened:
        yield make


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    """Return an open store of this version."""
    return new_store()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with a run: three agents, three days."""
    folder = tmp_path_factory.mktemp("reviewed")
    simulate(folder / "exports", agents=3, days=3, buyers=60, seed=5)
    init(folder / "shop", shop_id="s1", name="晴川家居旗舰店", platform="taobao")
    made = jinpai.open(folder / "shop")
    made.config.set("inspect", True)
    made.import_files([folder / "exports"])
    made.run()
    return folder / "shop"
