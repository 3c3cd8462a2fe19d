"""Any order of people's acts, also two at the same moment, against a model of the states."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test
from hypothesis.stateful import rule as step
from review_facts import facts

from jinpai.errors import Conflict, UsageError
from jinpai.store import Store, events_of
from jinpai.store.queues import appeal_of, review_queue
from jinpai.store.rulings import appeal, case_of, decide, open_sample, rule, rulings_on

_RUNS = count(1)
AGENT = "shop:Bo"
PEOPLE = st.sampled_from(["Cai", "Dan", "Eve", "Fei", AGENT])
VERDICTS = st.sampled_from(["right", "wrong", "partly"])
PLACES = st.integers(0, 2)


@dataclass
class Model:
    """What the table of states in `jinpai.store.reviews` says of one case."""

    state: str = ""  # not known yet
    wanted: int = 1
    verdict: str | None = None
    ruled: dict[str, str] = field(default_factory=dict)
    events: int = 0

    def may_rule(self, who: str) -> bool:
        waits = self.state in ("open", "second", "third")
        return waits and who != AGENT and who not in self.ruled

    def rule(self, who: str, verdict: str) -> None:
        before = list(self.ruled.values())
        self.ruled[who] = verdict
        self.events += 1
        if self.wanted == 2 and not before:
            self.state = "second"
        elif self.wanted == 2 and len(before) == 1 and before != [verdict]:
            self.state = "third"
        else:
            self.state, self.verdict = "settled", verdict

    def may_appeal(self) -> bool:
        return self.state in ("open", "second", "third", "settled") and self.verdict != "wrong"

    def may_decide(self, who: str) -> bool:
        return self.state == "appealed" and who != AGENT and who not in self.ruled


class Reviews(RuleBasedStateMachine):
    """Three cases of one agent, four reviewers."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store, self.run = store, next(_RUNS)
        self.models = [Model(), Model(), Model()]

    def name(self, place: int) -> str:
        return f"r{self.run}-{place}"

    def attempt(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Do something in a transaction; returns whether it was allowed."""
        try:
            with self.store.write() as session:
                call(session, *args, **kwargs)
        except (Conflict, UsageError) as error:
            if not error.zh:
                raise
            return False
        return True

    @step(place=PLACES, wanted=st.sampled_from([1, 2]))
    def sample(self, place: int, wanted: int) -> None:
        found = [facts(self.name(place))]
        assert self.attempt(open_sample, found, {}, by="Ann", wanted=wanted)
        model = self.models[place]
        if not model.state:
            model.state, model.wanted = "open", wanted

    @step(place=PLACES, who=PEOPLE, verdict=VERDICTS)
    def ruling(self, place: int, who: str, verdict: str) -> None:
        model = self.models[place]
        allowed = model.may_rule(who)
        assert self.attempt(rule, self.name(place), verdict, reviewer=who) == allowed
        if allowed:
            model.rule(who, verdict)

    @step(place=PLACES, agent=st.sampled_from([AGENT, "shop:Xu"]))
    def appealing(self, place: int, agent: str) -> None:
        model = self.models[place]
        allowed = model.may_appeal() and agent == AGENT
        terms = {"agent": agent, "reason": "?", "appeal_days": 7, "decide_days": 7}
        assert self.attempt(appeal, self.name(place), **terms) == allowed
        if allowed:
            model.state, model.events = "appealed", model.events + 1

    @step(place=PLACES, who=PEOPLE, outcome=st.sampled_from(["upheld", "rejected"]))
    def deciding(self, place: int, who: str, outcome: str) -> None:
        model = self.models[place]
        allowed = model.may_decide(who)
        done = self.attempt(decide, self.name(place), outcome, reviewer=who, comment="!")
        assert done == allowed
        if allowed:
            model.state, model.events = outcome, model.events + 1

    @step(place=PLACES, one=PEOPLE, other=PEOPLE, verdicts=st.tuples(VERDICTS, VERDICTS))
    def racing(self, place: int, one: str, other: str, verdicts: tuple[str, str]) -> None:
        """Two rule at the same moment: it is as if one had come after the other, or not at all."""
        gate, done, odd = threading.Barrier(2), list[bool](), list[BaseException]()

        def act(who: str, verdict: str) -> None:
            gate.wait(30)
            try:
                done.append(self.attempt(rule, self.name(place), verdict, reviewer=who))
            except BaseException as error:
                odd.append(error)

        asked = list(zip((one, other), verdicts, strict=True))
        threads = [threading.Thread(target=act, args=pair) for pair in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert odd == []
        model = self.models[place]
        assert any(done) == any(model.may_rule(who) for who, _ in asked)
        for who, verdict in self.new_rulings(place):
            assert (who, verdict) in asked
            assert model.may_rule(who)
            model.rule(who, verdict)
            done.remove(True)
        assert True not in done

    def new_rulings(self, place: int) -> list[tuple[str, str]]:
        with self.store.read() as session:
            kept = [(one.reviewer, one.verdict) for one in rulings_on(session, self.name(place))]
        return kept[len(self.models[place].ruled) :]

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        with self.store.read() as session:
            waiting = {case.finding_id for case in review_queue(session, limit=10_000)}
            for place, model in enumerate(self.models):
                name = self.name(place)
                assert (name in waiting) == (model.state in ("open", "second", "third"))
                if not model.state:
                    continue
                case, made = case_of(session, name), appeal_of(session, name)
                kept = {one.reviewer: one.verdict for one in rulings_on(session, name)}
                assert (case.state, case.verdict, kept) == (
                    model.state,
                    model.verdict,
                    model.ruled,
                )
                assert len(events_of(session, f"case:{name}")) == model.events
                appealed = model.state in ("appealed", "upheld", "rejected")
                assert (made is not None) == appealed
                if made is not None:
                    assert made.outcome == (None if model.state == "appealed" else model.state)


def test_any_order_of_acts_keeps_to_the_states(store: Store) -> None:
    run_state_machine_as_test(
        lambda: Reviews(store),
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
