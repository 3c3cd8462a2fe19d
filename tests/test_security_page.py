"""docs/security.md goes through all of ASVS 5.0, and the tests it names are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([\d.,– (L)]+) \| (\S) \| (.+) \|$", PAGE, re.MULTILINE)


def test_all_chapters_are_there() -> None:
    heads = " ".join(re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
    assert [int(number) for number in re.findall(r"\bV(\d+)", heads)] == list(range(1, 18))


def test_every_requirement_has_a_verdict_and_its_reason() -> None:
    assert len(ROWS) > 120
    assert {mark for _, mark, _ in ROWS} == set("●◐○–")
    told = [line for line in PAGE.splitlines() if re.match(r"\| \d", line)]
    assert len(told) == len(ROWS)


def test_every_test_it_names_is_there() -> None:
    named = set(re.findall(r"`((?:web|store|sources|tables|browser|forget)/\w+)`", PAGE))
    lost = [
        one
        for one in named
        if not (ROOT / "tests" / one.replace("/", "/test_")).with_suffix(".py").is_file()
    ]
    assert named
    assert lost == []
