"""Grade policies: which values are gold, senior, mid or junior, and how they become one grade.

A YAML document (docs/grades.md; its JSON schema: docs/grades.schema.json)::

    name: 金牌客服标准
    combine: median
    metrics:
      - metric: returning_share
        bands: {gold: "(70%, 1]", senior: "(50%, 70%]", mid: "[30%, 50%]", junior: "[0, 30%)"}
"""

from __future__ import annotations

from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr

from jinpai.scoring.document import Band, Document, Number, Refusal, read_document, validated
from jinpai.scoring.plan import JudgeRule, PeriodRule

__all__ = ["GRADES", "Policy", "Standard", "default_policy", "load_policy"]

GRADES = ("junior", "mid", "senior", "gold")
_SPELLINGS = {
    "code": "metric",
    "indicators": "metrics",
    "period": "period_rule",
    "金牌": "gold",
    "高级": "senior",
    "中级": "mid",
    "初级": "junior",
}
Periods = Annotated[int, Field(ge=1, le=24)]


def _positive(value: Fraction) -> Fraction:
    if value <= 0:
        raise Refusal("takes a number above 0", "应为大于 0 的数")
    return value


def _share(value: Fraction) -> Fraction:
    if not 0 <= value <= 1:
        raise Refusal("takes a share from 0 to 1, such as 50%", "应为 0 至 1 的比例，如 50%")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GradeBands(_Strict):
    """The values of each grade."""

    gold: Band
    senior: Band
    mid: Band
    junior: Band


class Standard(_Strict):
    """One metric with the values of each grade; ``weight`` counts where the policy weighs."""

    metric: str = Field(description="Code of a metric: see docs/metrics.md")
    weight: Annotated[Number, AfterValidator(_positive)] = Fraction(1)
    bands: GradeBands


def _once(standards: list[Standard]) -> list[Standard]:
    codes = [one.metric for one in standards]
    for code in codes:
        if codes.count(code) > 1:
            raise Refusal(f"{code} is given twice", f"{code} 出现了两次")
    return standards


class Policy(_Strict):
    """A grade policy.

    Attributes:
        combine: ``median`` (of an even number the lower middle), ``min``, ``weighted`` (the mean of
            the grades by weight, a half goes to the lower grade).
        least_present: with a smaller share of the metrics present there is no grade.
        promote_after, demote_after: consecutive periods before a grade changes; None is the
            setting.
        period_rule: ``month`` makes the periods before whole months.
    """

    name: str = ""
    combine: Literal["median", "min", "weighted"] = "median"
    least_present: Annotated[Number, AfterValidator(_share)] = Fraction(1, 2)
    promote_after: Periods | None = None
    demote_after: Periods | None = None
    judge_rule: JudgeRule | None = None
    period_rule: PeriodRule = "any"
    metrics: Annotated[list[Standard], Field(min_length=1), AfterValidator(_once)]
    _document: Document = PrivateAttr()

    @property
    def document(self) -> Document:
        """What it was read from."""
        return self._document


def load_policy(source: str | Path) -> Policy:
    """Read a policy from a path, or from a text (which has more than one line).

    Raises InputError with file, line, place and nearest name.
    """
    document = read_document(source, _SPELLINGS, "grade policy")
    policy = validated(Policy, document, _keys_at, "docs/grades.md")
    policy._document = document
    return policy


def default_policy() -> Policy:
    """Return the shipped policy: the gold-agent standard of six loyalty metrics."""
    return load_policy(files("jinpai.scoring").joinpath("plans/gold-agent.yaml").read_text("utf-8"))


def _keys_at(path: tuple[str | int, ...]) -> list[str]:
    if "bands" in path:
        return list(GRADES)
    return list((Standard if "metrics" in path else Policy).model_fields)
