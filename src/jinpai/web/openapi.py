"""The OpenAPI document of the JSON API: made of the routes, so that it cannot fall behind them.

``python -m jinpai.web.openapi docs/openapi.json`` writes it (``make docs`` does); the app serves it
at ``/openapi.json``. What a page's JSON holds is the same for all pages: `Document`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from jinpai import __version__
from jinpai.shipped import parsed
from jinpai.web.permissions import EVERYONE, permissions

__all__ = ["document", "main", "text"]

_HTTP = ("get", "post")
_ERROR_CODES = {
    "400": "bad_request: something asked for is impossible; the message says what",
    "401": "sign_in: no token, or one that has ended",
    "403": "forbidden: the role or the token's scopes may not do this",
    "404": "not_found: no such thing, or none the token's person may know of",
    "409": "not_run or conflict: no run yet, or somebody else changed it first",
    "422": "invalid: a value is missing or has another form",
    "429": "too_many: wait and try again",
}
_ABOUT = """The pages of Jinpai as JSON, at the same addresses. Ask with `Accept: application/json`
and `Authorization: Bearer TOKEN` (made under "My account"). See docs/api.md."""


@cache
def _data() -> Mapping[str, Any]:
    made: Mapping[str, Any] = parsed(files("jinpai.web").joinpath("api.yaml").read_text("utf-8"))
    return made


def document(routes: list[APIRoute]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the pages' routes."""
    told = [route for route in routes if route.name not in _data()["pages"]]
    made = get_openapi(title="Jinpai 金牌", version=__version__, description=_ABOUT, routes=told)
    for route in told:
        path = made["paths"][route.path_format]
        for method in _HTTP:
            if method.upper() in (route.methods or ()):
                _complete(path[method], route)
    made["paths"] = dict(sorted(made["paths"].items()))
    parts = made.setdefault("components", {})
    kept = {name: one for name, one in parts.get("schemas", {}).items() if "alidation" not in name}
    parts["schemas"] = dict(sorted({**kept, **_schemas()}.items()))
    parts |= {"parameters": _shared(), "responses": _errors()}
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"token": []}]
    return made


def text(routes: list[APIRoute]) -> str:
    """Return the document as it is kept in docs/openapi.json."""
    return json.dumps(document(routes), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    operation["operationId"] = route.name
    operation["summary"] = (inspect.getdoc(route.endpoint) or route.name).splitlines()[0]
    operation.pop("description", None)
    roles = permissions().get(route.name, frozenset())
    operation["x-roles"] = sorted(roles - {EVERYONE})
    is_read = "GET" in (route.methods or ())
    if is_read:
        paths = [one for one in operation.get("parameters", ()) if one["in"] == "path"]
        operation["parameters"] = [*paths, *_parameters(route)]
    operation["responses"] = _answers(is_read)


def _parameters(route: APIRoute) -> list[dict[str, Any]]:
    data = _data()
    shared = [{"$ref": f"#/components/parameters/{name}"} for name in _shared()]
    own: Mapping[str, Any] = data["routes"].get(route.name, {})
    return [*shared, *(_parameter(name, dict(facts)) for name, facts in own.items())]


def _shared() -> dict[str, Any]:
    """Return the parameters that all pages take."""
    named = {**_data()["common"], **_data()["figures"]}
    return {name: _parameter(name, dict(facts)) for name, facts in named.items()}


def _parameter(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    required, told = facts.pop("required", False), facts.pop("description")
    schema = {"type": "string", **facts}
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": told,
        "schema": schema,
    }


def _answers(is_read: bool) -> dict[str, Any]:
    page = {"application/json": {"schema": {"$ref": "#/components/schemas/Document"}}}
    etag = {"ETag": {"schema": {"type": "string"}, "description": "of pages that show figures"}}
    made: dict[str, Any] = {"200": {"description": "the page", "content": page, "headers": etag}}
    if is_read:
        made["304"] = {"description": "as If-None-Match has it"}
    else:
        made["303"] = {"description": "done; the page that shows it"}
    return made | {code: {"$ref": f"#/components/responses/{code}"} for code in _ERROR_CODES}


def _errors() -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {code: {"description": told, "content": error} for code, told in _ERROR_CODES.items()}


def _schemas() -> dict[str, Any]:
    """The shapes all pages share."""
    words, number = {"type": "string"}, {"type": "integer"}
    cell = {"description": "text, number, list or null; money is text with two decimals"}
    row = {
        "type": "object",
        "additionalProperties": cell,
        "properties": {"provisional": {"type": "array", "items": words}},
    }
    column = _object({"key": words, "head": words, "unit": words})
    following = {"type": ["string", "null"], "description": "pass it as `cursor`"}
    table = _object(
        {
            "columns": {"type": "array", "items": column},
            "rows": {"type": "array", "items": row},
            "total": {"type": ["integer", "null"], "description": "null where nobody counted"},
            "next": following,
        }
    )
    about = {
        "page": words,
        "title": words,
        "tables": {"type": "object", "additionalProperties": table},
    }
    figures = {
        "shop_id": words,
        "first": {"type": "string", "format": "date"},
        "last": {"type": "string", "format": "date"},
        "judge_rule": words,
        "settings_id": words,
        "as_of_us": number,
        "is_stale": {"type": "boolean"},
    }
    page = _object(about)
    page["properties"] |= figures
    told = _object({"code": words, "message": words, "message_zh": words})
    return {"Document": page, "Table": table, "Error": _object({"error": told})}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def main(arguments: list[str]) -> None:
    """Write the document to a file."""
    from jinpai.web.app import every_route

    Path(arguments[0]).write_text(text(every_route()), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
