"""Random values and histories, graded by us and by the reference."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
import yaml

from jinpai.scoring import Value, grade, load_policy
from jinpai.scoring.policy import default_policy
from reference.grades import DEFAULT, GRADES, combine, grade_of, standing
from reference.plans import parse_interval


def policy(how: str, weights: list[int]) -> str:
    """Return the default table as a policy; its bands are written as the reference has them."""
    metrics = [
        {"metric": metric, "weight": weight, "bands": dict(zip(GRADES, bands, strict=True))}
        for (metric, bands), weight in zip(DEFAULT.items(), weights, strict=True)
    ]
    if how != "weighted":
        metrics = [{name: one[name] for name in ("metric", "bands")} for one in metrics]
    return yaml.safe_dump({"name": "random", "combine": how, "metrics": metrics})


def random_value(rng: Random, metric: str) -> Fraction | None:
    """Return a value at an end of a band, or a little off it; sometimes none."""
    if rng.random() < 0.3:
        return None
    band = parse_interval(rng.choice(DEFAULT[metric]))
    off = rng.choice((0, Fraction(1, 1000), -Fraction(1, 1000)))
    return min(max(Fraction(band.low) + off, Fraction(0)), Fraction(1000 if band.low > 1 else 1))


@pytest.mark.parametrize("seed", range(40))
def test_the_shipped_policy_is_the_table(seed: int) -> None:
    rng = Random(seed)
    values = {metric: random_value(rng, metric) for metric in DEFAULT}
    (ours,) = grade(default_policy(), {"A": {m: Value(v) for m, v in values.items()}})
    each = [None if value is None else grade_of(m, value) for m, value in values.items()]
    assert {line.metric: line.grade for line in ours.lines} == dict(zip(DEFAULT, each, strict=True))
    assert ours.grade == combine(each, "median")


@pytest.mark.parametrize("how", ["median", "min", "weighted"])
@pytest.mark.parametrize("seed", range(60))
def test_grades_agree(seed: int, how: str) -> None:
    rng = Random(seed)
    weights = [rng.choice((10, 20, 30)) for _ in DEFAULT]
    values = {metric: random_value(rng, metric) for metric in DEFAULT}
    before = [rng.choice((*GRADES, None)) for _ in range(rng.randint(0, 5))]
    promote, demote = rng.randint(1, 3), rng.randint(1, 3)
    each = [None if value is None else grade_of(m, value) for m, value in values.items()]
    computed = combine(each, how, weights=[Fraction(weight) for weight in weights])
    held = standing([*before, computed], promote, demote)[-1]
    (ours,) = grade(
        load_policy(policy(how, weights)),
        {"A": {metric: Value(value) for metric, value in values.items()}},
        {"A": before},
        promote_after=promote,
        demote_after=demote,
    )
    assert [line.grade for line in ours.lines] == each
    assert (ours.computed, ours.grade) == (computed, held)
