"""Write a simulated shop's chats and duty times as Qianniu gives them out.

Chats in the layout of the seller-centre query page (it alone names the buyer of every chat), one
text per agent and day on which the chats began; duty times as TOP login logs, one per agent (the
newer online status log carries numeric account ids that no other file explains).
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from jinpai.simulate.model import Row, World
from jinpai.simulate.taobao import time_text

__all__ = ["write_qianniu"]

NO_PICTURE = "请在客户端查看原始聊天记录，网页版无法展示"


def write_qianniu(world: World, out: Path) -> dict[Path, int]:
    """Write chat texts and login logs; return messages or log lines per file."""
    return _write_chats(world, out) | _write_logins(world, out)


def _write_chats(world: World, out: Path) -> dict[Path, int]:
    chats: dict[str, list[Row]] = {}
    for row in world.rows("messages"):
        chats.setdefault(row["conversation_id"], []).append(row)
    files: dict[Path, list[list[Row]]] = {}
    for rows in chats.values():
        name = rows[0]["agent_id"].rpartition(":")[2]
        path = out / f"聊天记录_{name}_{rows[0]['sent_at']:%Y-%m-%d}.txt"
        files.setdefault(path, []).append(rows)
    for path, several in sorted(files.items()):
        text = "\n".join(line for rows in several for line in _chat_lines(rows))
        path.write_text(text + "\n", "utf-8", newline="\n")
    return {path: sum(map(len, several)) for path, several in sorted(files.items())}


def _chat_lines(rows: list[Row]) -> list[str]:
    """One chat: the buyer, then for each message time, text and sender; dates where they change."""
    lines, day = [f"客户：{rows[0]['buyer_id']}"], None
    for row in rows:
        sent: datetime = row["sent_at"]
        if sent.date() != day:
            day = sent.date()
            lines.append(str(day))
        text = NO_PICTURE if row["kind"] == "image" else row["text"]
        sender = row["buyer_id"] if row["sender"] == "buyer" else row["agent_id"]
        lines += [f"{sent:%H:%M:%S}", text, sender]
    return lines


def _write_logins(world: World, out: Path) -> dict[Path, int]:
    written: dict[Path, int] = {}
    for agent in world.agents:
        log = []
        for row in world.rows("online_sessions"):
            if row["agent_id"] == agent.agent_id:
                log.append({"type": "0", "time": time_text(row["online_at"])})
                if row["offline_at"]:
                    log.append({"type": "1", "time": time_text(row["offline_at"])})
        answer = {
            "user_id": f"cntaobao{agent.agent_id}",
            "count": len(log),
            "loginlogs": {"login_log": log},
        }
        text = json.dumps(
            {"wangwang_eservice_loginlogs_get_response": answer}, ensure_ascii=False, indent=1
        )
        path = out / f"top_loginlogs_{agent.name}.json"
        path.write_text(text + "\n", "utf-8", newline="\n")
        written[path] = len(log)
    return written
