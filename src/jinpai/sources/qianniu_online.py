"""When agents were online: status and log-in logs of the open platform as sessions.

A suspended agent (挂起: no new buyers are sent) is still online, as in the platform's own daily
online time. Time on several devices is kept per device; the definitions merge what overlaps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jinpai.sources.base import Batch, batch_of
from jinpai.sources.cells import parse_time_text
from jinpai.sources.files import SourceFile
from jinpai.sources.qianniu_names import ZONE, account_of, split_account
from jinpai.sources.qianniu_top import answers, entries

__all__ = ["agent_rows", "online_batches", "unnamed_accounts"]

_SUSPEND_TYPE = "5"
_ON, _OFF = "on", "off"
_STATUS = {"1": _ON, "-1": _OFF, "2": "suspended", "3": "resumed"}
_LOGIN = {"0": _ON, "1": _OFF}


@dataclass(frozen=True, order=True)
class _Change:
    at: str
    row: int
    file: str
    account: str
    device: str
    what: str


def online_batches(files: Sequence[SourceFile], options: Mapping[str, str]) -> Iterator[Batch]:
    """Yield online_sessions rows of all status and log-in logs of one import together.

    The logs come in whole days. So an account that first shows up by leaving (or being suspended)
    was online since that day began. A session without an end stays open, in a batch of its own
    without ``offline_at``, so that an end known from elsewhere is kept.
    """
    rows: dict[tuple[str, bool], list[dict[str, object]]] = defaultdict(list)
    for on, offline_at in _sessions(files, options):
        row: dict[str, object] = {"agent_id": on.account, "online_at": on.at}
        if offline_at:
            row["offline_at"] = offline_at
        rows[on.file, bool(offline_at)].append({**row, "source_row": on.row})
    for (name, _), batch in rows.items():
        yield batch_of("online_sessions", batch, name, timezone=ZONE)


def unnamed_accounts(files: Sequence[SourceFile], options: Mapping[str, str]) -> list[str]:
    """Return the account numbers that no list of sub-accounts or option turns into a nick."""
    named = _nicks(files, options)
    numbers = {number for file in files for number in _numbers(file)}
    return sorted(numbers - named.keys())


def agent_rows(file: SourceFile) -> list[dict[str, object]]:
    """Return the agents in a list of sub-accounts."""
    rows: list[dict[str, object]] = []
    for answer in answers(file):
        for number, entry in enumerate(entries(answer.body, "subusers"), 1):
            nick = account_of(str(entry.get("nick") or ""))
            parts = split_account(nick)
            name = entry.get("full_name") or (parts[1] if parts else nick)
            if nick:
                rows.append({"agent_id": nick, "name": name, "source_row": number})
    return rows


def _nicks(files: Sequence[SourceFile], options: Mapping[str, str]) -> dict[str, str]:
    """Return account number -> nick, from sub-account lists and ``--option account.NUMBER=…``."""
    nicks = {
        key.removeprefix("account."): account_of(nick)
        for key, nick in options.items()
        if key.startswith("account.")
    }
    for file in files:
        for answer in answers(file) if file.layout == "subusers" else ():
            for entry in entries(answer.body, "subusers"):
                nicks.setdefault(str(entry.get("sub_id")), account_of(str(entry.get("nick") or "")))
    return nicks


def _numbers(file: SourceFile) -> Iterator[str]:
    for answer in answers(file) if file.layout == "online_log" else ():
        for entry in entries(answer.body, "record_list"):
            yield str(entry.get("account_id"))


def _sessions(
    files: Sequence[SourceFile], options: Mapping[str, str]
) -> Iterator[tuple[_Change, str | None]]:
    by_account: dict[str, set[_Change]] = defaultdict(set)
    nicks = _nicks(files, options)
    for file in files:
        for change in _changes(file, nicks):
            by_account[change.account].add(change)
    for account in sorted(by_account):
        yield from _of_account(sorted(by_account[account]))


def _of_account(changes: Sequence[_Change]) -> Iterator[tuple[_Change, str | None]]:
    open_on: dict[str, _Change] = {}
    for place, change in enumerate(changes):
        if place == 0 and change.what != _ON:
            device = "" if change.device == _SUSPEND_TYPE else change.device
            open_on[device] = _since_midnight(change)
        if change.what == _ON:
            if (still := open_on.get(change.device)) and still.at != change.at:
                yield still, None
            open_on[change.device] = change
        elif change.what == _OFF:
            begun = open_on.pop(change.device, None) or open_on.pop("", None)
            if begun and begun.at != change.at:
                yield begun, change.at
    for begun in open_on.values():
        yield begun, None


def _since_midnight(change: _Change) -> _Change:
    midnight = f"{change.at[:10]} 00:00:00"
    return _Change(midnight, change.row, change.file, change.account, change.device, _ON)


def _changes(file: SourceFile, nicks: Mapping[str, str]) -> Iterator[_Change]:
    for answer in answers(file):
        if file.layout == "online_log":
            for number, entry in enumerate(entries(answer.body, "record_list"), 1):
                account = str(entry.get("account_id"))
                yield _Change(
                    _time(entry.get("change_time")),
                    number,
                    file.name,
                    nicks.get(account) or account,
                    str(entry.get("type")),
                    _STATUS.get(str(entry.get("status")), "unknown"),
                )
        elif file.layout == "login_log":
            account = account_of(str(answer.body.get("user_id") or ""))
            for number, entry in enumerate(entries(answer.body, "loginlogs"), 1):
                what = _LOGIN.get(str(entry.get("type")), "unknown")
                yield _Change(_time(entry.get("time")), number, file.name, account, "", what)


def _time(value: object) -> str:
    return parse_time_text(str(value or "")) or ""
