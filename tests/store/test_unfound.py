"""Sessions in which nothing was found: drawn, and what is missing in them reported."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from jinpai.errors import Conflict, UnknownName
from jinpai.review import Desk
from jinpai.review.candidates import Draw
from jinpai.review.labels import write_labels
from jinpai.store import Store
from jinpai.workspace import Workspace

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def judged(shop: Path) -> tuple[Rows, Rows]:
    """Return all sessions and all findings of the run."""
    with Workspace(shop).derived() as (engine, _, _):
        return (
            engine.fetch("sessions", "select * from session_scores").to_pylist(),
            engine.fetch("findings", "select * from findings").to_pylist(),
        )


@pytest.fixture
def desk(shop: Path, store: Store) -> Desk:
    """Return a desk on the shop with an empty store."""
    return Desk(Workspace(shop), store)


def case_id(session: str, rule: str = "") -> str:
    """Name a drawn session as docs/reviews.md says."""
    return hashlib.sha256(f"nothing_found|{session}|{rule}".encode()).hexdigest()[:24]


def place(seed: str, name: str) -> str:
    return hashlib.sha256(f"{seed}|{name}".encode()).hexdigest()


def labels(desk: Desk) -> dict[str, dict[str, str]]:
    """Return dialogue -> rulings of the exported labels."""
    out = io.StringIO()
    write_labels(desk.workspace, desk.store, out)
    found = map(json.loads, out.getvalue().splitlines())
    return {one["dialogue_id"]: one["labels"]["rulings"] for one in found}


def dialogue(case: dict[str, Any]) -> str:
    return hashlib.sha256(case["session_id"].encode()).hexdigest()[:16]


def test_sessions_without_a_fault_are_drawn_by_hash(desk: Desk, judged: tuple[Rows, Rows]) -> None:
    sessions, findings = judged
    faulty = {row["session_id"] for row in findings if not row["is_merit"]}
    clean = [row for row in sessions if row["session_id"] not in faulty]
    asked = Draw(per="agent", n=2, seed="w1", what="none")
    found = desk.sample(asked, by="Ann")
    wanted = set[str]()
    for agent in {row["agent_id"] for row in clean}:
        names = [case_id(row["session_id"]) for row in clean if row["agent_id"] == agent]
        wanted |= set(sorted(names, key=lambda name: place("w1", name))[:2])
    assert {case["finding_id"] for case in found["findings"]} == wanted
    assert {case["rule"] for case in found["findings"]} == {"nothing_found"}
    again = desk.sample(asked, by="Ann")
    assert (again["drawn"], again["opened"]) == (found["drawn"], 0)


def test_each_rule_has_its_own_draw(desk: Desk, judged: tuple[Rows, Rows]) -> None:
    sessions, findings = judged
    rules = ("ignored", "no_greeting")
    found = desk.sample(Draw(per="rule", n=3, rules=rules, what="none"), by="Ann")
    for rule in rules:
        shown = {row["session_id"] for row in findings if row["rule"] == rule}
        names = [
            case_id(row["session_id"], rule) for row in sessions if row["session_id"] not in shown
        ]
        drawn = [one for one in found["findings"] if one["rule_version"] == rule]
        by_hash = sorted(names, key=lambda name: place("1", name))
        assert [one["finding_id"] for one in drawn] == by_hash[:3]
        assert {one["stratum_size"] for one in drawn} == {len(names)}


def test_what_is_missing_becomes_a_label(desk: Desk) -> None:
    drawn = desk.sample(Draw(per="all", n=3, what="none"), by="Ann")["findings"]
    missed, settled = desk.report(
        drawn[0]["finding_id"], ["no_soothing"], reviewer="Cai", comment="买家在抱怨"
    )
    assert (missed["rule"], missed["verdict"], missed["points"]) == ("no_soothing", "right", 0.0)
    assert [one["comment"] for one in missed["rulings"]] == ["买家在抱怨"]
    assert (settled["rule"], settled["verdict"]) == ("nothing_found", "wrong")
    desk.rule(drawn[1]["finding_id"], "right", reviewer="Cai")
    known = labels(desk)
    assert known[dialogue(drawn[0])] == {"no_soothing": "right"}
    nothing = known[dialogue(drawn[1])]
    assert set(nothing.values()) == {"wrong"}
    assert {"ignored", "no_soothing", "insult"} <= set(nothing)
    assert dialogue(drawn[2]) not in known


def test_a_drawn_session_of_one_rule_speaks_of_it_alone(desk: Desk) -> None:
    asked = Draw(per="rule", n=2, rules=("no_soothing",), what="none")
    yes, no = desk.sample(asked, by="Ann")["findings"]
    desk.rule(yes["finding_id"], "wrong", reviewer="Cai")
    desk.rule(no["finding_id"], "right", reviewer="Cai")
    known = labels(desk)
    assert known[dialogue(yes)] == {"no_soothing": "right"}
    assert known[dialogue(no)] == {"no_soothing": "wrong"}


def test_a_missed_finding_is_no_finding_of_the_rule(desk: Desk) -> None:
    """It neither raises the rule's precision nor costs its agent anything."""
    case = desk.sample(Draw(per="all", n=1, what="none"), by="Ann")["findings"][0]
    missed = desk.report(case["finding_id"], ["insult"], reviewer="Cai")[0]
    (insult, nothing) = desk.agreement()["rules"]
    assert insult == {
        "rule": "insult", "right": 0, "wrong": 0, "partly": 0, "missed": 1, "precision": None,
    }  # fmt: skip
    assert (nothing["rule"], nothing["wrong"], nothing["precision"]) == ("nothing_found", 1, 0.0)
    assert missed["is_shadow"]


def test_a_double_review_confirms_what_is_missing(desk: Desk) -> None:
    case = desk.sample(Draw(per="all", n=1, what="none"), by="Ann", wanted=2)["findings"][0]
    missed = desk.report(case["finding_id"], ["insult"], reviewer="Cai")[0]
    assert (missed["state"], missed["verdict"]) == ("second", None)
    waiting = {one["finding_id"] for one in desk.queue("Dan")["reviews"]}
    assert waiting == {missed["finding_id"], case["finding_id"]}
    settled = desk.rule(missed["finding_id"], "wrong", reviewer="Dan")
    assert settled["state"] == "third"


def test_what_was_found_is_not_missing(desk: Desk, judged: tuple[Rows, Rows]) -> None:
    fault = next(row for row in judged[1] if not row["is_merit"])
    with pytest.raises(Conflict, match="did find something"):
        desk.report(fault["finding_id"], [fault["rule"]], reviewer="Cai")
    with pytest.raises(UnknownName, match="insult"):
        desk.report(fault["finding_id"], ["insolt"], reviewer="Cai")
    assert desk.queue()["states"] == {}


def test_a_rule_that_is_none_is_told(desk: Desk) -> None:
    with pytest.raises(UnknownName, match="'ignored'"):
        desk.sample(Draw(rules=("ignord",), what="none"), by="Ann")
