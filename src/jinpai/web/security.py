"""What every answer carries, who is asking, and what a change has to prove."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jinpai.store import Store
from jinpai.store.logins import SignedIn, session_of, start_session, token_user, touch
from jinpai.store.people import User
from jinpai.store.signed import browser_name, masked_address
from jinpai.web.errors import Forbidden, NotFound, SecondFactorFirst, SignInFirst, wants_json
from jinpai.web.permissions import EVERYONE, may_use, permissions
from jinpai.workspace_config import FILE_NAME, load_config

__all__ = [
    "COOKIE",
    "CSRF_FIELD",
    "CSRF_HEADER",
    "Headers",
    "begin_session",
    "drop_session",
    "guard",
    "must_have_factor",
    "put_session",
    "signed_in",
]

COOKIE, CSRF_FIELD, CSRF_HEADER = "jinpai_session", "csrf", "x-csrf-token"
_SAFE = ("GET", "HEAD", "OPTIONS")
# What a person may do who has to set a second factor up first.
_BEFORE_FACTOR = ("totp_first", "account_totp", "logout")
# Nothing comes from elsewhere, nothing is written in the page itself but data.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'"
)
_HTTPS_ONLY = "max-age=31536000; includeSubDomains"
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Headers:
    """Puts the security headers on every answer; what is not static is never stored by others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "private, no-cache")
                if scope["scheme"] == "https":
                    headers.setdefault(
                        "strict-transport-security", "max-age=31536000; includeSubDomains"
                    )
            await send(message)

        await self._app(scope, receive, sending)


def _cookie_name(request: Request) -> str:
    """Return what the session's cookie is called: browsers keep such names to HTTPS and this host.

    Plain HTTP, on one's own machine, has no such names.
    """
    if request.url.scheme != "https":
        return COOKIE
    return ("__Secure-" if request.scope.get("root_path") else "__Host-") + COOKIE


def _cookie_facts(request: Request) -> dict[str, Any]:
    return {
        "httponly": True,
        "samesite": "lax",
        "secure": request.url.scheme == "https",
        "path": request.scope.get("root_path", "") or "/",
    }


def begin_session(request: Request, session: Session, user: User, way: str) -> str:
    """Return the cookie of a new session of the browser that asks."""
    return start_session(
        session,
        user,
        way=way,
        browser=browser_name(request.headers.get("user-agent", "")),
        address=masked_address(request.client.host if request.client else ""),
    )


def put_session(request: Request, answer: Response, token: str) -> None:
    """Let the browser keep the session until it is closed."""
    answer.set_cookie(_cookie_name(request), token, **_cookie_facts(request))


def drop_session(request: Request, answer: Response) -> None:
    """Let the browser forget the session, and the pages it kept."""
    answer.delete_cookie(_cookie_name(request), **_cookie_facts(request))
    answer.headers["clear-site-data"] = '"cache", "storage"'


def signed_in(request: Request) -> SignedIn | None:
    """Return who is asking: a browser by its cookie, a program by its token."""
    if "signed_in" not in request.state._state:
        request.state.signed_in = _find(request)
    found: SignedIn | None = request.state.signed_in
    return found


def _find(request: Request) -> SignedIn | None:
    store: Store = request.app.state.store
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        with store.read() as session:
            return token_user(session, token.strip())
    cookie = request.cookies.get(_cookie_name(request))
    if not cookie:
        return None
    with store.read() as session:
        found, is_time = session_of(session, cookie)
    if found is not None and is_time:
        with store.write() as session:
            touch(session, found)
    return found


async def guard(request: Request) -> None:
    """Let through who may use the route; the one dependency of every route.

    Raises SignInFirst, Forbidden, or NotFound; a change by a browser also needs its CSRF token.
    """
    name = request.scope["route"].name
    if EVERYONE in permissions().get(name, ()):
        return
    from starlette.concurrency import run_in_threadpool

    signed = await run_in_threadpool(signed_in, request)
    if signed is None:
        raise SignInFirst(_login_url(request))
    if not may_use(name, signed.user.role):
        raise Forbidden if wants_json(request) or request.method in _SAFE else NotFound
    if name not in _BEFORE_FACTOR and must_have_factor(request, signed):
        raise SecondFactorFirst(f"{request.scope.get('root_path', '')}/account/second-factor")
    if request.method in _SAFE:
        if not signed.may("read"):
            raise Forbidden
        return
    if signed.scopes is not None:
        if not signed.may("write"):
            raise Forbidden
        return
    given = request.headers.get(CSRF_HEADER) or str((await request.form()).get(CSRF_FIELD, ""))
    if not hmac.compare_digest(given.encode(), signed.csrf.encode()):
        raise Forbidden


def must_have_factor(request: Request, signed: SignedIn) -> bool:
    """Tell whether a browser may do nothing before a second factor is set up.

    A provider asks for its own; a program's token is no sign-in.
    """
    if signed.scopes is not None or signed.way == "oidc" or signed.user.totp_secret:
        return False
    return signed.user.role in _roles_with_factor(request)


def _roles_with_factor(request: Request) -> tuple[str, ...]:
    """Return the roles that must have a second factor, read again where jinpai.toml changed."""
    state, root = request.app.state, request.app.state.reader.root
    at = (root / FILE_NAME).stat().st_mtime_ns
    known: tuple[int, tuple[str, ...]] = getattr(state, "factor_terms", (0, ()))
    if known[0] != at:
        known = at, load_config(root).accounts.require_totp
        state.factor_terms = known
    return known[1]


def _login_url(request: Request) -> str:
    to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    root = request.scope.get("root_path", "")
    if request.method not in _SAFE or to == f"{root}/":
        return f"{root}/login"
    return f"{root}/login?next={quote(to, safe='/')}"
