"""A simulated shop with planted faults and merits, inspected from its export files on.

What was said was written apart from the patterns that find it (simulate/plants.yaml); what is to be
found in a session is known from how it was made, near misses included.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jinpai.quality.inspect import judge_of
from jinpai.quality.rule import shipped_rules
from jinpai.simulate import simulate
from jinpai.workspace import init

Planted = tuple[list[dict[str, Any]], dict[tuple[str, str], list[set[str]]]]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Return what was planted, and what was found by (buyer, account), session by session."""
    root = tmp_path_factory.mktemp("planted")
    made = simulate(root / "exports", agents=4, days=6, buyers=10, seed=11, planted=9)
    shop = init(root / "shop", shop_id="s", name="s", platform="taobao")
    shop.config.set("inspect", True)
    shop.import_files([root / "exports"])
    shop.run()
    found = dict[tuple[str, str], list[set[str]]]()
    for one in shop.inspect(*judge_of()):
        rules = {finding.rule for finding in one.findings}
        found.setdefault((one.dialogue_id, one.session.agent_id or ""), []).append(rules)
    return made.truth["planted"], found


def counted(planted: Planted) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return by rule: rightly found, wrongly found, missed."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    truth, found = planted
    for one in truth:
        want = set(one["rules"])
        [got] = found[one["buyer_id"], one["agent_id"]]
        right.update(got & want)
        wrong.update(got - want)
        missed.update(want - got)
    return right, wrong, missed


@pytest.mark.parametrize("rule", [rule.code for rule in shipped_rules()])
def test_what_was_planted_is_found_and_nothing_else(planted: Planted, rule: str) -> None:
    right, wrong, missed = counted(planted)
    group = next(one.group for one in shipped_rules() if one.code == rule)
    least = 1.0 if group == "timing" else 0.95
    assert right[rule] > 0, "no scenario plants it"
    assert right[rule] / (right[rule] + wrong[rule]) >= least
    assert right[rule] / (right[rule] + missed[rule]) >= least


def test_the_life_of_the_shop_stays_as_it_was(tmp_path: Path) -> None:
    plain = simulate(tmp_path / "plain", agents=3, days=3, buyers=10, seed=5)
    more = simulate(tmp_path / "more", agents=3, days=3, buyers=10, seed=5, planted=1)
    rows = {
        name: (tmp_path / name / "messages.csv").read_text("utf-8") for name in ("plain", "more")
    }
    said = {
        name: {line.partition(",")[2] for line in text.split("\n")} for name, text in rows.items()
    }
    lived = {line.split(",", 1)[1] for line in said["plain"] if "," in line}
    assert lived <= {line.split(",", 1)[1] for line in said["more"] if "," in line}
    assert {key: value for key, value in more.truth.items() if key != "planted"} == plain.truth


def test_both_export_forms_tell_of_the_same_plants(tmp_path: Path) -> None:
    truths = [
        simulate(
            tmp_path / source, agents=2, days=3, buyers=5, seed=5, planted=2, source=source
        ).truth["planted"]
        for source in ("canonical", "taobao")
    ]
    assert truths[0] == truths[1]
