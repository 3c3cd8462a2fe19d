"""Coming in: signing in and out, choosing a password by a one-time link, language and theme."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from jinpai.errors import UsageError
from jinpai.store.accounts import accept_invite, has_people, invited
from jinpai.store.logins import sign_in, sign_out, wait_seconds
from jinpai.store.people import User
from jinpai.web.contexts import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    Page,
    PageOf,
    View,
    local_path,
)
from jinpai.web.errors import TooMany
from jinpai.web.security import begin_session, drop_session, put_session
from jinpai.web.words import LANGUAGES

__all__ = ["router"]

router = APIRouter()
_YEAR = 31_536_000


@router.get("/", name="home")
def home(page: PageOf) -> Response:
    """Go on to what the role looks at first."""
    user: User = page.user
    if user.role == "agent":
        return RedirectResponse(page.url("agent", agent_id=user.agent_id), 303)
    return RedirectResponse(page.url("overview"), 303)


@router.get("/login", name="login")
def login(page: PageOf) -> Response:
    """Ask for login and password."""
    if page.signed is not None:
        return RedirectResponse(local_path(page.query.get("next")), 303)
    return page.show(_login_view(page, page.query.get("next")))


@router.post("/login", name="login_post")
def login_post(
    page: PageOf,
    login: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    code: Annotated[str, Form(max_length=20)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Sign in; too many failures in a row have to wait."""
    address = page.request.client.host if page.request.client else ""
    with page.store.write() as session:
        wait = wait_seconds(session, login, address)
        if wait > 0:
            raise TooMany(f"Too many tries; wait {wait} s.", f"尝试次数过多，请等待 {wait} 秒。")
        user, asks_code = sign_in(session, login, password, address=address, code=code)
        token = ""
        if user is not None:
            token = begin_session(page.request, session, user, "password")
    if user is None:
        view = _login_view(page, next, login=login, asks_code=asks_code, failed=not asks_code)
        return page.show(view)
    answer = RedirectResponse(local_path(next), 303)
    put_session(page.request, answer, token)
    return answer


def _login_view(page: Page, to: str | None, **more: Any) -> View:
    with page.store.read() as session:
        is_new = not has_people(session)
    shown = {"to": local_path(to), "login": "", "asks_code": False, "failed": False, **more}
    shown["oidc"] = page.reader.config.oidc
    status = 401 if shown["failed"] else 200
    return View("login.html.j2", page.w("sign_in"), data=shown | {"is_new": is_new}, status=status)


@router.post("/logout", name="logout")
def logout(page: PageOf) -> Response:
    """End the session."""
    if page.signed is not None and page.signed.session:
        with page.store.write() as session:
            sign_out(session, page.signed)
    answer = RedirectResponse(page.url("login"), 303)
    drop_session(page.request, answer)
    return answer


@router.get("/setup/{token}", name="setup")
def setup(page: PageOf, token: str) -> Response:
    """Ask for a password, and of the first owner for a login."""
    return page.show(_setup_view(page, token))


@router.post("/setup/{token}", name="setup_post")
def setup_post(
    page: PageOf,
    token: str,
    password: Annotated[str, Form(max_length=1000)],
    again: Annotated[str, Form(max_length=1000)],
    login: Annotated[str, Form(max_length=64)] = "",
    name: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Use the link: choose the password and sign in."""
    try:
        if password != again:
            raise UsageError("The two passwords differ.", zh="两次输入的密码不同。")
        with page.store.write() as session:
            user = accept_invite(session, token, password, login=login, name=name)
            cookie = begin_session(page.request, session, user, "link")
    except UsageError as error:
        told = page.w.pick(error.text_zh, str(error))
        return page.show(_setup_view(page, token, told=told, login=login, name=name))
    answer = RedirectResponse(page.url("home"), 303)
    put_session(page.request, answer, cookie)
    return answer


def _setup_view(page: Page, token: str, **more: Any) -> View:
    with page.store.read() as session:
        found = invited(session, token)
        user = None if found is None or found.user_id is None else session.get(User, found.user_id)
    shown = {
        "works": found is not None,
        "who": user,
        "token": token,
        "told": "",
        "login": "",
        "name": "",
        **more,
    }
    return View("setup.html.j2", page.w("setup"), data=shown, status=400 if shown["told"] else 200)


@router.get("/preferences", name="preferences")
def preferences(page: PageOf) -> Response:
    """Keep language or theme in this browser and go back."""
    answer = RedirectResponse(local_path(page.query.get("next")), 303)
    for name, cookie, known in (
        ("lang", LANGUAGE_COOKIE, LANGUAGES),
        ("theme", THEME_COOKIE, THEMES),
    ):
        if page.query.get(name) in known:
            _put_cookie(page.request, answer, cookie, page.query[name], seconds=_YEAR)
    return answer


def _put_cookie(
    request: Request, answer: Response, name: str, value: str, *, seconds: int | None = None
) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path=request.scope.get("root_path", "") or "/",
    )
