"""Where a person is signed in, and ending that: one browser, all others, all.

Of a browser its kind is kept, of its address a part: enough to know one's own by, too little to
follow anybody.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jinpai.errors import UnknownName
from jinpai.store.base import now
from jinpai.store.events import log_event
from jinpai.store.logins import IDLE
from jinpai.store.people import User, WebSession

__all__ = ["browser_name", "end_sessions", "masked_address", "session_key", "sessions_of"]

_KEY = 12
# The first that fits: most browsers also call themselves by the names of others.
_BROWSERS = (
    ("WeChat", r"MicroMessenger/(\d+)"),
    ("DingTalk", r"DingTalk/(\d+)"),
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* .*Safari/"),
)
_SYSTEMS = (
    ("iOS", r"iPhone|iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X"),
    ("Linux", r"Linux|X11"),
)


def browser_name(agent: str) -> str:
    """Return a browser and its system from what it says of itself; empty for one nobody knows.

    >>> browser_name("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36")
    'Chrome 126 · Windows'
    """
    shown = agent[:400]
    found = ((name, re.search(pattern, shown)) for name, pattern in _BROWSERS)
    browser = next((f"{name} {hit[1]}" for name, hit in found if hit), "")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, shown)), "")
    return " · ".join(one for one in (browser, system) if one)


def masked_address(address: str) -> str:
    """Return the network of an address: what is left says the town, not the house.

    >>> masked_address("203.0.113.7"), masked_address("2001:db8:1:2::5"), masked_address("x")
    ('203.0.113.*', '2001:db8:1:*', '')
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    if isinstance(known, ipaddress.IPv4Address):
        return f"{str(known).rpartition('.')[0]}.*"
    groups = known.exploded.split(":")[:3]
    return ":".join(group.lstrip("0") or "0" for group in groups) + ":*"


def session_key(one: WebSession) -> str:
    """Return what names a session on pages: a part of a hash of its cookie, of no use as one."""
    return one.token_hash[:_KEY]


def sessions_of(session: Session, user: User) -> list[WebSession]:
    """Return the sessions of an account that are open, the last used first."""
    at = now()
    query = select(WebSession).where(
        WebSession.user_id == user.id, WebSession.expires_at > at, WebSession.seen_at > at - IDLE
    )
    return list(session.scalars(query.order_by(WebSession.seen_at.desc(), WebSession.created_at)))


def end_sessions(
    session: Session, user: User, *, actor: str, key: str | None = None, keep: str = ""
) -> int:
    """End sessions of an account; returns how many.

    Args:
        key: only this one (see `session_key`). keep: the hash of one that stays.
    Raises UnknownName for a key that is none of theirs.
    """
    found: Sequence[WebSession] = sessions_of(session, user)
    if key is not None:
        found = [one for one in found if session_key(one) == key]
        if not found:
            raise UnknownName("sign-in", key[:40], ())
    ended = [one.token_hash for one in found if one.token_hash != keep]
    session.execute(delete(WebSession).where(WebSession.token_hash.in_(ended)))
    if ended:
        told = {"sessions": len(ended)}
        subject = f"user:{user.id}"
        log_event(session, actor=actor, kind="user.sessions_ended", subject=subject, after=told)
    return len(ended)
