"""Calibration sessions: hidden until all have ruled, then compared."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from review_facts import facts

from jinpai.errors import Conflict, JinpaiError, UsageError
from jinpai.review.agreement import all_pairs, pairwise
from jinpai.store import Store, events_of
from jinpai.store.calibrating import (
    calibration_of,
    calibrations,
    open_calibration,
    rule_calibration,
    rulings_shown,
)
from jinpai.store.queues import review_queue
from jinpai.store.rulings import case_of


def opened(store: Store, *names: str, reviewers: tuple[str, ...] = ("Cai", "Dan")) -> int:
    with store.write() as session:
        found = [facts(name) for name in names]
        return open_calibration(session, found, reviewers, name="三月", by="Ann")


def ruled(store: Store, number: int, name: str, verdict: str, reviewer: str) -> bool:
    with store.write() as session:
        return rule_calibration(session, number, name, verdict, reviewer=reviewer).is_revealed


def seen(store: Store, number: int, viewer: str | None) -> list[tuple[str, str, str]]:
    with store.read() as session:
        shown = rulings_shown(session, calibration_of(session, number), viewer)
        return [(one.finding_id, one.reviewer, one.verdict) for one, _ in shown]


def test_rulings_are_hidden_until_all_have_ruled_on_all(store: Store) -> None:
    number = opened(store, "f1", "f2")
    assert not ruled(store, number, "f1", "right", "Cai")
    assert not ruled(store, number, "f1", "wrong", "Dan")
    assert not ruled(store, number, "f2", "partly", "Cai")
    assert seen(store, number, "cai") == [("f1", "Cai", "right"), ("f2", "Cai", "partly")]
    assert seen(store, number, "Dan") == [("f1", "Dan", "wrong")]
    assert seen(store, number, None) == seen(store, number, "Ann") == []
    with store.read() as session:
        log = str([event.after for event in events_of(session)])
        assert not any(verdict in log for verdict in ("right", "wrong", "partly"))
    assert ruled(store, number, "f2", "partly", "Dan")
    assert len(seen(store, number, None)) == 4
    pairs = all_pairs(seen(store, number, None))
    # Of two findings they agree on one; by chance 1/4 (both partly): kappa = (1/2-1/4)/(1-1/4).
    assert pairwise(pairs)["kappa"] == pytest.approx(1 / 3)


def test_it_counts_for_nobody(store: Store) -> None:
    number = opened(store, "f1")
    ruled(store, number, "f1", "wrong", "Cai")
    ruled(store, number, "f1", "wrong", "Dan")
    with store.read() as session:
        case = case_of(session, "f1")
        assert (case.state, case.verdict) == ("listed", None)
        assert review_queue(session) == []
        (found,) = calibrations(session)
        assert (found.is_revealed, dict(found.ruled)) == (True, {"Cai": 1, "Dan": 1})
        kinds = [event.kind for event in events_of(session, f"calibration:{number}")]
        assert kinds == [
            "calibration.revealed",
            "calibration.ruled",
            "calibration.ruled",
            "calibration.opened",
        ]


@pytest.mark.parametrize(
    ("error", "name", "verdict", "reviewer"),
    [
        (UsageError, "f1", "right", "Eve"),
        (UsageError, "f2", "right", "Cai"),
        (UsageError, "f1", "maybe", "Cai"),
        (Conflict, "f1", "right", "Dan"),
    ],
)
def test_what_may_not_be_ruled(
    store: Store, error: type[JinpaiError], name: str, verdict: str, reviewer: str
) -> None:
    number = opened(store, "f1")
    ruled(store, number, "f1", "right", "Dan")
    with pytest.raises(error) as caught:
        ruled(store, number, name, verdict, reviewer)
    assert caught.value.zh
    with store.read() as session:
        assert calibration_of(session, number).ruled == {"Cai": 0, "Dan": 1}


@pytest.mark.parametrize("reviewers", [(), ("Cai",), ("Cai", "cai"), ("Cai", "shop:Bo"), ("", "a")])
def test_who_may_not_take_part(store: Store, reviewers: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        opened(store, "f1", reviewers=reviewers)
    assert caught.value.zh


def test_there_must_be_a_finding_and_a_session(store: Store) -> None:
    with pytest.raises(UsageError):
        opened(store)
    with store.read() as session, pytest.raises(UsageError):
        calibration_of(session, 5)


def test_the_last_two_at_once_reveal_it_once(store: Store) -> None:
    members = tuple(f"r{number}" for number in range(4))
    number = opened(store, "f1", reviewers=members)
    gate, odd = threading.Barrier(4), list[Any]()

    def reviewing(reviewer: str) -> None:
        gate.wait(30)
        try:
            ruled(store, number, "f1", "right", reviewer)
        except BaseException as error:
            odd.append(error)

    threads = [threading.Thread(target=reviewing, args=(one,)) for one in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert odd == []
    with store.read() as session:
        assert calibration_of(session, number).is_revealed
        kinds = [event.kind for event in events_of(session)]
        assert kinds.count("calibration.revealed") == 1
