"""The story in figures, worked out by hand from its times: the same through every chat format.

小桐      C1 09:03:07 → 09:03:55 is 48 s and 09:05:30 → 09:05:36 is 6 s; C2 14:10:00 → 14:13:20 is
          200 s; C6 11:20:00 → 11:20:06 is 6 s and 11:22:10 → 11:22:15 is 5 s. Five rounds, 265 s;
          the first of the three sessions waited 48 + 200 + 6 = 254 s.
售后小满  C2: the buyer's last word at 14:15:40 stays unanswered.
阿岳      C3: 23:58:50 → 08:31:10 is 30 740 s, over a cut, hence late; 08:40:00 stays unanswered.
nobody    C5: 20:15:00 and 20:30:00, with a cut between them: two rounds.

Sales: K01 (199.00) was created at 09:05:02, within C1. K12 and K13 (228.90) were created within
48 h after C2, which 售后小满 ended. All other orders were created and paid before their buyers
wrote, or by buyers who did not write. (小桐's greeting is automatic.)
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from line.driving import Shop

GREETING = "您好，欢迎光临示例灯具旗舰店"
ORDERS = "taobao/ExportOrderList202603071030.csv"
CODES = (
    "rounds",
    "unanswered_rounds",
    "first_response_seconds",
    "avg_response_seconds",
    "avg_response_uncut_seconds",
)
EXPECTED: dict[str | None, list[Any]] = {
    "小桐": [5, 0, pytest.approx(254 / 3), 53, 53],
    "售后小满": [1, 1, None, None, None],
    "阿岳": [2, 2, None, None, 30_740],
    None: [2, 2, None, None, None],
}
CHATS = {
    "qianniu/web_query_page.txt": {"date": "2026-03-02"},
    "qianniu/clipboard_glued.txt": {},
    "qianniu/clipboard_two_line.txt": {},
    "chatwoot": {},
    "zendesk": {},
}


@pytest.mark.parametrize("chat", CHATS)
def test_figures(shared: Path, tmp_path: Path, chat: str) -> None:
    shop = Shop(tmp_path / "shop", name="示例灯具旗舰店")
    shop.set("auto_reply_texts", json.dumps([GREETING]))
    files = [shared / "formats" / file for file in (chat, ORDERS)]
    shop.load(*files, options=CHATS[chat])
    shop.run()
    names: dict[str | None, str] = dict(shop.rows("agents", "agent_id", "name"))
    found = shop.values([*CODES, "sales_amount"], ("agent",))
    agents = {agent: names.get(agent) or (agent and agent.split(":")[-1]) for _, agent in found}
    for agent, name in agents.items():
        assert [found[code, agent] for code in CODES] == EXPECTED[name]
    assert set(agents.values()) == set(EXPECTED)
    if chat == "zendesk":  # its numbers of customers are not the shop's: nobody's sale
        return
    sold = {agents[key[1]]: value for key, value in found.items() if key[0] == "sales_amount"}
    assert {name: amount for name, amount in sold.items() if amount} == {
        "小桐": Decimal("199.00"),
        "售后小满": Decimal("228.90"),
    }
    told = json.loads((shared / "formats/story.json").read_text("utf-8"))
    paid = sum(Decimal(order["paid"]) for order in told["orders"] if order["paid_at"])
    whole = shop.values(["shop_sales_amount", "silent_amount"])
    assert whole["shop_sales_amount",] == paid
    assert whole["silent_amount",] == paid - Decimal("427.90")
