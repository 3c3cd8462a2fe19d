"""What a run made, as JSON and for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from jinpai.cli.console import note, plain_table, show
from jinpai.cli.words import say
from jinpai.hints import shell_word
from jinpai.periods import local_time
from jinpai.run import RunReport, ShopRun

__all__ = ["as_of_text", "run_json", "shop_json", "show_counts", "show_run"]


def as_of_text(shop: ShopRun) -> str:
    """Return a shop's as_of as ISO text with the shop's offset."""
    return local_time(shop.as_of_us, shop.timezone).isoformat()


def shop_json(shop: ShopRun) -> dict[str, Any]:
    """Return a shop as a run saw it."""
    return {
        "shop_id": shop.shop_id,
        "settings_id": shop.settings_id,
        "as_of": as_of_text(shop),
        "timezone": shop.timezone,
        "first_day": shop.first_day,
        "last_day": shop.last_day,
    }


def run_json(report: RunReport) -> dict[str, Any]:
    """Return a run's report."""
    return {
        "shops": [shop_json(shop) for shop in report.shops],
        "mode": report.mode,
        "why": [vars(reason) for reason in report.why],
        "changes": [vars(change) for change in report.changes],
        "touched": report.touched,
        "changed": report.changed,
        "rows": report.rows,
        "checks": report.checks,
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
        "total_seconds": round(sum(report.seconds.values()), 3),
    }


def show_counts(rows: Mapping[str, int]) -> Table:
    """Return rows per table."""
    heads = say("Table,Rows", "表,行数").split(",")
    return plain_table(heads, [(name, f"{count:,}") for name, count in rows.items()], right=(1,))


def _show_mode(report: RunReport) -> None:
    """Say how much was computed, and why."""
    buyers = report.touched.get("buyer", 0)
    what = {
        "full": say("Computed in full", "全部重新计算"),
        "partial": say(
            f"Computed again for {buyers:,} buyers only", f"只重新计算了 {buyers:,} 位买家"
        ),
        "nothing": say("Nothing to compute", "无需计算"),
    }[report.mode]
    why = [say(reason.en, reason.zh) for reason in report.why]
    shown = why if len(why) <= 6 else [*why[:6], "…"]
    note(what + say(": ", "：") + say("; ", "；").join(shown) + say(".", "。"), "dim")


def show_run(report: RunReport, workspace: Path) -> None:
    """Show what a run made."""
    heads = say("Shop,Days,As of,Settings", "店铺,日期,数据截至,设置版本").split(",")
    shops = [
        (
            shop.shop_id,
            f"{shop.first_day} – {shop.last_day}",
            local_time(shop.as_of_us, shop.timezone).strftime("%Y-%m-%d %H:%M:%S %z"),
            shop.settings_id,
        )
        for shop in report.shops
    ]
    most = 20
    if len(shops) > most:
        shops = [*shops[:most], (f"… {len(shops) - most:,}", "", "", "")]
    show(plain_table(heads, shops), show_counts(report.rows))
    _show_mode(report)
    seconds, checks = sum(report.seconds.values()), len(report.checks)
    note(
        say(
            f"The books balance ({checks} checks). {seconds:.1f} s. "
            f"Next: jinpai metrics {shell_word(workspace)} --by agent",
            f"账目核对无误（{checks} 项）。用时 {seconds:.1f} 秒。"
            f"下一步：jinpai metrics {shell_word(workspace)} --by agent",
        ),
        "green",
    )
