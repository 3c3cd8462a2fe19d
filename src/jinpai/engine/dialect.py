"""What differs between engines, each difference a named verb.

The stages' SQL uses only what the engines share plus these verbs, called like functions. An engine
declares every verb; a verb it lacks raises while planning, before a row is read.

    us(t)              instant -> microseconds since 1970 UTC
    instant(u)         microseconds -> instant
    day_number(u)      shifted microseconds -> whole days since 1970
    day_date(n)        days since 1970 -> calendar date
    date_day(d)        calendar date -> days since 1970
    key_of(s, a, b, c) whole number that stands for three texts under a salt; two may share one
    has_text(t, p)     does text t contain p, exactly
    starts(t, p)       does text t start with p, exactly
    like_pattern(t, p) does the whole text match the regular expression p
    mul_div(a, b, c)   a * b / c in whole numbers, without overflow, none negative
    mul_mod(a, b, c)   what is left of a * b after it
    quotient(a, b)     how many whole b are in a, none negative
    least_of(a, b)     the smaller of two, neither null
    greatest_of(a, b)  the larger of two, neither null
"""

from __future__ import annotations

from dataclasses import dataclass

from jinpai.errors import UsageError

__all__ = ["DUCKDB", "VERBS", "Dialect"]

VERBS: dict[str, tuple[str, ...]] = {
    "us": ("t",),
    "instant": ("u",),
    "day_number": ("u",),
    "day_date": ("n",),
    "date_day": ("d",),
    "key_of": ("s", "a", "b", "c"),
    "has_text": ("t", "p"),
    "starts": ("t", "p"),
    "like_pattern": ("t", "p"),
    "mul_div": ("a", "b", "c"),
    "mul_mod": ("a", "b", "c"),
    "quotient": ("a", "b"),
    "least_of": ("a", "b"),
    "greatest_of": ("a", "b"),
}


@dataclass(frozen=True)
class Dialect:
    """One engine's bodies for the verbs, as SQL over the verb's parameter names.

    Raises:
        UsageError: when a verb has no body.
    """

    name: str
    bodies: dict[str, str]

    def __post_init__(self) -> None:
        missing = sorted(set(VERBS) - set(self.bodies))
        if missing:
            raise UsageError(
                f"Engine '{self.name}' does not have the verb(s) {', '.join(missing)}."
            )


DUCKDB = Dialect(
    "duckdb",
    {
        "us": "epoch_us(t)",
        "instant": "make_timestamp(u)",
        "day_number": "(u // 86400000000)::integer",
        "day_date": "date '1970-01-01' + n",
        "date_day": "(d - date '1970-01-01')::integer",
        "key_of": "(hash(s, a, b, c) >> 1)::bigint",
        "has_text": "contains(t, p)",
        "starts": "starts_with(t, p)",
        "like_pattern": "regexp_full_match(t, p)",
        "mul_div": "((a::hugeint * b) // c)::bigint",
        "mul_mod": "((a::hugeint * b) % c)::bigint",
        "quotient": "a // b",
        "least_of": "least(a, b)",
        "greatest_of": "greatest(a, b)",
    },
)
