"""One cluster and one session for all tests of Spark that a process runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jinpai.engine.spark import SparkEngine
from spark.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master and two workers."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="session")
def spark(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """An engine that holds the connection to the cluster; other engines share it."""
    folder = tmp_path_factory.mktemp("scratch")
    with SparkEngine(scratch=folder, master=cluster.master, conf=cluster.conf) as engine:
        yield engine
