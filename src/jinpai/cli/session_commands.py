"""The commands ``user sessions``, ``user end`` and ``user require-totp``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from jinpai.cli.console import note, plain_table, print_json, show
from jinpai.cli.options import ACTOR, As, Login, Workspace, as_json
from jinpai.cli.words import both, say

__all__ = ["add_sessions"]


def add_sessions(app: typer.Typer) -> None:
    """Add the commands to ``user``."""
    app.command(
        help=both("Show where a person is signed in.", "列出某人正在使用的登录。"),
        epilog=both("jinpai user sessions my-shop mei", "jinpai user sessions my-shop mei"),
    )(sessions)
    app.command(
        help=both(
            "Sign a person out: one browser, or everywhere.", "结束某人的登录：其中一处或全部。"
        ),
        epilog=both(
            "jinpai user end my-shop mei\njinpai user end my-shop mei --session 0f3a9c1b22d4",
            "jinpai user end my-shop mei\njinpai user end my-shop mei --session 0f3a9c1b22d4",
        ),
    )(end)
    app.command(
        "require-totp",
        help=both(
            "Roles that must set a second factor up before anything else; none named ends it."
            " Who signs in by OpenID has the provider's.",
            "必须先设置两步验证的角色；不写角色即取消。通过 OpenID 登录者由其提供方负责。",
        ),
        epilog=both(
            "jinpai user require-totp my-shop owner inspector",
            "jinpai user require-totp my-shop owner inspector",
        ),
    )(require_totp)


def sessions(workspace: Workspace, login: Login, format_: As = "table") -> None:
    """List sessions."""
    from jinpai.store import open_store
    from jinpai.store.accounts import find_user
    from jinpai.store.signed import session_key, sessions_of

    with open_store(workspace) as store, store.read() as session:
        found = sessions_of(session, find_user(session, login))
    rows = [
        {
            "session": session_key(one),
            "browser": one.browser,
            "address": one.address,
            "way": one.way,
            "since": one.created_at,
            "seen": one.seen_at,
        }
        for one in found
    ]
    if as_json(format_):
        times = ("since", "seen")
        print_json([row | {name: _iso(row[name]) for name in times} for row in rows])
        return
    heads = say(
        "Session|Browser|Address|By|Since (UTC)|Last used (UTC)",
        "编号|浏览器|地址|方式|登录时间（UTC）|最近使用（UTC）",
    )
    show(plain_table(heads.split("|"), [[_short(one) for one in row.values()] for row in rows]))


def _iso(at: object) -> str | None:
    return at.isoformat() if isinstance(at, datetime) else None


def _short(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value or "")


def end(
    workspace: Workspace,
    login: Login,
    session_: Annotated[
        str | None,
        typer.Option(
            "--session",
            metavar="SESSION",
            show_default=False,
            help=both("Only this one, as 'user sessions' names it", "只结束这一处"),
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """End sessions."""
    from jinpai.store import open_store
    from jinpai.store.accounts import find_user
    from jinpai.store.signed import end_sessions

    with open_store(workspace) as store, store.write() as session:
        ended = end_sessions(session, find_user(session, login), actor=ACTOR, key=session_)
    if as_json(format_):
        print_json({"login": login, "ended": ended})
        return
    note(say(f"Ended: {ended}.", f"已结束 {ended} 处登录。"), "green")


def require_totp(
    workspace: Workspace,
    roles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROLE]...", show_default=False, help=both("Roles", "角色")),
    ] = None,
    format_: As = "table",
) -> None:
    """Set which roles must have a second factor."""
    from jinpai.service_terms import set_required_totp
    from jinpai.store import log_event, open_store
    from jinpai.workspace_config import load_config

    wanted = list(dict.fromkeys(roles or []))
    before = load_config(workspace).accounts.require_totp
    with open_store(workspace) as store, store.write() as session:
        log_event(
            session, actor=ACTOR, kind="user.totp_required",
            subject="setting:accounts.require_totp",
            before={"value": list(before)}, after={"value": wanted},
        )  # fmt: skip
        set_required_totp(workspace, wanted)
    if as_json(format_):
        print_json({"require_totp": wanted})
        return
    names = ", ".join(wanted) or say("nobody", "无")
    note(say(f"Must have a second factor: {names}.", f"必须使用两步验证：{names}。"), "green")
