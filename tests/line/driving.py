"""Drive a workspace through the command line, as a user's shell would: the tests' long road."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from jinpai.cli import main
from jinpai.tables.lake import Lake

WORLDS = Path(__file__).parent / "worlds"


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


def jinpai(*arguments: object) -> Answer:
    """Run one command in this process, with its exit code and both outputs."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
    return Answer(code, out.getvalue(), err.getvalue())


class Shop:
    """A workspace with one shop ``s``."""

    def __init__(self, root: Path, name: str = "s", timezone: str = "Asia/Shanghai") -> None:
        self.root = root
        given = ("--shop-id", "s", "--shop-name", name, "--platform", "taobao")
        self.must("init", root, *given, "--timezone", timezone)

    def must(self, command: str, *arguments: object) -> dict[str, Any]:
        """Return the JSON of a command that has to succeed."""
        answer = jinpai(command, *arguments, "--format", "json")
        assert answer.code == 0, answer.err
        parsed: dict[str, Any] = json.loads(answer.out)
        return parsed

    def load(self, *paths: Path, options: Mapping[str, str] | None = None, **named: object) -> Any:
        """Import; ``options`` are reader options, other names options of the command."""
        pairs = [
            part
            for key, value in (options or {}).items()
            for part in ("--option", key + "=" + value)
        ]
        extra = [part for key, value in named.items() for part in (f"--{key}", value)]
        return self.must("import", self.root, *paths, *pairs, *extra)

    def set(self, key: str, value: str) -> None:
        """Change a setting."""
        answer = jinpai("settings", self.root, "set", key, value)
        assert answer.code == 0, answer.err

    def run(self, as_of: str | None = None) -> Any:
        """Run the line."""
        return self.must("run", self.root, *(("--as-of", as_of) if as_of else ()))

    def figures(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        **options: str,
    ) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return (metric, cell…) -> the figure, cell parts in the order of ``by``."""
        given = [
            part for key, value in options.items() for part in (f"--{key}".replace("_", "-"), value)
        ]
        grain = ("--by", ",".join(by)) if by else ()
        answer = self.must("metrics", self.root, "--metric", ",".join(metrics), *grain, *given)
        keys = [{"agent": "agent_id", "product": "product_id"}.get(part, part) for part in by]
        return {
            (row["metric"], *(row["grain"][key] for key in keys)): row for row in answer["rows"]
        }

    def values(
        self, metrics: Sequence[str], by: Sequence[str] = (), **options: str
    ) -> dict[tuple[Any, ...], Any]:
        """Return (metric, cell…) -> value, money (text in JSON) as Decimal."""
        figures = self.figures(metrics, by, **options).items()
        return {key: _number(row["value"]) for key, row in figures}

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return columns of a canonical table, sorted; times are UTC without a zone."""
        with duckdb.connect() as con:
            Lake(self.root).snapshot().register(con)
            names = ", ".join(f'"{column}"' for column in columns)
            return con.execute(f"select {names} from {table} order by all").fetchall()

    @property
    def snapshot_id(self) -> int:
        """The state of the lake."""
        return Lake(self.root).snapshot().id


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value


def write_csv(path: Path, header: str, rows: Iterable[str], encoding: str = "utf-8") -> Path:
    """Write lines as a file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join([header, *rows]) + "\n").encode(encoding))
    return path
