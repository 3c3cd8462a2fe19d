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
from functools import cache
from typing import TYPE_CHECKING, cast

from jinpai.errors import UsageError

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["DUCKDB", "SPARK", "VERBS", "Dialect", "for_spark"]

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
        # Texts that differ and share a hash are told apart when a salt moves their bytes.
        "key_of": (
            "((case when s = '' then hash(a, b, c)"
            " else hash(concat(s, a), concat(s, b), concat(s, c)) end) >> 1)::bigint"
        ),
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

SPARK = Dialect(
    "spark",
    {
        "us": "unix_micros(t)",
        "instant": "timestamp_micros(u)",
        "day_number": "cast(u div 86400000000 as int)",
        "day_date": "date_from_unix_date(n)",
        "date_day": "cast(unix_date(d) as int)",
        "key_of": "shiftrightunsigned(xxhash64(s, a, b, c), 1)",
        "has_text": "contains(t, p)",
        "starts": "startswith(t, p)",
        "like_pattern": "rlike(t, concat('^', p, char(92), 'z'))",
        "mul_div": "cast(cast(a as decimal(38, 0)) * b div c as bigint)",
        "mul_mod": "cast(cast(a as decimal(38, 0)) * b % c as bigint)",
        "quotient": "a div b",
        "least_of": "least(a, b)",
        "greatest_of": "greatest(a, b)",
    },
)


@cache
def for_spark(sql: str) -> str:
    """Return a SELECT of the stages as Spark reads it: verbs expanded, empty values last.

    sqlglot writes out what the engines mean differently where the text says nothing: the place of
    nulls in an order, names of types, how parameters are written.

    Raises:
        UsageError: sqlglot is not installed.
        ValueError: the text is no SQL, or a verb has another number of arguments.
    """
    try:
        import sqlglot
        from sqlglot import exp
    except ImportError as error:
        raise UsageError(
            "Spark needs sqlglot; install it with: pip install 'jinpai[spark]'",
            zh="用 Spark 计算需要 sqlglot；请安装：pip install 'jinpai[spark]'",
        ) from error

    def expand(node: exp.Expression) -> exp.Expression:
        name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        if name not in VERBS:
            return node
        return _expanded(name, [argument.transform(expand) for argument in node.expressions])

    tree = sqlglot.parse_one(sql, read="duckdb").transform(expand)
    for window in list(tree.find_all(exp.Window)):
        if not isinstance(window.this, exp.Identifier):
            # Spark 4 takes "over thread - 1" for a name with a hyphen.
            window.replace(exp.paren(window.copy()))
    return str(tree.sql("spark", identify=True, comments=False))


def _expanded(verb: str, arguments: list[exp.Expression]) -> exp.Expression:
    import sqlglot
    from sqlglot import exp

    if len(arguments) != len(VERBS[verb]):
        raise ValueError(f"{verb} takes {len(VERBS[verb])} arguments, not {len(arguments)}.")
    given = dict(zip(VERBS[verb], arguments, strict=True))

    def fill(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and not node.table and node.name in given:
            return exp.paren(given[node.name].copy())
        return node

    body = sqlglot.parse_one(SPARK.bodies[verb], read="spark")
    return cast("exp.Expression", exp.paren(body.transform(fill)))
