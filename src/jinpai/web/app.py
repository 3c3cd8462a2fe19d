"""Putting the app together: store, reader, routes, who may use them, errors."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jinpai import __version__
from jinpai.appraisal.lock_lines import log_locks
from jinpai.appraisal.locks import undo_cut_short
from jinpai.errors import JinpaiError
from jinpai.jobs import Queue
from jinpai.store import Store, open_store
from jinpai.web.contexts import Page, local_path
from jinpai.web.cursor import OldCursor
from jinpai.web.errors import (
    SecondFactorFirst,
    SignInFirst,
    WebError,
    error_json,
    error_of,
    wants_json,
)
from jinpai.web.metering import Meter, Metered
from jinpai.web.oidc import Provider
from jinpai.web.permissions import check_routes
from jinpai.web.reading import Reader
from jinpai.web.render import render
from jinpai.web.respond import Answered, View
from jinpai.web.security import Headers, guard
from jinpai.web.views import routers
from jinpai.web.warm import Warmer

__all__ = ["create_app", "every_route"]

_LOG = logging.getLogger("jinpai.web")
_STATIC = files("jinpai.web").joinpath("static")
_DRAWING = files("jinpai.reports").joinpath("assets")
# What reports draw their charts with, pages draw theirs with too.
_CHARTS = {"echarts.js": "echarts.common.min.js", "charts.js": "charts.js"}


class _Static(StaticFiles):
    """Our own files; their addresses change with their contents, so they may be kept."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file; what draws charts lies with the reports, which need it too."""
        if path in _CHARTS:
            found = str(_DRAWING.joinpath(_CHARTS[path]))
            return found, os.stat(found)
        return super().lookup_path(path)

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if b"v=" in scope.get("query_string", b""):
            answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        return answer


class _Failures:
    """Answers what nobody expected with an error page, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http" or has_begun:
                raise
            answer = await run_in_threadpool(_failed, Request(scope), error)
            await answer(scope, receive, send)


def create_app(
    workspace: str | Path, store: Store | None = None, *, warms: bool = False
) -> FastAPI:
    """Return the web app of a workspace.

    Args:
        store: default the workspace's own; one that is given is left open at the end.
        warms: ask what the first pages show at the start and after each run.
    Raises:
        WorkspaceError: no workspace there, or a store that cannot be used.
    """
    reader = Reader(workspace)
    opened = store or open_store(reader.config)
    queue = Queue(reader.config, opened)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(_mend, reader, opened)
        warmer = Warmer(reader)
        if warms:
            warmer.start()
        yield
        if warms:
            await run_in_threadpool(warmer.stop)
        reader.close()
        queue.close()
        if store is None:
            opened.close()

    app = FastAPI(
        title="Jinpai 金牌",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        dependencies=[Depends(guard)],
    )
    app.state.reader, app.state.store = reader, opened
    app.state.queue, app.state.meter = queue, Meter(reader, opened)
    app.state.provider = Provider(reader.config.oidc) if reader.config.oidc else None
    for router in routers():
        app.include_router(router)
    app.mount("/static", _Static(directory=str(_STATIC)), name="static")
    app.add_middleware(_Failures)
    app.add_middleware(Headers)
    app.add_middleware(Metered, meter=app.state.meter)
    app.state.static_version = _static_version()
    app.state.paths = {route.name: _plain_path(route.path) for route in every_route()}
    check_routes([*app.state.paths, "static"])
    _handle_errors(app)
    return app


def _mend(reader: Reader, store: Store) -> None:
    """Finish or take back what a server that was killed left of locks."""
    try:
        undo_cut_short(reader)
        if late := log_locks(reader.root, store):
            _LOG.warning("%s locks had no line in the audit log", len(late))
    except (JinpaiError, OSError):  # pages say what is wrong; a start does not fail for it
        _LOG.exception("what is left of locks could not be looked through")


def every_route() -> list[APIRoute]:
    """Return the routes of all pages."""
    found = [route for router in routers() for route in router.routes]
    return [route for route in found if isinstance(route, APIRoute)]


def _plain_path(path: str) -> str:
    return path.replace(":path}", "}")


def _static_version() -> str:
    """A short hash of all files pages load."""
    made = hashlib.sha256()
    for name in _CHARTS.values():
        made.update(_DRAWING.joinpath(name).read_bytes())
    for one in sorted(_STATIC.iterdir(), key=lambda one: one.name):
        made.update(one.name.encode() + one.read_bytes())
    return made.hexdigest()[:12]


def _handle_errors(app: FastAPI) -> None:
    async def failed(request: Request, error: Exception) -> Response:
        return await run_in_threadpool(_failed, request, error)

    async def same(request: Request, error: Exception) -> Response:
        return error.answer if isinstance(error, Answered) else Response(status_code=500)

    for kind in (WebError, JinpaiError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, failed)
    app.add_exception_handler(Answered, same)


def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        error = WebError(
            "A value of the request is missing or has another form.",
            "请求缺少参数，或参数格式不对。",
        )
        error.status, error.code = 422, "invalid"
    told = error_of(error)
    if told.status >= 500:
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    if wants_json(request):
        return JSONResponse(error_json(told), told.status)
    if isinstance(error, OldCursor) and request.query_params.get("format", "html") == "html":
        anew = request.url.remove_query_params("cursor")
        return RedirectResponse(f"{anew.path}?{anew.query}", 303)
    if isinstance(told, SignInFirst | SecondFactorFirst):
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"hx-redirect": told.login})
        return RedirectResponse(told.login, 303)
    return _error_page(request, told)


def _came_from(request: Request) -> str:
    """The page a form was on, to look at again; empty where it was none of ours."""
    at = urlsplit(request.headers.get("referer", ""))
    if at.netloc != request.url.netloc:
        return ""
    return local_path(at.path + (f"?{at.query}" if at.query else ""), "")


def _error_page(request: Request, told: WebError) -> Response:
    try:
        page = Page(request)
        word = f"error_{told.code}"
        title = page.w(word if page.w.has(word) else "error_bad_request")
        shown = {
            "told": page.w.pick(told.zh, told.en),
            "status": told.status,
            "not_run": told.code == "not_run",
            "again": _came_from(request) if told.code == "conflict" else "",
        }
        return HTMLResponse(render(page, View("error.html.j2", title, data=shown)), told.status)
    except Exception as worse:  # the store itself may be what failed
        _LOG.error("the error page failed", exc_info=worse)
        return Response(f"{told.zh}\n{told.en}\n", told.status, media_type="text/plain")
