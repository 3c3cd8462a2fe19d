"""Write the page and the pictures of all that the benchmarks' log holds.

    python benchmarks/report.py [--log FILE] [--out docs/benchmarks]

Leaves README.md, ratios.svg and curve.svg; names shops.md where `shops.py --out` left one. Figures
are medians over the rounds; a ratio is the median of the rounds' own ratios, each of two jobs that
took turns in one round.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import drawing
from curve import IMPORT, RUN
from run import JOBS
from timing import HERE, LOG, Took, kept

__all__ = ["curve_of", "curve_table", "ratio_table", "write"]

CONTESTANTS = ("run", "polars", "duckdb", "pandas", "run 1GB", "floor")


def of(lines: Iterable[Took], job: str, messages: int) -> dict[int, Took]:
    """Return round -> what the job took in it."""
    return {one.round: one for one in lines if (one.job, one.messages) == (job, messages)}


def ratios(lines: Sequence[Took], job: str, to: str, messages: int) -> list[float]:
    """Return the rounds' own ratios of two jobs' seconds."""
    ours, theirs = of(lines, job, messages), of(lines, to, messages)
    return [ours[one].seconds / theirs[one].seconds for one in sorted(ours.keys() & theirs.keys())]


def ratio_table(lines: Sequence[Took], messages: int) -> str:
    """Return the Markdown table of one size."""
    rows = messages + messages // 30
    made = ["| job | rounds | seconds | CPU seconds | peak MB | × Polars | × floor | M rows/s |"]
    made.append("|---|---|---|---|---|---|---|---|")
    for job, title in JOBS.items():
        took = list(of(lines, job, messages).values())
        if not took:
            continue
        seconds = median(one.seconds for one in took)
        is_import = job.startswith("import")
        against = ("", "") if is_import else ("polars", "floor")
        beside = [_said(ratios(lines, job, to, messages)) for to in against]
        made.append(
            f"| {title} | {len(took)} | {_span([one.seconds for one in took])}"
            f" | {median(one.cpu for one in took):.1f} | {max(one.peak_mb for one in took):.0f}"
            f" | {beside[0]} | {beside[1]} | {f'{rows / seconds / 1e6:.2f}' if is_import else ''} |"
        )
    return "\n".join(made)


def _span(seconds: Sequence[float]) -> str:
    if len(seconds) == 1:
        return f"{seconds[0]:.1f}"
    return f"{median(seconds):.1f} ({min(seconds):.1f}–{max(seconds):.1f})"


def _said(found: Sequence[float]) -> str:
    return f"{median(found):.2f}" if found else ""


def curve_of(lines: Iterable[Took]) -> dict[int, tuple[Took, Took]]:
    """Return size -> the latest import and run of it, the smallest first."""
    imports = {one.messages: one for one in lines if one.job == IMPORT}
    runs = {one.messages: one for one in lines if one.job.startswith(RUN)}
    return {size: (imports[size], runs[size]) for size in sorted(imports.keys() & runs.keys())}


def curve_table(found: dict[int, tuple[Took, Took]]) -> str:
    """Return the Markdown table of the curve; growth is the time of one message, against before."""
    memory = {one.job.removeprefix(RUN).strip() for _, one in found.values()}
    made = [
        f"| messages | import s | run and figures s (memory {', '.join(sorted(memory))})"
        " | growth | CPU s | growth | peak MB: import | run | disk at most GB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    before: Took | None = None
    for size, (taken, one) in found.items():
        grown = ["", ""]
        if before is not None:
            times = size / before.messages
            pairs = ((one.seconds, before.seconds), (one.cpu, before.cpu))
            grown = [f"{now / then / times:.2f}" for now, then in pairs]
        disk = max(taken.disk_mb or 0, one.disk_mb or 0) / 1000
        made.append(
            f"| {size:,} | {taken.seconds:.1f} | {one.seconds:.1f} | {grown[0]} | {one.cpu:.0f}"
            f" | {grown[1]} | {taken.peak_mb:.0f} | {one.peak_mb:.0f} | {disk:.1f} |"
        )
        before = one
    return "\n".join(made)


def page(lines: Sequence[Took], note: str, has_shops: bool) -> str:
    """Return README.md."""
    sizes = sorted({one.messages for one in lines if one.job in JOBS}, reverse=True)
    curve = curve_of(lines)
    parts = [INTRODUCTION, _machines(lines), *([note] if note else [])]
    if sizes:
        parts.append("## Against scripts written by hand\n\n" + RATIOS)
        parts.append("![Ratios to the Polars script](ratios.svg)")
    for size in sizes:
        orders = f"{size // 30:,} orders"
        parts.append(f"### {size:,} messages, {orders}\n\n{ratio_table(lines, size)}")
    if curve:
        parts.append("## From 2 to 200 million messages\n\n" + CURVE)
        if len(curve) > 1:
            parts.append("![Time of a full run by messages](curve.svg)")
        parts.append(curve_table(curve))
    more = f"{MORE} {SHOPS}" if has_shops else MORE
    return "\n\n".join([*parts, more, AGAIN]) + "\n"


def _machines(lines: Sequence[Took]) -> str:
    days: dict[str, list[str]] = {}
    for one in lines:
        days.setdefault(one.machine, []).append(one.at)
    return "\n".join(
        f"- {name}; measured {min(at)} to {max(at)} UTC" for name, at in sorted(days.items())
    )


def write(log: Path, out: Path, note: str = "") -> None:
    """Write the page and the pictures into a folder."""
    lines = kept(log)
    out.mkdir(parents=True, exist_ok=True)
    sizes = [one.messages for one in lines if one.job == "polars"]
    if sizes:
        found = {
            JOBS[job]: ratios(lines, job, "polars", max(sizes))
            for job in CONTESTANTS
            if ratios(lines, job, "polars", max(sizes))
        }
        (out / "ratios.svg").write_text(drawing.bars(found, max(sizes)), encoding="utf-8")
    if len(curve := curve_of(lines)) > 1:
        points = {size: one.seconds for size, (_, one) in curve.items()}
        (out / "curve.svg").write_text(drawing.curve(points), encoding="utf-8")
    (out / "README.md").write_text(page(lines, note, (out / "shops.md").exists()), encoding="utf-8")


INTRODUCTION = """# Benchmarks

What a full run takes beside scripts that were written by hand for the same figures, and how it
grows. Written by `benchmarks/report.py` from the rounds that were measured; how the data and the
peers were made is told in [benchmarks/README.md](../../benchmarks/README.md)."""
RATIOS = """In a round the contestants take turns, each a process of its own, on the same files; a
ratio is the median of the rounds' own ratios. Seconds are medians, with the least and the most.
Peak is the most memory a process ever had. The floor reads the columns that the figures need and
sorts them once by buyer and time, and does nothing else. All contestants' figures are equal: counts
exactly, the others to 1e-9."""
CURVE = """One import and one full run of each size under one memory limit. Growth is the time for
one message against that of the size before: 1.00 is linear, more is slower. The disk holds data,
workspace and what the engine put aside, at the moment when it was most."""
MORE = """## Other measurements

One new day on top of a year: [incremental runs](../incremental.md#what-a-night-costs). Spark:
[scaling](../scaling.md#what-it-costs). Texts: [inspection](../inspection.md#speed)."""
SHOPS = "Two thousand shops in one workspace: [shops](shops.md)."
AGAIN = """## Measure it yourself

```sh
make bench                                                      # 2 million, 5 rounds: minutes
python benchmarks/run.py --messages 20000000 --rounds 5 --log rounds.jsonl
python benchmarks/curve.py --sizes 2000000,20000000,200000000 --log rounds.jsonl
python benchmarks/report.py --log rounds.jsonl --out docs/benchmarks
```

Rounds add up: each call goes on from the last number in the log, on the same machine."""


def main() -> None:
    """Write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", type=Path, default=LOG, help="JSON lines, default %(default)s")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "benchmarks")
    parser.add_argument("--note", default="", help="a paragraph about the circumstances")
    options = parser.parse_args()
    if not kept(options.log):
        parser.error(f"{options.log} holds nothing; measure first: benchmarks/run.py --help")
    write(options.log, options.out, options.note)
    print(f"{options.out / 'README.md'} is written.")


if __name__ == "__main__":
    main()
