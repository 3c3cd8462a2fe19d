"""The one-off script an analyst would write in pandas for the same agent x day figures.

    python benchmarks/peer_pandas.py DATA OUT.parquet

Same figures and columns as ``peer_polars.py``. Written the way pandas is fast: one sort, shifts on
whole columns, group-by with built-in reductions only, names as ordered categories.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
LOCAL = 8 * HOUR  # Asia/Shanghai, all year
GAP = 600_000_000
CELL = ["agent_id", "day"]


def day_of(times: pd.Series) -> pd.Series:
    """Local day number of times in microseconds."""
    return (times + LOCAL) // DAY


def load(path: Path, columns: list[str]) -> pd.DataFrame:
    """Some columns of a Parquet file."""
    frame: pd.DataFrame = pq.read_table(path, columns=columns).to_pandas()
    return frame


def read_messages(folder: Path, names: list[str]) -> pd.DataFrame:
    """Counted messages in thread order, with running session numbers."""
    columns = ["buyer_id", "agent_id", "sent_at", "seq", "message_id", "sender", "is_auto"]
    table = load(folder / "messages.parquet", columns)
    table = table[(table["sender"] != "system") & ~table["buyer_id"].isin(names)]
    table["at"] = table.pop("sent_at").astype("int64")
    for name in ("buyer_id", "agent_id"):
        table[name] = pd.Categorical(table[name], ordered=True)
    table["is_buyer"] = table["sender"] == "buyer"
    table["is_human"] = (table.pop("sender") == "agent") & ~table.pop("is_auto").astype(bool)
    keys = ["buyer_id", "agent_id", "at", "seq", "message_id"]
    table = table.sort_values(keys, ignore_index=True).drop(columns=["seq", "message_id"])
    buyer, agent = table["buyer_id"].cat.codes, table["agent_id"].cat.codes
    table["day"] = day_of(table["at"])
    is_new = (buyer != buyer.shift()) | (agent != agent.shift())
    table["thread"] = is_new.cumsum()
    table["session"] = (is_new | (table["at"].diff() >= GAP)).cumsum()
    table["visit"] = (is_new | (table["day"] != table["day"].shift())).cumsum()  # thread x day
    return table


def sessions_of(messages: pd.DataFrame) -> pd.DataFrame:
    """Attended, two-sided sessions: the candidates for an order."""
    groups = messages.groupby("session", sort=False)
    found = groups.agg(
        buyer_id=("buyer_id", "first"),
        agent_id=("agent_id", "first"),
        start=("at", "min"),
        end=("at", "max"),
        is_human=("is_human", "max"),
        is_buyer=("is_buyer", "max"),
    )
    found = found[found["is_human"] & found["is_buyer"] & found["agent_id"].notna()]
    return found[["buyer_id", "agent_id", "start", "end"]]


def rounds_of(messages: pd.DataFrame) -> pd.DataFrame:
    """One row per round with its wait in seconds; ``first`` marks the first of its session."""
    lines = messages[messages["is_buyer"] | messages["is_human"]]
    new_session = lines["session"] != lines["session"].shift()
    opens = lines["is_buyer"] & (new_session | lines["is_human"].shift(fill_value=True))
    following = lines[["thread", "session", "at"]].where(lines["is_human"]).bfill()
    rounds = lines.loc[opens, ["visit", "agent_id", "day", "thread", "session", "at"]]
    following = following[opens]
    closed = following["thread"] == rounds["thread"]
    rounds["uncut"] = ((following["at"] - rounds["at"]) / 1e6).where(closed)
    rounds["wait"] = rounds["uncut"].where(following["session"] == rounds["session"])
    rounds["first"] = rounds["session"] != rounds["session"].shift()
    clock = (rounds["at"] + LOCAL) % DAY
    rounds["daytime"] = (clock >= 8 * HOUR) & (clock < 23 * HOUR)
    return rounds.drop(columns=["thread", "session", "at"])


def receptions_of(messages: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    """One row per (agent, buyer, day) with a buyer message."""
    place = pd.Series(messages.index, messages.index)
    work = messages[["visit", "agent_id", "buyer_id", "day", "is_buyer", "is_human"]].assign(
        first_at=messages["at"].where(messages["is_buyer"]),
        first_buyer=place.where(messages["is_buyer"]),
        last_human=place.where(messages["is_human"]),
    )
    found = work.groupby("visit", sort=False).agg(
        agent_id=("agent_id", "first"),
        buyer_id=("buyer_id", "first"),
        day=("day", "first"),
        first_at=("first_at", "min"),
        asked=("is_buyer", "sum"),
        said=("is_human", "sum"),
        first_buyer=("first_buyer", "min"),
        last_human=("last_human", "max"),
    )
    found = found[found["asked"] > 0]
    found["replied"] = found.pop("last_human") > found.pop("first_buyer")
    slow = rounds.loc[rounds["uncut"] > 120].groupby("visit").size()
    found["slow"] = slow.reindex(found.index, fill_value=0) >= 3
    return found.reset_index()


def orders_of(folder: Path) -> pd.DataFrame:
    """Orders with times in microseconds (missing: -1) and money in fen."""
    columns = ["order_id", "buyer_id", "created_at", "paid_at", "closed_at", "paid_amount"]
    orders = load(folder / "orders.parquet", [*columns, "item_count"])
    for name in ("created", "paid", "closed"):
        times = orders.pop(f"{name}_at")
        orders[name] = times.astype("int64").where(times.notna(), -1)
    cents = orders.pop("paid_amount").map(lambda amount: int(amount * 100), na_action="ignore")
    orders["fen"] = cents.fillna(0).astype("int64")
    orders["items"] = orders.pop("item_count").fillna(0).astype("int64")
    took = orders["paid"] - orders["created"]
    orders["in_time"] = (orders["paid"] >= 0) & (took <= 4 * DAY)
    return orders


def winners_of(orders: pd.DataFrame, sessions: pd.DataFrame, moment: str) -> pd.Series:
    """The winning agent of every order that has one, at that moment, by order_id."""
    asked = orders.loc[orders[moment] >= 0, ["order_id", "buyer_id", moment]].dropna()
    pairs = asked.merge(sessions, on="buyer_id")
    at = pairs[moment]
    pairs = pairs[(pairs["start"] <= at) & (pairs["end"] >= at - 2 * DAY)]
    pairs["covers"] = pairs["end"] >= pairs[moment]
    best = ["covers", "end", "start", "agent_id"]
    pairs = pairs.sort_values(best, ascending=[False, False, False, True])
    return pairs.drop_duplicates("order_id").set_index("order_id")["agent_id"]


def judge(orders: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Orders with the agent each rule credits."""
    sessions = sessions.astype({"buyer_id": "object"})
    for moment in ("created", "paid"):
        orders[f"{moment}_agent"] = orders["order_id"].map(winners_of(orders, sessions, moment))
    orders["by_order"] = orders["created_agent"]
    orders["by_order_first"] = orders["created_agent"].fillna(orders["paid_agent"])
    orders["by_payment"] = orders["paid_agent"]
    return orders


def link(receptions: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Receptions with their kind and what their orders make of them."""
    work = receptions[["visit", "agent_id", "buyer_id", "day", "first_at", "said"]]
    pairs = work.astype({"buyer_id": "object"}).merge(orders, on="buyer_id")
    t, paid, created = pairs["first_at"], pairs["paid"], pairs["created"]
    in_window = (created >= t) & (day_of(created) <= pairs["day"] + 1)
    before = (paid >= 0) & (paid < t) & (paid >= t - 21 * DAY)
    is_open = ((paid < 0) | (paid >= t)) & ((pairs["closed"] < 0) | (pairs["closed"] >= t))
    pending = (created < t) & (created >= t - 2 * DAY) & is_open
    pairs = pairs.assign(in_window=in_window, before=before)[in_window | before | pending]
    by_visit = pairs.groupby("visit")
    pairs["asks"] = by_visit["in_window"].transform("max")
    pairs["bought"] = by_visit["before"].transform("max")
    rest = pairs[~pairs["asks"] & ~pairs["bought"]]
    latest = rest.sort_values(["created", "order_id"], ascending=[False, True])
    asked = pd.concat([pairs[pairs["in_window"]], latest.drop_duplicates("visit")])
    found = receptions.set_index("visit")
    found["kind"] = "inquiry"
    kinds = pairs.drop_duplicates("visit").set_index("visit")
    found.loc[kinds.index[~kinds["asks"]], "kind"] = "followup"
    found.loc[kinds.index[~kinds["asks"] & kinds["bought"]], "kind"] = "aftersale"
    return found.join(_assists(asked)).join(_sold(pairs[pairs["in_window"]])).reset_index()


def _assists(asked: pd.DataFrame) -> pd.DataFrame:
    helped = asked[asked["in_time"] & (asked["said"] > 0) & asked["by_order_first"].notna()]
    own = helped["by_order_first"].astype("object") == helped["agent_id"].astype("object")
    groups = helped.assign(own=own, assist_fen=helped["fen"].where(~own)).groupby("visit")
    found = groups.agg(own=("own", "max"), assist_fen=("assist_fen", "sum"))
    return found.loc[~found["own"], ["assist_fen"]]


def _sold(wanted: pd.DataFrame) -> pd.DataFrame:
    me = wanted["agent_id"].astype("object")
    mine = wanted["in_time"] & (wanted["by_order_first"].astype("object") == me)
    work = wanted[["visit"]].assign(
        ordered=wanted["created_agent"].astype("object") == me,
        sold=mine,
        inquiry_fen=wanted["fen"].where(mine, 0),
    )
    rules = {"ordered": "max", "sold": "max", "inquiry_fen": "sum"}
    return work.groupby("visit").agg(rules)


def reception_figures(receptions: pd.DataFrame) -> pd.DataFrame:
    """Everything counted over receptions; a buyer has at most one per agent and day."""
    inquiry = (receptions["kind"] == "inquiry") & receptions["assist_fen"].isna()
    marks = {name: receptions[name].eq(True) & inquiry for name in ("ordered", "sold")}
    work = receptions[[*CELL, "asked", "said", "replied", "slow", "assist_fen"]].assign(
        inquiry=inquiry,
        inquiry_fen=receptions["inquiry_fen"].where(inquiry),
        aftersale=receptions["kind"] == "aftersale",
        followup=receptions["kind"] == "followup",
        **marks,
    )
    found = work.groupby(CELL, observed=True).agg(
        received_buyers=("asked", "size"),
        inquiry_buyers=("inquiry", "sum"),
        inquiry_order_buyers=("ordered", "sum"),
        inquiry_paid_buyers=("sold", "sum"),
        inquiry_sales_amount=("inquiry_fen", "sum"),
        aftersale_buyers=("aftersale", "sum"),
        followup_buyers=("followup", "sum"),
        assist_receptions=("assist_fen", "count"),
        assist_amount=("assist_fen", "sum"),
        reply_rate=("replied", "mean"),
        said=("said", "sum"),
        asked=("asked", "sum"),
        slow_receptions=("slow", "sum"),
    )
    found[["inquiry_sales_amount", "assist_amount"]] /= 100
    found["answer_question_ratio"] = found.pop("said") / found.pop("asked")
    asked = found["inquiry_buyers"].where(found["inquiry_buyers"] > 0)
    found["inquiry_conversion_rate"] = found["inquiry_paid_buyers"] / asked
    return found


def round_figures(rounds: pd.DataFrame) -> pd.DataFrame:
    """Everything counted over rounds, on the day a round opens."""
    wait, uncut, daytime = rounds["wait"], rounds["uncut"], rounds["daytime"]
    within = (uncut <= 180).astype("float64")
    work = rounds[[*CELL, "wait", "uncut"]].assign(
        unanswered=wait.isna(),
        first=wait.where(rounds["first"]),
        capped=uncut.clip(upper=600).where(wait.notna(), 600).where(daytime),
        within=within.where(daytime),
    )
    return work.groupby(CELL, observed=True).agg(
        rounds=("unanswered", "size"),
        unanswered_rounds=("unanswered", "sum"),
        first_response_seconds=("first", "mean"),
        avg_response_seconds=("wait", "mean"),
        avg_response_uncut_seconds=("uncut", "mean"),
        avg_response_capped_seconds=("capped", "mean"),
        within_180s_rate=("within", "mean"),
    )


def sale_figures(orders: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Credited sales of a rule by agent and day; the default rule has bare names."""
    suffix = "" if rule == "order_first" else f"__{rule}"
    sales = orders[(orders["paid"] >= 0) & orders[f"by_{rule}"].notna()]
    sales = sales.assign(
        agent_id=sales[f"by_{rule}"].astype("object"),
        day=day_of(sales["created" if rule == "order" else "paid"]),
    )
    found = sales.groupby(CELL).agg(
        sales_amount=("fen", "sum"),
        sales_orders=("fen", "size"),
        sales_buyers=("buyer_id", "nunique"),
        sales_items=("items", "sum"),
    )
    found["sales_amount"] /= 100
    return found.add_suffix(suffix)


def order_figures(orders: pd.DataFrame) -> pd.DataFrame:
    """Created and paid orders of the winner at creation."""
    won = orders[orders["created_agent"].notna()]
    won = won.assign(
        agent_id=won["created_agent"].astype("object"),
        day=day_of(won["created"]),
        is_paid=won["paid"] >= 0,
    )
    groups = won.groupby(CELL)
    found = groups.agg(created_orders=("is_paid", "size"), paid_orders=("is_paid", "sum"))
    return found.assign(payment_rate=found["paid_orders"] / found["created_orders"])


def shop_figures(orders: pd.DataFrame) -> pd.DataFrame:
    """The shop's own rows: all sales of a day, and those nobody is credited with."""
    paid = orders[orders["paid"] >= 0]
    silent = paid["by_order_first"].isna()
    work = paid[["fen"]].assign(
        day=day_of(paid["paid"]), silent=silent, silent_fen=paid["fen"].where(silent, 0)
    )
    found = work.groupby("day").agg(
        shop_sales_amount=("fen", "sum"),
        shop_sales_orders=("fen", "size"),
        silent_amount=("silent_fen", "sum"),
        silent_orders=("silent", "sum"),
    )
    found[["shop_sales_amount", "silent_amount"]] /= 100
    return found.reset_index()


def figures(folder: Path) -> pd.DataFrame:
    """All figures of the shop in that folder."""
    names = load(folder / "agents.parquet", ["agent_id"])["agent_id"].tolist()
    messages = read_messages(folder, names)
    rounds = rounds_of(messages)
    sessions, receptions = sessions_of(messages), receptions_of(messages, rounds)
    del messages
    orders = judge(orders_of(folder), sessions)
    parts = [reception_figures(link(receptions, orders)), round_figures(rounds)]
    parts += [sale_figures(orders, rule) for rule in ("order_first", "order", "payment")]
    parts.append(order_figures(orders))
    keyed = [part.reset_index().astype({"agent_id": "object"}).set_index(CELL) for part in parts]
    result = pd.concat(keyed, axis=1).reset_index()
    result = pd.concat([shop_figures(orders), result], ignore_index=True)
    result["day"] = pd.to_datetime(result["day"], unit="D")
    return result.sort_values(CELL, na_position="first", ignore_index=True)


def main() -> None:
    """Compute, write, and say how long it took."""
    begin = time.perf_counter()
    result = figures(Path(sys.argv[1]))
    result.to_parquet(sys.argv[2])
    print(f"pandas: {len(result)} rows in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
