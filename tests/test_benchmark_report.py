"""The benchmarks' page says medians and paired ratios of what the log holds, worked by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "report.py"


def line(job: str, messages: int, number: int, seconds: float, peak: float = 100) -> str:
    took = {"job": job, "messages": messages, "round": number, "seconds": seconds, "cpu": seconds}
    told = {"peak_mb": peak, "disk_mb": 1500, "machine": "a machine", "at": "2026-03-02 10:00"}
    return json.dumps(took | told)


def test_ratios_are_those_of_rounds(tmp_path: Path) -> None:
    seconds = {"polars": (2.0, 4.0, 5.0), "run": (3.0, 4.0, 10.0), "floor": (1.0, 1.0, 2.0)}
    lines = [
        line(job, 3_000_000, number, each, peak=100 * number)
        for job, found in seconds.items()
        for number, each in enumerate(found, start=1)
    ]
    lines += [line("run", 3_000_000, 4, 100.0)]  # in a round without the others: no ratio
    lines += [line("import", 3_000_000, 1, 2.0)]  # 3.1 million rows in 2 s
    for size, took in ((2_000_000, 10.0), (20_000_000, 110.0)):
        lines += [line("curve import", size, 1, 5.0), line("curve run 2GB", size, 1, took)]
    log = tmp_path / "rounds.jsonl"
    log.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, str(SCRIPT), "--log", str(log), "--out", str(tmp_path / "out")]
    subprocess.run(command, check=True)
    page = (tmp_path / "out" / "README.md").read_text("utf-8")
    # Ratios of the rounds: 3/2, 4/4, 10/5 to Polars, 3, 4, 5 to the floor.
    assert "| Jinpai: run and figures | 4 | 7.0 (3.0–100.0) | 7.0 | 300 | 1.50 | 4.00 |  |" in page
    assert "| Polars script | 3 | 4.0 (2.0–5.0) | 4.0 | 300 | 1.00 | 2.50 |  |" in page
    assert "| import Parquet | 1 | 2.0 | 2.0 | 100 |  |  | 1.55 |" in page
    assert "| 20,000,000 | 5.0 | 110.0 | 1.10 | 110 | 1.10 | 100 | 100 | 1.5 |" in page
    assert "a machine; measured 2026-03-02 10:00" in page
    for name in ("ratios.svg", "curve.svg"):
        assert f"]({name})" in page
        picture = (tmp_path / "out" / name).read_text("utf-8")
        assert picture.startswith("<svg xmlns=")
        assert "NaN" not in picture


def test_an_empty_log_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--log", str(tmp_path / "none"), "--out", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "measure first" in answer.stderr
