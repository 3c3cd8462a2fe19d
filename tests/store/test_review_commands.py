"""Reviews and the store on the command line, in both languages, and the commands of their pages."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jinpai.cli import main
from jinpai.review import Desk, open_desk
from jinpai.review.candidates import Draw
from jinpai.store import Store
from jinpai.workspace import Workspace

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"<!-- test: sh -->\n```sh\n(.*?)```", re.DOTALL)
_CHINESE = re.compile("[\u4e00-\u9fff]")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    """Name the language of the user."""
    return str(request.param)


@pytest.fixture
def database(language: str) -> str:
    """Name the database: one for each language, since the verbs are tested on both."""
    return {"en": "sqlite", "zh": "postgresql"}[language]


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    language: str,
) -> Run:
    """Run `jinpai ARGS` through its entry point, on a store of this test."""
    monkeypatch.setenv("JINPAI_LANG", language)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("JINPAI_STORE_URL", store.url.render_as_string(hide_password=False))

    def act(*args: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        seen = capfd.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, seen.out, seen.err

    return act


def asked(run: Run, *args: object) -> Any:
    code, out, err = run(*args, "--format", "json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def fault(shop: Path, store: Store) -> tuple[str, str]:
    """Return a finding in the queue, and its agent."""
    asked_for = Draw(per="all", n=1, rules=("ignored",))
    (case,) = Desk(Workspace(shop), store).sample(asked_for, by="Ann")["findings"]
    return case["finding_id"], case["agent_id"]


def in_one_language(text: str, language: str, names: str) -> bool:
    """Tell whether a text is in the language, names of the shop left aside."""
    own = "".join(char for char in text if char not in names)
    return bool(_CHINESE.search(own)) == (language == "zh")


def test_the_whole_way_on_the_command_line(
    run: Run, shop: Path, language: str, fault: tuple[str, str]
) -> None:
    name, agent = fault
    for args, word in (
        (("sample", shop, "--per", "rule", "--n", 1), ("queue", "队列")),
        (("queue", shop, "--as", "Cai"), ("waits", "待复核")),
        (("rule", shop, name, "right", "--as", "Cai"), ("Settled", "已有结论")),
        (("appeal", shop, name, "--as", agent, "--reason", "?"), ("decides", "裁决")),
        (("queue", shop, "--as", "Dan"), ("Appeals", "申诉")),
        (("appeal", shop, name, "--decide", "upheld", "--as", "Dan"), ("next run", "下次计算")),
        (("history", shop, name), ("appeal upheld", "申诉成立")),
        (("kappa", shop), ("--double", "--double")),
    ):
        code, out, err = run("qc", *args)
        assert code == 0, err
        assert word[language == "zh"] in out + err
        assert in_one_language(err, language, "")
    assert name in out or asked(run, "qc", "history", shop, name)["state"] == "upheld"


REFUSED = (
    ("rule", "NAME", "right", "--as", "AGENT"),
    ("rule", "none", "right", "--as", "Cai"),
    ("rule", "NAME", "maybe", "--as", "Cai"),
    ("rule", "NAME", "right"),
    ("appeal", "NAME", "--as", "AGENT"),
    ("appeal", "NAME", "--as", "AGENT", "--reason", "x", "--decide", "upheld"),
    ("appeal", "NAME", "--as", "Cai", "--decide", "rejected", "--comment", "x"),
    ("history", "none"),
)


def test_what_is_refused(run: Run, shop: Path, language: str, fault: tuple[str, str]) -> None:
    for verb, *args in REFUSED:
        told = [{"NAME": fault[0], "AGENT": fault[1]}.get(arg, arg) for arg in args]
        code, out, err = run("qc", verb, shop, *told)
        assert (code, out) == (2, ""), args
        assert in_one_language(err.splitlines()[0], language, fault[1])


def test_who_comes_second_is_told(
    run: Run, shop: Path, language: str, fault: tuple[str, str]
) -> None:
    name, _ = fault
    assert run("qc", "rule", shop, name, "right", "--as", "Cai")[0] == 0
    code, out, err = run("qc", "rule", shop, name, "wrong", "--as", "Dan")
    assert (code, out) == (1, "")
    assert ("已有结论" if language == "zh" else "settled (right) already") in err


@pytest.mark.parametrize("language", ["en"], indirect=True)
def test_a_calibration_session(run: Run, shop: Path, language: str) -> None:
    opened = asked(
        run, "qc", "calibrate", "open", shop, "--name", "M", "--reviewers", "Cai，Dan", "--n", 1
    )
    number, name = opened["calibration"], opened["findings"][0]["finding_id"]
    for reviewer, verdict in (("Cai", "right"), ("Dan", "wrong")):
        hidden = asked(run, "qc", "calibrate", "show", shop, number, "--as", "Dan")
        assert hidden["rulings"] == []
        code, _, err = run("qc", "calibrate", "rule", shop, number, name, verdict, "--as", reviewer)
        assert code == 0, err
    code, out, _ = run("qc", "calibrate", "show", shop, number)
    assert code == 0
    assert ("错误" if language == "zh" else "wrong") in out
    assert len(asked(run, "qc", "calibrate", "show", shop)) == 1
    assert run("qc", "calibrate", "show", shop)[0] == 0


@pytest.mark.parametrize("language", ["zh"], indirect=True)
def test_the_store_goes_out_and_in(
    run: Run, shop: Path, tmp_path: Path, language: str, fault: tuple[str, str]
) -> None:
    name, _ = fault
    out = tmp_path / "b"
    assert asked(run, "store", "backup", shop, "--out", out)["rows"]["cases"] == 1
    code, _, err = run("store", "restore", shop, out)
    assert code == 2
    assert "--force" in err
    run("qc", "rule", shop, name, "right", "--as", "Cai")
    code, _, err = run("store", "restore", shop, out, "--force")
    assert code == 0
    assert in_one_language(err, language, "")
    assert asked(run, "qc", "history", shop, name)["state"] == "open"
    assert asked(run, "store", "upgrade", shop)["migrations"] == []
    assert run("store", "upgrade", shop)[0] == 0


@pytest.mark.parametrize("language", ["zh"], indirect=True)
def test_labels_go_to_a_file(run: Run, shop: Path, tmp_path: Path, fault: tuple[str, str]) -> None:
    name, _ = fault
    run("qc", "rule", shop, name, "right", "--as", "Cai")
    told = asked(run, "qc", "labels", shop, "--out", tmp_path / "l.jsonl")
    assert (told["sessions"], told["labels"], told["missing"]) == (1, 1, 0)
    assert len((tmp_path / "l.jsonl").read_text("utf-8").splitlines()) == 1
    code, out, err = run("qc", "labels", shop, "--out", tmp_path / "l.jsonl")
    assert (code, out) == (0, "")
    assert "qc train" in err


@pytest.mark.parametrize("page", ["reviews.md", "store.md"])
@pytest.mark.parametrize("language", ["en"], indirect=True)
def test_the_commands_of_the_pages_run(
    run: Run, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    shutil.copytree(shop, tmp_path / "my-shop")
    monkeypatch.chdir(tmp_path)
    with open_desk("my-shop") as desk:
        drawn = desk.sample(Draw(per="agent", n=5, seed="week-12"), by="Ann")["findings"]
        case = next(case for case in drawn if case["agent_id"])
        (other,) = desk.sample(Draw(per="all", n=1, rules=("ignored",)), by="Ann")["findings"]
    words = {
        "$FINDING": case["finding_id"],
        "$AGENT": case["agent_id"],
        "$CALIBRATED": other["finding_id"],
    }
    lines = "".join(_BLOCK.findall((DOCS / page).read_text("utf-8"))).splitlines()
    assert len(lines) >= 3
    for line in lines:
        name, *args = (words.get(word, word) for word in shlex.split(line, comments=True))
        code, _, err = run(*args)
        assert (name, code) == ("jinpai", 0), f"{line}\n{err}"
