"""A shop of three agents in one team and one by herself, worked by hand; some names are hostile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jinpai.reporting import collect
from jinpai.reports import Report
from jinpai.workspace import Workspace, init

FIRST, LAST = "2026-03-04", "2026-03-05"
SHOP_NAME = "Tea & <b>Cups</b>"
# agent_id: name, team, buyers a period, payers, amount, seconds of the answers (in turn)
AGENTS = {
    "t:ann": ("<script>alert(1)</script>", "one", 40, 30, "100.00", (10,)),
    "t:bob": ('=HYPERLINK("http://evil.example","x")', "one", 40, 10, "200.00", (50, 70)),
    "t:cat": ("@SUM(A1:A9)", "one", 5, 1, "80.00", (20,)),
    "t:dee": ("Dee", "-two", 6, 3, "10.50", (30,)),
}
PERIODS = {"2026-03-02": 4, "2026-03-04": 1}
"""First day of a two-day period -> by how much fewer buyers wrote in it."""


def _at(day: str, minute: int, second: int = 0) -> str:
    start = datetime.fromisoformat(f"{day}T09:00:00+08:00").astimezone(UTC)
    return (start + timedelta(minutes=minute, seconds=second)).isoformat()


def _rows() -> Iterator[tuple[str, list[object]]]:
    """Each buyer asks one agent once; the agent answers; some pay two minutes later."""
    for first, fewer in PERIODS.items():
        second = (datetime.fromisoformat(first) + timedelta(days=1)).date().isoformat()
        for agent, (_, _, buyers, payers, amount, waits) in AGENTS.items():
            for place in range(buyers // fewer):
                day = (first, second)[place % 2]
                buyer = f"{agent[2:]}-{first[8:]}-{place}"
                wait = waits[place // 2 % len(waits)]
                yield "messages", [_at(day, place * 8), agent, buyer, "buyer", "in stock?"]
                yield "messages", [_at(day, place * 8, wait), agent, buyer, "agent", "yes"]
                if place < payers // fewer:
                    at = [_at(day, place * 8, 100), _at(day, place * 8, 110)]
                    yield "orders", [f"o-{buyer}", buyer, *at, amount]


_HEADS = {
    "messages": "sent_at,agent_id,buyer_id,sender,text",
    "orders": "order_id,buyer_id,created_at,paid_at,paid_amount",
}


def write_files(folder: Path) -> None:
    """Write the shop's canonical files; one row is bad, one sale is nobody's."""
    folder.mkdir(parents=True)
    lines = {name: [head] for name, head in _HEADS.items()}
    for table, cells in _rows():
        lines[table].append(",".join(map(str, cells)))
    at = _at("2026-03-05", 700)
    lines["orders"] += [f"o-silent,quiet,{at},{at},66.60", f"o-bad,x,{at},{at},minus"]
    lines["agents"] = ["agent_id,name,team,role"]
    for agent, (name, team, *_) in AGENTS.items():
        quoted = '"' + name.replace('"', '""') + '"'
        lines["agents"].append(f"{agent},{quoted},{team},presale")
    lines["refunds"] = [
        "refund_id,order_id,sub_order_id,opened_at,amount",
        f"r1,o-ann-04-0,s1,{at},50.00",
        f"r2,o-ann-04-1,s2,{at},50.00",
        f"r3,o-bob-04-0,,{at},20.00",
    ]
    lines["complaints"] = [
        "complaint_id,order_id,sub_order_id,opened_at,stage,cause",
        f"c1,o-ann-04-0,s1,{at},delivery,logistics",
        f"c2,o-ann-04-1,s2,{at},delivery,quality",
        f"c3,o-bob-04-0,,{at},aftersales,logistics",
        f"c4,o-bob-04-1,s4,{at},,logistics",
    ]
    # Two orders of cups, both refunded and complained of; of three orders of pots one complaint.
    lines["order_items"] = ["order_id,sub_order_id,product_id,quantity,amount"]
    lines["order_items"] += [f"o-ann-04-{at},s{at + 1},cup,1,100.00" for at in range(2)]
    lines["order_items"] += [f"o-bob-04-{at},s{at + 3},pot,1,200.00" for at in range(3)]
    lines["products"] = ["product_id,title", "cup,<i>Cup</i>"]
    for name, texts in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(texts) + "\n", "utf-8")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace, imported and run, seen from long after."""
    root = tmp_path_factory.mktemp("report")
    write_files(root / "files")
    made = init(root / "shop", shop_id="s1", name=SHOP_NAME, platform="taobao", currency="EUR")
    made.import_files([root / "files"])
    made.run(as_of="2026-06-30")
    return made


@pytest.fixture(scope="session")
def report(shop: Workspace) -> Report:
    """The report of the second two days."""
    return collect(shop, first=FIRST, last=LAST)
