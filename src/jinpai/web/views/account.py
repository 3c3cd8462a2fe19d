"""One's own account: password, second factor, tokens for programs."""

from __future__ import annotations

from typing import Annotated, Any

import pyotp
import segno
from fastapi import APIRouter, Form
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from jinpai.errors import UsageError
from jinpai.store import log_event
from jinpai.store.accounts import check_password, set_password
from jinpai.store.logins import new_token, revoke_token
from jinpai.store.people import ApiToken, User
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import Forbidden

__all__ = ["qr_of", "router"]

router = APIRouter()


@router.get("/account", name="account")
def account(page: PageOf) -> Response:
    """Show one's own account."""
    return page.show(_view(page))


def _view(page: Page, *, told: str = "", token: str = "", secret: str = "") -> View:
    user: User = page.user
    with page.store.read() as session:
        mine = select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
        tokens = list(session.scalars(mine.order_by(ApiToken.id)))
        has_totp = session.get_one(User, user.id).totp_secret is not None
    secret = "" if has_totp else (secret or pyotp.random_base32())
    shown: dict[str, Any] = {
        "told": told,
        "token": token,
        "tokens": tokens,
        "has_totp": has_totp,
        "secret": secret,
        "qr": qr_of(user, secret) if secret else "",
    }
    about = {"login": user.login, "name": user.name, "role": user.role, "teams": user.teams}
    status = 400 if told else 200
    return View("account.html.j2", page.w("account"), data=shown, json=about, status=status)


def qr_of(user: User, secret: str) -> str:
    """Return the code to scan, as the address of an image."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.login, issuer_name="Jinpai")
    return str(segno.make(uri, error="m").svg_data_uri(scale=4, border=2, light="#fff"))


def _only_browser(page: Page) -> None:
    """A program's token opens no other doors: it cannot change the account it belongs to."""
    if page.signed is None or page.signed.scopes is not None:
        raise Forbidden


@router.post("/account/password", name="account_password")
def account_password(
    page: PageOf,
    old: Annotated[str, Form(max_length=1000)],
    password: Annotated[str, Form(max_length=1000)],
    again: Annotated[str, Form(max_length=1000)],
) -> Response:
    """Change the password; every session ends."""
    _only_browser(page)
    user: User = page.user
    if not check_password(user, old):
        return page.show(_view(page, told=page.w("password_wrong")))
    if password != again:
        return page.show(_view(page, told=page.w("password_differ")))
    try:
        with page.store.write() as session:
            found = session.get_one(User, user.id)
            set_password(session, found, password, actor=user.login)
    except UsageError as error:
        return page.show(_view(page, told=page.w.pick(error.text_zh, str(error))))
    return RedirectResponse(page.url("login"), 303)


@router.post("/account/totp", name="account_totp")
def account_totp(
    page: PageOf,
    secret: Annotated[str, Form(max_length=64)],
    code: Annotated[str, Form(max_length=20)],
) -> Response:
    """Turn the second factor on, once a code proves that it works."""
    _only_browser(page)
    user: User = page.user
    try:
        fits = pyotp.TOTP(secret).verify(code.strip(), valid_window=1)
    except ValueError:
        fits = False
    if not fits:
        return page.show(_view(page, told=page.w("totp_wrong")))
    with page.store.write() as session:
        session.get_one(User, user.id).totp_secret = secret
        log_event(session, actor=user.login, kind="user.totp_on", subject=f"user:{user.id}")
    return RedirectResponse(page.url("account"), 303)


@router.post("/account/totp/off", name="account_totp_off")
def account_totp_off(page: PageOf, old: Annotated[str, Form(max_length=1000)]) -> Response:
    """Turn the second factor off; asks for the password."""
    _only_browser(page)
    user: User = page.user
    if not check_password(user, old):
        return page.show(_view(page, told=page.w("password_wrong")))
    with page.store.write() as session:
        session.get_one(User, user.id).totp_secret = None
        log_event(session, actor=user.login, kind="user.totp_off", subject=f"user:{user.id}")
    return RedirectResponse(page.url("account"), 303)


@router.post("/account/tokens", name="token_add")
def token_add(
    page: PageOf,
    name: Annotated[str, Form(max_length=80)] = "",
    scopes: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Make a token and show it once."""
    _only_browser(page)
    with page.store.write() as session:
        found = session.get_one(User, page.user.id)
        token = new_token(session, found, name, scopes or ["read"])
    return page.show(_view(page, token=token))


@router.post("/account/tokens/{token_id}/revoke", name="token_revoke")
def token_revoke(page: PageOf, token_id: int) -> Response:
    """End a token."""
    _only_browser(page)
    with page.store.write() as session:
        found = session.get_one(User, page.user.id)
        revoke_token(session, found, token_id, actor=found.login)
    return RedirectResponse(page.url("account"), 303)
