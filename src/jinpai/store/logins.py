"""Signing in and staying signed in: throttled passwords, sessions, tokens of programs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyotp
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from jinpai.errors import UnknownName, UsageError
from jinpai.store.accounts import check_password, hash_token
from jinpai.store.base import now
from jinpai.store.events import log_event
from jinpai.store.people import ApiToken, LoginFailure, User, WebSession

__all__ = [
    "IDLE",
    "SCOPES",
    "SignedIn",
    "grant",
    "new_token",
    "revoke_token",
    "session_of",
    "sign_in",
    "sign_out",
    "start_session",
    "token_user",
    "wait_seconds",
]

SCOPES = ("read", "write", "export", "unmask")
IDLE, LONGEST = timedelta(hours=8), timedelta(days=7)
GRANTED = timedelta(minutes=15)
_SEEN_EVERY = timedelta(minutes=1)
# After so many failures each one doubles the wait, up to the longest.
_FREE = {"login": 5, "from": 30}
_FIRST_WAIT, _LONGEST_WAIT = 5, 900


@dataclass(frozen=True)
class SignedIn:
    """Who asks, and with what.

    Attributes:
        scopes: of a program's token; None is a browser, which may all the person may.
        csrf: what a browser's changes have to carry.
        grants: subject -> until when it may be seen unmasked.
        session: the hash of the browser's session. way: how that was begun.
    """

    user: User
    scopes: frozenset[str] | None = None
    csrf: str = ""
    grants: dict[str, datetime] = field(default_factory=dict)
    session: str = ""
    way: str = ""

    def may(self, scope: str) -> bool:
        """Tell whether the scope is among those of the token; a browser has all."""
        return self.scopes is None or scope in self.scopes

    def sees_plain(self, subject: str) -> bool:
        """Tell whether phone numbers, names and addresses of a subject are shown."""
        until = self.grants.get(subject)
        return until is not None and until > now()


def wait_seconds(session: Session, login: str, address: str) -> int:
    """Return for how long nobody may try this account, or from this address."""
    waits = [0]
    for key in _keys(login, address):
        found = session.get(LoginFailure, key)
        over = 0 if found is None else found.count - _FREE[key.partition(":")[0]]
        if found is not None and over >= 0:
            wait = min(_FIRST_WAIT * 2 ** min(over, 10), _LONGEST_WAIT)
            waits.append(int(wait - (now() - found.last_at).total_seconds()))
    return max(waits)


def sign_in(
    session: Session, login: str, password: str, *, address: str, code: str = ""
) -> tuple[User | None, bool]:
    """Check a password, and the second factor where there is one.

    Returns the account, or None; and whether a code is what is missing. Failures are counted.
    """
    user = session.scalar(select(User).where(User.login == login.strip().lower()))
    is_right = check_password(user, password)
    if user is not None and is_right and user.totp_secret and not code:
        return None, True
    if user is None or not is_right or not _code_fits(session, user, code):
        _count_failure(session, login, address)
        _log_failure(session, user, address)
        return None, False
    keys = [key for key in _keys(login, address) if key.startswith("login:")]
    session.execute(delete(LoginFailure).where(LoginFailure.key.in_(keys)))
    return user, False


def _code_fits(session: Session, user: User, code: str) -> bool:
    """Check a code of the second factor; each works once."""
    if not user.totp_secret:
        return True
    totp, at = pyotp.TOTP(user.totp_secret), now()
    step = int(at.timestamp()) // totp.interval
    for tried in (step - 1, step, step + 1):
        if pyotp.utils.strings_equal(str(code).strip(), totp.generate_otp(tried)):
            unused = update(User).where(
                User.id == user.id, (User.totp_step.is_(None)) | (User.totp_step < tried)
            )
            return bool(session.execute(unused.values(totp_step=tried)).rowcount)  # type: ignore[attr-defined]
    return False


def start_session(
    session: Session, user: User, *, way: str = "password", browser: str = "", address: str = ""
) -> str:
    """Return the cookie of a new session; sessions that ended are swept.

    Args:
        way: password, oidc or link. browser, address: as `store.signed` shortens them.
    """
    at, token = now(), secrets.token_urlsafe(32)
    ended = (WebSession.expires_at <= at) | (WebSession.seen_at <= at - IDLE)
    session.execute(delete(WebSession).where(ended))
    session.add(
        WebSession(
            token_hash=hash_token(token),
            user_id=user.id,
            csrf=secrets.token_urlsafe(24),
            created_at=at,
            seen_at=at,
            expires_at=at + LONGEST,
            grants={},
            browser=browser or None,
            address=address or None,
            way=way,
        )
    )
    log_event(session, actor=user.login, kind="user.signed_in", subject=f"user:{user.id}")
    return token


def session_of(session: Session, token: str) -> tuple[SignedIn | None, bool]:
    """Return who a cookie is, None when it ended; and whether it is time for `touch`."""
    found = session.get(WebSession, hash_token(token))
    at = now()
    if found is None or found.expires_at <= at or found.seen_at <= at - IDLE:
        return None, False
    user = session.get(User, found.user_id)
    if user is None or not user.is_active:
        return None, False
    grants = {name: datetime.fromisoformat(until) for name, until in found.grants.items()}
    signed = SignedIn(user, None, found.csrf, grants, found.token_hash, found.way or "")
    return signed, found.seen_at <= at - _SEEN_EVERY


def touch(session: Session, signed: SignedIn) -> None:
    """Note that a session is in use."""
    used = update(WebSession).where(WebSession.token_hash == signed.session)
    session.execute(used.values(seen_at=now()))


def sign_out(session: Session, signed: SignedIn) -> None:
    """End a session."""
    session.execute(delete(WebSession).where(WebSession.token_hash == signed.session))
    subject = f"user:{signed.user.id}"
    log_event(session, actor=signed.user.login, kind="user.signed_out", subject=subject)


def grant(session: Session, signed: SignedIn, subject: str, reason: str) -> None:
    """Let a session see a subject unmasked for a quarter of an hour; the reason is logged.

    Raises UsageError without a reason.
    """
    reason = " ".join(reason.split())
    if len(reason) < 4:
        raise UsageError(
            "Say why it is needed: a few words.", zh="请写明原因：几个字即可。"
        )  # fmt: skip
    found = session.get_one(WebSession, signed.session, with_for_update=True)
    at = now()
    kept = {
        name: until for name, until in found.grants.items() if datetime.fromisoformat(until) > at
    }
    found.grants = kept | {subject: (at + GRANTED).isoformat()}
    log_event(
        session,
        actor=signed.user.login,
        kind="chat.unmasked",
        subject=subject,
        after={"reason": reason[:300]},
    )


def new_token(
    session: Session, user: User, name: str, scopes: Sequence[str], *, days: int | None = 365
) -> str:
    """Return a new token for programs; it is shown once. Raises UnknownName for a scope."""
    for scope in scopes:
        if scope not in SCOPES:
            raise UnknownName("scope", scope, SCOPES)
    token, at = f"jp_{secrets.token_urlsafe(32)}", now()
    made = ApiToken(
        user_id=user.id,
        name=name.strip() or "token",
        token_hash=hash_token(token),
        scopes=list(scopes),
        created_at=at,
        expires_at=None if days is None else at + timedelta(days=days),
    )
    session.add(made)
    session.flush()
    facts: dict[str, Any] = {"name": made.name, "scopes": list(scopes)}
    log_event(session, actor=user.login, kind="token.made", subject=f"token:{made.id}", after=facts)
    return token


def revoke_token(session: Session, user: User, token_id: int, *, actor: str) -> None:
    """End a token of an account; raises UnknownName."""
    found = session.get(ApiToken, token_id)
    if found is None or found.user_id != user.id:
        raise UnknownName("token", str(token_id), ())
    found.revoked_at = found.revoked_at or now()
    log_event(session, actor=actor, kind="token.revoked", subject=f"token:{token_id}")


def token_user(session: Session, token: str) -> SignedIn | None:
    """Return who a program's token is, None when it does not work."""
    found = session.scalar(select(ApiToken).where(ApiToken.token_hash == hash_token(token)))
    if found is None or found.revoked_at is not None:
        return None
    if found.expires_at is not None and found.expires_at <= now():
        return None
    user = session.get(User, found.user_id)
    if user is None or not user.is_active:
        return None
    return SignedIn(user, frozenset(found.scopes))


def _keys(login: str, address: str) -> tuple[str, str]:
    return f"login:{login.strip().lower()[:64]}", f"from:{address}"


def _log_failure(session: Session, user: User | None, address: str) -> None:
    """Log a failed sign-in; of a name nobody has, not the name: it may be a password."""
    subject = "login" if user is None else f"user:{user.id}"
    after = {"from": address}
    log_event(session, actor="login", kind="user.sign_in_failed", subject=subject, after=after)


def _count_failure(session: Session, login: str, address: str) -> None:
    for key in _keys(login, address):
        found = session.get(LoginFailure, key)
        if found is None:
            session.add(LoginFailure(key=key, count=1, last_at=now()))
        elif now() - found.last_at > timedelta(seconds=2 * _LONGEST_WAIT):
            found.count, found.last_at = 1, now()
        else:
            found.count, found.last_at = found.count + 1, now()
