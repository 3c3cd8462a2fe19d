"""For monitoring: whether the process answers, whether it can work, and its numbers."""

from __future__ import annotations

import logging

from fastapi import APIRouter
from sqlalchemy import text
from starlette.responses import JSONResponse, PlainTextResponse, Response

from jinpai.errors import JinpaiError
from jinpai.jobs.worker import is_working
from jinpai.web.contexts import PageOf
from jinpai.web.metering import CONTENT_TYPE, Meter

__all__ = ["router"]

router = APIRouter()
_LOG = logging.getLogger("jinpai.web")


@router.get("/healthz", name="healthz")
def healthz() -> Response:
    """Say that the process answers."""
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


@router.get("/readyz", name="readyz")
def readyz(page: PageOf) -> Response:
    """Say whether store and lake can be read (503 where not), and whether a worker lives."""
    told = {"store": _store_answers(page), "lake": _lake_answers(page)}
    is_ready = all(told.values())
    told["worker"] = is_working(page.reader.root)
    return JSONResponse(told, 200 if is_ready else 503, {"cache-control": "no-store"})


@router.get("/prometheus", name="prometheus")
def prometheus(page: PageOf) -> Response:
    """Return the numbers of the process and the workspace as Prometheus reads them."""
    meter: Meter = page.request.app.state.meter
    return Response(meter.text(), headers={"content-type": CONTENT_TYPE})


def _store_answers(page: PageOf) -> bool:
    try:
        with page.store.read() as session:
            session.execute(text("select 1"))
    except JinpaiError:
        _LOG.warning("the store does not answer", exc_info=True)
        return False
    return True


def _lake_answers(page: PageOf) -> bool:
    try:
        page.reader.lake.snapshot()
    except (JinpaiError, OSError):
        _LOG.warning("the lake cannot be read", exc_info=True)
        return False
    return True
