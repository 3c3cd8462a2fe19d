"""Plans, values and a grade policy to start from."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Literal

from jinpai.errors import UsageError
from jinpai.scoring.schema import FILES, schema_text

__all__ = ["EXAMPLES", "example_text", "write_example"]

# Name -> file, and the schema that its editor line names.
EXAMPLES: dict[str, tuple[str, Literal["plan", "grades"] | None]] = {
    "starter": ("starter.yaml", "plan"),
    "womens-wear": ("womens-wear.yaml", "plan"),
    "womens-wear-values": ("womens-wear.csv", None),
    "gold-agent": ("gold-agent.yaml", "grades"),
}
_SCHEMA_LINE = re.compile(r"(?m)^(# yaml-language-server: \$schema=).*/")


def example_text(name: str) -> str:
    """Return an example; its editor line names a schema in the same folder."""
    file, _ = EXAMPLES[name]
    text = files("jinpai.scoring").joinpath("plans", file).read_text("utf-8")
    return _SCHEMA_LINE.sub(r"\1", text)


def write_example(name: str, out: Path) -> list[Path]:
    """Write an example and, for a plan or policy, its schema beside it; return the files.

    Raises UsageError when the file exists.
    """
    if out.exists():
        raise UsageError(
            f"{out} exists; choose another name.", zh=f"{out} 已存在；请换一个文件名。"
        )
    out.write_text(example_text(name), "utf-8")
    _, what = EXAMPLES[name]
    if what is None:
        return [out]
    beside = out.parent / FILES[what]
    beside.write_text(schema_text(what), "utf-8")
    return [out, beside]
