"""A buyer taken out of every text of the store, on both databases."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from jinpai.errors import UsageError
from jinpai.store import Store, events_of, log_event
from jinpai.store.accounts import add_user
from jinpai.store.calibrating import calibration_of, open_calibration, rule_calibration
from jinpai.store.calibrations import CalibrationRuling
from jinpai.store.events import Event
from jinpai.store.forgetting import count_naming, forget_in_store
from jinpai.store.queues import appeal_queue
from jinpai.store.reviews import SampleCase
from jinpai.store.rulings import appeal, case_of, list_cases, open_sample, rule, rulings_on
from store.review_facts import facts

ACCOUNT = re.compile("tb_lihong88|13912345678")
WORDS = re.compile("tb_lihong88|13912345678|李红")


def filled(store: Store) -> None:
    with store.write() as session:
        add_user(session, "lihong", role="owner", actor="tests", name="李红")
        hers = {"buyer_id": "tb_lihong88", "session_id": "s1/a/tb_lihong88/1"}
        list_cases(session, [facts("f1", **hers, reason_zh="说了“李红”"), facts("f2")])
        subject = "buyer:s1:tb_lihong88"
        log_event(session, actor="lan", kind="chat.unmasked", subject=subject, after={"n": 1})
        log_event(session, actor="lan", kind="other", subject="x:1", after={"q": "p=13912345678"})


def test_it_is_everywhere_replaced_and_the_people_of_the_shop_stay(store: Store) -> None:
    filled(store)
    assert count_naming(store, ACCOUNT, WORDS) == {"cases": 1, "events": 2}
    replaced = forget_in_store(
        store, "tb_lihong88", "forgotten-1", ACCOUNT, WORDS, actor="lan", told={"rows": {}}
    )
    assert (replaced.rows, replaced.cases) == ({"cases": 1, "events": 2}, 0)
    assert count_naming(store, ACCOUNT, WORDS) == {}
    with store.read() as session:
        case, other = case_of(session, "f1"), case_of(session, "f2")
        told, number, unmasked = events_of(session, limit=3)
    assert (case.buyer_id, case.session_id) == ("forgotten-1", "s1/a/forgotten-1/1")
    assert "李红" not in case.reason_zh
    assert other.reason_zh == facts("f2")["reason_zh"]
    assert (unmasked.subject, unmasked.after) == ("buyer:s1:forgotten-1", {"n": 1})
    assert number.after == {"q": "p=forgotten-1"}
    assert (told.kind, told.subject) == ("buyer.forgotten", "buyer:forgotten-1")


def hers(name: str, buyer: str = "tb_lihong88", **other: Any) -> dict[str, Any]:
    """A finding of hers, from the session that began at microsecond 1."""
    return facts(name, buyer_id=buyer, session_id=f"s1/shop:Bo/{buyer}/1", **other)


def shown_at(*times: int) -> list[dict[str, Any]]:
    return [{"message_id": f"m{at}", "start": 0, "end": 2, "at_us": at} for at in times]


def forget(store: Store, *findings: dict[str, Any]) -> int:
    again = [one | {"buyer_id": "forgotten-1"} for one in findings]
    return forget_in_store(
        store, "tb_lihong88", "forgotten-1", ACCOUNT, WORDS, actor="lan", told={}, findings=again
    ).cases


def test_a_case_follows_its_finding_with_all_that_was_said(store: Store) -> None:
    with store.write() as session:
        number, _ = open_sample(session, [hers("old")], {"n": 1}, by="lan")
        rule(session, "old", "partly", reviewer="Cai")
        appeal(session, "old", agent="shop:Bo", reason="晚了一秒", appeal_days=7, decide_days=7)
        made = open_calibration(session, [hers("old")], ["Cai", "Dan"], name="March", by="lan")
        rule_calibration(session, made, "old", "right", reviewer="Dan")
    new = hers("new", "forgotten-1", evidence=shown_at(1))
    assert forget(store, new) == 1
    with store.read() as session:
        case = case_of(session, "new")
        assert (case.state, case.verdict, case.evidence) == ("appealed", "partly", shown_at(1))
        assert (case.buyer_id, case.session_id) == ("forgotten-1", "s1/shop:Bo/forgotten-1/1")
        assert [one.verdict for one in rulings_on(session, "new")] == ["partly"]
        (asked,) = appeal_queue(session)
        assert (asked[0].reason, asked[1].finding_id) == ("晚了一秒", "new")
        drawn = select(SampleCase.finding_id).where(SampleCase.sample_id == number)
        assert session.scalars(drawn).all() == ["new"]
        assert calibration_of(session, made).findings == ("new",)
        ruled = session.execute(select(CalibrationRuling.finding_id, CalibrationRuling.verdict))
        assert ruled.all() == [("new", "right")]
        kinds = [event.kind for event in events_of(session, "case:new")]
        assert kinds == ["case.appealed", "case.ruled"]
        told = events_of(session)
        assert told[0].after == {"store": {"cases": 1}, "cases": 1}
        assert [one.after for one in told if one.kind == "calibration.ruled"] == [
            {"finding": "new"}
        ]
        with pytest.raises(UsageError):
            case_of(session, "old")


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "ignored"},
        {"rule_version": "20"},  # another rule since: what was decided was about the one before
        {"order_id": "1001"},
        {"agent_id": None},
        {"evidence": shown_at(2)},
        {"session_id": "s1/shop:Bo/forgotten-1/2"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_case_of_another_finding_stays(store: Store, other: dict[str, Any]) -> None:
    with store.write() as session:
        list_cases(session, [hers("old")])
    assert forget(store, hers("new", "forgotten-1") | other) == 0
    with store.read() as session:
        assert case_of(session, "old").buyer_id == "forgotten-1"


def test_where_it_could_be_two_or_is_a_case_already_it_stays(store: Store) -> None:
    with store.write() as session:
        list_cases(session, [hers("old"), hers("late", rule="ignored")])
        list_cases(session, [hers("since", "forgotten-1", rule="ignored")])
    twice = [hers("n1", "forgotten-1"), hers("n2", "forgotten-1")]
    assert forget(store, *twice, hers("since", "forgotten-1", rule="ignored")) == 0
    with store.read() as session:
        assert {case_of(session, one).state for one in ("old", "late", "since")} == {"listed"}


def test_a_case_that_was_left_behind_follows_later(store: Store) -> None:
    with store.write() as session:
        list_cases(session, [hers("old")])
    assert forget(store) == 0
    assert forget(store, hers("new", "forgotten-1")) == 1
    with store.read() as session:
        assert case_of(session, "new").buyer_id == "forgotten-1"


def test_the_log_refuses_changes_again_afterwards(store: Store) -> None:
    filled(store)
    forget_in_store(store, "tb_lihong88", "forgotten-1", ACCOUNT, WORDS, actor="lan", told={})
    with pytest.raises(DBAPIError, match="only ever added"):
        _delete_all(store)


def _delete_all(store: Store) -> None:
    with store.write() as session:
        session.execute(delete(Event))
