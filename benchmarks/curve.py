"""How the time of a full run grows with the messages, under one memory limit.

    python benchmarks/curve.py --sizes 2000000,20000000,200000000 --memory 2GB --out docs/benchmarks

Every size is generated, imported and run in processes of their own; prints a table and, with --out,
draws curve.svg there. "Growth" is the time for one message against that of the size before: 1.00 is
linear, more is slower.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from pathlib import Path

from run import HERE, Timing, generate, machine, script, timed

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 360, 70, 50


def measure(sizes: list[int], data: Path, memory: str, keep: bool) -> dict[int, tuple[Timing, ...]]:
    """Import and run each size; returns (import, run) by size."""
    found = {}
    for size in sizes:
        folder, workspace = data / f"parquet-{size}", data / f"curve-{size}"
        generate(folder, size, "parquet")
        shutil.rmtree(workspace, ignore_errors=True)
        taken, made = Timing(), Timing()
        timed(taken, script("line.py", "import", workspace, folder))
        timed(made, script("line.py", "run", workspace, data / f"figures-{size}.parquet", memory))
        found[size] = (taken, made)
        if not keep:
            shutil.rmtree(workspace)
    return found


def table(found: dict[int, tuple[Timing, ...]], memory: str) -> str:
    """Return the Markdown table."""
    lines = [
        f"| messages | import s | run + figures s (memory {memory}) | peak MB | million messages/s"
        " | growth |",
        "|---|---|---|---|---|---|",
    ]
    before = None
    for size, (taken, made) in found.items():
        each = made.median / size
        growth = "" if before is None else f"{each / before:.2f}"
        lines.append(
            f"| {size:,} | {taken.median:.1f} | {made.median:.1f} | {max(made.peak):.0f}"
            f" | {size / made.median / 1e6:.2f} | {growth} |"
        )
        before = each
    return "\n".join(lines)


def picture(found: dict[int, tuple[Timing, ...]]) -> str:
    """Draw seconds against messages, both logarithmic, with the straight line of the first."""
    points = [(size, made.median) for size, (_, made) in found.items()]
    (low, first), (high, last) = points[0], points[-1]
    bottom, top = math.log10(first) - 0.3, math.log10(max(last, first * high / low)) + 0.3

    def place(size: float, seconds: float) -> tuple[float, float]:
        across = (math.log10(size) - math.log10(low)) / max(math.log10(high / low), 0.1)
        up = (math.log10(seconds) - bottom) / (top - bottom)
        return LEFT + across * (WIDTH - LEFT - 60), (HEIGHT - BOTTOM) * (1 - up) + 10

    marks = [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="#1f6feb"/>'
        f'<text x="{x + 8:.0f}" y="{y - 8:.0f}">{seconds:,.0f} s</text>'
        f'<text x="{x:.0f}" y="{HEIGHT - 22}" text-anchor="middle">{size / 1e6:,.0f} million</text>'
        for size, seconds in points
        for x, y in [place(size, seconds)]
    ]
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in (place(*point) for point in points))
    (x1, y1), (x2, y2) = place(low, first), place(high, first * high / low)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="13" fill="#24292f">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="#8c959f"'
        ' stroke-dasharray="5 4"/>'
        f'<polyline points="{path}" fill="none" stroke="#1f6feb" stroke-width="2"/>'
        f"{''.join(marks)}"
        f'<text x="{LEFT}" y="24">seconds of a full run (both axes logarithmic); dashed: linear'
        "</text>"
        f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 4}" text-anchor="middle">messages</text></svg>\n'
    )


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="2000000,20000000,200000000")
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--keep", action="store_true", help="keep the workspaces")
    parser.add_argument("--out", type=Path, help="folder for curve.md and curve.svg")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.sizes.split(","))
    found = measure(sizes, options.data, options.memory, options.keep)
    page = f"{machine()}\n\n{table(found, options.memory)}\n"
    sys.stdout.write(page)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "curve.md").write_text(page, encoding="utf-8")
        (options.out / "curve.svg").write_text(picture(found), encoding="utf-8")


if __name__ == "__main__":
    main()
