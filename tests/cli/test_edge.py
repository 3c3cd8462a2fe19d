"""Languages, help, broken pipes, Ctrl-C and faults, through the real program."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.conftest import Run
from jinpai.cli import words

PROGRAM = [sys.executable, "-c", "from jinpai.cli import main; main()"]
CHINESE = re.compile("[\u4e00-\u9fff]")
COMMANDS: list[tuple[str, ...]] = [
    (), ("init",), ("import",), ("run",), ("metrics",), ("explain",), ("explain", "x", "metric"),
    ("explain", "x", "order"), ("explain", "x", "reception"), ("decompose",), ("settings",),
    ("settings", "x", "list"), ("settings", "x", "get"), ("settings", "x", "set"),
    ("settings", "x", "history"), ("simulate",), ("demo",),
]  # fmt: skip


@pytest.mark.parametrize("args", COMMANDS)
def test_help_teaches_in_one_language(
    run: Run, args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    english = run(*args, "--help")
    assert english.code == 0
    assert len(english.out) > 100
    assert not CHINESE.search(english.out.replace("您好", ""))
    monkeypatch.setenv("JINPAI_LANG", "zh")
    chinese = run(*args, "--help")
    assert CHINESE.search(chinese.out)
    for word in ("Show", "Usage", "default:", "required", "Options", "Commands", "Arguments"):
        assert word not in chinese.out


@pytest.mark.parametrize("command", ["init", "import", "run", "metrics", "simulate", "demo"])
def test_help_has_an_example(run: Run, command: str) -> None:
    examples = run(command, "--help").out.split("Examples")[1]
    assert f"  jinpai {command}" in examples


@pytest.mark.parametrize(
    ("env", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_ALL": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "JINPAI_LANG": "en"}, "en"),
        ({"JINPAI_LANG": "zh"}, "zh"),
        ({"JINPAI_LANG": "fr", "LANG": "zh_CN"}, "zh"),
    ],
)
def test_language(env: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JINPAI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert words.language() == language


def test_chinese_tables(run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINPAI_LANG", "zh")
    ran = run("metrics", tiny, "--by", "agent")
    assert "客服销售额" in ran.out
    assert "sales" not in ran.out.lower()
    for args in (("run", tiny), ("settings", tiny, "list"), ("explain", tiny, "order", "o1")):
        assert CHINESE.search(run(*args).out)
    assert CHINESE.search(run("metrics", tiny, "--nonsense").err)


def test_version_and_nothing(run: Run) -> None:
    assert re.fullmatch(r"jinpai \d+\.\d+\.\d+\n", run("--version").out)
    nothing = run()
    assert nothing.code == 2
    assert "import" in nothing.out + nothing.err


def test_json_alone_is_on_stdout(tiny: Path) -> None:
    ran = subprocess.run([*PROGRAM, "run", str(tiny), "--format", "json"], capture_output=True)
    assert ran.returncode == 0
    assert ran.stdout.startswith(b'{"shops"')
    assert ran.stdout.count(b"\n") == 1


def test_a_broken_pipe_is_harmless(tiny: Path) -> None:
    for form in ("csv", "json", "table"):
        args = [*PROGRAM, "metrics", str(tiny), "--by", "agent,day", "--format", form]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            assert program.stdout is not None
            assert program.stderr is not None
            program.stdout.close()
            said = program.stderr.read()
            assert program.wait() == 0
        assert b"Traceback" not in said
        assert b"Exception" not in said


def test_ctrl_c_leaves_quietly(tmp_path: Path, empty: Path) -> None:
    messages = tmp_path / "messages.csv"
    with messages.open("w") as file:
        file.write("message_id,sent_at,agent_id,buyer_id,sender,text\n")
        for number in range(200_000):
            file.write(f"m{number},2026-03-02T10:00:00Z,a,b{number % 99},buyer,hello there\n")
    args = [*PROGRAM, "import", str(empty), str(messages)]
    environment = os.environ | {"JINPAI_LANG": "en"}
    with subprocess.Popen(
        args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as program:
        before, until = set(empty.rglob("*")), time.monotonic() + 60
        while set(empty.rglob("*")) == before and time.monotonic() < until:
            time.sleep(0.01)
        assert program.poll() is None
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=30)
    assert program.returncode == 130
    assert (out, err.strip()) == (b"", b"Stopped.")


def test_a_fault_of_ours_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("jinpai.simulate.simulate", broken)
    ran = run("simulate", "x")
    assert (ran.code, ran.out) == (1, "")
    assert "boom" in ran.err
    assert "Traceback" not in ran.err


def test_ascii_terminals_get_everything(tiny: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "JINPAI_LANG": "zh"}
    for form in ("table", "json"):
        ran = subprocess.run(
            [*PROGRAM, "metrics", str(tiny), "--format", form], capture_output=True, env=environment
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout
