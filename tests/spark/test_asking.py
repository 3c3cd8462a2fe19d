"""Spark asked for wrongly, or not there: what is said, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinpai.cli.spark_options import cluster_of
from jinpai.engine.spark_session import _check_java, _check_master
from jinpai.errors import UsageError
from jinpai.spark_run import SparkCluster
from line.driving import Shop, jinpai
from spark.cluster import free_port


def test_options_need_the_engine() -> None:
    assert cluster_of("duckdb", None, None, None) is None
    with pytest.raises(UsageError, match="--master needs --engine spark") as caught:
        cluster_of("duckdb", "yarn", None, None)
    assert "--engine spark" in (caught.value.zh or "")
    with pytest.raises(UsageError, match="--scratch needs --engine spark"):
        cluster_of("duckdb", None, None, Path("x"))
    with pytest.raises(UsageError, match="--memory does not go with --engine spark"):
        cluster_of("spark", None, None, None, ["--memory"])
    with pytest.raises(UsageError, match=r"'executor\.memory' is not spark.KEY=VALUE"):
        cluster_of("spark", None, ["executor.memory=8g"], None)
    made = cluster_of("spark", "yarn", ["spark.sql.shuffle.partitions=64", "spark.x=a=b"], None)
    conf = {"spark.sql.shuffle.partitions": "64", "spark.x": "a=b"}
    assert made == SparkCluster("yarn", conf)


def test_refused_on_the_command_line(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    answer = jinpai("run", shop.root, "--engine", "spark", "--threads", "2")
    assert (answer.code, answer.out) == (2, "")
    assert "--threads does not go with --engine spark" in " ".join(answer.err.split())


def test_a_master_that_does_not_answer() -> None:
    with pytest.raises(UsageError, match=r"No Spark master answers at spark://127\.0\.0\.1:"):
        _check_master(f"spark://127.0.0.1:{free_port()}")
    _check_master("local[2]")
    _check_master("yarn")


def test_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="Spark needs Java 17") as caught:
        _check_java()
    assert "Java 17" in (caught.value.zh or "")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError):
        _check_java()
