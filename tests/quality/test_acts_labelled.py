"""Acts on 600 turns of public dialogues, sampled by hash and labelled by hand.

Labels are ids only (acts_labels.tsv: two passes; the second decides). Patterns were written looking
at the half whose hash is even; the other half is the one that counts. Both passes are by one
labeller on one day, so their kappa says how steady the labels are, not that two people agree.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from jinpai.quality.acts.patterns import Role, shipped_acts
from jinpai.quality.acts.scan import Scanner

SETS = ("uss_jddc", "jddc_sample", "ecd_sample", "dch_stc3")
ACTS: tuple[tuple[Role, str], ...] = (
    ("agent", "greeting"),
    ("agent", "apology"),
    ("agent", "closing"),
    ("agent", "no_answer_stub"),
    ("agent", "soothing"),
    ("agent", "invite_review"),
    ("buyer", "courtesy_close"),
    ("buyer", "thanks"),
    ("buyer", "greeting"),
    ("buyer", "ask_logistics"),
    ("buyer", "ask_refund"),
    ("buyer", "complaint"),
)
# Least F1 on the half not looked at; the aim is 0.8, which these two do not reach yet.
BELOW = {"ask_logistics": 0.60, "complaint": 0.65}


def labels() -> dict[str, tuple[set[str], set[str]]]:
    """Return id -> acts of the first and of the second pass."""
    path = Path(__file__).with_name("acts_labels.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["id"]: (set(row["first"].split()), set(row["second"].split())) for row in rows}


@pytest.fixture(scope="module")
def turns(shared: Path) -> dict[str, tuple[str, str]]:
    """Return id -> role and text of the labelled turns."""
    wanted, found = set(labels()), dict[str, tuple[str, str]]()
    for name in SETS:
        with gzip.open(
            shared / "data" / name / "dialogues.jsonl.gz", "rt", encoding="utf-8"
        ) as file:
            for line in file:
                dialogue = json.loads(line)
                for number, turn in enumerate(dialogue["turns"], 1):
                    key = f"{dialogue['dialogue_id']}#{number}"
                    if key in wanted:
                        found[key] = (turn["role"], turn["text"])
    return found


def is_unseen(key: str) -> bool:
    """Tell the half that was not looked at while the patterns were written."""
    return int(hashlib.sha256(key.encode()).hexdigest()[-1], 16) % 2 == 1


def test_the_sample() -> None:
    keys = labels()
    assert len(keys) == 600
    assert 250 < sum(map(is_unseen, keys)) < 350


@pytest.mark.parametrize(("role", "code"), ACTS)
def test_unseen_half(turns: dict[str, tuple[str, str]], role: Role, code: str) -> None:
    scanner = Scanner(shipped_acts())
    counts = Counter[tuple[bool, bool]]()
    for key, (_, second) in labels().items():
        who, text = turns[key]
        if who == role and is_unseen(key):
            counts[code in second, code in scanner.codes(role, text)] += 1
    hits, wrong = counts[True, True], counts[True, False] + counts[False, True]
    if hits + wrong:
        assert 2 * hits / (2 * hits + wrong) >= BELOW.get(code, 0.8)


@pytest.mark.parametrize(("role", "code"), ACTS)
def test_the_labels_are_steady(turns: dict[str, tuple[str, str]], role: Role, code: str) -> None:
    pairs = Counter(
        (code in first, code in second)
        for key, (first, second) in labels().items()
        if turns[key][0] == role
    )
    total = pairs.total()
    agreed = (pairs[True, True] + pairs[False, False]) / total
    one = (pairs[True, True] + pairs[True, False]) / total
    two = (pairs[True, True] + pairs[False, True]) / total
    chance = one * two + (1 - one) * (1 - two)
    assert (agreed - chance) / (1 - chance) >= 0.9
