"""The command ``settings`` and its own commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from jinpai.cli.console import note, print_json, progress, show
from jinpai.cli.options import As, First, Last, Shop, Workspace, as_json
from jinpai.cli.words import both, say
from jinpai.errors import UsageError
from jinpai.hints import shell_word

__all__ = ["settings_app"]

settings_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "See and change settings; every change is kept.", "查看与修改设置，每次改动都有记录。"
    ),
    epilog=both(
        "jinpai settings my-shop list\n"
        "jinpai settings my-shop set session_gap '10 min'"
        "\njinpai settings my-shop set auto_reply_texts '[\"您好\"]' --shop s1",
        "jinpai settings my-shop list\njinpai settings my-shop set session_gap 10分钟"
        "\njinpai settings my-shop set auto_reply_texts '[\"您好\"]' --shop s1",
    ),
)
Name = Annotated[
    str, typer.Argument(metavar="KEY", show_default=False, help=both("Name", "设置名"))
]
Value = Annotated[
    str, typer.Argument(metavar="VALUE", show_default=False, help=both("New value", "新值"))
]


@settings_app.callback()
def _settings(context: typer.Context, workspace: Workspace) -> None:
    context.obj = workspace


@settings_app.command("list", help=both("Every setting in force.", "全部生效的设置。"))
def list_(context: typer.Context, shop: Shop = None, format_: As = "table") -> None:
    """List the settings."""
    from jinpai.cli.setting_tables import settings_json, settings_table

    config = _config(context.obj)
    found = settings_json(config, shop)
    if as_json(format_):
        print_json(found)
        return
    show(settings_table(found))
    if shop is None:
        for name in config.shops:
            own = [key for key in _names() if config.get(key, name).source == "shop"]
            if own:
                note(
                    say(
                        f"Shop {name} has its own: {', '.join(own)} (see --shop {name}).",
                        f"店铺 {name} 另有自己的设置：{', '.join(own)}（见 --shop {name}）。",
                    )
                )


@settings_app.command(help=both("One setting in force.", "一项生效的设置。"))
def get(context: typer.Context, key: Name, shop: Shop = None, format_: As = "table") -> None:
    """Show one setting."""
    from jinpai.cli.setting_tables import setting_json

    found = setting_json(_config(context.obj), key, shop)
    if as_json(format_):
        print_json(found)
        return
    typer.echo(json.dumps(found["value"], ensure_ascii=False))
    note(say(f"{found['en']} ({found['source']})", f"{found['zh']}"), "dim")


@settings_app.command(
    "set",
    # A negative number is a value, not an option.
    context_settings={"ignore_unknown_options": True},
    help=both(
        "Change a setting: JSON, or bare text such as 10 min; null goes back to the default.",
        "修改设置：JSON 或直接写文字（如 10分钟）；null 恢复默认。",
    ),
)
def set_(
    context: typer.Context,
    key: Name,
    value: Value,
    shop: Shop = None,
    format_: As = "table",
) -> None:
    """Set one setting."""
    from jinpai.cli.setting_tables import change_json

    if re.match(r"-[^0-9.]", value):
        raise UsageError(f"No such option: {value}.", zh=f"没有这个选项：{value}。")
    config = _config(context.obj)
    before = config.get(key, shop).value
    change = config.set(key, value, shop)
    after = config.get(key, shop).value
    if as_json(format_):
        print_json(change_json(change))
        return
    old, new = (json.dumps(part, ensure_ascii=False) for part in (before, after))
    same = change.old == change.new
    note(
        say(f"{key} is {new} already.", f"{key} 已是 {new}。")
        if same
        else say(
            f"{key}: {old} -> {new}. Takes effect with: jinpai run {shell_word(context.obj)}",
            f"{key}：{old} -> {new}。重新计算后生效：jinpai run {shell_word(context.obj)}",
        ),
        "green",
    )


@settings_app.command(
    "try",
    context_settings={"ignore_unknown_options": True},
    help=both(
        "Show which figures another value would change, worked out in memory; nothing is saved.",
        "试算换一个值后哪些指标会变；只在内存里算，不保存。",
    ),
    epilog=both(
        "jinpai settings my-shop try session_gap '10 min' --from 2026-03-01 --to 2026-03-31",
        "jinpai settings my-shop try session_gap 10分钟 --from 2026-03-01 --to 2026-03-31",
    ),
)
def try_(
    context: typer.Context,
    key: Name,
    value: Value,
    shop: Shop = None,
    first: First = None,
    last: Last = None,
    format_: As = "table",
) -> None:
    """Try one setting."""
    from datetime import date

    from jinpai.cli.setting_tables import preview_json, preview_table
    from jinpai.periods import parse_range
    from jinpai.workspace import Workspace as Opened

    opened = Opened(context.obj)
    shop_id = shop or opened.config.default_shop
    with opened.derived(shop_id) as (_, shops, _snapshot):
        loaded = [date.fromisoformat(day) for day in (shops[0].first_day, shops[0].last_day)]
    start, end = parse_range(first, last)
    with progress(say("Working it out", "试算")):
        found = opened.preview_setting(
            key, value, first=start or loaded[0], last=end or loaded[1], shop_id=shop_id
        )
    if as_json(format_):
        print_json(preview_json(found))
        return
    if found.changed:
        show(preview_table(found))
    n, of = len(found.changed), found.figures
    old, new = (json.dumps(part, ensure_ascii=False) for part in (found.old, found.new))
    note(
        say(
            f"{key}: {old} -> {new}: {n} of {of} figures change; nothing was saved.",
            f"{key}：{old} -> {new}：{of} 个数字中有 {n} 个会变；没有保存。",
        )
        if found.acts
        else say(
            f"{key} acts on scores, grades or inspection; no figure depends on it.",
            f"{key} 只影响打分、定级或质检，不改变任何指标。",
        ),
        "dim",
    )


@settings_app.command(help=both("Every change made, oldest first.", "全部改动记录，由旧到新。"))
def history(
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", show_default=False, help=both("Only this one", "只看此项")),
    ] = None,
    format_: As = "table",
) -> None:
    """Show the history."""
    from jinpai.cli.setting_tables import change_json, history_table

    changes = _config(context.obj).history(key)
    if as_json(format_):
        print_json({"history": [change_json(change) for change in changes]})
    else:
        show(history_table(changes))


def _names() -> list[str]:
    from jinpai.settings import REGISTRY

    return list(REGISTRY)


def _config(root: Path) -> Any:
    from jinpai.workspace_config import load_config

    return load_config(root)
