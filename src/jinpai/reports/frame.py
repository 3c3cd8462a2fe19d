"""What every page of ours is: one file with its style, scripts and data inside, and no network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from jinpai.errors import UsageError, reason_zh

__all__ = ["framed", "save_text", "save_whole"]

_ASSETS = ("report.css", "echarts.common.min.js", "charts.js", "report.js")


def framed(template: str, values: Mapping[str, Any], data: Any) -> str:
    """Return a page: a template filled in, with ``data`` as the JSON its scripts draw from."""
    css, echarts, charts, report = (_asset(name) for name in _ASSETS)
    script = f"{charts}\n{report}"
    inside = {
        "csp": _policy(css, [echarts, script]),
        "css": Markup(css),  # noqa: S704 - our own files
        "echarts": Markup(echarts),  # noqa: S704
        "script": Markup(script),  # noqa: S704
        "data": Markup(_safe_json(data)),  # noqa: S704 - escaped there
    }
    return _environment().get_template(template).render(inside | dict(values))


def save_whole(out: Path, write: Callable[[Path], None]) -> None:
    """Write a file through a name aside, so that it appears whole or not at all.

    Raises UsageError where it cannot be written.
    """
    aside = out.with_name(f".{out.name}.part")
    try:
        write(aside)
        aside.replace(out)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UsageError(
            f"--out {out}: {error.strerror or error}.", zh=f"--out {out}：{reason_zh(error)}。"
        ) from None


def save_text(out: Path, text: str) -> None:
    """Write a text file as `save_whole` does."""

    def write(aside: Path) -> None:
        aside.write_text(text, "utf-8")

    save_whole(out, write)


@cache
def _asset(name: str) -> str:
    return files("jinpai.reports").joinpath("assets", name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("jinpai.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(css: str, scripts: list[str]) -> str:
    """Nothing is fetched from anywhere; only our own scripts and style sheet count.

    The charts' tooltips set style attributes, hence the one exception.
    """
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src-elem {_hash(css)}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _safe_json(value: Any) -> str:
    """JSON that no HTML parser takes for markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
