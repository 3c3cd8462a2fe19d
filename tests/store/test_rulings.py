"""What each person may do to a case, and what becomes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from review_facts import FIRST, facts

from jinpai.errors import Conflict, JinpaiError, UsageError
from jinpai.store import Store, events_of
from jinpai.store.queues import appeal_queue, count_states, review_queue, rulings_seen_by
from jinpai.store.reviews import Case, Ruling
from jinpai.store.rulings import (
    appeal,
    appeal_until,
    case_of,
    decide,
    list_cases,
    open_sample,
    rule,
    rulings_on,
    show_days,
)

BO = "shop:Bo"


def opened(store: Store, *names: str, wanted: int = 1, **other: Any) -> None:
    with store.write() as session:
        open_sample(session, [facts(name, **other) for name in names], {}, by="Ann", wanted=wanted)


def ruled(store: Store, name: str, verdict: str, reviewer: str, **other: Any) -> str:
    with store.write() as session:
        return rule(session, name, verdict, reviewer=reviewer, **other).state


def appealed(
    store: Store, name: str, agent: str = BO, reason: str = "不是我", **other: Any
) -> None:
    terms = {"appeal_days": 7, "decide_days": 3} | other
    with store.write() as session:
        appeal(session, name, agent=agent, reason=reason, **terms)


def decided(store: Store, name: str, outcome: str, reviewer: str, comment: str = "") -> None:
    with store.write() as session:
        decide(session, name, outcome, reviewer=reviewer, comment=comment)


def state(store: Store, name: str) -> tuple[str, str | None]:
    with store.read() as session:
        case = case_of(session, name)
        return case.state, case.verdict


def kinds(store: Store, name: str) -> list[str]:
    with store.read() as session:
        return [event.kind for event in events_of(session, f"case:{name}")][::-1]


def refused(kind: type[JinpaiError], call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Expect an error in both languages, and nothing changed."""
    store: Store = args[0]
    with store.read() as session:
        before = (count_states(session), len(events_of(session)))
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is kind
    assert caught.value.zh
    with store.read() as session:
        assert (count_states(session), len(events_of(session))) == before


def test_one_ruling_settles_a_case(store: Store) -> None:
    opened(store, "f1")
    assert state(store, "f1") == ("open", None)
    assert ruled(store, "f1", "partly", "Cai", comment=" 语气尚可 ") == "settled"
    assert state(store, "f1") == ("settled", "partly")
    with store.read() as session:
        (ruling,) = rulings_on(session, "f1")
        assert (ruling.reviewer, ruling.verdict, ruling.comment) == ("Cai", "partly", "语气尚可")
        (event,) = events_of(session, "case:f1")
        assert (event.actor, event.before, event.after) == (
            "Cai",
            {"state": "open"},
            {"state": "settled", "verdict": "partly"},
        )


def test_a_settled_case_takes_no_other_ruling(store: Store) -> None:
    opened(store, "f1")
    ruled(store, "f1", "right", "Cai")
    refused(Conflict, ruled, store, "f1", "wrong", "Dan")


def test_a_finding_that_nobody_sampled_can_be_ruled_on(store: Store) -> None:
    with store.write() as session:
        list_cases(session, [facts("f1")])
    assert ruled(store, "f1", "wrong", "Cai") == "settled"


def test_two_who_agree_settle(store: Store) -> None:
    opened(store, "f1", wanted=2)
    assert ruled(store, "f1", "wrong", "Cai") == "second"
    assert ruled(store, "f1", "wrong", "Dan") == "settled"
    assert state(store, "f1") == ("settled", "wrong")


def test_a_third_decides_between_two(store: Store) -> None:
    opened(store, "f1", wanted=2)
    ruled(store, "f1", "wrong", "Cai")
    assert ruled(store, "f1", "right", "Dan") == "third"
    refused(UsageError, ruled, store, "f1", "right", "cai")
    assert ruled(store, "f1", "partly", "Eve") == "settled"
    assert state(store, "f1") == ("settled", "partly")


def test_nobody_rules_twice_or_about_themselves(store: Store) -> None:
    opened(store, "f1", wanted=2)
    refused(UsageError, ruled, store, "f1", "right", "SHOP:bo")
    ruled(store, "f1", "wrong", "Cai")
    refused(UsageError, ruled, store, "f1", "right", "Ｃai ")


@pytest.mark.parametrize("bad", ["", "\u202eiaC", "a\nb", "x" * 201, "\x00"])
def test_a_name_that_is_none_is_refused(store: Store, bad: str) -> None:
    opened(store, "f1")
    refused(UsageError, ruled, store, "f1", "right", bad)


@pytest.mark.parametrize("bad", ["a\x00b", "x" * 4001, "\ud800"])
def test_a_comment_that_cannot_be_kept_is_refused(store: Store, bad: str) -> None:
    opened(store, "f1")
    refused(UsageError, ruled, store, "f1", "right", "Cai", comment=bad)


def test_unknown_verdicts_and_findings_are_refused(store: Store) -> None:
    opened(store, "f1")
    refused(UsageError, ruled, store, "f1", "maybe", "Cai")
    refused(UsageError, ruled, store, "f9", "right", "Cai")
    refused(UsageError, decided, store, "f1", "maybe", "Cai")


def test_an_upheld_appeal(store: Store) -> None:
    opened(store, "f1")
    ruled(store, "f1", "right", "Cai")
    appealed(store, "f1")
    assert state(store, "f1") == ("appealed", "right")
    refused(UsageError, decided, store, "f1", "upheld", "Cai")
    refused(UsageError, decided, store, "f1", "upheld", BO)
    decided(store, "f1", "upheld", "Dan")
    assert state(store, "f1") == ("upheld", "right")
    assert kinds(store, "f1") == ["case.ruled", "case.appealed", "case.upheld"]
    refused(Conflict, decided, store, "f1", "rejected", "Eve", "no")
    refused(Conflict, appealed, store, "f1")


def test_a_rejected_appeal_needs_a_reason_and_is_final(store: Store) -> None:
    opened(store, "f1")
    appealed(store, "f1")
    refused(UsageError, decided, store, "f1", "rejected", "Dan")
    decided(store, "f1", "rejected", "Dan", "有规定")
    assert state(store, "f1") == ("rejected", None)
    refused(Conflict, appealed, store, "f1")
    refused(Conflict, ruled, store, "f1", "right", "Eve")


def test_only_the_agent_appeals_and_says_why(store: Store) -> None:
    opened(store, "f1")
    opened(store, "f2", agent=None)
    refused(UsageError, appealed, store, "f1", "shop:Xu")
    refused(UsageError, appealed, store, "f1", BO, "  ")
    refused(UsageError, appealed, store, "f2", BO)


def test_an_account_with_an_odd_name_is_judged_and_appeals(store: Store) -> None:
    odd = "shop:[red]\x1b[31mBo" + "o" * 300
    opened(store, "f1", agent=odd)
    refused(UsageError, ruled, store, "f1", "right", odd)
    ruled(store, "f1", "right", "Cai")
    appealed(store, "f1", odd)
    assert state(store, "f1") == ("appealed", "right")


def test_a_sample_may_be_large(store: Store) -> None:
    names = [f"f{number}" for number in range(1200)]
    opened(store, *names)
    with store.read() as session:
        assert count_states(session) == {"open": 1200}


@pytest.mark.parametrize("free", [{"is_merit": True, "points": 3.0}, {"is_shadow": True}])
def test_what_costs_nothing_is_not_appealed(store: Store, free: dict[str, Any]) -> None:
    opened(store, "f1", **free)
    refused(UsageError, appealed, store, "f1")


def test_a_finding_ruled_wrong_needs_no_appeal(store: Store) -> None:
    opened(store, "f1")
    ruled(store, "f1", "wrong", "Cai")
    refused(UsageError, appealed, store, "f1")


def test_there_is_nothing_to_decide_without_an_appeal(store: Store) -> None:
    opened(store, "f1")
    refused(UsageError, decided, store, "f1", "upheld", "Dan")


def test_the_time_to_appeal_runs_from_the_verdict(store: Store) -> None:
    opened(store, "f1")
    ruled(store, "f1", "right", "Cai", at=FIRST)
    last = FIRST + timedelta(days=7)
    with store.read() as session:
        assert appeal_until(session, case_of(session, "f1"), 7) == last
    refused(UsageError, appealed, store, "f1", at=last + timedelta(microseconds=1))
    appealed(store, "f1", at=last)
    with store.read() as session:
        ((made, _),) = appeal_queue(session)
        assert made.due_at == last + timedelta(days=3)


def test_without_a_verdict_it_runs_from_when_the_day_was_shown(store: Store) -> None:
    opened(store, "f1", "f2")
    with store.write() as session:
        days = [("s1", facts("f1")["day"])]
        assert show_days(session, days * 2, FIRST) == 1
        assert show_days(session, days, FIRST + timedelta(days=90)) == 0
    refused(UsageError, appealed, store, "f1", at=FIRST + timedelta(days=8))
    ruled(store, "f1", "right", "Cai", at=FIRST + timedelta(days=8))
    appealed(store, "f1", at=FIRST + timedelta(days=9))
    appealed(store, "f2", at=FIRST + timedelta(days=6))


def test_sampling_again_opens_only_what_is_new(store: Store) -> None:
    with store.write() as session:
        first, new = open_sample(session, [facts("f1"), facts("f2")], {"seed": "1"}, by="Ann")
        assert new == ["f1", "f2"]
    ruled(store, "f1", "right", "Cai")
    with store.write() as session:
        second, new = open_sample(session, [facts("f1"), facts("f3")], {}, by="Ann", wanted=2)
        assert new == ["f3"]
    assert state(store, "f1") == ("settled", "right")
    with store.read() as session:
        in_first = [case.finding_id for case in review_queue(session, sample_id=first)]
        in_second = [case.finding_id for case in review_queue(session, sample_id=second)]
        assert (in_first, in_second) == (["f2"], ["f3"])
        assert session.get_one(Case, "f3").wanted == 2
        assert count_states(session) == {"open": 2, "settled": 1}


def test_the_queue_holds_what_one_may_rule_on(store: Store) -> None:
    opened(store, "f1", "f2", wanted=2)
    opened(store, "f3", agent="Cai")
    opened(store, "f4", agent=None)
    ruled(store, "f1", "right", "Cai")
    with store.read() as session:
        assert [case.finding_id for case in review_queue(session, "cai")] == ["f2", "f4"]
        assert len(review_queue(session, "Dan")) == len(review_queue(session)) == 4
        assert len(review_queue(session, limit=3)) == 3
        assert review_queue(session, shop_id="s2") == []
    appealed(store, "f1")
    with store.read() as session:
        assert len(review_queue(session)) == 3
        assert appeal_queue(session, "CAI") == []
        assert [case.finding_id for _, case in appeal_queue(session, "Dan")] == ["f1"]


def test_rulings_are_hidden_until_the_last(store: Store) -> None:
    opened(store, "f1", wanted=2)
    ruled(store, "f1", "right", "Cai")
    with store.read() as session:
        case = case_of(session, "f1")
        assert rulings_seen_by(session, case, "Dan") == []
        assert rulings_seen_by(session, case, None) == []
        assert len(rulings_seen_by(session, case, "cai")) == 1
        (event,) = events_of(session, "case:f1")
        assert "right" not in str(event.after)
    ruled(store, "f1", "right", "Dan")
    with store.read() as session:
        assert len(rulings_seen_by(session, case_of(session, "f1"), None)) == 2


@pytest.mark.parametrize("wanted", [1, 2])
def test_reviewers_at_once_never_both_win(store: Store, wanted: int) -> None:
    """Each of many cases is ruled on by four at the same moment."""
    names = [f"f{number}" for number in range(5)]
    opened(store, *names, wanted=wanted)
    gate, wins, odd = threading.Barrier(4), list[tuple[str, str]](), list[BaseException]()

    def reviewing(reviewer: str) -> None:
        for name in names:
            gate.wait(30)
            try:
                ruled(store, name, "right", reviewer)
            except Conflict:
                continue
            except BaseException as error:
                odd.append(error)
            else:
                wins.append((name, reviewer))

    threads = [threading.Thread(target=reviewing, args=(f"r{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert odd == []
    with store.read() as session:
        kept = {(one.finding_id, one.reviewer) for one in session.query(Ruling)}
        assert kept == set(wins)
        for name in names:
            case, rulings = case_of(session, name), rulings_on(session, name)
            assert 1 <= len(rulings) <= wanted
            assert case.state == ("settled" if len(rulings) == wanted else "second")
            assert len(events_of(session, f"case:{name}")) == len(rulings)
