"""Random plans and values, linted and scored by us and by the reference."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import yaml

from jinpai.scoring import Value, lint, load_plan, score
from reference import plans
from reference.plans import Measure

NOTHING = Fraction(0)
# From sections 4.1 and 4.2 and their domains: metric, its values, and the step of likely ends.
METRICS: dict[str, tuple[Measure, Fraction]] = {
    "payment_rate": (Measure(NOTHING, Fraction(1), direction="higher"), Fraction(1, 8)),
    "refund_rate": (Measure(NOTHING, math.inf, direction="lower"), Fraction(1, 4)),
    "avg_response_seconds": (Measure(NOTHING, math.inf, direction="lower"), Fraction(5)),
    "answer_question_ratio": (Measure(NOTHING, math.inf), Fraction(1, 2)),
    "dsr_service": (Measure(Fraction(1), Fraction(5), direction="higher"), Fraction(1, 2)),
    "return_count": (
        Measure(NOTHING, math.inf, whole=True, direction="lower", rate="return_rate"),
        Fraction(1, 2),
    ),
    "rounds": (Measure(NOTHING, math.inf, whole=True), Fraction(1, 2)),
}
MEASURES = {metric: measure for metric, (measure, _) in METRICS.items()}


def random_bands(rng: Random, step: Fraction) -> list[dict[str, Any]]:
    """Return bands: a row of neighbours with a fault here and there, or any intervals at all."""
    ends = sorted(rng.sample(range(-1, 12), rng.randint(1, 4)))
    edges = ["-inf" if rng.random() < 0.5 else "0", *(str(step * end) for end in ends), "inf"]
    worth = sorted(rng.sample(range(0, 101, 10), len(edges)), reverse=rng.random() < 0.5)
    wild, made = rng.random() < 0.2, []
    for n in range(len(edges) - 1):
        low, high = edges[n], edges[n + 1]
        if rng.random() < 0.1 or wild:
            low = str(step * rng.randint(0, 11))
        brackets = ("[", ")") if rng.random() < 0.8 else (rng.choice("[("), rng.choice(")]"))
        made.append({"score": worth[n], "interval": f"{brackets[0]}{low}, {high}{brackets[1]}"})
    if rng.random() < 0.15:
        rng.shuffle(made)
    return made


def random_plan(rng: Random) -> dict[str, Any]:
    """Return a plan of some metrics whose weights are mostly 100."""
    metrics = rng.sample(sorted(METRICS), rng.randint(1, 4))
    weights = [100 - 20 * (len(metrics) - 1), *[20] * (len(metrics) - 1)]
    if rng.random() < 0.2:
        weights[0] -= 5
    indicators = [
        {"metric": metric, "weight": weight, "bands": random_bands(rng, METRICS[metric][1])}
        for metric, weight in zip(metrics, weights, strict=True)
    ]
    return {"name": "random", "indicators": indicators}


def random_values(rng: Random, plan: dict[str, Any]) -> dict[str, Fraction | None]:
    """Return a value of each metric, often at the end of a band, sometimes none."""
    made: dict[str, Fraction | None] = {}
    for indicator in plan["indicators"]:
        measure, step = METRICS[indicator["metric"]]
        value = max(step * rng.randint(0, 11) + rng.choice((0, 0, step / 3)), Fraction(measure.low))
        if not math.isinf(measure.high):
            value = min(value, Fraction(measure.high))
        if measure.whole:
            value = Fraction(math.floor(value))
        made[indicator["metric"]] = None if rng.random() < 0.15 else value
    return made


@pytest.mark.parametrize("seed", range(100))
def test_lint_agrees(seed: int) -> None:
    plan = random_plan(Random(seed))
    text = yaml.safe_dump(plan, allow_unicode=True)
    ours = sorted((row.code, row.metric) for row in lint(text))
    assert ours == plans.lint(plan, MEASURES), text


@pytest.mark.parametrize("seed", range(100))
@pytest.mark.parametrize("missing", ["exclude", "zero"])
def test_scores_agree(seed: int, missing: str) -> None:
    rng = Random(seed)
    plan = random_plan(rng)
    values = random_values(rng, plan)
    theirs = plans.score(plan["indicators"], values, missing=missing)
    made = load_plan(yaml.safe_dump({**plan, "missing": missing}, allow_unicode=True))
    (ours,) = score(made, {"A": {m: Value(v) for m, v in values.items()}}).agents
    assert (ours.total, ours.total_normalised) == (theirs.total, theirs.normalised)
    # No points are written as none.
    assert {line.metric: (line.score, line.points or 0) for line in ours.lines} == {
        line.metric: (line.score, line.points) for line in theirs.lines
    }
