"""The one-off script an analyst would write in Polars for the same agent x day figures.

    python benchmarks/peer_polars.py DATA OUT.parquet

Default settings only, one shop in Asia/Shanghai. One global sort on numbers, then shifts and
running sums on the sorted columns; no window function touches the messages. The figures are those
of the definitions, sections 3 and 4.1. Rows: agent_id x day (a null agent_id is the whole shop),
columns named as the metrics.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import polars as pl

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
LOCAL = 8 * HOUR  # Asia/Shanghai, all year
GAP = 600_000_000
CELL = ["agent_id", "day"]


def day_of(column: str) -> pl.Expr:
    """Local day number of a time in microseconds."""
    return (pl.col(column) + LOCAL) // DAY


def read_messages(folder: Path) -> pl.DataFrame:
    """Counted messages in thread order, with running session numbers."""
    raw = pl.scan_parquet(folder / "messages.parquet").filter(pl.col("sender") != "system")
    agents = pl.scan_parquet(folder / "agents.parquet").select("agent_id")
    table = (
        raw.join(agents, left_on="buyer_id", right_on="agent_id", how="anti")  # colleagues
        .select(
            pl.col("buyer_id", "agent_id").cast(pl.Categorical),
            pl.col("sent_at").to_physical().alias("at"),
            "seq",
            "message_id",
            (pl.col("sender") == "buyer").alias("is_buyer"),
            ((pl.col("sender") == "agent") & ~pl.col("is_auto")).alias("is_human"),
        )
        # One number per (buyer, agent): sorting by it is several times faster than by the names.
        .with_columns(
            (
                pl.col("buyer_id").to_physical().cast(pl.UInt64) * 2**32
                + pl.col("agent_id").to_physical().fill_null(2**32 - 1)
            ).alias("thread")
        )
        .collect()
        .sort("thread", "at", "seq", "message_id", nulls_last=True)
        .drop("seq", "message_id")
    )
    is_new = pl.col("thread") != pl.col("thread").shift(1)
    table = table.with_columns(is_new.fill_null(True).alias("is_new"), day_of("at").alias("day"))
    cut = pl.col("is_new") | (pl.col("at") - pl.col("at").shift(1) >= GAP)
    turn = pl.col("is_new") | (pl.col("day") != pl.col("day").shift(1))
    return table.with_columns(
        cut.fill_null(True).cum_sum().alias("session"),
        turn.fill_null(True).cum_sum().alias("visit"),  # thread x day
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("place"),
    ).drop("is_new")


def sessions_of(messages: pl.DataFrame) -> pl.DataFrame:
    """Attended, two-sided sessions: the candidates for an order."""
    return (
        messages.lazy()
        .group_by("session")
        .agg(
            pl.col("buyer_id").first(),
            pl.col("agent_id").first(),
            pl.col("at").min().alias("start"),
            pl.col("at").max().alias("end"),
            pl.col("is_human").any(),
            pl.col("is_buyer").any(),
        )
        .filter("is_human", "is_buyer", pl.col("agent_id").is_not_null())
        .select(pl.col("buyer_id", "agent_id").cast(pl.String), "start", "end")
        .collect()
    )


def rounds_of(messages: pl.DataFrame) -> pl.DataFrame:
    """One row per round with its wait in seconds; ``first`` marks the first of its session."""
    lines = messages.lazy().filter(pl.col("is_buyer") | pl.col("is_human"))
    opens = pl.col("is_buyer") & (
        (pl.col("session") != pl.col("session").shift(1)) | pl.col("is_human").shift(1)
    ).fill_null(True)
    return (
        lines.with_columns(
            opens.alias("opens"),
            *[
                pl.when("is_human").then(name).fill_null(strategy="backward").alias(f"next_{name}")
                for name in ("thread", "session", "at")
            ],
        )
        .filter("opens")
        .with_columns(
            pl.when(pl.col("next_thread") == pl.col("thread"))
            .then((pl.col("next_at") - pl.col("at")) / 1e6)
            .alias("uncut")
        )
        .with_columns(
            pl.when(pl.col("next_session") == pl.col("session")).then("uncut").alias("wait"),
            (pl.col("session") != pl.col("session").shift(1)).fill_null(True).alias("first"),
            ((pl.col("at") + LOCAL) % DAY).is_between(8 * HOUR, 23 * HOUR, "left").alias("daytime"),
        )
        .select("visit", "agent_id", "day", "uncut", "wait", "first", "daytime")
        .collect()
    )


def receptions_of(messages: pl.DataFrame, rounds: pl.DataFrame) -> pl.DataFrame:
    """One row per (agent, buyer, day) with a buyer message."""
    place = pl.col("place")
    slow = (
        rounds.lazy()
        .filter(pl.col("uncut") > 120)
        .group_by("visit")
        .agg((pl.len() >= 3).alias("slow"))
    )
    return (
        messages.lazy()
        .group_by("visit")
        .agg(
            pl.col("agent_id", "buyer_id", "day").first(),
            pl.col("at").filter("is_buyer").min().alias("first_at"),
            pl.col("is_buyer").sum().alias("asked"),
            pl.col("is_human").sum().alias("said"),
            (place.filter("is_human").max() > place.filter("is_buyer").min()).alias("replied"),
        )
        .filter(pl.col("asked") > 0)
        .join(slow, on="visit", how="left")
        .with_columns(pl.col("buyer_id", "agent_id").cast(pl.String))
        .collect()
    )


def orders_of(folder: Path) -> pl.DataFrame:
    """Orders with times in microseconds and money in fen."""
    times = [pl.col(f"{name}_at").to_physical().alias(name) for name in ("created", "paid")]
    return (
        pl.scan_parquet(folder / "orders.parquet")
        .select(
            "order_id",
            "buyer_id",
            *times,
            pl.col("closed_at").to_physical().alias("closed"),
            (pl.col("paid_amount") * 100).cast(pl.Int64).alias("fen"),
            pl.col("item_count").fill_null(0).alias("items"),
        )
        .with_columns((pl.col("paid") - pl.col("created") <= 4 * DAY).alias("in_time"))
        .collect()
    )


def winners_of(orders: pl.DataFrame, sessions: pl.DataFrame, moment: str) -> pl.DataFrame:
    """The winning agent of every order that has one, at that moment."""
    at = pl.col(moment)
    return (
        orders.lazy()
        .filter(at.is_not_null())
        .select("order_id", "buyer_id", moment)
        .join(sessions.lazy(), on="buyer_id")
        .filter(pl.col("start") <= at, pl.col("end") >= at - 2 * DAY)
        .with_columns((pl.col("end") >= at).alias("covers"))
        .sort("covers", "end", "start", "agent_id", descending=[True, True, True, False])
        .unique("order_id", keep="first", maintain_order=True)
        .select("order_id", pl.col("agent_id").alias(f"{moment}_agent"))
        .collect()
    )


def judge(orders: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Orders with the agent each rule credits."""
    for moment in ("created", "paid"):
        orders = orders.join(winners_of(orders, sessions, moment), on="order_id", how="left")
    return orders.with_columns(
        pl.col("created_agent").alias("by_order"),
        pl.coalesce("created_agent", "paid_agent").alias("by_order_first"),
        pl.col("paid_agent").alias("by_payment"),
    )


def link(receptions: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Receptions with their kind and what their orders make of them."""
    t, paid, closed = pl.col("first_at"), pl.col("paid"), pl.col("closed")
    created, in_window = pl.col("created"), pl.col("in_window")
    is_open = (paid.is_null() | (paid >= t)) & (closed.is_null() | (closed >= t))
    pairs = (
        receptions.lazy()
        .select("visit", "agent_id", "buyer_id", "day", "first_at", "said")
        .join(orders.lazy(), on="buyer_id")
        .with_columns(
            in_window=(created >= t) & (day_of("created") <= pl.col("day") + 1),
            before=(paid < t) & (paid >= t - 21 * DAY),
            pending=(created < t) & (created >= t - 2 * DAY) & is_open,
        )
        .filter(pl.any_horizontal("in_window", "before", "pending"))
        .with_columns(
            in_window.any().over("visit").alias("asks"),
            pl.col("before").fill_null(False).any().over("visit").alias("bought"),
        )
        .collect()
    )
    kinds = pairs.group_by("visit").agg(pl.col("asks", "bought").first())
    latest = (
        pairs.filter(~pl.col("asks"), ~pl.col("bought"))
        .sort("created", "order_id", descending=[True, False])
        .unique("visit", keep="first", maintain_order=True)
    )
    asked = pl.concat([pairs.filter("in_window"), latest])
    helped = asked.filter("in_time", pl.col("said") > 0, pl.col("by_order_first").is_not_null())
    own = pl.col("by_order_first") == pl.col("agent_id")
    assists = (
        helped.group_by("visit")
        .agg(own.any().alias("own"), pl.col("fen").filter(~own).sum().alias("assist_fen"))
        .filter(~pl.col("own"))
        .select("visit", "assist_fen")
    )
    mine = pl.col("in_time") & own
    sold = (
        pairs.filter("in_window")
        .group_by("visit")
        .agg(
            (pl.col("created_agent") == pl.col("agent_id")).any().alias("ordered"),
            mine.any().alias("sold"),
            pl.col("fen").filter(mine).sum().alias("inquiry_fen"),
        )
    )
    return (
        receptions.join(kinds, on="visit", how="left")
        .join(assists, on="visit", how="left")
        .join(sold, on="visit", how="left")
        .with_columns(
            pl.when("asks").then(pl.lit("inquiry"))
            .when("bought").then(pl.lit("aftersale"))
            .when(pl.col("asks").is_not_null()).then(pl.lit("followup"))
            .otherwise(pl.lit("inquiry")).alias("kind")
        )
    )  # fmt: skip


def reception_figures(receptions: pl.DataFrame) -> pl.DataFrame:
    """Everything counted over receptions; a buyer has at most one per agent and day."""
    inquiry = (pl.col("kind") == "inquiry") & pl.col("assist_fen").is_null()
    return receptions.group_by(CELL).agg(
        pl.len().alias("received_buyers"),
        inquiry.sum().alias("inquiry_buyers"),
        (inquiry & pl.col("ordered")).sum().alias("inquiry_order_buyers"),
        (inquiry & pl.col("sold")).sum().alias("inquiry_paid_buyers"),
        (pl.col("inquiry_fen").filter(inquiry).sum() / 100).alias("inquiry_sales_amount"),
        (pl.col("kind") == "aftersale").sum().alias("aftersale_buyers"),
        (pl.col("kind") == "followup").sum().alias("followup_buyers"),
        pl.col("assist_fen").count().alias("assist_receptions"),
        (pl.col("assist_fen").sum() / 100).alias("assist_amount"),
        (pl.col("replied").fill_null(False).sum() / pl.len()).alias("reply_rate"),
        (pl.col("said").sum() / pl.col("asked").sum()).alias("answer_question_ratio"),
        pl.col("slow").fill_null(False).sum().alias("slow_receptions"),
    ).with_columns(
        (pl.col("inquiry_paid_buyers") / pl.col("inquiry_buyers"))
        .fill_nan(None).alias("inquiry_conversion_rate")
    )  # fmt: skip


def round_figures(rounds: pl.DataFrame) -> pl.DataFrame:
    """Everything counted over rounds, on the day a round opens."""
    wait, uncut = pl.col("wait"), pl.col("uncut")
    capped = pl.when(wait.is_null()).then(600).otherwise(uncut.clip(upper_bound=600))
    return (
        rounds.group_by(CELL)
        .agg(
            pl.len().alias("rounds"),
            wait.is_null().sum().alias("unanswered_rounds"),
            wait.filter("first").mean().alias("first_response_seconds"),
            wait.mean().alias("avg_response_seconds"),
            uncut.mean().alias("avg_response_uncut_seconds"),
            capped.filter("daytime").mean().alias("avg_response_capped_seconds"),
            (uncut.fill_null(1e9) <= 180).filter("daytime").mean().alias("within_180s_rate"),
        )
        .with_columns(pl.col("agent_id").cast(pl.String))
    )


def sale_figures(orders: pl.DataFrame, rule: str) -> pl.DataFrame:
    """Credited sales of a rule by agent and day; the default rule has bare names."""
    suffix = "" if rule == "order_first" else f"__{rule}"
    return (
        orders.filter(pl.col("paid").is_not_null(), pl.col(f"by_{rule}").is_not_null())
        .with_columns(
            pl.col(f"by_{rule}").alias("agent_id"),
            day_of("created" if rule == "order" else "paid").alias("day"),
        )
        .group_by(CELL)
        .agg(
            (pl.col("fen").sum() / 100).alias(f"sales_amount{suffix}"),
            pl.len().alias(f"sales_orders{suffix}"),
            pl.col("buyer_id").n_unique().alias(f"sales_buyers{suffix}"),
            pl.col("items").sum().alias(f"sales_items{suffix}"),
        )
    )


def order_figures(orders: pl.DataFrame) -> pl.DataFrame:
    """Created and paid orders of the winner at creation."""
    return (
        orders.filter(pl.col("created_agent").is_not_null())
        .with_columns(pl.col("created_agent").alias("agent_id"), day_of("created").alias("day"))
        .group_by(CELL)
        .agg(pl.len().alias("created_orders"), pl.col("paid").count().alias("paid_orders"))
        .with_columns((pl.col("paid_orders") / pl.col("created_orders")).alias("payment_rate"))
    )


def shop_figures(orders: pl.DataFrame) -> pl.DataFrame:
    """The shop's own rows: all sales of a day, and those nobody is credited with."""
    silent = pl.col("by_order_first").is_null()
    return (
        orders.filter(pl.col("paid").is_not_null())
        .with_columns(pl.lit(None, pl.String).alias("agent_id"), day_of("paid").alias("day"))
        .group_by(CELL)
        .agg(
            (pl.col("fen").sum() / 100).alias("shop_sales_amount"),
            pl.len().alias("shop_sales_orders"),
            (pl.col("fen").filter(silent).sum() / 100).alias("silent_amount"),
            silent.sum().alias("silent_orders"),
        )
    )


def figures(folder: Path) -> pl.DataFrame:
    """All figures of the shop in that folder."""
    messages = read_messages(folder)
    rounds = rounds_of(messages)
    sessions, receptions = sessions_of(messages), receptions_of(messages, rounds)
    del messages
    orders = judge(orders_of(folder), sessions)
    parts = [
        reception_figures(link(receptions, orders)),
        round_figures(rounds),
        *[sale_figures(orders, rule) for rule in ("order_first", "order", "payment")],
        order_figures(orders),
        shop_figures(orders),
    ]
    result = parts[0]
    for part in parts[1:]:
        result = result.join(part, on=CELL, how="full", coalesce=True, nulls_equal=True)
    return result.with_columns(pl.col("day").cast(pl.Int32).cast(pl.Date)).sort(CELL)


def main() -> None:
    """Compute, write, and say how long it took."""
    begin = time.perf_counter()
    result = figures(Path(sys.argv[1]))
    result.write_parquet(sys.argv[2])
    print(f"polars: {result.height} rows in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
