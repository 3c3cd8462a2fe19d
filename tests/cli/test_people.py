"""People on the command line, and the server's first start."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from cli.conftest import Run


@pytest.fixture
def workspace(tmp_path: Path, run: Run) -> str:
    root = str(tmp_path / "shop")
    assert run("init", root, "--shop-id", "s", "--shop-name", "N", "--platform", "taobao").code == 0
    return root


def test_people_are_added_listed_disabled_and_let_in_again(run: Run, workspace: str) -> None:
    made = run("user", "add", workspace, "Lan", "--role", "supervisor", "--team", "售前")
    assert made.code == 0
    assert re.fullmatch(r"/setup/[\w-]{43}\n", made.out)
    agent = run(
        "user", "add", workspace, "mei", "--role", "agent", "--agent", "N:mei", "--format", "json"
    )
    assert json.loads(agent.out)["login"] == "mei"
    listed = json.loads(run("user", "list", workspace, "--format", "json").out)
    assert [(one["login"], one["role"], one["teams"], one["agent_id"]) for one in listed] == [
        ("lan", "supervisor", ["售前"], None),
        ("mei", "agent", [], "N:mei"),
    ]
    assert not listed[0]["has_password"]
    assert run("user", "disable", workspace, "mei").code == 0
    assert [
        one["is_active"]
        for one in json.loads(run("user", "list", workspace, "--format", "json").out)
    ] == [True, False]
    assert run("user", "disable", workspace, "mei", "--undo").code == 0
    assert run("user", "reset", workspace, "lan").out.startswith("/setup/")
    assert "supervisor" in run("user", "list", workspace).out.lower()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["add", "{}", "mei", "--role", "agent"], "chat account"),
        (["add", "{}", "a b", "--role", "readonly"], "no login"),
        (["add", "{}", "x", "--role", "king"], "king"),
        (["reset", "{}", "nobody"], "There is no user 'nobody'"),
        (["disable", "/nowhere", "x"], "nowhere"),
    ],
)
def test_what_cannot_be_is_told(run: Run, workspace: str, words: list[str], told: str) -> None:
    done = run("user", *[word.format(workspace) for word in words])
    assert done.code == 2
    assert told in done.err


def test_the_first_start_prints_a_link_that_makes_the_owner(workspace: str) -> None:
    command = [sys.executable, "-m", "jinpai", "serve", workspace, "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        assert server.stderr is not None
        found, until = None, time.monotonic() + 60
        while found is None and time.monotonic() < until:
            line = server.stderr.readline().rstrip("\n")  # the link has a line of its own
            found = re.fullmatch(r"http://127\.0\.0\.1:\d+/setup/[\w-]+", line)
        assert found is not None
        with urllib.request.urlopen(found[0], timeout=60) as answer:  # noqa: S310 - our own server
            page = answer.read().decode()
        assert 'name="login"' in page
        assert 'name="password"' in page
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
