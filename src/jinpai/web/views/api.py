"""The description of the JSON API, for programs and the people who write them."""

from __future__ import annotations

import hashlib
from functools import cache

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from jinpai.web.openapi import text

router = APIRouter()


@router.get("/openapi.json", name="openapi")
def openapi(request: Request) -> Response:
    """Return the OpenAPI document; docs/openapi.json is the same."""
    made, etag = _made()
    headers = {"etag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(made, media_type="application/json", headers=headers)


@cache
def _made() -> tuple[bytes, str]:
    from jinpai.web.app import every_route

    made = text(every_route()).encode()
    return made, f'"{hashlib.sha256(made).hexdigest()[:24]}"'
