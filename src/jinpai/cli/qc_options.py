"""Options that several commands of inspection share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinpai.cli.words import both

__all__ = ["Acts", "Gap", "OnlyRules"]

Acts = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help=both("Own words and placeholders (YAML)", "自定义词语与占位符（YAML）"),
    ),
]
Gap = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=1,
        help=both("Silence that ends a session", "静默多少秒即视为会话结束"),
    ),
]
OnlyRules = Annotated[
    str | None,
    typer.Option(
        metavar="CODE,...", show_default=False, help=both("Only these rules", "只看这些规则")
    ),
]
