"""The little language of sequences."""

from __future__ import annotations

import time

import pytest

from jinpai.errors import UsageError
from jinpai.quality.sequence import compile_sequence
from jinpai.quality.session import Message

KNOWN = ("agent.a", "agent.b", "buyer.c", "buyer.a")


def messages(text: str) -> list[Message]:
    """Return a message per letter: capitals are the agent's, acts by letter."""
    return [
        Message(str(place), role, "", acts=frozenset([f"{role}.{letter.lower()}"]))
        for place, letter in enumerate(text)
        for role in ["agent" if letter.isupper() else "buyer"]
    ]


@pytest.mark.parametrize(
    ("pattern", "text", "place"),
    [
        ("agent.a .* b", "xAcBx", (1, 4)),
        ("agent.a b", "AcB", None),
        ("agent.a.*b", "AccB", (0, 4)),
        ("a", "xaA", (1, 2)),
        ("agent.a", "aA", (1, 2)),
        ("^ c", "Ac", None),
        ("^ A c", "Acc", (0, 2)),
        ("c $", "Acc", (2, 3)),
        ("c{2,3} agent.b", "AccccB", (2, 6)),
        ("c{3}", "ccAccc", (3, 6)),
        ("c{2,} $", "cAcccc", (2, 6)),
        ("(agent.a|c)+ agent.b", "AcAB", (0, 4)),
        ("!c", "ccA", (2, 3)),
        ("!B !B", "cAxAA", (3, 5)),
        ("A B A", "ccAcA", (2, 5)),
        ("c? b", "AB", (1, 2)),
        ("R", "cA", None),
        ("agent.a (!c)* $", "AcA", (2, 3)),
    ],
)
def test_first_match(pattern: str, text: str, place: tuple[int, int] | None) -> None:
    assert compile_sequence(pattern, KNOWN).find(messages(text)) == place


@pytest.mark.parametrize(
    ("pattern", "position", "problem"),
    [
        ("a nothing", 3, "there is no act 'nothing'"),
        ("(a", 1, "never closed"),
        ("a)", 2, "cannot stand here"),
        ("a{99}", 2, "repeats are 0 to 50"),
        ("a{3,2}", 2, "repeats are"),
        ("a{0}", 2, "repeats are"),
        ("a{", 2, "write .2"),
        ("a{x}", 2, "write .2"),
        ("a**", 3, "cannot stand here"),
        ("*", 1, "cannot stand here"),
        ("", 1, "there is nothing"),
        ("a $ b", 5, "cannot stand here"),
        ("!", 2, "cannot stand here"),
        ("(" * 60 + "a", 51, "too many brackets"),
        ("((((a|b){50}){50}){50})", None, "more than 400 states"),
    ],
)
def test_errors_have_a_position(pattern: str, position: int | None, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        compile_sequence(pattern, KNOWN)
    assert position is None or f"position {position}:" in str(caught.value)


def test_no_pattern_stalls() -> None:
    pattern = compile_sequence("(a* a*)* (a|a)* (a? a?){15} b", KNOWN)
    began = time.process_time()
    assert pattern.find(messages("A" * 2000)) is None
    assert time.process_time() - began < 20
