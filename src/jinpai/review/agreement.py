"""How far reviewers agree: share, and Cohen's kappa, which leaves out what chance would give."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jinpai.review.unfound import MISSED
from jinpai.store.reviews import VERDICTS, Case, Ruling

__all__ = [
    "agreed",
    "all_pairs",
    "double_rulings",
    "final_verdict",
    "pairwise",
    "verdicts_by_rule",
]

# (reviewer, their verdict, other reviewer, their verdict) on the same finding
Pair = tuple[str, str, str, str]


def agreed(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return n, the share of equal verdicts and kappa of pairs of verdicts on the same things.

    Kappa is None without pairs, and where both always said the same one thing: chance alone would
    give that.

    >>> agreed([("right", "right"), ("wrong", "wrong"), ("right", "wrong"), ("right", "right")])
    {'n': 4, 'agreement': 0.75, 'kappa': 0.5}
    """
    if not pairs:
        return {"n": 0, "agreement": None, "kappa": None}
    share = sum(one == other for one, other in pairs) / len(pairs)
    kappa = None
    if len({verdict for pair in pairs for verdict in pair}) > 1:
        from sklearn.metrics import cohen_kappa_score

        ones, others = zip(*pairs, strict=True)
        kappa = float(cohen_kappa_score(ones, others, labels=list(VERDICTS)))
    return {"n": len(pairs), "agreement": share, "kappa": kappa}


def pairwise(pairs: Iterable[Pair]) -> dict[str, Any]:
    """Return `agreed` of all pairs, and of each two reviewers; who is first goes by the name."""
    by_two = defaultdict[tuple[str, str], list[tuple[str, str]]](list)
    for one, said, other, also in pairs:
        if one > other:
            one, said, other, also = other, also, one, said
        by_two[one, other].append((said, also))
    everything = [pair for of_two in by_two.values() for pair in of_two]
    return agreed(everything) | {
        "pairs": [{"reviewers": list(two)} | agreed(found) for two, found in sorted(by_two.items())]
    }


def double_rulings(session: Session) -> list[Pair]:
    """Return the first two rulings on every case that has two: neither saw the other."""
    query = select(Ruling).order_by(Ruling.finding_id, Ruling.id)
    by_case = defaultdict[str, list[Ruling]](list)
    for ruling in session.scalars(query):
        by_case[ruling.finding_id].append(ruling)
    return [
        (first.reviewer, first.verdict, second.reviewer, second.verdict)
        for first, second, *_ in (found for found in by_case.values() if len(found) > 1)
    ]


def all_pairs(rulings: Iterable[tuple[str, str, str]]) -> list[Pair]:
    """Return every two of the (finding, reviewer, verdict) that are on the same finding."""
    by_finding = defaultdict[str, list[tuple[str, str]]](list)
    for finding_id, reviewer, verdict in rulings:
        by_finding[finding_id].append((reviewer, verdict))
    return [
        (*one, *other) for found in by_finding.values() for one, other in combinations(found, 2)
    ]


def verdicts_by_rule(session: Session) -> list[dict[str, Any]]:
    """Return for each rule how its findings fared: right, partly, wrong, and how many it missed.

    ``precision`` is the share of right or partly right ones among those with a verdict or a
    decided appeal, None without any; an upheld appeal makes a finding wrong, a rejected one leaves
    it as it was ruled, or makes it right where nobody had ruled. ``missed`` are findings reviewers
    reported as missing. Of ``nothing_found`` the precision is the share of drawn sessions in which
    indeed nothing is missing.
    """
    query = select(Case.rule, Case.rule_version, Case.state, Case.verdict)
    found = defaultdict[str, dict[str, int]](lambda: dict.fromkeys((*VERDICTS, "missed"), 0))
    for rule, version, state, verdict in session.execute(query):
        final = final_verdict(state, verdict)
        if final is None:
            continue
        if version != MISSED:
            found[rule][final] += 1
        elif final != "wrong":
            found[rule]["missed"] += 1
    return [
        {"rule": rule} | counts | {"precision": _precision(counts)}
        for rule, counts in sorted(found.items())
    ]


def _precision(counts: Mapping[str, int]) -> float | None:
    judged = sum(counts[verdict] for verdict in VERDICTS)
    return 1 - counts["wrong"] / judged if judged else None


def final_verdict(state: str, verdict: str | None) -> str | None:
    """Return what a case came to; None while it is not settled.

    >>> final_verdict("upheld", "right"), final_verdict("rejected", None)
    ('wrong', 'right')
    """
    if state == "upheld":
        return "wrong"
    if state == "rejected":
        return verdict or "right"
    return verdict if state == "settled" else None
