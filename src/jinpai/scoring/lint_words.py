"""What lint says: one plain sentence per defect, in English and in Chinese."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from fractions import Fraction

from jinpai.metrics.definition import Metric
from jinpai.scoring.intervals import Span, number_text

__all__ = ["Both", "Form", "Label", "plain_label", "value_text", "variant_overlap", "weights"]

Both = tuple[str, str]  # English, Chinese
Label = Callable[[Fraction], Both]


def value_text(metric: Metric | None, value: Fraction | float) -> str:
    """Return a value of a metric: rates in percent, the rest as it is."""
    if metric is not None and metric.unit == "ratio" and isinstance(value, Fraction):
        return f"{number_text(value * 100)}%"
    return number_text(value)


def weights(total: Fraction) -> Both:
    """Weights that are not 100."""
    text = number_text(total)
    return (
        f"The weights add up to {text}%, not 100%.",
        f"权重合计 {text}%，不是 100%。",
    )


def variant_overlap(one: str, other: str, first: date, last: date) -> Both:
    """Two variants on the same days."""
    days = f"{first}" if first == last else f"{first} – {last}"
    return (
        f"The variants '{one}' and '{other}' both hold on {days}.",
        f"分期“{one}”与“{other}”在 {days} 重叠。",
    )


def plain_label(score: Fraction) -> Both:
    """A score is called by its number."""
    return number_text(score), f"{number_text(score)} 分"


class Form:
    """Sentences about one indicator; ``label`` names what a band gives."""

    def __init__(self, code: str, metric: Metric | None, label: Label = plain_label) -> None:
        self._metric, self._label = metric, label
        self._en, self._zh = code, f"{metric.zh}（{code}）" if metric else code

    def _value(self, value: Fraction | float) -> str:
        return value_text(self._metric, value)

    def _where(self, span: Span) -> Both:
        """Say which values lie in a span, with words for its ends."""
        (low, low_open), (high, high_in) = span.low, span.high
        if self._metric is not None and self._metric.is_count:
            return self._whole(low, high)
        if span.point is not None:
            point = self._value(span.point)
            return f"exactly {point}", f"恰为 {point}"
        if low == -math.inf or high == math.inf:
            return self._unbounded(low, low_open, high, high_in)
        en = (
            f"from {self._value(low)}{' (not included)' if low_open else ''} to {self._value(high)}"
        )
        zh = f"{self._value(low)}（{'不含' if low_open else '含'}）至 {self._value(high)}"
        return (
            f"{en}{'' if high_in else ' (not included)'}",
            f"{zh}（{'含' if high_in else '不含'}）",
        )

    def _whole(self, low: Fraction | float, high: Fraction | float) -> Both:
        if high == math.inf:
            return f"{self._value(low)} and more", f"{self._value(low)} 及以上"
        last = high - 1
        if low == last:
            return f"exactly {self._value(low)}", f"恰为 {self._value(low)}"
        return (
            f"from {self._value(low)} to {self._value(last)}",
            f"{self._value(low)} 至 {self._value(last)}",
        )

    def _unbounded(
        self, low: Fraction | float, low_open: int, high: Fraction | float, high_in: int
    ) -> Both:
        if low == -math.inf and high == math.inf:
            return "any value", "任何值"
        if high == math.inf:
            text = self._value(low)
            return (
                (f"above {text}", f"大于 {text}")
                if low_open
                else (f"{text} and more", f"{text} 及以上")
            )
        text = self._value(high)
        return (
            (f"{text} and less", f"{text} 及以下") if high_in else (f"below {text}", f"小于 {text}")
        )

    def gap(self, span: Span) -> Both:
        """Values between bands without one."""
        en, zh = self._where(span)
        return (
            f"{self._en}: no band holds for values {en}; they would count as missing.",
            f"{self._zh}：取值{zh}没有对应的档，将按缺失处理。",
        )

    def open_end(self, span: Span) -> Both:
        """The lowest or highest values without a band."""
        en, zh = self._where(span)
        return (
            f"{self._en}: the bands end too early, none holds for values {en}.",
            f"{self._zh}：各档未覆盖全部取值，{zh}没有对应的档。",
        )

    def brackets(self, interval: str) -> Both:
        """An end without a bracket."""
        return (
            f"{self._en}: '{interval}' does not say whether its ends belong to it; "
            "write [ or ] for an end that does, ( or ) for one that does not.",
            f"{self._zh}：“{interval}”没有写明端点是否包含；包含写 [ 或 ]，不包含写 ( 或 )。",
        )

    def overlap(self, span: Span, scores: tuple[Fraction, Fraction]) -> Both:
        """Two bands at once."""
        en, zh = self._where(span)
        (low, low_zh), (high, high_zh) = (self._label(score) for score in sorted(scores))
        return (
            f"{self._en}: values {en} are in two bands, {low} and {high}; the higher one counts.",
            f"{self._zh}：取值{zh}同时落在{low_zh}档和{high_zh}档，按高的计。",
        )

    def unreachable(self, interval: str, why: str, domain: Span) -> Both:
        """A band that never decides."""
        en, zh = self._where(domain)
        reasons = {
            "empty": ("no number lies between its ends", "两端之间没有任何数"),
            "never": ("no whole number lies in it", "其中没有整数"),
            "outside": (f"the metric is {en}", f"该指标只能取{zh}"),
            "covered": (
                "bands with the same or a higher score hold for all its values",
                "其全部取值都被同分或更高分的档覆盖",
            ),
        }
        reason, reason_zh = reasons[why]
        return (
            f"{self._en}: nobody can reach the band {interval}: {reason}.",
            f"{self._zh}：{interval} 这一档永远用不到：{reason_zh}。",
        )

    def direction(self, left: Fraction, right: Fraction) -> Both:
        """Scores against the metric's direction."""
        lower = self._metric is not None and self._metric.direction == "lower"
        (one, one_zh), (other, other_zh) = self._label(left), self._label(right)
        return (
            f"{self._en}: {'lower' if lower else 'higher'} is better, but what it earns "
            f"{'rises' if lower else 'falls'} as the value grows ({one} → {other}).",
            f"{self._zh}：该指标越{'低' if lower else '高'}越好，"
            f"评分却随数值增大而{'升高' if lower else '下降'}（{one_zh} → {other_zh}）。",
        )

    def cliff(self, edge: Span, left: Fraction, right: Fraction) -> Both:
        """A step of many points."""
        at = self._value(edge.low[0])
        step = number_text(abs(left - right))
        scores = f"{number_text(left)} → {number_text(right)}"
        return (
            f"{self._en}: at {at} the score jumps by {step} points ({scores}); "
            "a hair's breadth decides.",
            f"{self._zh}：在 {at} 处得分一下相差 {step} 分（{scores}），毫厘之差决定成败。",
        )

    def shop_only(self) -> Both:
        """A metric no agent has."""
        return (
            f"{self._en} exists for the whole shop only; a plan scores agents and teams.",
            f"{self._zh}只有全店口径；方案只能给客服或团队计分。",
        )

    def count(self, rate: Metric) -> Both:
        """A count where a rate exists."""
        return (
            f"{self._en} is a count and punishes or rewards volume; {rate.code} is the rate of "
            "the same thing.",
            f"{self._zh}是数量，业务量大者吃亏或占便宜；同一事项有比率指标"
            f" {rate.zh}（{rate.code}）。",
        )
