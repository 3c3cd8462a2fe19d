"""Jobs as processes of their own: what they took, kept as JSON lines that `report.py` reads."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from threading import Event, Thread

HERE = Path(__file__).resolve().parent
LOG = HERE / ".data" / "rounds.jsonl"


@dataclass(frozen=True)
class Took:
    """One job of one round.

    Attributes:
        seconds: of the work, as the job itself says where it does; wall time otherwise.
        cpu: processor seconds of the whole process.
        peak_mb: most memory the process ever had (RSS).
        disk_mb: most that the watched folder ever held, None where none was watched.
        said: what the job printed.
    """

    job: str
    messages: int
    round: int
    seconds: float
    cpu: float
    peak_mb: float
    disk_mb: float | None = None
    said: str = ""
    machine: str = ""
    at: str = ""


@dataclass
class Timing:
    """One contestant's seconds, processor seconds and peak memory (MB), a figure a round."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median seconds."""
        return median(self.seconds)


def timed(timing: Timing, arguments: list[str]) -> None:
    """Run one job and add what it took."""
    took = take("", 0, 0, arguments)
    timing.seconds.append(took.seconds)
    timing.cpu.append(took.cpu)
    timing.peak.append(took.peak_mb)


def take(
    job: str, messages: int, number: int, arguments: list[str], watch: Path | None = None
) -> Took:
    """Run one job as a process of its own; ends the program when it fails.

    Its last line 'seconds 1.5' counts where it prints one. ``watch``: a folder whose size is told.
    """
    with _watched(watch) as disk:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{output}")
    print("  " + output.strip().replace("\n", "\n  "), file=sys.stderr, flush=True)
    own = [line.split()[1] for line in output.splitlines() if line.startswith("seconds ")]
    return Took(
        job,
        messages,
        number,
        seconds=float(own[-1]) if own else wall,
        cpu=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1024,
        disk_mb=max(disk) / 1e6 if watch else None,
        said=output.strip(),
        machine=machine(),
        at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    )


@contextlib.contextmanager
def _watched(folder: Path | None) -> Iterator[list[int]]:
    """Give a list that gets the folder's size twice a second."""
    done, sizes = Event(), [0]

    def watch() -> None:
        while folder is not None and not done.wait(0.5):
            sizes.append(size_of(folder))

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield sizes
    finally:
        done.set()
        thread.join()


def size_of(folder: Path) -> int:
    """Return the bytes that a folder's files take on the disk; what is gone by then counts not."""
    size = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.stat(os.path.join(inner, name)).st_blocks * 512
    return size


def keep(log: Path, took: Took) -> None:
    """Add a line."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(took), ensure_ascii=False) + "\n")


def kept(log: Path) -> list[Took]:
    """Return all lines; none where there is no file."""
    if not log.exists():
        return []
    return [Took(**json.loads(line)) for line in log.read_text("utf-8").splitlines() if line]


def script(name: str, *arguments: object) -> list[str]:
    """Return the arguments that run one of the scripts beside this one."""
    return [str(HERE / name), *map(str, arguments)]


def generate(folder: Path, messages: int, kind: str) -> None:
    """Make the data once."""
    if not (folder / f"orders.{kind}").exists():
        command = [sys.executable, *script("generate.py", folder, "--messages", messages)]
        subprocess.run([*command, "--format", kind], check=True, stdout=sys.stderr)


def machine() -> str:
    """Name the processor, its cores, memory and the versions measured."""
    named = "unknown processor"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                named = line.partition(":")[2].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("jinpai", "duckdb", "polars", "pandas", "deltalake")
    )
    return (
        f"{named}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()}, "
        f"Python {platform.python_version()}, {versions}"
    )
