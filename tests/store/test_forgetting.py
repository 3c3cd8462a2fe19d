"""A buyer taken out of every text of the store, on both databases."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from jinpai.store import Store, events_of, log_event
from jinpai.store.accounts import add_user
from jinpai.store.events import Event
from jinpai.store.forgetting import count_naming, forget_in_store
from jinpai.store.rulings import case_of, list_cases
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
    counts = forget_in_store(
        store, "tb_lihong88", "forgotten-1", ACCOUNT, WORDS, actor="lan", told={"rows": {}}
    )
    assert counts == {"cases": 1, "events": 2}
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


def test_the_log_refuses_changes_again_afterwards(store: Store) -> None:
    filled(store)
    forget_in_store(store, "tb_lihong88", "forgotten-1", ACCOUNT, WORDS, actor="lan", told={})
    with pytest.raises(DBAPIError, match="only ever added"):
        _delete_all(store)


def _delete_all(store: Store) -> None:
    with store.write() as session:
        session.execute(delete(Event))
