"""A process killed in the middle of a ruling, and just before its commit: nothing half done."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from review_facts import facts

from jinpai.store import Store, events_of
from jinpai.store.queues import appeal_of
from jinpai.store.rulings import appeal, case_of, decide, open_sample, rule, rulings_on

# Kills itself before the statement with the number in argv, counted from the verb on.
_DYING = """
import os, signal, sys
from sqlalchemy import event
from jinpai.store import open_store
from jinpai.store import rulings

url, verb, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(url)
left = [last]

def dying(*_):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)

with store.write() as session:
    event.listen(store.engine, "before_cursor_execute", dying)
    if verb == "rule":
        rulings.rule(session, "f1", "right", reviewer="Cai")
    else:
        rulings.decide(session, "f2", "upheld", reviewer="Cai")
    if left[0] > 0:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(store: Store, verb: str, statement: int) -> None:
    url = store.url.render_as_string(hide_password=False)
    ran = subprocess.run([sys.executable, "-c", _DYING, url, verb, str(statement)], timeout=120)
    assert ran.returncode == -signal.SIGKILL


def prepare(store: Store) -> None:
    with store.write() as session:
        open_sample(session, [facts("f1"), facts("f2")], {}, by="Ann")
        appeal(session, "f2", agent="shop:Bo", reason="?", appeal_days=7, decide_days=7)


# The last number is beyond all statements: it dies just before the commit.
@pytest.mark.parametrize("statement", [4, 99])
def test_a_ruling_cut_short_has_not_happened(store: Store, statement: int) -> None:
    prepare(store)
    killed(store, "rule", statement)
    with store.read() as session:
        assert case_of(session, "f1").state == "open"
        assert rulings_on(session, "f1") == events_of(session, "case:f1") == []
    with store.write() as session:
        assert rule(session, "f1", "right", reviewer="Cai").state == "settled"


@pytest.mark.parametrize("statement", [99])
def test_a_decision_cut_short_has_not_happened(store: Store, statement: int) -> None:
    prepare(store)
    killed(store, "decide", statement)
    with store.read() as session:
        made = appeal_of(session, "f2")
        assert made is not None
        assert (case_of(session, "f2").state, made.outcome) == ("appealed", None)
        assert [event.kind for event in events_of(session, "case:f2")] == ["case.appealed"]
    with store.write() as session:
        decide(session, "f2", "upheld", reviewer="Cai")
