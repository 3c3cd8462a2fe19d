"""Rules against labels, and other rules on the same sessions: counts worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jinpai.cli import main
from jinpai.errors import InputError, UsageError
from jinpai.quality.acts.patterns import shipped_acts
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.backtest import Truth, curve, interval, measure, read_truth
from jinpai.quality.inspect import inspect_file, judge_of
from jinpai.quality.rule import shipped_rules
from jinpai.quality.rule_diff import compare

SCANNER = Scanner(shipped_acts())
IGNORED = next(rule for rule in shipped_rules() if rule.code == "ignored")
# Seconds until the first answer, and what a person said of each dialogue.
WAITS = {
    "a": (10, []),
    "b": (25, ["ignored"]),
    "c": (40, []),
    "d": (15, ["ignored"]),
    "e": (90, []),
}


def dialogue(name: str, wait: int, labels: dict[str, Any]) -> str:
    second = f"{wait // 60:02d}:{wait % 60:02d}"
    turns = [
        {"role": "buyer", "text": "在吗", "sent_at": "2026-03-02T10:00:00"},
        {"role": "agent", "text": "您好", "sent_at": f"2026-03-02T10:{second}"},
    ]
    return json.dumps({"dialogue_id": name, "agent_id": "A", "turns": turns, "labels": labels})


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.jsonl"
    lines = [dialogue(name, wait, {"rules": rules}) for name, (wait, rules) in WAITS.items()]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_counts_and_figures_by_hand(labelled: Path) -> None:
    [counts] = measure([IGNORED], SCANNER, read_truth(labelled, SCANNER))
    # Later than 20 s: b (rightly), c, e (wrongly); d is missed, a spared.
    figures = counts.figures()
    assert (counts.right, counts.wrong, counts.missed, counts.spared) == (1, 2, 1, 1)
    assert figures["precision"] == pytest.approx(1 / 3)
    assert (figures["recall"], figures["f1"], figures["n"]) == (0.5, pytest.approx(0.4), 5)
    low, high = figures["f1_interval"]
    assert low < 0.4 < high


def test_wilson_by_the_book() -> None:
    # Newcombe (1998), table I: 81 of 263 and 15 of 148.
    assert interval(81, 263) == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert interval(15, 148) == pytest.approx([0.0624, 0.1605], abs=5e-5)
    assert interval(0, 20) == pytest.approx([0.0, 0.1611], abs=5e-5)
    assert interval(0, 0) is None


def test_a_curve_of_a_setting(labelled: Path) -> None:
    truths = read_truth(labelled, SCANNER)
    found = curve(IGNORED, "seconds", [12, 30, 60, 100], SCANNER, truths)
    assert [(one["value"], one["right"], one["wrong"], one["missed"]) for one in found] == [
        (12, 2, 2, 0),
        (30, 0, 2, 2),
        (60, 0, 1, 2),
        (100, 0, 0, 2),
    ]
    shipped = [one["value"] for one in curve(IGNORED, "seconds", [], SCANNER, truths)]
    assert shipped == [5, 10, 15, 20, 30, 40, 60, 80]
    with pytest.raises(UsageError, match="has no setting 'hours'"):
        curve(IGNORED, "hours", [], SCANNER, truths)


def test_rulings_tell_no_recall(tmp_path: Path) -> None:
    path = tmp_path / "rulings.jsonl"
    rulings = {"a": "wrong", "b": "right", "c": "wrong", "d": "partly"}
    lines = [
        dialogue(name, WAITS[name][0], {"rulings": {"ignored": said}})
        for name, said in rulings.items()
    ]
    path.write_text("\n".join([*lines, dialogue("e", 90, {})]), "utf-8")
    truths = read_truth(path, SCANNER)
    [counts] = measure([IGNORED], SCANNER, truths)
    figures = counts.figures()
    assert (len(truths), figures["right"], figures["wrong"]) == (4, 1, 1)
    assert (figures["precision"], figures["recall"], figures["f1"]) == (0.5, None, None)
    assert figures["missed"] == 1  # d, reported by a reviewer
    assert Truth("x", (), {"ignored": True}, is_whole=False).of("insult") is None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"rules": "ignored"}, "no list of rule codes"),
        ({"rulings": {"ignored": "maybe"}}, "must say right, partly, wrong"),
        ({}, "no dialogue here has labels"),
    ],
)
def test_labels_that_are_none(tmp_path: Path, labels: dict[str, Any], message: str) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text(dialogue("a", 5, labels), "utf-8")
    with pytest.raises(InputError, match=message):
        read_truth(path, SCANNER)


def test_two_dialogues_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join([dialogue("a", 5, {"rules": []})] * 2), "utf-8")
    with pytest.raises(InputError, match="stands here twice"):
        read_truth(path, SCANNER)


def test_other_rules_on_the_same_sessions(labelled: Path, tmp_path: Path) -> None:
    own = tmp_path / "new.yaml"
    own.write_text("ignored: {settings: {seconds: 60}, points: 20}\nno_closing: {drop: true}\n")
    old, scanner = judge_of()
    new, _ = judge_of(own)
    found = compare(inspect_file(labelled, old, scanner), old, new).to_json()
    [ignored] = [one for one in found["rules"] if one["rule"] == "ignored"]
    counts = [ignored[name] for name in ("before", "after", "gained", "lost")]
    assert counts == [3, 1, 0, 2]
    [agent] = found["agents"]
    # Nothing else is found in them: b, c, e lost 8 points each, now e loses 20.
    assert agent["quality_score_before"] == pytest.approx(100 - 3 * 8 / 5)
    assert agent["quality_score_after"] == pytest.approx(100 - 20 / 5)
    assert agent["violation_sessions_rate_before"] == pytest.approx(3 / 5)
    assert agent["violation_sessions_rate_after"] == pytest.approx(1 / 5)
    shown = {(one["session_id"], one["change"]) for one in found["examples"]}
    assert shown == {("b#1", "lost"), ("c#1", "lost")}


def run(*arguments: str) -> Any:
    with pytest.raises(SystemExit) as ended:
        main(["qc", "test", *arguments])
    return ended.value.code


def test_by_command(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--data", str(labelled), "--format", "json"]
    assert run(*asked, "--rule", "ignored") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["dialogues"], found["rules"][0]["right"]) == (5, 1)
    assert run(*asked, "--curve", "ignored.seconds", "--values", "12,30") == 0
    assert [one["value"] for one in json.loads(capsys.readouterr().out)["rules"]] == [12, 30]
    assert run(*asked, "--rule", "nothing") != 0
    assert run() != 0
    assert "--data" in capsys.readouterr().err
