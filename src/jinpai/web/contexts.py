"""One request as a page sees it: who asks, in which language, what is looked at, which links.

@router.get("/team", name="team")
def team(page: FigurePage) -> Response:
    ...
    return page.show(View("team.html.j2", page.w("team"), tables=[table]))
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from jinpai import __version__
from jinpai.store import Store
from jinpai.store.logins import SignedIn
from jinpai.web.errors import Forbidden
from jinpai.web.filters import NAMES, Filters, read_filters
from jinpai.web.permissions import may_use
from jinpai.web.reading import Reader
from jinpai.web.respond import Answered, View, answer
from jinpai.web.security import signed_in
from jinpai.web.sight import Sight
from jinpai.web.words import LANGUAGES, Language, Words

__all__ = ["FigurePage", "Page", "PageOf", "View", "figure_page", "local_path", "page_of"]

LANGUAGE_COOKIE, THEME_COOKIE = "jinpai_lang", "jinpai_theme"
THEMES = ("auto", "light", "dark")


class Page:
    """A request and everything a page needs to answer it.

    Attributes:
        etag: of the answer, where the page has one.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.reader: Reader = request.app.state.reader
        self.store: Store = request.app.state.store
        self.query: Mapping[str, str] = request.query_params
        self.signed: SignedIn | None = signed_in(request)
        self.language = _language(request)
        self.theme = request.cookies.get(THEME_COOKIE, "auto")
        if self.theme not in THEMES:
            self.theme = "auto"
        self.etag = ""

    @property
    def user(self) -> Any:
        """The one who asks (`store.people.User`); only where somebody is signed in."""
        if self.signed is None:
            raise Forbidden
        return self.signed.user

    @cached_property
    def filters(self) -> Filters:
        """What is looked at; raises NotRun before the first run."""
        return read_filters(self.reader, self.query)

    @cached_property
    def w(self) -> Words:
        """The words, with the sign of the shop's money."""
        try:
            sign = self.reader.money_sign(self.filters.shop_id)
        except Exception:  # an error page has words too, whatever the URL said
            sign = "¥"
        return Words(self.language, sign)

    @cached_property
    def sight(self) -> Sight:
        """What may be seen of the shop's people."""
        return Sight(self.user, self.reader.roster(self.filters.shop_id))

    @property
    def root(self) -> str:
        """The path the app lies under, behind a reverse proxy."""
        return str(self.request.scope.get("root_path", ""))

    def may(self, route: str) -> bool:
        """Tell whether the one who asks may use a route."""
        return self.signed is not None and may_use(route, self.signed.user.role)

    def url(self, route: str, /, **values: Any) -> str:
        """Return the address of a page with the filters kept.

        Values that are parts of the route's path go there, others into the query; None leaves a
        filter or value out, an empty text stays: it names nobody's cell.
        """
        paths: Mapping[str, str] = self.request.app.state.paths
        path = paths[route]
        query: dict[str, Any] = {}
        for name, value in values.items():
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", _quoted(str(value)))
            else:
                query[name.rstrip("_")] = value
        pairs = [(name, value) for name, value in self._kept if name not in query]
        pairs += [(k, _quoted(str(v))) for k, v in query.items() if v is not None]
        kept = "&".join(f"{name}={value}" for name, value in pairs)
        return self.root + path + (f"?{kept}" if kept else "")

    @cached_property
    def _kept(self) -> list[tuple[str, str]]:
        """The filters of the URL, as links keep them."""
        found = ((name, self.query.get(name)) for name in NAMES)
        return [(name, _quoted(value)) for name, value in found if value]

    def here(self, changes: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """Return this page's address with some of the query changed; None leaves one out."""
        query = dict(self.query) | dict(changes or {}) | {k.rstrip("_"): v for k, v in more.items()}
        kept = {name: value for name, value in query.items() if value is not None}
        path = self.root + quote(self.request.url.path)
        return path + (f"?{urlencode(kept)}" if kept else "")

    def static(self, name: str) -> str:
        """Return the address of a file of the app, which changes when the file does."""
        return f"{self.root}/static/{name}?v={self.request.app.state.static_version}"

    def show(self, view: View) -> Response:
        """Answer with a page, its JSON, or one of its tables, as was asked for."""
        return answer(self, view)


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """Return a text as a part of an address."""
    return quote(text, safe="")


def _language(request: Request) -> Language:
    asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    for language in LANGUAGES:
        if asked == language:
            return language
    preferred = request.headers.get("accept-language", "").strip().lower()
    return "en" if preferred.startswith("en") else "zh"


def local_path(path: str | None, default: str = "/") -> str:
    """Return a place of this app to go on to; the default for anything that leads elsewhere."""
    plain = path is not None and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if plain and path is not None and path.isprintable() else default


def page_of(request: Request) -> Page:
    """Return the request as a page sees it."""
    return Page(request)


def figure_page(request: Request) -> Page:
    """Return the same for a page that shows figures only: where nothing changed, nothing is sent.

    The ETag stands for the run, staleness, the plans, the person, language and the whole address.
    """
    page = Page(request)
    filters, signed = page.filters, page.signed
    parts = (
        __version__,
        page.reader.run_key,
        page.reader.is_stale(filters.shop_id),
        page.reader.plans_state(),
        signed and (signed.user.id, signed.user.role, signed.user.teams, signed.session),
        signed and sorted(signed.grants.items()),
        page.language,
        page.theme,
        request.headers.get("accept"),
        request.headers.get("hx-request"),
        str(request.url),
    )
    page.etag = f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'
    if page.etag in request.headers.get("if-none-match", ""):
        raise Answered(Response(status_code=304, headers={"etag": page.etag}))
    made = page.reader.memory.found(page.etag)
    if made is not None:
        raise Answered(made)
    return page


PageOf = Annotated[Page, Depends(page_of)]
FigurePage = Annotated[Page, Depends(figure_page)]
