"""A shop's own reviews as labelled examples: the rating says how the writer felt."""

from __future__ import annotations

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UsageError
from jinpai.quality.examples import Example, Turn

__all__ = ["REVIEW_LABEL", "review_examples"]

REVIEW_LABEL = "item.sentiment"
_FEELINGS = {"good": "positive", "neutral": "neutral", "bad": "negative"}
# What the platform writes where the buyer wrote nothing.
_UNWRITTEN = ("系统默认好评", "系统默认评价", "没有填写评价", "未填写评价", "未及时做出评价")
_REVIEWS = """
select rating, text
from reviews
where rating is not null and trim(coalesce(text, '')) <> '' and shop_id in (select unnest($shops))
order by shop_id, review_id
"""


def review_examples(engine: DuckEngine, shops: list[str]) -> list[Example]:
    """Return the reviews somebody wrote as texts that are positive, neutral or negative.

    ``engine`` holds the canonical ``reviews``. Raises UsageError where there are none.
    """
    rows = engine.fetch("reviews", _REVIEWS, {"shops": shops}).to_pylist()
    found = [
        Example((Turn("buyer", row["text"]),), 1, _FEELINGS[row["rating"]], group=place)
        for place, row in enumerate(rows)
        if not any(words in row["text"] for words in _UNWRITTEN)
    ]
    if not found:
        raise UsageError(
            "The last run saw no written reviews with a rating; import them, then: jinpai run.",
            zh="最近一次运行中没有带评级且写了文字的评价；请先导入评价，再运行 jinpai run。",
        )
    return found
