"""WhatsApp chat exports: text, one file per chat, in many languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from jinpai.errors import InputError, SettingError
from jinpai.sources.base import Batch, Context, Note, Recognition, Reject, batch_of
from jinpai.sources.chat_rows import (
    MESSAGE_COLUMNS,
    Event,
    content_kind,
    fill_agents,
    fill_buyers,
    item_id,
    message_rows,
)
from jinpai.sources.files import SourceFile
from jinpai.sources.whatsapp_lines import (
    Entry,
    certain_order,
    decide_orders,
    entries,
    wall_time,
    without_pasted,
)

__all__ = ["SOURCE", "WhatsApp"]

_PHONE = re.compile(r"~?\s*\+?[\d\s()./-]{7,24}")
_MARK = "\u200e"
_INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CHAT_WITH = (
    re.compile(r"与(?P<name>.+?)的\s*WhatsApp\s*聊天", re.IGNORECASE),
    re.compile(
        r"(?:WhatsApp[ -]Chat (?:with|mit|-)|Chat (?:de )?WhatsApp (?:con|com)|"
        r"Conversa do WhatsApp com|Discussion WhatsApp avec|WhatsApp-keskustelu:?)\s+(?P<name>.+)",
        re.IGNORECASE,
    ),
)
_NOTICES = re.compile(
    r"end-to-end encrypted|端到端加密|Ende-zu-Ende|cifrados? de extremo|criptografia de ponta|"
    r"chiffrés de bout|crittografat|täysin salattu|"
    r"(?:You deleted this message|This message was deleted|您已删除此消息|此消息已删除|"
    r"你已刪除此訊息|"
    r"Poistit tämän viestin|Tämä viesti poistettiin|Du hast diese Nachricht gelöscht|"
    r"Diese Nachricht wurde gelöscht|Eliminaste este mensaje|Se eliminó este mensaje|"
    r"Você apagou esta mensagem|Mensagem apagada|Vous avez supprimé ce message|"
    r"Ce message a été supprimé|Hai eliminato questo messaggio)\.?$",
    re.IGNORECASE,
)
_OMITTED = re.compile(
    r"<(?:Media omitted|省略(?:影音内容|多媒体)|影音内容已省略|Medien ausgeschlossen|"
    r"Multimedia omitido|Archivo omitido|Mídia oculta|Médias omis|Media omessi|"
    r"Media jätetty pois)>|"
    r"(?P<word>image|photo|GIF|video|audio|sticker|document|Contact card|"
    r"图像|图片|照片|视频|音频|贴图|文档) ?(?:omitted|已忽略|已省略)|"
    r"(?:忽略|省略)(?P<zh>图片|图像|照片|视频|音频|贴图|文档)",
    re.IGNORECASE,
)
_ATTACHED = re.compile(
    r"<(?:attached|附件|adjunto|Anhang)[:：] ?(?P<a>[^>]+)>|"
    r"(?P<b>\S.*?\.\w{2,5}) \((?:file attached|文件附件|archivo adjunto|Datei angehängt|"
    r"arquivo anexado|fichier joint|file allegato)\)",
    re.IGNORECASE,
)
_EDITED = re.compile(r"\s*<(?:This message was edited|此消息已编辑)>$", re.IGNORECASE)
_IMAGES = frozenset({"image", "photo", "gif", "图像", "图片", "照片", "jpg", "jpeg", "png"})
_STICKERS = frozenset({"sticker", "贴图", "webp"})
_ORDERS = ("dmy", "mdy", "ymd")


class WhatsApp:
    """Reads chats of the shop's phone.

    Options: ``date_order=dmy|mdy|ymd`` where the dates do not show it, ``agent=ACCOUNT`` for the
    shop's side, ``buyer=NAME`` for a chat whose senders are both names.
    """

    name = "whatsapp"
    title_zh = "WhatsApp 聊天导出"
    title_en = "WhatsApp chat export"

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Return a claim on texts whose lines begin with a WhatsApp header."""
        if not file.is_text:
            return None
        found, _ = entries(enumerate(file.head_text().splitlines(), 1))
        named = sum(entry.name is not None for entry in found)
        if not named:
            return None
        sure = 0.95 if len(found) > 1 else 0.6
        return Recognition(sure, self.title_en, found[0].shape[0], self.title_zh)

    def read(
        self, files: Sequence[SourceFile], context: Context
    ) -> Iterator[Batch | Reject | Note]:
        """Yield the messages of every chat; times are the shop's wall time.

        Raises:
            InputError: the order of day and month, or who the buyer is, cannot be known.
        """
        parsed = [entries(file.lines()) for file in files]
        orders = _orders([found for found, _ in parsed], context)
        for file, (found, stray), order in zip(files, parsed, orders, strict=True):
            for row, line in stray:
                yield Reject("messages", file.name, row, None, "unreadable_row", line)
            if not found:
                continue
            if order is None:
                raise _ask_order(file, found[0])
            events = _events(file, without_pasted(found, order), order, context)
            yield batch_of("messages", message_rows(events), file.name, columns=MESSAGE_COLUMNS)


def _orders(chats: Sequence[Sequence[Entry]], context: Context) -> list[str | None]:
    asked = context.options.get("date_order")
    if asked is not None and asked not in _ORDERS:
        raise SettingError(
            f"--option date_order={asked} is none of dmy, mdy, ymd.",
            zh=f"--option date_order={asked} 不是 dmy、mdy、ymd 之一。",
        )
    decided = decide_orders(chats)
    # What is certain needs no option, and an option meant for other chats must not spoil it.
    return [
        certain_order(chat) or asked or order for chat, order in zip(chats, decided, strict=True)
    ]


def _ask_order(file: SourceFile, first: Entry) -> InputError:
    shown = first.shape[1].join(str(part) for part in first.parts)
    return InputError(
        f"'{shown}' may be day or month first, and no date in the chat settles it.",
        file=file.name,
        row=first.row,
        hint="Give --option date_order=dmy (day first) or --option date_order=mdy (month first).",
        zh=f"“{shown}”分不清日在前还是月在前，聊天里也没有能判定的日期。"
        "请给 --option date_order=dmy（日在前）或 --option date_order=mdy（月在前）。",
    )


# -- who is who ----------------------------------------------------------------------------------


def _buyers(file: SourceFile, found: Sequence[Entry], context: Context) -> set[str]:
    """Return the senders that are buyers: asked for, phone numbers, or named by the file."""
    written = Counter(
        entry.name for entry in found if entry.name and not _by_app(entry)
    ) or Counter(entry.name for entry in found if entry.name)
    asked, titled = context.options.get("buyer"), _title(file)
    agents = {context.options.get("agent"), context.shop_name, *context.agent_ids} - {None, ""}
    if asked:
        return {asked}
    phones = {name for name in written if _PHONE.fullmatch(name)} - agents
    if phones and (len(written) > len(phones) or len(phones) == 1):
        return phones
    if titled:
        return {titled}
    others = set(written) - agents
    if len(others) == 1 and len(written) > 1:
        return others
    raise InputError(
        f"cannot tell the buyer from the shop among {', '.join(sorted(written))[:200]}.",
        file=file.name,
        hint="Give --option buyer=NAME, or --option agent=NAME for the shop's side.",
        zh=f"分不清谁是买家、谁是店铺：{'、'.join(sorted(written))[:200]}。"
        "请给 --option buyer=买家名，或 --option agent=店铺一方的名字。",
    )


def _title(file: SourceFile) -> str | None:
    """Return whom the chat is with, from the name of the file or of the archive it came in."""
    for part in reversed(file.name.split("/")):
        bare = _INVISIBLE.sub("", re.sub(r"\.(?:txt|zip|gz)$", "", part, flags=re.IGNORECASE))
        for shape in _CHAT_WITH:
            if match := shape.search(bare):
                return match["name"].replace("\u00a0", " ").strip()
    return None


# -- messages ------------------------------------------------------------------------------------


def _events(file: SourceFile, found: Sequence[Entry], order: str, context: Context) -> list[Event]:
    buyers = _buyers(file, found, context)
    only = next(iter(buyers)) if len(buyers) == 1 else None
    events = [_event(entry, order, buyers, context.options.get("agent")) for entry in found]
    for event in events:
        event.buyer = event.buyer or only
    fill_buyers(events)
    fill_agents(events)
    return events


def _event(entry: Entry, order: str, buyers: set[str], agent: str | None) -> Event:
    at = wall_time(entry, order)
    if entry.name is None or _by_app(entry):
        notice = _INVISIBLE.sub("", entry.text).strip()
        event = Event(entry.row, at, "system", text=notice, kind="other")
        event.buyer = entry.name if entry.name in buyers else None
        event.agent = (agent or entry.name) if event.buyer is None and entry.name else None
        return event
    event = Event(entry.row, at, "buyer", entry.name)
    if entry.name not in buyers:
        event.side, event.agent = "agent", agent or entry.name
    _content(event, _INVISIBLE.sub("", entry.text))
    return event


def _by_app(entry: Entry) -> bool:
    """Whether the app wrote the text: a notice, or on iOS anything marked that is no attachment."""
    text = _INVISIBLE.sub("", entry.text).strip()
    marked = entry.text.startswith(_MARK) and entry.shape[0] == "bracket"
    media = _OMITTED.search(text) or _ATTACHED.search(text)
    return bool(_NOTICES.search(text)) or (marked and not media)


def _content(event: Event, text: str) -> None:
    """Set text, kind and product. What an attachment shows is unknown; its caption is text."""
    text = _EDITED.sub("", text)
    media = _OMITTED.match(text) or _ATTACHED.match(text)
    if media is None:
        event.text, event.kind, event.product_id = text, content_kind(text), item_id(text)
        return
    parts = {key: value for key, value in media.groupdict().items() if value}
    word = next(iter(parts.values()), "").lower()
    word = word.rpartition(".")[2] if parts.keys() & {"a", "b"} else word
    event.kind = "image" if word in _IMAGES else "emoji" if word in _STICKERS else "other"
    event.text = text[media.end() :].strip() or None


SOURCE = WhatsApp()
