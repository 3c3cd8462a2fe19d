"""The people of a workspace: accounts, what they may do, their sessions, links and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from jinpai.store.base import Base, Key

__all__ = ["ROLES", "ApiToken", "Invite", "LoginFailure", "Role", "User", "WebSession"]

Role = Literal["owner", "supervisor", "inspector", "agent", "readonly"]
ROLES: tuple[Role, ...] = ("owner", "supervisor", "inspector", "agent", "readonly")


class User(Base):
    """One account.

    Attributes:
        login: what one signs in with; lower case, unique.
        name: how others see the person.
        teams: of a supervisor, the teams they see; empty is none.
        agent_id: of an agent, the chat account whose figures they see.
        password_hash: null until the person chose a password.
        totp_secret: null unless a second factor is asked for.
        totp_step: the time step of the last code used, so that none works twice.
        oidc_subject: the person's name at the identity provider, ``ISSUER SUBJECT``.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(
            "role in ('owner', 'supervisor', 'inspector', 'agent', 'readonly')", name="role"
        ),
    )

    id: Mapped[Key]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    teams: Mapped[list[str]] = mapped_column(JSON, default=list)
    agent_id: Mapped[str | None]
    shop_id: Mapped[str | None]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None]
    totp_step: Mapped[int | None]
    oidc_subject: Mapped[str | None] = mapped_column(unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class WebSession(Base):
    """A signed-in browser. Only a hash of its cookie is kept.

    Attributes:
        csrf: what every change asked for by this browser has to carry.
        seen_at: when it was last used, to the minute.
        expires_at: when it ends, however much it is used.
        grants: subject -> ISO time until which this browser may see it unmasked.
        browser, address: kind of browser, part of its address (see `store.signed`).
        way: ``password``, ``oidc`` or ``link`` (the one-time link); null of an old one.
    """

    __tablename__ = "web_sessions"
    __table_args__ = (Index(None, "user_id"),)

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="cascade"))
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    grants: Mapped[dict[str, Any]] = mapped_column(default=dict)
    browser: Mapped[str | None]
    address: Mapped[str | None]
    way: Mapped[str | None]


class LoginFailure(Base):
    """Failed sign-ins in a row, by account (``login:NAME``) or by address (``from:IP``)."""

    __tablename__ = "login_failures"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime]


class Invite(Base):
    """A one-time link to choose a password. Only a hash of it is kept.

    Attributes:
        user_id: whose password; null makes the first owner.
    """

    __tablename__ = "invites"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="cascade"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiToken(Base):
    """A key for programs. It may do what its person may, within its scopes.

    Attributes:
        scopes: of ``read``, ``write``, ``export``, ``unmask``.
        expires_at: null never.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="cascade"))
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
