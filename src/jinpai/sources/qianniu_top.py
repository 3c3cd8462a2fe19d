"""Answers of the open platform (TOP): chat logs, chat partners, agents' time online.

An answer arrives as XML or JSON, with or without its wrapper; a list of one arrives as an object.
Nothing in a chat log says between whom it was: the two ids are in the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from jinpai.errors import HostileFile, UnreadableFile
from jinpai.sources.base import Note
from jinpai.sources.cells import parse_time_text
from jinpai.sources.chat_rows import Event
from jinpai.sources.files import SourceFile
from jinpai.sources.qianniu_bodies import Body, set_content
from jinpai.sources.qianniu_names import Accounts, account_of, split_account

__all__ = ["Answer", "answers", "buyer_rows", "chat_events", "entries", "top_layout"]

# What an answer holds -> (its list, a field of the list's entries, words for people).
_FACTS = {
    "chatlog": ("msgs", "direction", "Wangwang chat log (TOP)"),
    "logquery": ("msg_lists", "direction", "Wangwang chat abstract (TOP), buyers' words left out"),
    "chatpeers": ("chatpeers", "uid", "Wangwang chat partners (TOP)"),
    "online_log": ("record_list", "change_time", "Qianniu online status log (TOP)"),
    "login_log": ("loginlogs", "time", "Wangwang log-in log (TOP)"),
    "subusers": ("subusers", "sub_id", "Sub-accounts of the shop (TOP)"),
}
_SUMMARIES = {
    "waiting_time_list_on_days": "average waiting times",
    "online_times_list_on_days": "online time per day",
    "reply_stat_list_on_days": "buyers received per day",
    "non_reply_stat_on_days": "buyers not answered per day",
    "staff_eval_stat_on_days": "ratings per day",
    "staff_eval_details": "buyers' ratings of chats",
    "group_member_list": "agent groups",
    "staff_stream_weights": "distribution weights",
    "log_file_url": "the address of a chat record archive; download it and import the archive",
}
_KEYS = re.compile("|".join([*(key for key, _, _ in _FACTS.values()), *_SUMMARIES, "dataSource"]))
_IDS_IN_NAME = re.compile(r"cntaobao(?P<first>.+?)[_\-]+cntaobao(?P<second>.+?)(?:\.\w+)?$")
_AUTO_REPLY = 1


@dataclass
class Answer:
    """One answer: ``body`` without its wrapper, ``request`` what was saved around it."""

    body: Mapping[str, Any]
    request: Mapping[str, Any]


def top_layout(file: SourceFile) -> tuple[str, str] | None:
    """Return (layout, words for people) of an answer this module knows, or None."""
    if not _KEYS.search(file.head_text(4000)):
        return None
    for answer in answers(file):
        for layout, (key, field, words) in _FACTS.items():
            found = entries(answer.body, key)
            if key in answer.body and (not found or field in found[0]):
                return layout, words
        for key, words in _SUMMARIES.items():
            if key in answer.body:
                return "summary", f"Platform's own summary, not loaded: {words}"
        if {"columns", "dataSource"} <= answer.body.keys():
            return "summary", "Platform's own summary, not loaded: agent report (JSON)"
    return None


def answers(file: SourceFile) -> list[Answer]:
    """Return the answers a file holds: one, a list of them, or one per line.

    Raises:
        UnreadableFile: damaged JSON or XML.
        HostileFile: XML with a document type (entities could blow it up).
    """
    if file.kind == "xml":
        found: list[Any] = [_xml(file)]
    elif file.kind == "jsonl":
        found = [value for _, value in file.json_lines()]
    else:
        whole = file.json()
        found = whole if isinstance(whole, list) else [whole]
    return [_answer(value) for value in found if isinstance(value, dict)]


def _answer(value: dict[str, Any]) -> Answer:
    for name, body in value.items():
        if name.endswith("_response") and isinstance(body, dict):
            return Answer(body, {key: part for key, part in value.items() if key != name})
    return Answer(value, value)


def _xml(file: SourceFile) -> dict[str, Any]:
    text = file.text()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise HostileFile(
            "XML with a document type is not read.", file=file.name, zh="不读取带 DOCTYPE 的 XML。"
        )
    try:
        # Entities, the danger of this parser, were refused above.
        root = ElementTree.fromstring(_without_declaration(text))  # noqa: S314
    except ElementTree.ParseError as error:
        raise UnreadableFile(
            f"the XML cannot be read ({error}).",
            file=file.name,
            hint="Export it again.",
            zh="XML 无法读取。请重新导出。",
        ) from error
    return {root.tag: _node(root)}


def _without_declaration(text: str) -> str:
    """The text is decoded already; its own word on the encoding would only confuse."""
    return re.sub(r"^\ufeff?\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)


def _node(element: ElementTree.Element) -> Any:
    if not len(element):
        return element.text or ""
    parts: dict[str, Any] = {}
    for child in element:
        parts.setdefault(child.tag, []).append(_node(child))
    return {tag: values if len(values) > 1 else values[0] for tag, values in parts.items()}


def entries(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects of a list, whether wrapped, plain, or a single object.

    >>> entries({"msgs": {"msg": {"time": "t", "direction": 0}}}, "msgs")
    [{'time': 't', 'direction': 0}]
    """
    value = body.get(key)
    if isinstance(value, dict) and len(value) == 1:
        inner = next(iter(value.values()))
        value = inner if isinstance(inner, list | dict) else value
    found = value if isinstance(value, list) else [value]
    return [entry for entry in found if isinstance(entry, dict) and entry]


# -- chats ---------------------------------------------------------------------------------------


def chat_events(
    file: SourceFile, accounts: Accounts, options: Mapping[str, str]
) -> Iterator[Event | Note]:
    """Yield the messages of chat logs and abstracts.

    The two accounts come from the answer, the request saved with it, the file's name
    (``cntaobao店:甲_cntaobao买家.json``) or ``--option agent=… --option buyer=…``. Unknown ones
    stay empty, and the tables stage rejects the rows.
    """
    key = _FACTS[file.layout][0]
    for answer in answers(file):
        agent, buyer = _ends(file, answer, accounts, options)
        if not buyer:
            yield _nobody(file)
        for number, entry in enumerate(entries(answer.body, key), 1):
            yield _message(number, entry, agent, buyer, file.layout == "logquery")
        if answer.body.get("next_key"):
            yield _more(file)


def _ends(
    file: SourceFile, answer: Answer, accounts: Accounts, options: Mapping[str, str]
) -> tuple[str, str]:
    named = _IDS_IN_NAME.search(file.basename)
    first, second = (named["first"], named["second"]) if named else ("", "")
    for holder in (answer.request, answer.body):
        first, second = holder.get("from_id") or first, holder.get("to_id") or second
    agent = account_of(options.get("agent") or str(first))
    buyer = account_of(options.get("buyer") or str(second))
    if split_account(buyer) and not accounts.is_agent(agent):
        return buyer, agent
    return agent, buyer


def _message(number: int, entry: dict[str, Any], agent: str, buyer: str, flagged: bool) -> Event:
    stamp = str(entry.get("time") or "")
    from_agent = str(entry.get("direction")) == "0"
    event = Event(number, parse_time_text(stamp) or stamp, "agent" if from_agent else "buyer")
    event.account = (agent if from_agent else buyer) or None
    event.agent, event.buyer = agent or None, buyer or None
    if flagged:
        event.is_auto = bool(int(entry.get("type") or 0) & _AUTO_REPLY)
    if entry.get("content"):
        set_content(event, Body(str(entry["content"])))
    return event


def _nobody(file: SourceFile) -> Note:
    return Note(
        file.name,
        "a chat log does not say between whom it was. Give both accounts with "
        "--option agent=SHOP:SUB --option buyer=NICK, or save the answer together with the "
        "request's from_id and to_id.",
        "聊天记录应答中没有双方账号。请用 --option agent=店铺:子账号 --option buyer=买家昵称 指明，"
        "或将请求中的 from_id、to_id 与应答一并保存。",
    )


def _more(file: SourceFile) -> Note:
    return Note(
        file.name,
        "the answer has a next_key: more messages follow in the next page.",
        "应答含 next_key：后面还有未导出的消息。",
    )


def buyer_rows(file: SourceFile, accounts: Accounts) -> list[dict[str, object]]:
    """Return the buyers among an agent's chat partners (colleagues left out)."""
    rows: dict[str, dict[str, object]] = {}
    for answer in answers(file):
        for number, entry in enumerate(entries(answer.body, "chatpeers"), 1):
            nick = account_of(str(entry.get("uid") or ""))
            if nick and not accounts.is_agent(nick):
                rows[nick] = {"buyer_id": nick, "name": nick, "source_row": number}
    return list(rows.values())
