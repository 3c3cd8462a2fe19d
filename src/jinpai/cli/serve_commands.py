"""The commands ``serve`` and ``user``."""

from __future__ import annotations

import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from jinpai.cli.console import note, plain_table, print_json, show
from jinpai.cli.options import ACTOR, As, Login, Workspace, as_json
from jinpai.cli.session_commands import add_sessions
from jinpai.cli.words import both, say

if TYPE_CHECKING:  # the database's library takes its time to load
    from jinpai.store import Store

__all__ = ["add_serve", "user_app"]

RoleName = Literal["owner", "supervisor", "inspector", "agent", "readonly"]
_LOCAL = ("127.0.0.1", "::1", "localhost")


def add_serve(app: typer.Typer) -> None:
    """Add ``serve``."""
    app.command(
        help=both(
            "Serve the web app of a workspace. The first start prints a one-time link to make the"
            " owner's account.",
            "启动工作区的网页应用。首次启动会打印一次性链接，用来创建店主账号。",
        ),
        epilog=both(
            "jinpai serve my-shop\njinpai serve my-shop --host 0.0.0.0 --port 80",
            "jinpai serve my-shop\njinpai serve my-shop --host 0.0.0.0 --port 80",
        ),
    )(serve)


def serve(
    workspace: Workspace,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help=both("Address to listen on", "监听地址"))
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help=both("Port; 0 any", "端口；0 为任意"))
    ] = 8765,
    root_path: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help=both(
                "Path behind a reverse proxy, such as /jinpai", "反向代理下的路径，如 /jinpai"
            ),
        ),
    ] = "",
    open_: Annotated[
        bool, typer.Option("--open", help=both("Open a browser", "打开浏览器"))
    ] = False,
    worker: Annotated[
        bool,
        typer.Option(
            help=both(
                "Start the worker of imports and runs too", "同时启动处理导入与计算的后台进程"
            )
        ),
    ] = True,
) -> None:
    """Serve the web app until interrupted."""
    import socket

    import uvicorn

    from jinpai.errors import UsageError, reason_zh
    from jinpai.jobs.supervisor import Supervisor
    from jinpai.web.app import create_app
    from jinpai.web.logs import set_up_logs
    from jinpai.web.setup_link import first_link

    app = create_app(workspace, warms=True)
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(kind)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)  # who opens the link before the app is up waits
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be used: {error.strerror}. Choose another --port.",
            zh=f"无法使用 {host}:{port}：{reason_zh(error)}。请用 --port 换一个端口。",
        ) from None
    shown = f"[{host}]" if ":" in host else host
    base = f"http://{shown}:{listening.getsockname()[1]}{root_path}"
    link = first_link(app)
    if link:
        note(
            say(
                "Make the owner's account (the link works once):",
                "创建店主账号（链接只能使用一次）：",
            )
        )
        note(f"{base}{link}", "bold")
    note(
        say(
            f"Jinpai is at {base}/ . Stop it with Ctrl-C.",
            f"金牌已启动：{base}/ 。按 Ctrl-C 停止。",
        ),
        "green",
    )
    if host not in _LOCAL:
        note(
            say(
                "Others can reach this address: put a reverse proxy with HTTPS before it.",
                "其他机器可访问此地址：请在前面加上带 HTTPS 的反向代理。",
            )
        )
    if open_:
        webbrowser.open(f"{base}{link or '/'}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        root_path=root_path,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=5,  # progress of jobs is an answer without end
        proxy_headers=True,
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"),
    )
    set_up_logs()
    keeper = Supervisor(workspace) if worker else None
    if keeper is not None:
        keeper.start()
    # uvicorn ends with the signal that stopped it; the worker is to be stopped first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        if keeper is not None:
            keeper.stop()


user_app = typer.Typer(
    no_args_is_help=True,
    help=both("People who may sign in to the web app.", "管理可登录网页应用的人员。"),
)

add_sessions(user_app)


@user_app.command(
    help=both("Make an account and print its one-time link.", "添加账号并打印一次性链接。"),
    epilog=both(
        "jinpai user add my-shop lan --role supervisor --team 售前\n"
        "jinpai user add my-shop mei --role agent --agent 店铺:小美",
        "jinpai user add my-shop lan --role supervisor --team 售前\n"
        "jinpai user add my-shop mei --role agent --agent 店铺:小美",
    ),
)
def add(
    workspace: Workspace,
    login: Login,
    role: Annotated[RoleName, typer.Option(help=both("What they may do", "角色"))],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help=both("Name shown", "显示的姓名")),
    ] = None,
    team: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEAM", show_default=False, help=both("A supervisor's team", "主管负责的团队")
        ),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(
            metavar="ID", show_default=False, help=both("An agent's chat account", "客服的聊天账号")
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """Add a person."""
    from jinpai.store.accounts import add_user, invite

    with _store(workspace) as store, store.write() as session:
        user = add_user(
            session, login, role=role, actor=ACTOR, name=name, teams=team or [], agent_id=agent
        )
        token = invite(session, user, actor=ACTOR)
    _tell_link(user.login, token, format_)


@user_app.command(
    help=both("Give a new one-time link to choose a password.", "重新生成设置密码的一次性链接。"),
    epilog=both("jinpai user reset my-shop mei", "jinpai user reset my-shop mei"),
)
def reset(workspace: Workspace, login: Login, format_: As = "table") -> None:
    """Let a person choose a new password."""
    from jinpai.store.accounts import clear_login, find_user, invite

    with _store(workspace) as store, store.write() as session:
        user = find_user(session, login)
        clear_login(session, user, actor=ACTOR)
        token = invite(session, user, actor=ACTOR)
    _tell_link(user.login, token, format_)


@user_app.command(
    help=both("Sign a person out everywhere and let them in no more.", "停用账号并使其立即退出。"),
    epilog=both(
        "jinpai user disable my-shop mei\njinpai user disable my-shop mei --undo",
        "jinpai user disable my-shop mei\njinpai user disable my-shop mei --undo",
    ),
)
def disable(
    workspace: Workspace,
    login: Login,
    undo: Annotated[
        bool, typer.Option("--undo", help=both("Let them in again", "重新启用"))
    ] = False,
    format_: As = "table",
) -> None:
    """Disable an account, or enable it again."""
    from jinpai.store.accounts import find_user, set_active

    with _store(workspace) as store, store.write() as session:
        user = find_user(session, login)
        set_active(session, user, undo, actor=ACTOR)
    if as_json(format_):
        print_json({"login": user.login, "is_active": user.is_active})
        return
    done = say("may sign in again", "已启用") if undo else say("is disabled", "已停用")
    note(f"{user.login} {done}", "green")


@user_app.command(
    "list",
    help=both("Show who may sign in.", "列出可登录的人员。"),
    epilog=both("jinpai user list my-shop", "jinpai user list my-shop"),
)
def list_(workspace: Workspace, format_: As = "table") -> None:
    """List the people."""
    from sqlalchemy import select

    from jinpai.store.people import User
    from jinpai.web.permissions import role_name

    with _store(workspace) as store, store.read() as session:
        users = list(session.scalars(select(User).order_by(User.login)))
    if as_json(format_):
        print_json(
            [
                {
                    "login": user.login,
                    "name": user.name,
                    "role": user.role,
                    "teams": user.teams,
                    "agent_id": user.agent_id,
                    "is_active": user.is_active,
                    "has_password": user.password_hash is not None,
                }
                for user in users
            ]
        )
        return
    heads = [
        say("Login", "登录名"),
        say("Name", "姓名"),
        say("Role", "角色"),
        say("Sees", "可见"),
        say("State", "状态"),
    ]
    rows = [
        (
            user.login,
            user.name,
            role_name(user.role, say("en", "zh")),
            user.agent_id or "、".join(user.teams),
            _state(user.is_active, user.password_hash is not None),
        )
        for user in users
    ]
    show(plain_table(heads, rows))


def _state(is_active: bool, has_password: bool) -> str:
    if not is_active:
        return say("disabled", "已停用")
    return say("active", "正常") if has_password else say("invited", "待设置密码")


def _store(workspace: Path) -> Store:
    from jinpai.store import open_store
    from jinpai.workspace_config import load_config

    return open_store(load_config(workspace))


def _tell_link(login: str, token: str, format_: str) -> None:
    path = f"/setup/{token}"
    if as_json(format_):
        print_json({"login": login, "path": path})
        return
    note(
        say(
            f"{login}: one-time link for 72 hours; put the address of 'jinpai serve' before it:",
            f"{login}：一次性链接，72 小时内有效；在前面加上 jinpai serve 的地址：",
        )
    )
    typer.echo(path)
