"""Signing in by an OpenID provider, where jinpai.toml names one."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from jinpai.web.contexts import Page, PageOf, local_path
from jinpai.web.errors import NotFound
from jinpai.web.oidc import NoSignIn, Provider, begun_of, person_of
from jinpai.web.security import begin_session, put_session

__all__ = ["router"]

router = APIRouter()
_COOKIE = "jinpai_oidc"
_SECONDS = 600


@router.get("/oidc/login", name="oidc_login")
def oidc_login(page: PageOf) -> Response:
    """Send the browser to the provider."""
    url, begun = _provider(page).begin(_back(page), local_path(page.query.get("next")))
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        _COOKIE,
        begun.cookie(),
        max_age=_SECONDS,
        httponly=True,
        samesite="lax",
        secure=page.request.url.scheme == "https",
        path=_path(page),
    )
    return answer


@router.get("/oidc/callback", name="oidc_callback")
def oidc_callback(page: PageOf) -> Response:
    """Sign in whom the provider sends back."""
    provider = _provider(page)
    begun = begun_of(page.request.cookies.get(_COOKIE), page.query.get("state", ""))
    if "code" not in page.query:
        raise NoSignIn("the provider says no")
    claims = provider.end(_back(page), page.query["code"], begun)
    with page.store.write() as session:
        user = person_of(session, claims)
        token = begin_session(page.request, session, user, "oidc") if user is not None else ""
    if user is None:
        raise NoSignIn("nobody here has that name or mail address")
    answer = RedirectResponse(local_path(begun.to), 303)
    put_session(page.request, answer, token)
    answer.delete_cookie(_COOKIE, path=_path(page))
    return answer


def _provider(page: Page) -> Provider:
    provider: Provider | None = page.request.app.state.provider
    if provider is None:
        raise NotFound
    return provider


def _back(page: Page) -> str:
    """The address the provider sends the browser to, as the browser knows it."""
    base = page.request.url
    return f"{base.scheme}://{base.netloc}{_path(page)}"


def _path(page: Page) -> str:
    return f"{page.root}/oidc/callback"
