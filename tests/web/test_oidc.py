"""Signing in by a provider: a small one that signs tokens, and what must not get anybody in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from jinpai.errors import WorkspaceError
from jinpai.service_terms import OidcTerms, oidc_terms
from jinpai.store import events_of
from jinpai.store.accounts import add_user, find_user, set_active
from jinpai.web.app import create_app
from jinpai.web.oidc import Provider
from web.small import small_shop

ISSUER = "https://id.example.com/realms/shop"
TERMS = OidcTerms(ISSUER, "jinpai", "s3cret", "企业微信")
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))


class FakeProvider:
    """Answers as a provider does; ``claims`` and ``key`` make the next ID token."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.key = KEY
        self.asked: dict[str, list[str]] = {}

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/openid-configuration"):
            places = {f"{name}_endpoint": f"{ISSUER}/{name}" for name in ("authorization", "token")}
            return httpx2.Response(
                200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", **places}
            )
        if request.url.path.endswith("/keys"):
            return httpx2.Response(200, json={"keys": [KEY.as_dict(private=False)]})
        self.asked = parse_qs(request.content.decode())
        token = jwt.encode({"alg": "RS256", "kid": "one"}, self.claims, self.key)
        return httpx2.Response(
            200, json={"access_token": "x", "token_type": "Bearer", "id_token": token}
        )


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    made = create_app(small_shop(tmp_path_factory.mktemp("oidc") / "shop").root)
    with TestClient(made):
        with made.state.store.write() as session:
            add_user(session, "lan@shop.cn", role="owner", actor="tests")
            add_user(session, "boss@shop.cn", role="owner", actor="tests")
        yield made


@pytest.fixture
def provider(app: FastAPI) -> FakeProvider:
    made = FakeProvider()
    app.state.provider = Provider(TERMS, httpx2.MockTransport(made.answer))
    return made


def sign_in(app: FastAPI, provider: FakeProvider, **claims: Any) -> tuple[TestClient, Any]:
    """Go to the provider and come back; returns the browser and the answer."""
    browser = TestClient(app, follow_redirects=False, headers={"accept": "text/html"})
    sent = browser.get("/oidc/login?next=/account")
    asked = {
        name: found[0] for name, found in parse_qs(urlsplit(sent.headers["location"]).query).items()
    }
    assert sent.headers["location"].startswith(f"{ISSUER}/authorization?")
    assert (asked["client_id"], asked["code_challenge_method"]) == ("jinpai", "S256")
    provider.claims = {
        "iss": ISSUER, "aud": ["jinpai"], "sub": "4711", "exp": int(time.time()) + 60,
        "nonce": asked["nonce"], "email": "Lan@shop.cn", "email_verified": True,
    } | claims  # fmt: skip
    provider.claims = {name: value for name, value in provider.claims.items() if value is not None}
    return browser, browser.get(f"/oidc/callback?code=abc&state={asked['state']}")


def test_who_was_added_by_mail_gets_in_and_is_known_by_subject(
    app: FastAPI, provider: FakeProvider
) -> None:
    browser, answer = sign_in(app, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert browser.get("/account").status_code == 200
    assert provider.asked["code"] == ["abc"]
    assert len(provider.asked["code_verifier"][0]) >= 43
    assert "httponly" in answer.headers["set-cookie"].lower()
    with app.state.store.read() as session:
        user = find_user(session, "lan@shop.cn")
        assert user.oidc_subject == f"{ISSUER} 4711"
        kinds = [event.kind for event in events_of(session, f"user:{user.id}")]
    assert kinds[:2] == ["user.signed_in", "user.oidc_linked"]
    _, again = sign_in(app, provider, email="another@shop.cn")  # the mail address may change
    assert again.status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "1", "email": "nobody@shop.cn"},
        {"sub": "2", "email": "boss@shop.cn", "email_verified": False},
        {"sub": "3", "email": "boss@shop.cn", "email_verified": None},
        {"sub": "4", "email": "lan@shop.cn"},  # that account is 4711's
        {"nonce": "another"},
        {"aud": "somebody-else"},
        {"iss": "https://elsewhere.example.com"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
    ],
)
def test_nobody_else_gets_in(app: FastAPI, provider: FakeProvider, claims: dict[str, Any]) -> None:
    sign_in(app, provider)
    browser, answer = sign_in(app, provider, **claims)
    assert answer.status_code == 403
    assert "jinpai_session" not in browser.cookies


def test_a_forged_token_a_wrong_state_and_a_disabled_account_get_nobody_in(
    app: FastAPI, provider: FakeProvider
) -> None:
    provider.key = OTHER_KEY
    assert sign_in(app, provider)[1].status_code == 403
    provider.key = KEY
    browser = TestClient(app, follow_redirects=False)
    browser.get("/oidc/login")
    assert browser.get("/oidc/callback?code=abc&state=forged").status_code == 403
    assert TestClient(app).get("/oidc/callback?code=abc&state=").status_code == 403
    assert browser.get("/oidc/callback?error=access_denied").status_code == 403
    with app.state.store.write() as session:
        boss = add_user(session, "gone@shop.cn", role="owner", actor="tests")
        set_active(session, boss, False, actor="tests")
    assert sign_in(app, provider, sub="5", email="gone@shop.cn")[1].status_code == 403


def test_one_goes_on_to_places_of_this_app_alone(app: FastAPI, provider: FakeProvider) -> None:
    browser = TestClient(app, follow_redirects=False)
    browser.get("/oidc/login?next=https://evil.example.com/")
    assert "evil" not in str(browser.cookies.get("jinpai_oidc"))


def test_without_a_provider_there_is_no_such_page(app: FastAPI) -> None:
    app.state.provider = None
    browser = TestClient(app, follow_redirects=False, headers={"accept": "text/html"})
    assert browser.get("/oidc/login").status_code == 404
    assert "/oidc/login" not in browser.get("/login").text


def test_the_terms_say_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert oidc_terms({}) is None
    monkeypatch.setenv("JINPAI_OIDC_SECRET", "from the environment")
    made = oidc_terms({"issuer": f"{ISSUER}/", "client_id": "jinpai"})
    assert made == OidcTerms(ISSUER, "jinpai", "from the environment", "")
    for wrong in (
        {"issuer": "http://id.example.com", "client_id": "x"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "client_id": ""},
        {"issuer": ISSUER, "client_id": "x", "nmae": "y"},
    ):
        with pytest.raises(WorkspaceError, match="oidc"):
            oidc_terms(wrong)
