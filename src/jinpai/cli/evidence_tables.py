"""Explanations for people: the rows behind a figure, an order's candidates, a reception, a split.

What is shown comes from the dictionaries of the API; times are the shop's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from jinpai.cli.console import cell, note, out, plain_table, show
from jinpai.cli.evidence_words import COLUMNS, SHOWN, arithmetic_words, field, value_word
from jinpai.cli.figures import Names, figure_text
from jinpai.cli.shares import class_word
from jinpai.cli.words import language, say
from jinpai.metrics.definition import CLASSES, registry
from jinpai.periods import zone
from jinpai.run import shop_runs
from jinpai.workspace import Workspace

__all__ = ["ROWS_SHOWN", "View", "show_decomposed", "show_metric", "show_order", "show_reception"]

ROWS_SHOWN = 20
Row = Mapping[str, Any]


class View:
    """What is needed to show a shop's rows: names, zone, currency."""

    def __init__(self, workspace: Workspace, shop_id: str | None) -> None:
        self.workspace = workspace
        self._names = Names(workspace, shop_id)
        runs = shop_runs(workspace.lake.snapshot().run or {"shops": []})
        self._zones = {run.shop_id: zone(run.timezone) for run in runs}

    def agent(self, text: str | None) -> str | None:
        """Return the account meant by an id or a name; None and '' as they are."""
        return self._names.agent_id(text) if text else text

    def time(self, shop_id: str, text: str | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """Return a time in the shop's zone."""
        if text is None:
            return "–"
        local = datetime.fromisoformat(text).astimezone(self._zones[shop_id])
        return local.strftime(form)

    def money(self, shop_id: str, amount: str | float | None) -> str:
        """Return an amount with the shop's sign."""
        return "–" if amount is None else f"{self._names.money(shop_id)}{float(amount):,.2f}"

    def agent_name(self, shop_id: str, agent_id: str | None) -> Text:
        """Return an agent's name."""
        if agent_id is None:
            return cell(say("nobody", "无"), style="dim")
        return cell(self._names.of("agent_id", shop_id, agent_id))

    def value(self, shop_id: str, name: str, value: Any) -> Text:
        """Return the value of a fact's column as people read it."""
        if value is None:
            return cell("–", style="dim")
        if name.endswith("agent_id"):
            return self.agent_name(shop_id, value)
        if name.endswith("_at"):
            return cell(self.time(shop_id, value))
        if name == "online_us":
            return cell(f"{value / 3_600_000_000:,.2f}h")
        if name == "open_us":
            return cell(f"{value / 3_600_000_000:,.1f}h")
        if name.endswith("_us"):
            return cell(f"{value / 1_000_000:,.1f}s")
        if name in CLASSES:
            return cell(class_word(value))
        if name.endswith("amount"):
            return cell(self.money(shop_id, value))
        return cell(value_word(name, value))


def _local(row: Row, name: str) -> str:
    """Return the text of a row in the user's language: name_zh or name_en, or zh or en."""
    key = f"{name}_{language()}" if name else language()
    return str(row[key])


def show_metric(found: Row, view: View) -> None:
    """Show a figure, how it is counted, and the first rows behind it."""
    shop, metric = found["shop_id"], found["metric"]
    known = registry().metric(metric["code"])
    money = view.money(shop, 0)[:-4]
    value = _figure(known, found["value"], money)
    mark = say(" (provisional)", "（暂定）") if found["status"] == "provisional" else ""
    cells = [str(view.value(shop, name, part)) for name, part in found["cell"].items()
             if name != "day"]  # fmt: skip
    days = (
        found["first"] if found["first"] == found["last"] else f"{found['first']} – {found['last']}"
    )
    console = out()
    console.print(cell(" · ".join([_local(metric, ""), *cells, days]), style="bold"))
    console.print(cell(f"{value}{mark}    {_local(metric, 'text')}"))
    for line in arithmetic_words(found):
        console.print(cell(line, style="dim"))
    console.print()
    for (fact, role), rows in groupby(found["rows"], lambda row: (row["fact"], row["role"])):
        show(_fact_table(fact, role, list(rows), view))
    left = found["row_count"] - len(found["rows"])
    if left > 0:
        note(
            say(
                f"{left:,} of {found['row_count']:,} rows are not shown: --limit N or --format json"
                " shows them.",
                f"共 {found['row_count']:,} 行，还有 {left:,} 行未显示："
                "用 --limit N 或 --format json 查看。",
            ),
            "dim",
        )


def _figure(metric: Any, value: Any, money: str) -> str:
    """A JSON value as people write it: money comes as text."""
    return figure_text(metric, float(value) if isinstance(value, str) else value, money)


def _fact_table(fact: str, role: str, rows: Sequence[Row], view: View) -> Table:
    names = [
        name
        for name in SHOWN
        if name in COLUMNS[fact] and any(row.get(name) not in (None, False) for row in rows)
    ]
    if len({row["agent_id"] for row in rows}) == 1:
        names = [name for name in names if name != "agent_id"]
    roles = [name for name in ("numerator", "minus", "denominator") if f"in_{name}" in rows[0]]
    every = all(row[f"in_{name}"] for row in rows for name in roles)
    marks = [] if every else roles
    talks = "messages" in rows[0] and isinstance(rows[0]["messages"], list)
    says_why = fact.endswith(("inspections", "findings"))
    heads = [*(field(name) for name in names), *(field(name) for name in marks)]
    lines = []
    for row in rows:
        line: list[Any] = [view.value(row["shop_id"], name, row[name]) for name in names]
        line += ["✓" if row[f"in_{name}"] else "" for name in marks]
        line += [_talk(row, view)] if talks else []
        lines.append([*line, _why(row)] if says_why else line)
    title = field(fact) + (say(", the whole shop", "（全店）") if role == "shop" else "")
    right = [at for at, name in enumerate(names) if name.endswith(("_us", "amount", "units"))]
    more = [field(name) for name, there in (("talk", talks), ("why", says_why)) if there]
    return plain_table([*heads, *more], lines, right=right, title=title)


def _why(row: Row) -> Text:
    """The reason of a finding, or those of a session's findings with their points."""
    if "findings" not in row:
        return cell(_local(row, "reason"))
    return Text("\n").join(
        cell(f"{one['points']:+g} {_local(one, 'reason')}") for one in row["findings"]
    )


def _talk(row: Row, view: View) -> Text:
    """What was said in a round, a line per message."""
    return Text("\n").join(_said(one, row["shop_id"], view) for one in row["messages"])


def _said(message: Row, shop_id: str, view: View) -> Text:
    who = field("auto") if message["is_auto"] else value_word("sender", message["sender"])
    text = message["text"] or f"[{value_word('kind', message['kind'] or 'other')}]"
    line = cell(f"{view.time(shop_id, message['sent_at'], '%H:%M:%S')} ", style="dim")
    line.append_text(cell(f"{who}: ", style="cyan" if message["sender"] == "buyer" else "green"))
    return line.append_text(cell(" ".join(text.split())))


def show_order(found: Row, view: View) -> None:
    """Show an order: who is credited and why, the candidates at each moment, its items."""
    shop, order = found["shop_id"], found["order"]
    names = ("order_id", "buyer_id", "created_at", "paid_at", "closed_at", "payable_amount",
             "paid_amount", "refunded_amount", "units", "source_status", "flag")  # fmt: skip
    show(_facts([(field(name), view.value(shop, name, order[name])) for name in names
                 if order[name] is not None]))  # fmt: skip
    show(
        plain_table(
            [field(name) for name in ("judge_rule", "agent_id", "day", "status", "reason")],
            [
                (
                    cell(value_word("judge_rule", rule["judge_rule"])
                         + (say(" (in force)", "（当前）") if rule["is_default"] else ""),
                         style="bold" if rule["is_default"] else ""),
                    view.agent_name(shop, rule["agent_id"]),
                    rule["day"] or "–",
                    value_word("status", rule["status"]),
                    _local(rule, "reason"),
                )
                for rule in found["rules"]
            ],
            title=say("Credited to", "归属"),
        )
    )  # fmt: skip
    for moment in found["moments"]:
        if moment["at"] is not None:
            show(_moment(moment, shop, view))
    items = [
        (item["title"] or item["product_id"] or "–", item["units"],
         view.money(shop, item["item_amount"]), view.money(shop, item["shared_amount"]))
        for item in found["items"]
    ]  # fmt: skip
    heads = [field(name) for name in ("product_id", "units", "item_amount", "shared_amount")]
    show(plain_table(heads, items, right=(1, 2, 3), title=field("items")))


def _moment(moment: Row, shop: str, view: View) -> Table:
    lines = [
        (
            one["place"] or "–",
            view.agent_name(shop, one["agent_id"]),
            view.time(shop, one["session_started_at"], "%m-%d %H:%M:%S"),
            view.time(shop, one["session_ended_at"], "%m-%d %H:%M:%S"),
            "✓" if one["is_covering"] else "",
            cell(_local(one, "reason"), style="bold green" if one["place"] == 1 else ""),
        )
        for one in (*moment["ranked"], *moment["others"])
    ]
    heads = [
        field(name)
        for name in ("place", "agent_id", "started_at", "ended_at", "is_covering", "reason")
    ]
    when = view.time(shop, moment["at"])
    nobody = "" if lines else say(": no session was near", "：附近没有会话")
    title = say(f"Candidates {moment['en']} ({when})", f"{moment['zh']}的候选会话（{when}）")
    return plain_table(heads, lines, title=title + nobody)


def show_reception(found: Row, view: View) -> None:
    """Show a reception: what it was and why, what was said, its rounds and orders."""
    shop, one = found["shop_id"], found["reception"]
    names: Sequence[str] = ("agent_id", "buyer_id", "day", "kind")
    facts = [(field(name), view.value(shop, name, one[name])) for name in names]
    facts.append((field("reason"), cell(_local(one, "kind"))))
    facts.append((field("filter_reason"), cell(_local(one, "filter"))))
    names = ("buyer_messages", "human_messages", "slow_rounds")
    facts += [(field(name), view.value(shop, name, one[name])) for name in names]
    show(_facts(facts))
    console = out()
    for message in found["messages"]:
        console.print(_said(message, shop, view), soft_wrap=True)
    console.print()
    names = ("opened_at", "closed_at", "wait_us", "is_first_in_session", "is_late")
    rounds = [[view.value(shop, name, row[name]) for name in names] for row in found["rounds"]]
    if rounds:
        show(plain_table([field(n) for n in names], rounds, right=(2,), title=field("rounds")))
    names = ("order_id", "created_at", "paid_amount", "is_paid_in_time", "created_agent_id")
    orders = [[view.value(shop, name, row[name]) for name in names] for row in found["orders"]]
    if orders:
        show(plain_table([field(n) for n in names], orders, right=(2,), title=field("orders")))
    for rule in found["rules"]:
        if rule["is_assist"]:
            helped = ", ".join(row["order_id"] for row in rule["helped"])
            name = value_word("judge_rule", rule["judge_rule"])
            console.print(
                cell(
                    say(
                        f"Assist under '{name}': helped {helped}",
                        f"{name}：属协助，促成 {helped}",
                    )
                )
            )


def _facts(pairs: Sequence[tuple[str, Text]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in pairs:
        table.add_row(cell(name, style="dim"), value)
    return table


def show_decomposed(found: Row, view: View) -> None:
    """Show two sides of a comparison and what made the difference."""
    shop, (one, other) = found["shop_id"], found["sides"]
    parts = {part["factor"]: part for part in found["parts"]}
    lines = []
    for name, part in parts.items():
        sides = [_factor(name, side[name], shop, view) for side in (one, other)]
        lines.append((_local(part, ""), *sides, _signed(part["amount"], shop, view)))
    for name, difference in (("inquiry_sales_amount", found["difference"]),
                             ("residual", found["residual"])):  # fmt: skip
        sides = [view.money(shop, side[name]) for side in (one, other)]
        lines.append((field(name), *sides, _signed(difference, shop, view)))
    heads = ["", _local(one, ""), _local(other, ""), say("Makes", "影响")]
    show(plain_table(heads, lines, right=(1, 2, 3)))
    for sentence in found[f"sentences_{language()}"]:
        out().print(cell(sentence))


def _factor(name: str, value: float | None, shop: str, view: View) -> str:
    if value is None:
        return "–"
    if name == "inquiry_conversion_rate":
        return f"{value:.1%}"
    return view.money(shop, value) if name == "amount_per_paid_buyer" else f"{value:,.1f}"


def _signed(amount: float, shop: str, view: View) -> Text:
    sign, style = ("+", "green") if amount >= 0 else ("-", "red")
    return cell(sign + view.money(shop, abs(amount)), style=style)
