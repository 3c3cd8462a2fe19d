"""Reviews of a simulated shop's findings: drawn, judged, measured, told to the next run."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import defaultdict
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest

import jinpai
from jinpai.errors import Conflict, JinpaiError, UnknownName, UsageError
from jinpai.quality.examples import labelled
from jinpai.quality.labels import parse_label
from jinpai.quality.rulings import overruled
from jinpai.review import Desk, open_desk
from jinpai.review.agreement import agreed
from jinpai.review.candidates import Draw
from jinpai.review.decisions import decisions
from jinpai.review.labels import write_labels
from jinpai.store import Store, open_store
from jinpai.workspace import Workspace, init


@pytest.fixture(scope="session")
def findings(shop: Path) -> list[dict[str, Any]]:
    """Return all findings of the run."""
    with Workspace(shop).derived() as (engine, _, _):
        return engine.fetch("findings", "select * from findings").to_pylist()


@pytest.fixture
def desk(shop: Path, store: Store) -> Desk:
    """Return a desk on the shop with an empty store."""
    return Desk(Workspace(shop), store)


def ids(found: dict[str, Any]) -> list[str]:
    return [case["finding_id"] for case in found["findings"]]


def drawn_by_hand(
    rows: list[dict[str, Any]], parts: tuple[str, ...], seed: str, n: int | None, share: float = 0
) -> set[str]:
    """Draw as docs/reviews.md says: in each stratum, those with the lowest hashes."""
    strata = defaultdict[Any, list[str]](list)
    for row in rows:
        strata[tuple(row[part] for part in parts)].append(row["finding_id"])
    drawn = set[str]()
    for names in strata.values():
        names.sort(key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).hexdigest())
        drawn |= set(names[: n if n is not None else ceil(share * len(names))])
    return drawn


@pytest.mark.parametrize(
    ("per", "parts"),
    [
        ("agent", ("shop_id", "agent_id")),
        ("rule", ("rule",)),
        ("agent-rule", ("shop_id", "agent_id", "rule")),
        ("all", ()),
    ],
)
def test_a_sample_is_the_lowest_hashes_of_each_stratum(
    desk: Desk, findings: list[dict[str, Any]], per: Any, parts: tuple[str, ...]
) -> None:
    faults = [row for row in findings if not row["is_merit"]]
    found = desk.sample(Draw(per=per, n=2, seed="周"), by="Ann")
    assert set(ids(found)) == drawn_by_hand(faults, parts, "周", 2)
    assert found["opened"] == found["drawn"] == len(set(ids(found)))
    sizes = defaultdict[Any, int](int)
    for row in faults:
        sizes[tuple(row[part] for part in parts)] += 1
    for case in found["findings"]:
        assert case["stratum_size"] == sizes[tuple(case[part] for part in parts)]


def test_a_share_of_each_stratum(desk: Desk, findings: list[dict[str, Any]]) -> None:
    found = desk.sample(Draw(per="rule", n=None, share=0.1, what="all"), by="Ann")
    assert set(ids(found)) == drawn_by_hand(findings, ("rule",), "1", None, 0.1)


def test_filters(desk: Desk, findings: list[dict[str, Any]]) -> None:
    agent = max(row["agent_id"] or "" for row in findings)
    day = sorted({row["day"] for row in findings})[1]
    asked = Draw(per="all", n=10_000, agents=(agent,), first=str(day), last=str(day))
    kept = [row for row in findings if row["agent_id"] == agent and row["day"] == day]
    for what, merit in (("faults", False), ("merits", True)):
        found = desk.sample(replace(asked, what=what), by="Ann")
        wanted = {row["finding_id"] for row in kept if row["is_merit"] == merit}
        assert set(ids(found)) == wanted
    rules = desk.sample(Draw(per="all", n=10_000, rules=("ignored",)), by="Ann")
    assert {case["rule"] for case in rules["findings"]} == {"ignored"}


def test_the_same_seed_draws_the_same_whatever_was_decided(desk: Desk) -> None:
    asked = Draw(per="agent", n=2, seed="a")
    first = desk.sample(asked, by="Ann")
    for name in ids(first):
        desk.rule(name, "wrong", reviewer="Cai")
    again = desk.sample(asked, by="Ann")
    assert ids(again) == ids(first)
    assert (first["opened"], again["opened"]) == (len(ids(first)), 0)
    assert set(ids(desk.sample(replace(asked, seed="b"), by="Ann"))) != set(ids(first))


@pytest.mark.parametrize(
    "asked",
    [
        Draw(n=0),
        Draw(n=None),
        Draw(n=1, share=0.5),
        Draw(n=None, share=0.0),
        Draw(n=None, share=1.5),
        Draw(per="team"),  # type: ignore[arg-type]
        Draw(what="nothing"),  # type: ignore[arg-type]
        Draw(agents=("nobody",)),
        Draw(rules=("ignord",)),
        Draw(shop_id="s9"),
        Draw(first="2026-03-05", last="2026-03-01"),
    ],
)
def test_an_impossible_draw_is_told(desk: Desk, asked: Draw) -> None:
    with pytest.raises(UsageError) as caught:
        desk.sample(asked, by="Ann")
    assert caught.value.zh


def test_an_unknown_name_offers_the_nearest(desk: Desk) -> None:
    with pytest.raises(UnknownName, match="'ignored'"):
        desk.sample(Draw(rules=("ignord",)), by="Ann")


def test_a_finding_is_judged_without_a_sample(desk: Desk, findings: list[dict[str, Any]]) -> None:
    fault = next(row for row in findings if not row["is_merit"] and row["agent_id"])
    story = desk.rule(fault["finding_id"], "partly", reviewer="Cai", comment="尚可")
    assert (story["state"], story["verdict"]) == ("settled", "partly")
    assert [one["comment"] for one in story["rulings"]] == ["尚可"]
    assert story["evidence"] == fault["evidence"]
    assert story["day"] == fault["day"].isoformat()
    with pytest.raises(Conflict):
        desk.rule(fault["finding_id"], "right", reviewer="Dan")
    story = desk.appeal(fault["finding_id"], agent=fault["agent_id"], reason="断网")
    assert story["appeal"]["outcome"] is None
    assert [case["finding_id"] for case in desk.queue("Dan")["appeals"]] == [fault["finding_id"]]
    story = desk.decide(fault["finding_id"], "upheld", reviewer="Dan")
    assert desk.story(fault["finding_id"]) == story
    assert [event["kind"] for event in story["events"]] == [
        "case.upheld",
        "case.appealed",
        "case.ruled",
    ]


def test_a_finding_that_is_none_is_told_and_not_kept(desk: Desk) -> None:
    for act in (
        lambda: desk.rule("none", "right", reviewer="Cai"),
        lambda: desk.appeal("none", agent="a", reason="b"),
        lambda: desk.decide("none", "upheld", reviewer="Cai"),
        lambda: desk.story("none"),
    ):
        with pytest.raises(UsageError, match="'none'"):
            act()
    assert desk.queue()["states"] == {}


def test_a_refused_ruling_leaves_no_case(desk: Desk, findings: list[dict[str, Any]]) -> None:
    fault = next(row for row in findings if row["agent_id"])
    with pytest.raises(UsageError):
        desk.rule(fault["finding_id"], "right", reviewer=fault["agent_id"])
    assert desk.queue()["states"] == {}


def test_kappa_of_double_reviews(desk: Desk) -> None:
    found = desk.sample(Draw(per="all", n=4), by="Ann", wanted=2)
    first = ("right", "wrong", "right", "right")
    second = ("right", "wrong", "wrong", "right")
    for name, one, other in zip(ids(found), first, second, strict=True):
        desk.rule(name, one, reviewer="Cai")
        desk.rule(name, other, reviewer="Dan")
    double = desk.agreement()["double"]
    # Agree on 3 of 4; by chance 3/4 * 2/4 + 1/4 * 2/4 = 1/2: kappa = (3/4 - 1/2) / (1 - 1/2).
    assert (double["n"], double["agreement"], double["kappa"]) == (4, 0.75, pytest.approx(0.5))
    assert double["pairs"][0]["reviewers"] == ["Cai", "Dan"]
    assert sum(sum(one[v] for v in ("right", "wrong")) for one in desk.agreement()["rules"]) == 3


def test_kappa_is_none_where_chance_explains_all() -> None:
    assert agreed([]) == {"n": 0, "agreement": None, "kappa": None}
    assert agreed([("right", "right")] * 3) == {"n": 3, "agreement": 1.0, "kappa": None}


def test_kappa_of_the_textbook() -> None:
    """Cohen's kappa of Wikipedia's grant example: 20 yes-yes, 5, 10, 15 no-no give 0.40."""
    counts = {
        ("right", "right"): 20,
        ("right", "wrong"): 5,
        ("wrong", "right"): 10,
        ("wrong", "wrong"): 15,
    }
    pairs = [pair for pair, n in counts.items() for _ in range(n)]
    assert agreed(pairs) == {"n": 50, "agreement": 0.7, "kappa": pytest.approx(0.4)}


def test_a_calibration_session(desk: Desk) -> None:
    found = desk.calibrate(Draw(per="all", n=2), reviewers=["Cai", "Dan"], name="三月", by="Ann")
    number, names = found["calibration"], ids(found)
    desk.rule_calibration(number, names[0], "right", reviewer="Cai")
    assert desk.calibration(number, viewer="Dan")["rulings"] == []
    assert desk.calibration(number)["agreement"] is None
    desk.rule_calibration(number, names[1], "right", reviewer="Cai")
    desk.rule_calibration(number, names[0], "right", reviewer="Dan")
    shown = desk.rule_calibration(number, names[1], "wrong", reviewer="Dan", comment="玩笑")
    assert (shown["state"], shown["agreement"]["agreement"]) == ("revealed", 0.5)
    assert len(desk.calibration(number)["rulings"]) == 4
    assert [one["name"] for one in desk.calibrations()] == ["三月"]
    assert desk.queue()["reviews"] == []


def test_what_is_decided_is_told_to_the_run(desk: Desk) -> None:
    cases = desk.sample(Draw(per="agent", n=5), by="Ann")["findings"]
    wrong, right, upheld, rejected, waiting = cases[:5]
    desk.rule(wrong["finding_id"], "wrong", reviewer="Cai")
    desk.rule(right["finding_id"], "right", reviewer="Cai")
    for case, outcome in ((upheld, "upheld"), (rejected, "rejected"), (waiting, "")):
        desk.appeal(case["finding_id"], agent=case["agent_id"], reason="断网")
        if outcome:
            desk.decide(case["finding_id"], outcome, reviewer="Cai", comment="!")
    with desk.store.read() as session:
        table = decisions(session)
    verdicts = dict(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert verdicts == {
        wrong["finding_id"]: "upheld",
        right["finding_id"]: "right",
        upheld["finding_id"]: "upheld",
        rejected["finding_id"]: "rejected",
    }
    assert overruled(table) == {wrong["finding_id"], upheld["finding_id"]}


def test_labels_teach(desk: Desk, tmp_path: Path) -> None:
    cases = desk.sample(Draw(per="all", n=6, rules=("ignored",)), by="Ann")["findings"]
    for case in cases:
        verdict = "right" if case["finding_id"] < cases[3]["finding_id"] else "wrong"
        desk.rule(case["finding_id"], verdict, reviewer="Cai")
    path = tmp_path / "labels.jsonl"
    with path.open("w", encoding="utf-8") as file:
        written = write_labels(desk.workspace, desk.store, file)
    assert (written.labels, written.missing) == (6, 0)
    dialogues = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(dialogues) == written.sessions
    buyers = {case["buyer_id"] for case in cases}
    assert not any(buyer in path.read_text("utf-8") for buyer in buyers)
    examples = labelled(path, parse_label("dialogue.rulings.ignored=right"))
    assert {example.label for example in examples} <= {"true", "false"}
    assert len(examples) == written.sessions
    turns = labelled(path, parse_label("turn.rulings.ignored"))
    shown = {one["message_id"] for case in cases for one in case["evidence"]}
    assert len(turns) == len(shown)
    assert {turn["role"] for one in dialogues for turn in one["turns"]} <= {
        "buyer",
        "agent",
        "robot",
    }


def test_without_a_decision_there_are_no_labels(desk: Desk) -> None:
    desk.sample(Draw(per="all", n=3), by="Ann")
    out = io.StringIO()
    assert write_labels(desk.workspace, desk.store, out).sessions == 0
    assert out.getvalue() == ""


def test_an_upheld_appeal_leaves_the_score_at_the_next_run(
    shop: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way round: found, appealed, upheld, run again, gone from the score."""
    monkeypatch.setenv("JINPAI_STORE_URL", url)
    folder = tmp_path / "copy"
    shutil.copytree(shop, folder)
    with open_desk(folder) as desk:
        found = desk.sample(Draw(per="all", n=50, rules=("ignored",)), by="Ann")["findings"]
        case = next(case for case in found if case["agent_id"])
        before = score(folder, case["session_id"])
        desk.appeal(case["finding_id"], agent=case["agent_id"], reason="断网")
        desk.decide(case["finding_id"], "upheld", reviewer="Dan")
    jinpai.open(folder).run()
    after = score(folder, case["session_id"])
    assert after["faults"] == before["faults"] - 1
    assert after["score"] == before["score"] - case["points"]
    with Workspace(folder).derived() as (engine, _, _):
        row = engine.fetch(
            "finding",
            "select is_overruled, points from findings where finding_id = $name",
            {"name": case["finding_id"]},
        ).to_pylist()
    assert row == [{"is_overruled": True, "points": case["points"]}]
    with open_store(url) as store, store.read() as session:
        assert overruled(decisions(session)) == {case["finding_id"]}


def score(folder: Path, session_id: str) -> dict[str, Any]:
    sql = "select score, faults from session_scores where session_id = $name"
    with Workspace(folder).derived() as (engine, _, _):
        (row,) = engine.fetch("score", sql, {"name": session_id}).to_pylist()
    return row


def test_a_run_makes_no_store(shop: Path) -> None:
    assert not (shop / "store.db").exists()


def test_before_a_run_there_is_nothing_to_draw(tmp_path: Path) -> None:
    init(tmp_path / "new", shop_id="s1", name="x", platform="taobao")
    with open_desk(tmp_path / "new") as desk, pytest.raises(JinpaiError):
        desk.sample(Draw(), by="Ann")
