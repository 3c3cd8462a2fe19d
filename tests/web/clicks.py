"""What a page offers to click: links, forms as they would be sent, buttons, places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from starlette.testclient import TestClient

from jinpai.web.app import every_route

__all__ = ["PASSED_OVER", "Form", "Offered", "offered", "walk"]

FILTERS = {"shop", "from", "to", "rule", "lang"}
ROUTES = [(one.name, one.path_regex, one.methods or set()) for one in every_route()]
# A stream that ends with its job, a language that stays, and a way out.
PASSED_OVER = {"job_events", "preferences", "logout"}
_SAMPLES = {
    "number": "1", "date": "2026-03-05", "time": "02:30", "password": "another long password",
}  # fmt: skip
_DOES = ("data-copy", "data-print", "hx-get", "hx-post", "formaction")


@dataclass
class Form:
    """A form and what it sends if nobody changes it; empty fields that are required are filled."""

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    has_file: bool = False


@dataclass
class Offered:
    """What a page offers.

    Attributes:
        links: addresses; also of ``hx-get`` and of what charts and tables open.
        posts: addresses of ``hx-post``, with the fields of the form around them.
        dead: buttons that do nothing.
    """

    links: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    posts: list[Form] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    dead: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Offered()
        self.form: Form | None = None
        self.select: str | None = None
        self.options: list[tuple[str, bool]] = []
        self.area: tuple[str, list[str]] | None = None
        self.late: list[tuple[str, Form | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = {name: value or "" for name, value in attrs}
        if "id" in had:
            self.found.places.add(had["id"])
        if "hx-get" in had:
            self.found.links.append(had["hx-get"])
        if tag == "a" and "href" in had:
            self.found.links.append(had["href"])
        if tag == "form":
            self.form = Form(had.get("method", "get").lower(), had.get("action", ""))
            self.found.forms.append(self.form)
        if "hx-post" in had:
            self.late.append((had["hx-post"], self.form))
        read = getattr(self, f"_{tag}", None)
        if read:
            read(had)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        if tag == "select" and self.select is not None:
            chosen = [value for value, is_chosen in self.options if is_chosen]
            self._send(self.select, (chosen or [value for value, _ in self.options] or [""])[0])
            self.select = None
        if tag == "textarea" and self.area is not None:
            self._send(self.area[0], "".join(self.area[1]) or "a word")
            self.area = None

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area[1].append(data)

    def _send(self, name: str, value: str) -> None:
        if self.form is not None and name:
            self.form.fields.append((name, value))

    def _input(self, had: dict[str, str]) -> None:
        kind, value = had.get("type", "text"), had.get("value", "")
        if kind == "file" and self.form is not None:
            self.form.has_file = True
        elif kind not in ("checkbox", "radio"):
            filled = value or (_SAMPLES.get(kind, "one") if "required" in had else "")
            self._send(had.get("name", ""), filled)
        elif "checked" in had or "required" in had:
            self._send(had.get("name", ""), value or "on")

    def _select(self, had: dict[str, str]) -> None:
        self.select, self.options = had.get("name", ""), []

    def _option(self, had: dict[str, str]) -> None:
        if self.select is not None:
            self.options.append((had.get("value", ""), "selected" in had))

    def _textarea(self, had: dict[str, str]) -> None:
        self.area = (had.get("name", ""), [])

    def _button(self, had: dict[str, str]) -> None:
        if "formaction" in had and self.form is not None:  # sends its form elsewhere
            self.found.forms.append(Form("post", had["formaction"], self.form.fields))
            return
        is_plain = had.get("type") == "button" or self.form is None
        if is_plain and not any(name in had for name in _DOES):
            self.found.dead.append(str(had))
        elif self.form is not None and had.get("name") not in (None, *dict(self.form.fields)):
            self._send(had["name"], had.get("value", ""))


def offered(html: str) -> Offered:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    for action, form in reader.late:
        reader.found.posts.append(Form("post", action, form.fields if form else []))
    # A form without an address has buttons that know one.
    reader.found.forms = [one for one in reader.found.forms if one.action]
    return reader.found


def route_of(path: str, method: str) -> str:
    """Return the name of the route of a path; static files have none."""
    found = (name for name, regex, methods in ROUTES if method in methods and regex.match(path))
    return next(found, "")


def kind_of(address: str) -> tuple[object, ...]:
    """Links of one kind lead to one route with the same names in their query."""
    parts = urlsplit(address)
    names = {(name, value if name == "format" else "") for name, value in parse_qsl(parts.query)}
    return route_of(parts.path, "GET"), frozenset(one for one in names if one[0] not in FILTERS)


def walk(
    browser: TestClient,
    start: str,
    wrong: dict[str, str],
    pages: dict[str, str] | None = None,
    *,
    is_brief: bool = False,
) -> dict[str, tuple[str, Form]]:
    """Follow one link of each kind from a page on; returns a form of each route, with its page.

    Args:
        wrong: takes what does not answer, and why. pages: takes one address of each route's pages.
        is_brief: follow one link of each route, whatever its query.
    """
    todo, known, forms = [start], set[object](), dict[str, tuple[str, Form]]()
    while todo:
        address = todo.pop(0)
        answer = browser.get(address)
        if answer.status_code >= 400:
            wrong[address] = str(answer.status_code)
        if "html" not in answer.headers.get("content-type", ""):
            location = answer.headers.get("location")
            if location:
                todo.append(location)
            continue
        if pages is not None:
            pages.setdefault(route_of(urlsplit(address).path, "GET"), address)
        found = offered(answer.text)
        wrong.update({f"{address} {one}": "a button that does nothing" for one in found.dead})
        todo += list(_new(found, address, known, wrong, is_brief))
        for form in (*found.forms, *found.posts):
            if form.method == "post":
                forms.setdefault(route_of(urlsplit(form.action).path, "POST"), (address, form))
    return forms


def _new(
    found: Offered, page: str, known: set[object], wrong: dict[str, str], is_brief: bool
) -> Iterator[str]:
    """Yield links of kinds that nobody followed; places of the page itself have to be there."""
    asked = [f"{one.action}?{urlencode(one.fields)}" for one in found.forms if one.method == "get"]
    for href in (*found.links, *asked):
        if href.startswith("#"):
            if href[1:] and href[1:] not in found.places:
                wrong[f"{page} {href}"] = "a place that is not there"
            continue
        address = urljoin(page, href.partition("#")[0])
        kind = kind_of(address)
        one = kind[0] if is_brief else kind
        if kind[0] in PASSED_OVER or one in known or (is_brief and "format=" in address):
            continue
        known.add(one)
        yield address
