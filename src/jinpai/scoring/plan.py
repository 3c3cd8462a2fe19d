"""KPI plans: which metrics count, how much, and which values earn which score.

A plan is a YAML document (docs/plans.md; its JSON schema: docs/plan.schema.json)::

    name: 售前绩效
    judge_rule: order_first
    period_rule: month
    indicators:
      - metric: inquiry_conversion_rate
        weight: 30
        bands:
          - {score: 100, interval: "[41%, inf)"}
          - {score: 60, interval: "[0, 41%)"}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from jinpai.errors import UsageError
from jinpai.periods import parse_day
from jinpai.scoring.document import Band, Document, Number, Refusal, read_document, validated

__all__ = [
    "Indicator",
    "Pay",
    "PayRow",
    "Plan",
    "Pool",
    "ScoreBand",
    "Variant",
    "load_plan",
    "plan_of",
]

_RULES = {"下单判定": "order", "下单优先判定": "order_first", "付款判定": "payment"}
_PERIODS = {
    "daily": "day", "weekly": "week", "monthly": "month", "none": "any",
    "日": "day", "周": "week", "月": "month", "不限": "any",
}  # fmt: skip
Missing = Literal["exclude", "zero"]
SPELLINGS = {"code": "metric", "range": "interval", "band": "interval", "period": "period_rule"}


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return parse_day(str(value))
    except UsageError as error:
        raise Refusal(str(error), error.text_zh) from error


def _bounded(low: int, high: int | None) -> AfterValidator:
    def check(value: Fraction) -> Fraction:
        if value < low or (high is not None and value > high):
            span = f"from {low} to {high}" if high is not None else f"of {low} or more"
            span_zh = f"{low} 至 {high}" if high is not None else f"不小于 {low}"
            raise Refusal(f"takes a number {span}", f"应为{span_zh}的数")
        return value

    return AfterValidator(check)


def _cents(value: Fraction) -> Fraction:
    if value < 0 or (value * 100).denominator != 1:
        raise Refusal(
            "takes an amount of whole cents, 0.00 or more", "应为不小于 0 且精确到分的金额"
        )
    return value


def _percent(value: object) -> object:
    """``30%`` and ``30`` are the same weight: weights are in percent."""
    return value.strip().rstrip("%％") if isinstance(value, str) else value


def _judge_rule(value: object) -> object:
    return _RULES.get(value, value) if isinstance(value, str) else value


def _period_rule(value: object) -> str:
    word = _PERIODS.get(str(value).lower(), str(value).lower())
    if word in ("any", "day", "week", "month"):
        return word
    counted = re.fullmatch(r"([1-9]\d{0,2})\s*(?:d|days?|天)", word)
    if counted is None:
        raise Refusal(
            f"takes any, day, week, month, or a number of days such as 28 days, not '{value}'",
            f"应为 any、day、week、month，或天数（如 28 days），不能是“{value}”",
        )
    return f"{counted[1]} days"


JudgeRule = Annotated[Literal["order", "order_first", "payment"], BeforeValidator(_judge_rule)]
PeriodRule = Annotated[
    str,
    BeforeValidator(_period_rule),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"enum": ["any", "day", "week", "month"]}, {"pattern": r"^[1-9]\d* days$"}],
        }
    ),
]
Day = Annotated[date, BeforeValidator(_day)]
Weight = Annotated[Number, _bounded(0, 100), BeforeValidator(_percent)]
Score = Annotated[Number, _bounded(0, 100)]
Amount = Annotated[Number, AfterValidator(_cents)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreBand(_Strict):
    """The score (0–100) of values in an interval."""

    score: Score
    interval: Band


class Indicator(_Strict):
    """One metric, its weight in percent and its bands."""

    metric: str = Field(description="Code of a metric: see docs/metrics.md")
    weight: Weight = Field(description="Percent of the total; all weights add up to 100")
    bands: list[ScoreBand] = Field(min_length=1)


def _once(indicators: Sequence[Indicator]) -> Any:
    seen = set[str]()
    for indicator in indicators:
        if indicator.metric in seen:
            raise Refusal(
                f"{indicator.metric} is given twice; make it one indicator",
                f"{indicator.metric} 出现了两次；请合并为一个指标",
            )
        seen.add(indicator.metric)
    return indicators


Indicators = Annotated[list[Indicator], Field(min_length=1), AfterValidator(_once)]


class Variant(_Strict):
    """Indicators for a range of days, both inclusive: a peak, an off-season."""

    name: str = ""
    first: Day = Field(alias="from")
    last: Day = Field(alias="to")
    indicators: Indicators

    @model_validator(mode="after")
    def _in_order(self) -> Variant:
        if self.last < self.first:
            raise Refusal(
                f"ends on {self.last}, before it begins on {self.first}",
                f"结束日 {self.last} 早于开始日 {self.first}",
            )
        return self

    @property
    def title(self) -> str:
        """Its name, else its days."""
        return self.name or f"{self.first} – {self.last}"


class PayRow(_Strict):
    """What a score, or a rank, in an interval is paid."""

    interval: Band
    amount: Amount


class Pool(_Strict):
    """An amount shared among the team.

    Attributes:
        share_by: in proportion to total, total_normalised, the metric of a code, or equally.
        least: only those with at least this score (``by`` of the plan's pay) take part.
        cap: the most one agent gets of it.
    """

    amount: Amount
    share_by: str = Field(
        "total_normalised",
        description="total_normalised, total, equal, or a metric such as sales_amount",
    )
    least: Score | None = None
    cap: Amount | None = None


class Pay(_Strict):
    """Bonus rules.

    Attributes:
        by: what the table's intervals are about.
        cap: the most one agent gets, table and pool together.
    """

    by: Literal["total_normalised", "total", "rank"] = "total_normalised"
    table: list[PayRow] = Field(default_factory=list)
    pool: Pool | None = None
    cap: Amount | None = None

    @model_validator(mode="after")
    def _one_row_each(self) -> Pay:
        for at, row in enumerate(self.table):
            for other in self.table[:at]:
                both = row.interval.span.clip(other.interval.span)
                if not (both.on_integers() if self.by == "rank" else both).is_empty:
                    raise Refusal(
                        f"two rows of the table hold for {both.text()}",
                        f"表中有两行都适用于 {both.text()}",
                    )
        return self


class Plan(_Strict):
    """A KPI plan.

    Attributes:
        judge_rule: whom a sale is credited to; None is the shop's setting.
        period_rule: the periods it is meant for: whole months, weeks, single days, or so many days.
        missing: what a missing value does; None is the setting ``missing``.
    """

    name: str = ""
    judge_rule: JudgeRule | None = None
    period_rule: PeriodRule = "any"
    missing: Missing | None = None
    indicators: Indicators
    variants: list[Variant] = Field(default_factory=list)
    pay: Pay | None = None
    _document: Document = PrivateAttr()

    @property
    def document(self) -> Document:
        """What it was read from."""
        return self._document

    def indicators_for(
        self, first: date | None = None, last: date | None = None
    ) -> tuple[list[Indicator], Variant | None]:
        """Return the indicators for a period, and the variant they come from.

        Without days: the plan's own. Raises UsageError when the period lies in a variant only in
        part, or in two; the message says how to split it.
        """
        if first is None or last is None:
            return self.indicators, None
        touched = [one for one in self.variants if one.first <= last and first <= one.last]
        if not touched:
            return self.indicators, None
        if len(touched) == 1 and touched[0].first <= first and last <= touched[0].last:
            return touched[0].indicators, touched[0]
        raise _split(first, last, touched)


def _split(first: date, last: date, touched: Sequence[Variant]) -> UsageError:
    """Say how to split a period at the bounds of variants."""
    one_day = timedelta(days=1)
    starts = {first}
    for variant in touched:
        starts |= {variant.first, variant.last + one_day}
    days = sorted(day for day in starts if first <= day <= last)
    ends = [*(day - one_day for day in days[1:]), last]
    doubled = [
        f"{start}..{end}"
        for start, end in zip(days, ends, strict=True)
        if sum(one.first <= start and end <= one.last for one in touched) > 1
    ]
    if doubled:
        shown = ", ".join(doubled)
        return UsageError(
            f"Two variants of the plan hold on {shown}; mend the plan (jinpai plan lint shows it).",
            zh=f"{shown} 同时有两个分期方案；请先修正方案（jinpai plan lint 可查出）。",
        )
    parts = [f"--from {start} --to {end}" for start, end in zip(days, ends, strict=True)]
    names = ", ".join(f"'{variant.title}'" for variant in touched)
    return UsageError(
        f"{first} to {last} lies only in part in the plan's variant {names}. "
        f"Score the parts apart: {'; '.join(parts)}.",
        zh=f"{first} 至 {last} 只有一部分属于方案的分期 {names}。请分段计分：{'；'.join(parts)}。",
    )


def load_plan(source: str | Path) -> Plan:
    """Read a plan from a path, or from a text (which has more than one line).

    Raises InputError with file, line, place and nearest name when it is no plan. What only `lint`
    would mind (gaps, overlaps, weights …) is taken.
    """
    return plan_of(read_document(source, SPELLINGS, "KPI plan"))


def plan_of(document: Document) -> Plan:
    """Return the plan of a document; raises InputError."""
    plan = validated(Plan, document, _keys_at, "docs/plans.md")
    plan._document = document
    return plan


_PLACES: dict[str, type[BaseModel]] = {
    "bands": ScoreBand,
    "indicators": Indicator,
    "variants": Variant,
    "table": PayRow,
    "pool": Pool,
    "pay": Pay,
}


def _keys_at(path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that are valid at a place."""
    names = [part for part in path if isinstance(part, str)]
    model = _PLACES.get(names[-1], Plan) if names else Plan
    return [field.alias or name for name, field in model.model_fields.items()]
