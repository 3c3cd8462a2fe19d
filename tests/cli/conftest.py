"""Workspaces for the command line's tests: a tiny one by hand, and a simulated one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from jinpai.cli import main

AGENT = "shop:[red]\x1b[31mBo"
MESSAGES = f"""message_id,sent_at,agent_id,buyer_id,sender,text
m1,2026-03-02T10:00:00+08:00,{AGENT},=b1,buyer,call 13812345678
m2,2026-03-02T10:00:10+08:00,{AGENT},=b1,agent,hello
m3,2026-03-02T10:04:00+08:00,{AGENT},=b1,buyer,ok
m4,2026-03-02T10:04:30+08:00,{AGENT},=b1,agent,thanks
m5,2026-03-03T09:00:00+08:00,shop:Al,b2,buyer,anyone?
"""
ORDERS = """order_id,buyer_id,created_at,paid_at,paid_amount
o1,=b1,2026-03-02T10:05:00+08:00,2026-03-02T10:06:00+08:00,1234.50
o2,b3,2026-03-02T12:00:00+08:00,2026-03-02T12:00:30+08:00,65.5
"""
AGENTS = f"""agent_id,name,team,role
{AGENT},[red]\x1b[31mBo,=one,presale
shop:Al,Al,two,presale
"""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


class Run(Protocol):
    """Runs the command line in this process."""

    def __call__(self, *args: object) -> Ran: ...


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jinpai ARGS` through its entry point, in English and 120 columns."""
    monkeypatch.setenv("JINPAI_LANG", "en")
    monkeypatch.setenv("COLUMNS", "120")

    def act(*args: object) -> Ran:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        seen = capfd.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Ran(code, seen.out, seen.err)

    return act


def quiet(*args: object) -> None:
    """Run a command that must succeed."""
    with pytest.raises(SystemExit) as left:
        main([str(arg) for arg in args])
    assert left.value.code == 0


def write_shop(folder: Path) -> None:
    """Write the tiny shop's files."""
    folder.mkdir(parents=True)
    for name, text in (("messages", MESSAGES), ("orders", ORDERS), ("agents", AGENTS)):
        (folder / f"{name}.csv").write_text(text, "utf-8")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two agents, two buyers who wrote and one who did not; imported and run."""
    root = tmp_path_factory.mktemp("tiny")
    write_shop(root / "exports")
    shop = root / "shop"
    quiet("init", shop, "--shop-id", "s1", "--shop-name", "shop", "--platform", "taobao")
    quiet("import", shop, root / "exports")
    quiet("run", shop)
    return shop


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A workspace with nothing in it."""
    shop = tmp_path / "empty"
    quiet("init", shop, "--shop-id", "s1", "--shop-name", "shop", "--platform", "taobao")
    return shop
