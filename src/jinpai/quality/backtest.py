"""Back-testing: how well rules find what people say is there.

A labelled file holds dialogues (`examples`), each with what is true of it under ``labels``::

    {"rules": ["ignored", …]}                 all that is to be found in it, nothing else is
    {"rulings": {"ignored": "right", …}}      what reviewers decided; no more is known

A ruling ``right`` or ``partly`` says the fault is there, ``wrong`` that it is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jinpai.errors import InputError, UsageError
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.examples import read_objects
from jinpai.quality.inspect import inspect_file
from jinpai.quality.judge import Judge
from jinpai.quality.rule import Rule
from jinpai.quality.session import Session

__all__ = ["Counts", "Truth", "curve", "interval", "measure", "read_truth"]

_Z = 1.959963984540054  # 95 % of a normal distribution lie within
_DRAWS = 2000
_GRID = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True)
class Truth:
    """A dialogue, and what is true of it.

    Attributes:
        known: rule -> whether it should find something.
        is_whole: what ``known`` does not name is not there; else it is not known.
    """

    dialogue_id: str
    sessions: tuple[Session, ...]
    known: Mapping[str, bool]
    is_whole: bool

    def of(self, rule: str) -> bool | None:
        """Return whether a rule should find something, None where nobody knows."""
        return self.known.get(rule, False if self.is_whole else None)


@dataclass(frozen=True)
class Counts:
    """Dialogues a rule was right or wrong about.

    Attributes:
        is_whole: also those it should have found and did not are known, and so recall is.
    """

    rule: str
    right: int = 0
    wrong: int = 0
    missed: int = 0
    spared: int = 0
    is_whole: bool = True

    def figures(self) -> dict[str, Any]:
        """Return n, the counts, and precision, recall and f1 with their 95 % intervals, or null."""
        found, true = self.right + self.wrong, self.right + self.missed
        both = 2 * self.right + self.wrong + self.missed
        whole = self.is_whole
        return {
            "rule": self.rule,
            "n": found + self.missed + self.spared,
            "right": self.right,
            "wrong": self.wrong,
            "missed": self.missed if whole or self.missed else None,  # those known of
            "precision": self.right / found if found else None,
            "precision_interval": interval(self.right, found),
            "recall": self.right / true if true and whole else None,
            "recall_interval": interval(self.right, true) if whole else None,
            "f1": 2 * self.right / both if both and whole else None,
            "f1_interval": self._f1_interval() if both and whole else None,
        }

    def _f1_interval(self) -> list[float]:
        """Return between what F1 lies in 95 % of the samples drawn again from these dialogues."""
        counts = np.array([self.right, self.wrong, self.missed, self.spared])
        total = counts.sum()
        drawn = np.random.default_rng(0).multinomial(total, counts / total, _DRAWS)
        both = 2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2]
        scores = 2 * drawn[:, 0] / np.maximum(both, 1)
        return [float(bound) for bound in np.quantile(scores, (0.025, 0.975))]


def interval(right: int, of: int) -> list[float] | None:
    """Return the 95 % interval of a share by Wilson, or None of nothing.

    >>> [round(bound, 3) for bound in interval(8, 10) or []]
    [0.49, 0.943]
    """
    if not of:
        return None
    share, spread = right / of, _Z * _Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return [max(0.0, middle - half), min(1.0, middle + half)]


def read_truth(path: Path, scanner: Scanner, gap: float = 600.0) -> list[Truth]:
    """Return the labelled dialogues of a file with their sessions.

    Args:
        gap: seconds without a message that end a session.
    Raises InputError where nothing is labelled, a label is no list of codes or no ruling, or two
    dialogues have one id.
    """
    labels = dict[str, tuple[dict[str, bool], bool]]()
    for row, thing in read_objects(path):
        name = str(thing.get("dialogue_id") or f"row {row}")
        if name in labels:
            raise InputError(
                f"'{name}' stands here twice.",
                file=str(path), row=row, column="dialogue_id", zh=f"“{name}”出现了两次。",
            )  # fmt: skip
        labels[name] = _labels(thing.get("labels"), path, row)
    sessions: dict[str, list[Session]] = {name: [] for name in labels}
    for one in inspect_file(path, Judge((), scanner), scanner, gap):
        sessions[one.dialogue_id].append(one.session)
    found = [
        Truth(name, tuple(sessions[name]), known, is_whole)
        for name, (known, is_whole) in labels.items()
        if known or is_whole
    ]
    if not found:
        raise InputError(
            "no dialogue here has labels.rules or labels.rulings.",
            file=str(path),
            hint="Reviewers' decisions come from 'jinpai qc labels'.",
            zh="文件中没有带 labels.rules 或 labels.rulings 的对话。"
            "复核结论可用 jinpai qc labels 导出。",
        )
    return found


def _labels(labels: Any, path: Path, row: int) -> tuple[dict[str, bool], bool]:
    """Return rule -> whether it is there, and whether that is all there is."""
    kept = labels if isinstance(labels, Mapping) else {}
    rules, rulings = kept.get("rules"), kept.get("rulings", {})
    if rules is not None:
        if not isinstance(rules, list) or not all(isinstance(code, str) for code in rules):
            raise _bad("rules", "is no list of rule codes", "应为规则代码的列表", path, row)
        return dict.fromkeys(rules, True), True
    if not isinstance(rulings, Mapping) or not set(rulings.values()) <= set(_RULINGS):
        words = ", ".join(_RULINGS)
        raise _bad("rulings", f"must say {words} of each rule", f"每条规则应为 {words}", path, row)
    return {str(code): _RULINGS[ruling] for code, ruling in rulings.items()}, False


_RULINGS = {"right": True, "partly": True, "wrong": False}


def _bad(column: str, what: str, zh: str, path: Path, row: int) -> InputError:
    return InputError(
        f"labels.{column} {what}.", file=str(path), row=row, column=column, zh=f"{zh}。"
    )


def measure(rules: Iterable[Rule], scanner: Scanner, truths: Sequence[Truth]) -> list[Counts]:
    """Return how right each rule is; a dialogue counts once, whichever session shows it."""
    return [_counts(rule, Judge([rule], scanner), truths) for rule in rules]


def _counts(rule: Rule, judge: Judge, truths: Sequence[Truth]) -> Counts:
    tally = dict.fromkeys(((True, True), (True, False), (False, True), (False, False)), 0)
    whole = False
    for truth in truths:
        true = truth.of(rule.code)
        if true is not None:
            whole = whole or truth.is_whole
            tally[any(judge.findings(session) for session in truth.sessions), true] += 1
    return Counts(
        rule.code,
        right=tally[True, True],
        wrong=tally[True, False],
        missed=tally[False, True],
        spared=tally[False, False],
        is_whole=whole,
    )


def curve(
    rule: Rule, setting: str, values: Sequence[float], scanner: Scanner, truths: Sequence[Truth]
) -> list[dict[str, Any]]:
    """Return the figures of a rule for each value of a setting of it.

    Without values, a quarter of what is in force up to four times as much. Raises UsageError for a
    setting the rule has not.
    """
    if setting not in rule.settings:
        known = ", ".join(rule.settings) or "none"
        raise UsageError(
            f"The rule '{rule.code}' has no setting '{setting}'; it has: {known}.",
            zh=f"规则 {rule.code} 没有设置项 {setting}；可用的有：{known}。",
        )
    asked = values or sorted({_like(rule.settings[setting], factor) for factor in _GRID})
    return [
        {"value": value} | _counts(other, Judge([other], scanner), truths).figures()
        for value in asked
        for other in [rule.model_copy(update={"settings": rule.settings | {setting: value}})]
    ]


def _like(value: float, factor: float) -> float:
    """Return a multiple of a value, whole where the value is."""
    made = value * factor
    return max(1.0, round(made)) if value == int(value) else made
