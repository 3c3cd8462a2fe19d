"""What monitoring asks: requests and how long they took, jobs, the age of the last run.

Numbers of one process, and of the store when they are asked for. Requests are counted by route and
status, never by address or person.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jinpai.jobs.worker import is_working
from jinpai.store import Store
from jinpai.store.jobs import KINDS, Job
from jinpai.web.reading import Reader

__all__ = ["CONTENT_TYPE", "Meter", "Metered"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOG = logging.getLogger("jinpai.web")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STATES = ("queued", "running", "done", "failed", "cancelled", "interrupted")


class Meter:
    """The numbers of one app."""

    def __init__(self, reader: Reader, store: Store) -> None:
        self._registry = CollectorRegistry()
        names = ["route", "method"]
        self.requests = Counter(
            "jinpai_requests",
            "Requests answered.",
            [*names, "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "jinpai_request_seconds",
            "Seconds from a request to the end of its answer.",
            names,
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Stored(reader, store))

    def text(self) -> bytes:
        """Return all numbers as Prometheus reads them."""
        return generate_latest(self._registry)


class _Stored(Collector):
    """Numbers of the workspace, looked up when asked for."""

    def __init__(self, reader: Reader, store: Store) -> None:
        self._reader, self._store = reader, store

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        jobs = GaugeMetricFamily("jinpai_jobs", "Jobs by kind and state.", labels=["kind", "state"])
        count = select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state)
        with self._store.read() as session:
            found = {(kind, state): number for kind, state, number in session.execute(count)}
        for kind in KINDS:
            for state in _STATES:
                jobs.add_metric([kind, state], found.get((kind, state), 0))
        yield jobs
        yield GaugeMetricFamily(
            "jinpai_worker_up", "Whether a worker lives.", value=is_working(self._reader.root)
        )
        snapshot = self._reader.lake.snapshot()
        yield GaugeMetricFamily("jinpai_lake_state", "Number of the state in force.", snapshot.id)
        if snapshot.run is not None:
            ran = self._reader.lake.at(snapshot.manifest.ran).manifest.at
            age = (datetime.now(UTC) - datetime.fromisoformat(ran)).total_seconds()
            told = "Seconds since the last run was published."
            yield GaugeMetricFamily("jinpai_last_run_age_seconds", told, max(age, 0.0))

    def describe(self) -> Iterator[Metric]:
        """Yield nothing, so that nothing is looked up when the app is made."""
        return iter(())


class Metered:
    """Counts and logs every request, by its route."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app, self._meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "name", None) or "none"
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"
        self._meter.requests.labels(route, method, str(status)).inc()
        if route != "job_events":  # it lasts as long as its job
            self._meter.seconds.labels(route, method).observe(seconds)
        if route == "none" and status < 400:  # a file of the app
            return
        signed = scope.get("state", {}).get("signed_in")
        facts = {"route": route, "method": method, "status": status, "ms": round(seconds * 1000, 1)}
        facts["user"] = signed.user.id if signed is not None else None
        _LOG.info("request", extra=facts)
