"""Why a grade is what it is, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jinpai.metrics.definition import registry
from jinpai.scoring.lint_words import Both
from jinpai.scoring.numbers import shown
from jinpai.scoring.policy import GRADES, Policy

if TYPE_CHECKING:
    from jinpai.scoring.grade import GradeLine

__all__ = ["GRADE_NAMES", "Both", "combined", "held", "line"]

# English, Chinese
GRADE_NAMES: Mapping[str | None, Both] = {
    "gold": ("gold", "金牌"),
    "senior": ("senior", "高级"),
    "mid": ("mid", "中级"),
    "junior": ("junior", "初级"),
    None: ("no grade", "未评级"),
}


def line(one: GradeLine) -> Both:
    """Say what a metric's value is worth."""
    metric = registry().metric(one.metric)
    if one.value.exact is None:
        return (
            f"{metric.en}: there is no value, it does not count.",
            f"{metric.zh}：没有数据，不计入。",
        )
    value = shown(metric, one.value.exact)
    if one.grade is None:
        return (
            f"{metric.en} {value} is in no grade's band, it does not count.",
            f"{metric.zh} {value}，不在任何一级的区间内，不计入。",
        )
    en, zh = GRADE_NAMES[one.grade]
    return (
        f"{metric.en} {value} lies in {one.band}: {en}.",
        f"{metric.zh} {value}，在 {one.band} 之内：{zh}。",
    )


def combined(policy: Policy, counts: Mapping[str | None, int], computed: str | None) -> Both:
    """Say how the metrics' grades became one."""
    whole = sum(counts.values())
    present = whole - counts.get(None, 0)
    if computed is None:
        share = f"{float(policy.least_present):.0%}"
        return (
            f"Only {present} of {whole} metrics are present, fewer than {share}: no grade.",
            f"{whole} 项指标只有 {present} 项有数据，不足 {share}：不评级。",
        )
    en, zh = GRADE_NAMES[computed]
    parts = [name for name in reversed(GRADES) if counts.get(name)]
    listed = ", ".join(f"{counts[name]} {GRADE_NAMES[name][0]}" for name in parts)
    listed_zh = "、".join(f"{GRADE_NAMES[name][1]} {counts[name]} 项" for name in parts)
    how, how_zh = {
        "median": (
            "the median" + (" (the lower middle)" if present % 2 == 0 else ""),
            "中位" + ("（取较低的中位）" if present % 2 == 0 else ""),
        ),
        "min": ("the lowest", "最低一项"),
        "weighted": ("the weighted mean", "加权平均"),
    }[policy.combine]
    return f"{listed}: {how} is {en}.", f"{listed_zh}：{how_zh}为{zh}。"


def held(
    before: str | None, computed: str | None, after: str | None, run: int, demote_after: int
) -> Both | None:
    """Say what became of the grade held before; None where there is nothing to say."""
    if before is None or (before == after and run == 0 and computed is not None):
        return None
    (old, old_zh), (new, new_zh) = GRADE_NAMES[before], GRADE_NAMES[after]
    if computed is None:
        return (f"It stays {old}, as before.", f"维持之前的{old_zh}。")
    if before == after:
        lower = GRADES.index(computed) < GRADES.index(before)
        now, now_zh = GRADE_NAMES[computed]
        if lower:
            return (
                f"It stays {old}: {now} for {run} of the {demote_after} periods in a row that"
                " would lower it.",
                f"维持{old_zh}：连续 {demote_after} 期更低才降级，目前是第 {run} 期（{now_zh}）。",
            )
        return (
            f"It stays {old}: {now} for {run} period(s) in a row, not yet enough to rise.",
            f"维持{old_zh}：连续 {run} 期为{now_zh}，尚不足以升级。",
        )
    rises = GRADES.index(after or "junior") > GRADES.index(before)
    return (
        f"It {'rises' if rises else 'falls'} from {old} to {new}.",
        f"由{old_zh}{'升' if rises else '降'}为{new_zh}。",
    )
