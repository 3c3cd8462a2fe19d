"""Read chat files with a reader, and the story's own messages to compare with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinpai.sources.base import Batch, Context, Note, Reject, Source
from jinpai.sources.files import open_paths

SHOP = "示例灯具旗舰店"


@dataclass
class Result:
    """Everything a reader handed over."""

    batches: list[Batch] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def rows(self, table: str, name: str = "") -> list[dict[str, Any]]:
        """Return the rows of a table (``name``: of the files whose name holds it)."""
        chosen = [b for b in self.batches if b.table == table and name in b.source_file]
        return [row for batch in chosen for row in batch.rows.to_pylist()]

    def messages(self, name: str = "") -> list[dict[str, Any]]:
        """Return the rows of messages that are no notices."""
        return [row for row in self.rows("messages", name) if row["sender"] != "system"]


def read(source: Source, paths: Sequence[Path], *, shop_name: str = SHOP, **options: str) -> Result:
    """Open, recognise and read; a file that the reader does not claim is left out."""
    context = Context("s", "Asia/Shanghai", {}, shop_name=shop_name, options=options)
    files = []
    for file in open_paths(paths):
        if found := source.recognise(file):
            file.layout = found.layout
            files.append(file)
    result = Result()
    for item in source.read(files, context):
        if isinstance(item, Batch):
            result.batches.append(item)
        elif isinstance(item, Reject):
            result.rejects.append(item)
        else:
            result.notes.append(item)
    return result


def story(shared: Path) -> dict[str, Any]:
    """Return the facts that all sample files tell."""
    told: dict[str, Any] = json.loads((shared / "formats" / "story.json").read_text("utf-8"))
    return told


def told_messages(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what buyers and agents said in the story: key, buyer, agent, sender, at, kind, text.

    The agent of a buyer's line is the next one to write in that conversation, else the last one.
    Recalled lines are left out: no text export holds them.
    """
    nicks = {buyer["key"]: buyer["nick"] for buyer in told["buyers"]}
    accounts = {agent["key"]: agent["sub_account"] for agent in told["agents"]}
    rows = []
    for chat in told["conversations"]:
        said = [m for m in chat["messages"] if m["kind"] not in ("recall", "transfer")]
        for place, message in enumerate(said):
            after = [m["agent"] for m in said[place:] if m["agent"]]
            before = [m["agent"] for m in said[:place] if m["agent"]]
            agent = after[0] if after else before[-1] if before else None
            rows.append(
                {
                    "key": chat["buyer"],
                    "buyer": nicks[chat["buyer"]],
                    "agent": accounts[agent] if agent else None,
                    "sender": message["from"],
                    "at": message["t"],
                    "kind": "text" if message["kind"] == "auto" else message["kind"],
                    "text": message["text"],
                }
            )
    return rows
