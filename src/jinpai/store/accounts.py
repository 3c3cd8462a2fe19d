"""What is done to accounts: made, changed, disabled, given a password. Every change is logged."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from jinpai.errors import UnknownName, UsageError
from jinpai.store.base import now
from jinpai.store.events import log_event
from jinpai.store.people import ROLES, ApiToken, Invite, LoginFailure, User, WebSession

__all__ = [
    "accept_invite",
    "add_user",
    "change_user",
    "check_password",
    "clear_login",
    "find_user",
    "has_people",
    "hash_token",
    "invite",
    "invited",
    "set_active",
    "set_password",
]

_HASHER = PasswordHasher()
_LOGIN = re.compile(r"[\w.@+-]{1,64}")
_INVITE_HOURS = 72
SHORTEST, LONGEST = 10, 128
_STRONG = 2  # of 4: more than 10^6 guesses, each of which costs an Argon2 hash and a wait
_LOOKED_AT = 40  # characters; zxcvbn takes long for long ones, which are strong by these already
# A hash to check against where there is no account, so that both take as long.
_NOBODY = _HASHER.hash(secrets.token_hex())


def hash_token(token: str) -> str:
    """Return what is kept of a random token; it has 256 bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def has_people(session: Session) -> bool:
    """Tell whether anybody can sign in yet."""
    found = select(func.count()).select_from(User).where(User.password_hash.is_not(None))
    return bool(session.scalar(found))


def find_user(session: Session, login: str) -> User:
    """Return the account of that login; raises UnknownName."""
    user = session.scalar(select(User).where(User.login == login.strip().lower()))
    if user is None:
        raise UnknownName("user", login, session.scalars(select(User.login)))
    return user


def add_user(
    session: Session,
    login: str,
    *,
    role: str,
    actor: str,
    name: str | None = None,
    teams: Sequence[str] = (),
    agent_id: str | None = None,
    shop_id: str | None = None,
) -> User:
    """Make an account without a password (see `invite`).

    Raises UsageError for a login that is taken or has other characters, a role there is not, an
    agent without a chat account, a supervisor without teams.
    """
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise UsageError(
            f"'{login[:64]}' is no login: up to 64 letters, digits, and . @ + - _",
            zh=f"“{login[:64]}”不能作登录名：最多 64 个字母、数字或 . @ + - _",
        )
    if session.scalar(select(User.id).where(User.login == login)) is not None:
        raise UsageError(f"There is a user '{login}' already.", zh=f"已有用户“{login}”。")
    _check(role, teams, agent_id)
    user = User(
        login=login,
        name=(name or login).strip(),
        role=role,
        teams=list(teams),
        agent_id=agent_id,
        shop_id=shop_id,
        created_at=now(),
    )
    session.add(user)
    session.flush()
    log_event(session, actor=actor, kind="user.added", subject=_subject(user), after=_facts(user))
    return user


def change_user(
    session: Session,
    user: User,
    *,
    actor: str,
    role: str | None = None,
    name: str | None = None,
    teams: Sequence[str] | None = None,
    agent_id: str | None = None,
) -> None:
    """Change what an account is; the browsers it is signed in with have to sign in again."""
    before = _facts(user)
    _check(role or user.role, user.teams if teams is None else teams, agent_id or user.agent_id)
    if role is not None and role != user.role:
        _keep_an_owner(session, user)
        user.role = role
    user.name = name or user.name
    user.teams = list(user.teams if teams is None else teams)
    user.agent_id = agent_id or user.agent_id
    _sign_out(session, user)
    log_event(
        session,
        actor=actor,
        kind="user.changed",
        subject=_subject(user),
        before=before,
        after=_facts(user),
    )


def set_active(session: Session, user: User, is_active: bool, *, actor: str) -> None:
    """Disable an account, or let it sign in again; raises UsageError for the last owner."""
    if user.is_active == is_active:
        return
    if not is_active:
        _keep_an_owner(session, user)
        _sign_out(session, user)
    user.is_active = is_active
    kind = "user.enabled" if is_active else "user.disabled"
    log_event(session, actor=actor, kind=kind, subject=_subject(user))


def invite(session: Session, user: User | None, *, actor: str) -> str:
    """Return the token of a one-time link to choose a password; links given before end.

    ``user``: None for the link that makes the first owner.
    """
    of = Invite.user_id.is_(None) if user is None else Invite.user_id == user.id
    session.execute(delete(Invite).where(of))
    token, at = secrets.token_urlsafe(32), now()
    expires = at + timedelta(hours=_INVITE_HOURS)
    session.add(
        Invite(
            token_hash=hash_token(token),
            user_id=None if user is None else user.id,
            created_at=at,
            expires_at=expires,
        )
    )
    if user is not None:
        log_event(session, actor=actor, kind="user.invited", subject=_subject(user))
    return token


def invited(session: Session, token: str) -> Invite | None:
    """Return the invite of a token that still works."""
    found = session.get(Invite, hash_token(token))
    if found is None or found.used_at is not None or found.expires_at <= now():
        return None
    return found


def accept_invite(
    session: Session, token: str, password: str, *, login: str = "", name: str = ""
) -> User:
    """Use a link: choose the password, and for the first owner the login.

    Raises UsageError for a link that is used or too old, a password that is too short, a first
    owner where there are people already.
    """
    found = invited(session, token)
    used = update(Invite).where(Invite.token_hash == hash_token(token), Invite.used_at.is_(None))
    if found is None or not session.execute(used.values(used_at=now())).rowcount:  # type: ignore[attr-defined]
        raise UsageError(
            "This link was used already or is too old; ask for a new one.",
            zh="此链接已使用或已过期；请索取新的链接。",
        )
    if found.user_id is not None:
        user = session.get_one(User, found.user_id)
    elif has_people(session):
        raise UsageError("There is an owner already.", zh="已经有店主账号了。")
    else:
        user = add_user(session, login, role="owner", actor="setup", name=name)
    set_password(session, user, password, actor=user.login)
    return user


def set_password(session: Session, user: User, password: str, *, actor: str) -> None:
    """Give an account a password and sign it out everywhere; raises UsageError for a poor one."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            zh=f"密码长度应为 {SHORTEST} 至 {LONGEST} 个字符。",
        )
    if _is_guessable(password, user):
        raise UsageError(
            "This password is too easy to guess; choose another.",
            zh="这个密码太容易猜到；请换一个。",
        )
    user.password_hash = _HASHER.hash(password)
    _sign_out(session, user)
    log_event(session, actor=actor, kind="user.password_set", subject=_subject(user))


def _is_guessable(password: str, user: User) -> bool:
    """Tell whether lists of leaked passwords, patterns or the person's names lead to it soon."""
    from zxcvbn import zxcvbn  # reads its lists, which only a new password needs

    names = [user.login, user.name, user.agent_id or "", "jinpai", "金牌"]
    found = zxcvbn(password[:_LOOKED_AT], user_inputs=[name for name in names if name])
    return bool(found["score"] < _STRONG)


def clear_login(session: Session, user: User, *, actor: str) -> None:
    """Take away password and second factor; the person needs an `invite` to get in again."""
    user.password_hash = user.totp_secret = user.totp_step = None
    _sign_out(session, user)
    log_event(session, actor=actor, kind="user.login_cleared", subject=_subject(user))


def check_password(user: User | None, password: str) -> bool:
    """Tell whether it is the account's password; takes as long where there is no account."""
    known = user.password_hash if user is not None and user.is_active else None
    try:
        _HASHER.verify(known or _NOBODY, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def _check(role: str, teams: Sequence[str], agent_id: str | None) -> None:
    if role not in ROLES:
        raise UnknownName("role", role, ROLES)
    if role == "agent" and not agent_id:
        raise UsageError(
            "An agent needs a chat account: --agent ID.", zh="客服角色需要指定账号：--agent 账号"
        )
    if role == "supervisor" and not teams:
        raise UsageError(
            "A supervisor needs at least one team: --team NAME.",
            zh="主管角色至少需要一个团队：--team 团队名",
        )


def _keep_an_owner(session: Session, user: User) -> None:
    owners = select(func.count()).select_from(User)
    others = owners.where(User.role == "owner", User.is_active, User.id != user.id)
    if user.role == "owner" and not session.scalar(others):
        raise UsageError(
            "This is the last owner; make another one first.",
            zh="这是最后一位店主；请先添加另一位店主。",
        )


def _sign_out(session: Session, user: User) -> None:
    """End the account's sessions, open links and waits; tokens end with a disabled account."""
    session.execute(delete(WebSession).where(WebSession.user_id == user.id))
    session.execute(delete(Invite).where(Invite.user_id == user.id, Invite.used_at.is_(None)))
    session.execute(delete(LoginFailure).where(LoginFailure.key == f"login:{user.login}"))
    session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=now())
    )


def _facts(user: User) -> dict[str, Any]:
    return {"login": user.login, "role": user.role, "teams": user.teams, "agent": user.agent_id}


def _subject(user: User) -> str:
    return f"user:{user.id}"
