"""The second engine: Spark, for shop groups whose messages do not fit one machine.

The driver plans and commits; rows stay with the executors. What a step keeps is written as Parquet
to a scratch folder that driver and executors share, so a lost executor loses nothing that was done.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.engine.base import OnStep, Published, TableSource, run_steps
from jinpai.engine.dialect import for_spark
from jinpai.engine.plan import Apply, Step, readers
from jinpai.engine.spark_session import asking, quiet, session_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SparkEngine"]

_UTC = pa.timestamp("us", "UTC")
_PLAIN = pa.timestamp("us")
_BUCKET = "_bucket"
# As the name of a published file tells it: part-3f-b2930-00001.parquet.
_BUCKET_OF = "cast(regexp_extract(_metadata.file_name, '^part-[^-]+-b([0-9]+)-', 1) as int)"


class SparkEngine:
    """One Spark session that knows the verbs and executes steps.

    Args:
        scratch: a folder that the driver and all executors see under the same path.
        master: where the cluster is (``spark://host:7077``, ``yarn``, ``k8s://…``, ``local[2]``);
            default what Spark's own settings say.
        conf: Spark's settings, which go before Jinpai's own.
    Raises:
        UsageError: PySpark or Java is missing, or Spark refused its settings.
    """

    def __init__(
        self,
        *,
        scratch: Path,
        master: str | None = None,
        conf: Mapping[str, str] | None = None,
    ) -> None:
        self.session, self._is_mine = session_of(master, dict(conf or {}))
        self._scratch = Path(tempfile.mkdtemp(prefix="spark-", dir=scratch.resolve()))
        self._made = 0
        self._names: set[str] = set()

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was kept; leave the cluster if this engine joined it."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        if self._is_mine:
            self.session.stop()
        else:
            for name in self._names:
                self.session.catalog.dropTempView(name)

    def read(self, source: TableSource, schemas: Mapping[str, pa.Schema]) -> None:
        """Make a view per table over exactly the files the source names."""
        for name, schema in schemas.items():
            self.read_files(name, source.files(name), schema)

    def read_files(
        self, name: str, files: Sequence[str], schema: pa.Schema, bucket: str | None = None
    ) -> None:
        """Make a view over Parquet files.

        Args:
            bucket: name of a column for the bucket that a file's name tells, if one is wanted.
        """
        if not files:
            empty = schema.append(pa.field(bucket, pa.int32())) if bucket else schema
            self.put(name, empty.empty_table())
            return
        rows = self._parquet([_place(file) for file in files], schema)
        if bucket:
            rows = rows.selectExpr("*", f"{_BUCKET_OF} as `{bucket}`")
        self._name(name, rows)

    def columns(self, relation: str) -> list[str]:
        """Return the names of a relation's columns."""
        return list(self.session.table(relation).columns)

    def put(self, name: str, table: pa.Table) -> None:
        """Store an Arrow table as a relation; the driver writes it as one Parquet file."""
        folder = self._folder(name)
        folder.mkdir(parents=True)
        stored = table.cast(_retyped(table.schema, _UTC))
        pq.write_table(stored, folder / "part-0.parquet")
        self._name(name, self._parquet([_place(str(folder))], stored.schema))

    def make(self, step: Step) -> None:
        """Make one step's relation.

        Raises:
            EngineError: carrying the step's meaning, its SQL and the engine's words.
        """
        sql = for_spark(step.sql)
        with asking(step.name, sql):
            made = self.session.sql(sql)
            if step.apply is not None:
                made = _applied(made, step.apply)
            self._name(step.name, self._kept(step.name, made) if step.keep else made)

    def hold(self, name: str, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Store the result of one SELECT as a relation; values are bound by name."""
        text = for_spark(sql)
        with asking(name, text):
            made = self.session.sql(text, args=dict(values or {}))
            self._name(name, self._kept(name, made))

    def drop(self, name: str) -> None:
        """Forget a kept relation that no later step needs."""
        self.session.catalog.dropTempView(name)
        for folder in self._scratch.glob(f"{name}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def run(
        self,
        steps: Sequence[Step],
        *,
        keep: Iterable[str] = (),
        on_step: OnStep | None = None,
    ) -> dict[str, float]:
        """Make the steps in order; forget each kept relation after its last use.

        A relation that is read once, and not wanted afterwards, is computed where it is read.

        Args:
            keep: names that must outlive the run.
            on_step: called with (name, steps done, steps in all) before each step.
        Returns:
            Seconds spent in each step.
        """
        wanted, counts = set(keep), readers(steps)
        steps = [
            replace(step, keep=step.keep and (step.name in wanted or counts[step.name] > 1))
            for step in steps
        ]
        return run_steps(self, steps, wanted, on_step)

    def fetch(self, name: str, sql: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the result of one SELECT as an Arrow table; values are bound by name."""
        text = for_spark(sql)
        with asking(name, text):
            found = self.session.sql(text, args=dict(values or {}))
            table = found.toDF(*_distinct(found.columns)).toArrow()
        return table.cast(_retyped(table.schema, _PLAIN))

    def write(self, sql: str, folder: Path, tag: str, schema: pa.Schema) -> Published:
        """Write a SELECT as Parquet files into a new folder, from the executors.

        Args:
            sql: the rows; a column ``_bucket`` decides on the file and is not in it.
            folder: seen by the driver and all executors.
            tag: a word in the files' names.
            schema: the columns the files shall have, in the types of the default engine.
        """
        from pyspark.sql.pandas.types import from_arrow_schema

        columns = [
            f"cast(`{field.name}` as {field.dataType.simpleString()}) as `{field.name}`"
            for field in from_arrow_schema(schema)
        ]
        text = for_spark(sql)
        with asking(folder.name, text):
            rows = self.session.sql(text)
            by_bucket = [_BUCKET] if _BUCKET in rows.columns else []
            # Small buckets go into one file each, a large one is split.
            hinted = rows.hint("rebalance", *by_bucket).selectExpr(*columns, *by_bucket)
            writer = hinted.write.mode("error").partitionBy(*by_bucket)
            writer.parquet(_place(str(folder.resolve())))
        return schema, _named(folder, tag)

    def _name(self, name: str, rows: DataFrame) -> None:
        rows.createOrReplaceTempView(name)
        self._names.add(name)

    def _parquet(self, places: list[str], schema: pa.Schema) -> DataFrame:
        from pyspark.sql.pandas.types import from_arrow_schema

        return self.session.read.schema(from_arrow_schema(schema)).parquet(*map(_literal, places))

    def _kept(self, name: str, made: DataFrame) -> DataFrame:
        """Store rows as Parquet, and read them from there."""
        place = _place(str(self._folder(name)))
        made.write.mode("error").parquet(place)
        return self.session.read.schema(made.schema).parquet(_literal(place))

    def _folder(self, name: str) -> Path:
        self._made += 1
        return self._scratch / f"{name}-{self._made}"


def _applied(rows: DataFrame, apply: Apply) -> DataFrame:
    """Return what the executors' Python makes of rows; Jinpai is installed where they are."""
    from pyspark.sql.pandas.types import from_arrow_schema

    in_order = rows.repartition(*apply.parts).sortWithinPartitions(*apply.order)
    with quiet():
        return in_order.mapInArrow(apply.function, from_arrow_schema(apply.schema))


def _place(path: str) -> str:
    """Return a path as Spark wants it: local files by their scheme, S3 by Hadoop's."""
    if path.startswith("s3://"):
        return "s3a" + path[2:]
    return path if "://" in path else f"file://{path}"


def _literal(place: str) -> str:
    r"""Return a place to read in which no character stands for others.

    >>> _literal("file:///shops/[1]*/part.parquet")
    'file:///shops/\\[1\\]\\*/part.parquet'
    """
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", place)


def _named(folder: Path, tag: str) -> list[tuple[str, int]]:
    """Take Spark's files out of its folders, by names of ours; return names and rows."""
    files: list[tuple[str, int]] = []
    for path in sorted(folder.rglob("*.parquet")):
        bucket = path.parent.name.partition(f"{_BUCKET}=")[2]
        rows = pq.read_metadata(path).num_rows
        if rows:
            middle = f"-b{bucket}" if bucket else ""
            named = path.rename(folder / f"part-{tag}{middle}-{len(files):05}.parquet")
            files.append((named.name, rows))
    return files


def _retyped(schema: pa.Schema, times: pa.DataType) -> pa.Schema:
    """Return the schema with all its times of one type."""
    return pa.schema(
        [pa.field(f.name, times if pa.types.is_timestamp(f.type) else f.type) for f in schema]
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Return column names without doubles: a join of all columns has its keys twice.

    >>> _distinct(["shop_id", "amount", "shop_id"])
    ['shop_id', 'amount', 'shop_id_1']
    """
    seen: dict[str, int] = {}
    found = []
    for name in names:
        again = seen.get(name, 0)
        found.append(f"{name}_{again}" if again else name)
        seen[name] = again + 1
    return found
