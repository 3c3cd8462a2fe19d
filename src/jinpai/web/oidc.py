"""Signing in by an OpenID provider: the authorization code flow with PKCE, by Authlib.

What has to come back unchanged (state, nonce, the verifier, where to go on) lies in a cookie of ten
minutes that only the callback gets. An ID token counts when its signature, issuer, audience, time
and nonce hold.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select
from sqlalchemy.orm import Session

from jinpai.service_terms import OidcTerms
from jinpai.store import log_event
from jinpai.store.people import User
from jinpai.web.errors import WebError

__all__ = ["Begun", "Claims", "NoSignIn", "Provider", "begun_of", "person_of"]

_LOG = logging.getLogger("jinpai.web")
_KEPT = 3600.0
_LEEWAY = 60
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA"]
_SCOPE = "openid email profile"
_TIMEOUT = 10.0


class NoSignIn(WebError):
    """The provider did not sign anybody in; ``reason`` goes to the log alone."""

    status, code = 403, "no_sign_in"
    zh = "未能通过统一登录进入。请重试；若仍不行，请店主确认已为您的邮箱添加账号。"
    en = (
        "The sign-in did not work. Try again; if it goes on, ask the owner whether your mail"
        " address has an account here."
    )

    def __init__(self, reason: str) -> None:
        _LOG.warning("sign-in by the provider refused: %s", reason)
        super().__init__()


@dataclass(frozen=True)
class Begun:
    """A sign-in that is under way; what of it the browser keeps."""

    state: str
    nonce: str
    verifier: str
    to: str

    def cookie(self) -> str:
        """Return it as the value of a cookie."""
        return urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()


@dataclass(frozen=True)
class Claims:
    """Who somebody is at the provider; ``email`` only where the provider vouches for it."""

    subject: str
    email: str
    name: str


def begun_of(cookie: str | None, state: str) -> Begun:
    """Return the sign-in a cookie keeps; raises NoSignIn unless it is the one that came back."""
    try:
        begun = Begun(**json.loads(urlsafe_b64decode(cookie or "")))
    except (ValueError, TypeError):
        raise NoSignIn("no sign-in is under way") from None
    if not state or not secrets.compare_digest(begun.state.encode(), state.encode()):
        raise NoSignIn("the state is another one")
    return begun


class Provider:
    """One provider; what it says of itself is asked once an hour."""

    def __init__(self, terms: OidcTerms, transport: httpx2.BaseTransport | None = None) -> None:
        self.terms, self._transport = terms, transport
        self._told: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._at = 0.0

    def begin(self, redirect_uri: str, to: str) -> tuple[str, Begun]:
        """Return where to send the browser, and what it has to keep; raises NoSignIn."""
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        begun = Begun(state, nonce, secrets.token_urlsafe(48), to)
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                self._metadata()["authorization_endpoint"],
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url), begun

    def end(self, redirect_uri: str, code: str, begun: Begun) -> Claims:
        """Return whom the provider signed in; raises NoSignIn."""
        try:
            with self._client(redirect_uri) as client:
                token = client.fetch_token(
                    self._metadata()["token_endpoint"],
                    code=code,
                    code_verifier=begun.verifier,
                )
        except (httpx2.HTTPError, AuthlibBaseError, ValueError) as error:
            raise NoSignIn(f"no token: {type(error).__name__}") from None
        return self._claims(str(token.get("id_token", "")), begun.nonce)

    def _claims(self, token: str, nonce: str) -> Claims:
        wanted = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self.terms.issuer},
            aud={"essential": True, "value": self.terms.client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._key_set(), algorithms=_ALGORITHMS).claims
            wanted.validate(claims)
        except (JoseError, ValueError) as error:
            raise NoSignIn(f"the ID token does not hold: {type(error).__name__}") from None
        is_sure = claims.get("email_verified") is True
        email = str(claims.get("email", "")).strip().lower() if is_sure else ""
        return Claims(f"{self.terms.issuer} {claims['sub']}", email, str(claims.get("name", "")))

    def _client(self, redirect_uri: str) -> OAuth2Client:
        return OAuth2Client(
            client_id=self.terms.client_id,
            client_secret=self.terms.client_secret or None,
            token_endpoint_auth_method=None if self.terms.client_secret else "none",
            redirect_uri=redirect_uri,
            scope=_SCOPE,
            code_challenge_method="S256",
            transport=self._transport,
            timeout=_TIMEOUT,
        )

    def _metadata(self) -> dict[str, Any]:
        if time.monotonic() - self._at > _KEPT or not self._told:
            told = self._get(f"{self.terms.issuer}/.well-known/openid-configuration")
            if str(told.get("issuer", "")).rstrip("/") != self.terms.issuer:
                raise NoSignIn("the provider calls itself by another name")
            self._told, self._keys, self._at = told, None, time.monotonic()
        return self._told

    def _key_set(self) -> KeySet:
        told = self._metadata()
        if self._keys is None:
            self._keys = KeySet.import_key_set(self._get(told["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    def _get(self, url: str) -> dict[str, Any]:
        try:
            with httpx2.Client(transport=self._transport, timeout=_TIMEOUT) as client:
                answer = client.get(url).raise_for_status()
                found: dict[str, Any] = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise NoSignIn(f"the provider cannot be reached: {type(error).__name__}") from None
        return found


def person_of(session: Session, claims: Claims) -> User | None:
    """Return whose account it is: by the provider's name for them, else once by mail address.

    Nobody gets an account by signing in: the owner adds people, with the mail address as login.
    """
    user = session.scalar(select(User).where(User.oidc_subject == claims.subject))
    if user is None and claims.email:
        unknown = select(User).where(User.login == claims.email, User.oidc_subject.is_(None))
        user = session.scalar(unknown)
        if user is not None and user.is_active:
            user.oidc_subject = claims.subject
            log_event(session, actor=user.login, kind="user.oidc_linked", subject=f"user:{user.id}")
    return user if user is not None and user.is_active else None
