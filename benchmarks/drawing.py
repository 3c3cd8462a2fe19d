"""The benchmarks' two pictures, as SVG that is read on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from statistics import median

__all__ = ["bars", "curve"]

WIDTH, LEFT, RIGHT = 720, 270, 60
OURS, THEIRS, GREY, INK = "#1f6feb", "#9aa7b4", "#8c959f", "#24292f"


def _framed(height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def bars(found: Mapping[str, Sequence[float]], messages: int) -> str:
    """Draw each contestant's median ratio to the Polars script, with a dot for each round."""
    most = max(max(each) for each in found.values()) * 1.08
    scale = (WIDTH - LEFT - RIGHT) / most
    height = 62 + 34 * len(found) + 28
    parts = [
        f'<text x="20" y="30" font-size="15" font-weight="600">Time for {messages / 1e6:g} million'
        " messages, as a multiple of the Polars script’s</text>"
    ]
    numbers = []  # upon the dashed line
    for place, (name, each) in enumerate(found.items()):
        y, middle = 62 + 34 * place, median(each)
        colour = OURS if name.startswith("Jinpai") else THEIRS
        dots = "".join(
            f'<circle cx="{LEFT + one * scale:.1f}" cy="{y + 9}" r="2.5" fill="{INK}"'
            ' fill-opacity=".45"/>'
            for one in each
        )
        end = LEFT + max(*each, middle) * scale
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{middle * scale:.1f}" height="18" rx="2"'
            f' fill="{colour}"/>{dots}'
        )
        numbers.append(
            f'<text x="{end + 8:.1f}" y="{y + 14}" font-weight="600" stroke="#ffffff"'
            f' stroke-width="5" paint-order="stroke">{middle:.2f}</text>'
        )
    at = LEFT + scale
    foot = 62 + 34 * len(found)
    parts.append(
        f'<line x1="{at:.1f}" y1="52" x2="{at:.1f}" y2="{foot}" stroke="{INK}"'
        f' stroke-dasharray="4 3"/><text x="{LEFT}" y="{foot + 14}" font-size="12" fill="#57606a">'
        "bar: median; dots: rounds; shorter is faster</text>"
    )
    return _framed(height, [*parts, *numbers])


def curve(points: Mapping[int, float]) -> str:
    """Draw seconds against messages, both logarithmic, beside the straight line of the first."""
    height, left, top, foot = 380, 80, 60, 320
    sizes = sorted(points)
    low, high = sizes[0], sizes[-1]
    straight = points[low] * high / low
    seconds = [points[low], points[high], straight]
    bottom, up = math.log10(min(seconds)) - 0.25, math.log10(max(seconds)) + 0.25

    def place(size: float, took: float) -> tuple[float, float]:
        across = math.log10(size / low) / math.log10(high / low)
        risen = (math.log10(took) - bottom) / (up - bottom)
        return left + 30 + across * (WIDTH - left - 120), foot - risen * (foot - top)

    parts = [
        '<text x="20" y="30" font-size="15" font-weight="600">Seconds of a full run by messages'
        " (both axes logarithmic)</text>"
    ]
    for power in range(math.ceil(bottom), math.floor(up) + 1):
        y = place(low, 10**power)[1]
        parts.append(
            f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - 30}" y2="{y:.1f}" stroke="#d8dee4"/>'
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#57606a">'
            f"{10**power:,} s</text>"
        )
    (x1, y1), (x2, y2) = place(low, points[low]), place(high, straight)
    path = " ".join("{:.1f},{:.1f}".format(*place(size, points[size])) for size in sizes)
    parts.append(
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{GREY}"'
        f' stroke-dasharray="5 4"/><polyline points="{path}" fill="none" stroke="{OURS}"'
        ' stroke-width="2.5"/>'
    )
    for size in sizes:
        x, y = place(size, points[size])
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{OURS}"/><text x="{x + 10:.1f}"'
            f' y="{y + 18:.1f}" font-weight="600">{points[size]:,.0f} s</text>'
            f'<text x="{x:.1f}" y="{foot + 22}" text-anchor="middle">{size / 1e6:g} million</text>'
        )
    parts.append(
        f'<text x="{left}" y="{height - 14}" font-size="12" fill="#57606a">'
        "dashed: twice the messages, twice the time</text>"
    )
    return _framed(height, parts)
