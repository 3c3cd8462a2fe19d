"""One order: who gets the credit under each rule, who else was near, and why they lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.web.contexts import FigurePage, Page, View
from jinpai.web.errors import NotFound
from jinpai.web.masking import hide
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.words import Words

__all__ = ["router"]

router = APIRouter()


@router.get("/orders/{order_id:path}", name="order")
def order(page: FigurePage, order_id: str) -> Response:
    """Show one order; only those may see it whose agents were near it."""
    filters, reader = page.filters, page.reader
    found: dict[str, Any] = reader.kept(
        ("order", filters.shop_id, order_id),
        lambda: reader.explain_order(order_id, shop_id=filters.shop_id, unmask=True),
    )
    _check(page, found)
    found = found | {"order": found["order"] | {"note": hide(found["order"]["note"])}}
    found = found | {"moments": [_only_seen(page, moment) for moment in found["moments"]]}
    zone = ZoneInfo(filters.shop.timezone)
    tables = [_rules(page, found), *(_moment(page, one, found, zone) for one in found["moments"])]
    tables.append(_items(page, found))
    facts = _facts(page, found["order"], zone)
    title = page.w("order_title", order=order_id)
    json = {"order": found["order"], "rules": _rules_seen(page, found), "items": found["items"]}
    return page.show(
        View(
            "order.html.j2",
            title,
            tables=tables,
            data={
                "facts": facts,
                "moments": [f"moment_{one['moment']}" for one in found["moments"]],
            },
            json=json | {"moments": found["moments"]},
        )
    )


def _check(page: Page, found: dict[str, Any]) -> None:
    """Those see an order who see an agent near it, or everybody's; to others it is not there."""
    if page.sight.sees_all:
        return
    near = {row["agent_id"] for one in found["moments"] for row in (*one["ranked"], *one["others"])}
    near |= {rule["agent_id"] for rule in found["rules"]}
    if not any(page.sight.sees_agent(agent) for agent in near - {None}):
        raise NotFound


def _who(page: Page, agent: str | None, *, nobody: str = "order_nobody") -> str:
    """An agent's name; of those one may not see, only that it was a colleague."""
    if agent is None:
        return page.w(nobody)
    return page.sight.name(agent) if page.sight.sees_agent(agent) else page.w("order_colleague")


def _only_seen(page: Page, moment: dict[str, Any]) -> dict[str, Any]:
    def seen(row: dict[str, Any]) -> dict[str, Any]:
        return row if page.sight.sees_agent(row["agent_id"]) else row | {"agent_id": None}

    winner = moment["winner"]
    return moment | {
        "winner": winner if winner is None or page.sight.sees_agent(winner) else None,
        "ranked": [seen(row) for row in moment["ranked"]],
        "others": [seen(row) for row in moment["others"]],
    }


def _rules_seen(page: Page, found: dict[str, Any]) -> list[dict[str, Any]]:
    made = []
    for rule in found["rules"]:
        agent = rule["agent_id"]
        if agent is not None and not page.sight.sees_agent(agent):
            hidden = page.w("order_colleague")
            rule = rule | {"agent_id": None}
            rule |= {key: rule[key].replace(agent, hidden) for key in ("reason_zh", "reason_en")}
        made.append(rule)
    return made


def _rules(page: Page, found: dict[str, Any]) -> Table:
    w = page.w
    columns = [
        Column("rule", w("order_rule"), is_fixed=True, is_sortable=False),
        Column("agent", w("order_credited"), is_sortable=False),
        Column("day", w("order_day"), "day", is_sortable=False),
        Column("why", w("order_why"), is_sortable=False),
    ]
    rows: list[Row] = []
    for rule, seen in zip(found["rules"], _rules_seen(page, found), strict=True):
        is_credited = rule["status"] == "credited"
        agent = rule["agent_id"] if is_credited else None
        name = _who(page, agent) if is_credited else w(f"status_{rule['status']}")
        href = page.url("agent", agent_id=agent) if agent and page.sight.sees_agent(agent) else ""
        mark = w("order_in_force") if rule["judge_rule"] == page.filters.rule else ""
        rows.append(
            {
                "rule": Cell(w(f"rule_{rule['judge_rule']}"), under=mark),
                "agent": Cell(name, href=href),
                "day": Cell(rule["day"]),
                "why": Cell(_why(page, seen)),
            }
        )
    return Table("rules", w("order_whose"), columns, rows, Empty(""))


def _moment(page: Page, moment: dict[str, Any], found: dict[str, Any], zone: ZoneInfo) -> Table:
    w = page.w
    columns = [
        Column("place", w("order_place"), "count", is_fixed=True, is_sortable=False),
        Column("agent", w("talks_agent"), is_sortable=False),
        Column("session", w("order_session"), is_sortable=False),
        Column("covers", w("order_covers"), is_sortable=False),
        Column("why", w("order_why"), is_sortable=False),
    ]
    rows: list[Row] = [
        {
            "place": Cell(row["place"]),
            "agent": Cell(_who(page, row["agent_id"], nobody="order_colleague")),
            "session": _session(page, row, found["order"]["buyer_id"], zone),
            "covers": Cell(
                row["is_covering"], text=w("yes" if row["is_covering"] else "no"),
                tone="better" if row["is_covering"] else "",
            ),
            "why": Cell(_why(page, row)),
        }
        for row in (*moment["ranked"], *moment["others"])
    ]  # fmt: skip
    at = _time(moment["at"], zone) or w("order_not_paid").rstrip("。.")
    title = w("order_moment", name=w.pick(moment["zh"], moment["en"]), at=at)
    empty = Empty(w("order_no_candidates") if moment["at"] else w("order_not_paid"))
    return Table(f"moment_{moment['moment']}", title, columns, rows, empty)


def _why(page: Page, row: dict[str, Any]) -> str:
    """The reason with the agent's name instead of the account."""
    said, agent = page.w.pick(row["reason_zh"], row["reason_en"]), row["agent_id"]
    return said if agent is None else said.replace(agent, page.sight.name(agent))


def _session(page: Page, row: dict[str, Any], buyer: str | None, zone: ZoneInfo) -> Cell:
    start, end = (
        datetime.fromisoformat(row[f"session_{name}_at"]).astimezone(zone)
        for name in ("started", "ended")
    )
    text = f"{start:%m-%d %H:%M:%S} – {end:%H:%M:%S}"
    if row["agent_id"] is None or buyer is None:
        return Cell(text)
    href = page.url("conversation", buyer_id=buyer, agent=row["agent_id"], day=f"{start:%Y-%m-%d}")
    return Cell(text, href=href)


def _items(page: Page, found: dict[str, Any]) -> Table:
    w = page.w
    columns = [
        Column("title", w("order_item"), is_fixed=True, is_sortable=False),
        Column("quantity", w("order_quantity"), "count", is_sortable=False),
        Column("amount", w("order_item_amount"), "money", is_sortable=False),
        Column("share", w("order_share"), "money", is_sortable=False),
    ]
    rows: list[Row] = [
        {
            "title": Cell(row["title"] or row["product_id"] or row["sub_order_id"]),
            "quantity": Cell(row["quantity"]),
            "amount": _money(row["item_amount"]),
            "share": _money(row["shared_amount"]),
        }
        for row in found["items"]
    ]
    return Table("items", w("order_items"), columns, rows, Empty(w("no")))


def _money(text: str | None) -> Cell:
    return Cell(None if text is None else float(text))


def _facts(page: Page, row: dict[str, Any], zone: ZoneInfo) -> list[tuple[str, str]]:
    w = page.w
    found = [
        ("order_buyer", row["buyer_id"]),
        ("order_created", _time(row["created_at"], zone)),
        ("order_paid", _time(row["paid_at"], zone)),
        ("order_amount", w.amount(float(row["paid_amount"])) if row["paid_amount"] else None),
        (
            "order_refunded",
            w.amount(float(row["refunded_amount"])) if float(row["refunded_amount"] or 0) else None,
        ),
        ("order_status", _status(w, row["source_status"])),
        ("order_flag", row["flag"]),
        ("order_note", row["note"]),
    ]
    return [(w(word), str(value)) for word, value in found if value not in (None, "")]


def _status(w: Words, status: str | None) -> str | None:
    """One of ours in words; a platform's own as it is."""
    key = f"order_is_{status}"
    return w(key) if w.has(key) else status


def _time(iso: str | None, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(zone):%Y-%m-%d %H:%M:%S}" if iso else ""
