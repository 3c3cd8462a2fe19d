"""Make the pictures of the README from a real run: ``python docs/make_pictures.py``.

Writes docs/images/demo.svg (English) and docs/images/demo.zh.svg (Chinese): what
``jinpai demo demo-shop`` prints.
"""

from __future__ import annotations

import html
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path(__file__).resolve().parent / "images"
WIDTH = 104
CELL, LINE = 9.0, 20.0  # of one letter, in pixels


def printed(language: str) -> str:
    """Return what the demo prints on a coloured terminal, in a language."""
    force = {"COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "JINPAI_LANG": language}
    command = [sys.executable, "-c", "from jinpai.cli import main; main()", "demo", "demo-shop"]
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(  # noqa: S603
            command, cwd=folder, env=os.environ | force, capture_output=True, check=True
        )
    return ran.stdout.decode("utf-8")


def picture(text: str) -> str:
    """Return a terminal's text with its colours as SVG.

    Rich's own SVG sets wide characters too close; here every run of one width gets its length.
    """
    console = Console(width=WIDTH, file=io.StringIO(), legacy_windows=False)
    shown = Text("$ jinpai demo demo-shop\n", style="bold green")
    lines = console.render_lines(Text.assemble(shown, Text.from_ansi(text.rstrip())), pad=False)
    width, height = (WIDTH + 2) * CELL, (len(lines) + 1.5) * LINE
    rows = [run for place, line in enumerate(lines) for run in runs(line, (place + 1.5) * LINE)]
    theme = MONOKAI.background_color.hex, MONOKAI.foreground_color.hex
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="Menlo, Consolas, DejaVu Sans Mono, Noto Sans Mono CJK SC, monospace" '
        f'font-size="{CELL / 0.6:.1f}" fill="currentColor" style="color: {theme[1]}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{theme[0]}"/>\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def runs(line: list[Segment], y: float) -> Iterator[str]:
    """Yield the text elements of one line."""
    x = 1
    for segment in line:
        style = segment.style.get_html_style(MONOKAI) if segment.style else ""
        for _, letters in groupby(
            segment.text, key=lambda letter: (letter == " ", cell_len(letter))
        ):
            word = "".join(letters)
            cells = cell_len(word)
            if word.strip():
                yield (
                    f'<text x="{x * CELL:.1f}" y="{y:.1f}" textLength="{cells * CELL:.1f}" '
                    f'style="{html.escape(style)}">{html.escape(word)}</text>'
                )
            x += cells


def main() -> None:
    """Write both pictures."""
    for language, name in (("en", "demo.svg"), ("zh", "demo.zh.svg")):
        (IMAGES / name).write_text(picture(printed(language)), "utf-8")


if __name__ == "__main__":
    main()
