"""Sessions whose words are not known are judged by times alone."""

from __future__ import annotations

import pytest

from jinpai.quality.inspector import Inspector
from jinpai.quality.session import Message, Session


def findings(*said: tuple[str, float, str, str]) -> set[str]:
    """Return the rules that find something in (role, second, text, kind) of one session."""
    messages = tuple(
        Message(str(place), role, text, 1.7e9 + at, kind=kind)
        for place, (role, at, text, kind) in enumerate(said)
    )
    session = Session("s", messages, agent_id="a", as_of=1.8e9)
    return {one.rule for one in Inspector().book.judge.findings(session)}


@pytest.mark.parametrize("kind", ["text", "image"])
def test_only_times_count_where_no_text_is_known(kind: str) -> None:
    found = findings(("buyer", 0, "", kind), ("agent", 50, "", kind), ("buyer", 90, "", kind))
    assert "ignored" in found
    # Pictures have no words to miss: who answers them still owes a greeting.
    assert ("no_greeting" in found) is (kind == "image")
    # A thanks needs no answer, and this may have been one.
    assert ("unanswered_end" in found) is (kind == "image")


def test_one_known_text_is_enough_to_miss_a_greeting() -> None:
    assert "no_greeting" in findings(("buyer", 0, "", "text"), ("agent", 5, "有货", "text"))
