"""Errors as people and programs see them: one page, one JSON shape.

{"error": {"code": "not_found", "message": "…", "message_zh": "…"}}
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from jinpai.errors import Conflict, JinpaiError, UnknownName, UsageError
from jinpai.web.reading import NotRun

__all__ = [
    "Forbidden",
    "NotFound",
    "SignInFirst",
    "TooMany",
    "WebError",
    "error_json",
    "error_of",
    "wants_json",
]


class WebError(Exception):
    """An answer that is not what was asked for: a status and words for people."""

    status, code = 400, "bad_request"
    zh, en = "请求有误。", "The request is wrong."

    def __init__(self, en: str = "", zh: str = "") -> None:
        self.en, self.zh = en or type(self).en, zh or type(self).zh
        super().__init__(self.en)


class NotFound(WebError):
    """There is no such thing, or none one may know of: the two look alike."""

    status, code = 404, "not_found"
    zh, en = "没有找到您要的内容。", "There is no such thing here."


class Forbidden(WebError):
    """The role may not do this."""

    status, code = 403, "forbidden"
    zh, en = "您的角色不能进行此操作。", "Your role may not do this."


class TooMany(WebError):
    """Too many tries."""

    status, code = 429, "too_many"
    zh, en = "尝试次数过多，请稍后再试。", "Too many tries; try again later."


class SignInFirst(WebError):
    """Nobody is signed in. ``login`` is where a browser goes."""

    status, code = 401, "sign_in"
    zh, en = "请先登录。", "Sign in first."

    def __init__(self, login: str) -> None:
        self.login = login
        super().__init__()


class SecondFactorFirst(WebError):
    """The role asks for a second factor, and the person has none. ``place`` is where it is made."""

    status, code = 403, "second_factor"
    zh = "请先设置两步验证。"
    en = "Set a second factor up first."

    def __init__(self, place: str) -> None:
        self.login = place
        super().__init__()


# What not everybody may know of: told in the same words as what there is but is not theirs.
_HIDDEN = ("agent", "buyer", "conversation", "finding", "order", "reception", "session", "team")
_STATUS = {
    404: NotFound,
    403: Forbidden,
    429: TooMany,
}


def wants_json(request: Request) -> bool:
    """Tell whether a program asks: by ``?format=json``, its Accept header, or a token."""
    if request.query_params.get("format") == "json":
        return True
    accept = request.headers.get("accept", "")
    if "text/html" in accept:
        return False
    return "json" in accept or "authorization" in request.headers


def error_of(error: Exception) -> WebError:
    """Return what an exception tells the one who asked; nothing of the machine's inside."""
    if isinstance(error, WebError):
        return error
    if isinstance(error, NotRun):
        made = WebError(str(error), error.text_zh)
        made.status, made.code = 409, "not_run"
        return made
    if isinstance(error, UnknownName):
        is_hidden = error.kind in _HIDDEN
        return NotFound() if is_hidden else NotFound(str(error), error.text_zh)
    if isinstance(error, UsageError):
        return WebError(str(error), error.text_zh)
    if isinstance(error, Conflict):
        made = WebError(str(error), error.text_zh)
        made.status, made.code = 409, "conflict"
        return made
    if isinstance(error, JinpaiError):
        made = WebError(
            "Jinpai could not do this; the server's log says why.",
            "操作未能完成；原因见服务器日志。",
        )
        made.status, made.code = 500, "failed"
        return made
    if isinstance(error, HTTPException):
        kind = _STATUS.get(error.status_code)
        if kind is not None:
            return kind()
        made = WebError()
        made.status = error.status_code
        made.code = "method_not_allowed" if error.status_code == 405 else "bad_request"
        return made
    made = WebError("Something went wrong here; it was logged.", "服务器内部出错，已记录。")
    made.status, made.code = 500, "internal"
    return made


def error_json(error: WebError) -> dict[str, Any]:
    """Return the one shape of errors."""
    return {"error": {"code": error.code, "message": error.en, "message_zh": error.zh}}
