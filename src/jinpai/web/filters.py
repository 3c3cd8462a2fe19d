"""What is looked at: shop, period, judge rule. Read from the URL once, kept by every link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from jinpai.errors import UnknownName
from jinpai.metrics.query import JUDGE_RULES
from jinpai.periods import parse_range
from jinpai.reports.model import Period
from jinpai.run import ShopRun
from jinpai.web.reading import Reader

__all__ = ["NAMES", "Filters", "Preset", "read_filters"]

NAMES = ("shop", "from", "to", "rule")
_DEFAULT_DAYS = 28


@dataclass(frozen=True)
class Preset:
    """A period people ask for often; ``key`` is its word."""

    key: str
    period: Period


@dataclass(frozen=True)
class Filters:
    """One shop, a period of local days, a judge rule.

    Attributes:
        loaded: the first and the last day with data.
        given: what the URL said, for the links that keep it.
    """

    shop: ShopRun
    period: Period
    rule: str
    loaded: Period
    given: Mapping[str, str]

    @property
    def shop_id(self) -> str:
        """The shop's id."""
        return self.shop.shop_id

    @property
    def days(self) -> int:
        """Days in the period."""
        return (self.period.last - self.period.first).days + 1

    def before(self) -> Period | None:
        """Return the same number of days just before, None where not all of them are loaded."""
        last = self.period.first - timedelta(days=1)
        first = last - (self.period.last - self.period.first)
        return Period(first, last) if first >= self.loaded.first else None

    def weeks_before(self) -> Period | None:
        """Return the period moved back by whole weeks, so that weekdays meet; or None."""
        shift = timedelta(days=7 * -(-self.days // 7))
        first = self.period.first - shift
        return Period(first, self.period.last - shift) if first >= self.loaded.first else None

    def explicit(self) -> dict[str, str]:
        """Return all of it for a URL that shows the same for ever."""
        return {
            "shop": self.shop_id,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "rule": self.rule,
        }

    def presets(self) -> list[Preset]:
        """Return the usual periods that have data."""
        last = self.loaded.last
        month = last.replace(day=1)
        before = (month - timedelta(days=1)).replace(day=1)
        spans = [
            ("period_day", last, last),
            ("period_7", last - timedelta(days=6), last),
            ("period_28", last - timedelta(days=27), last),
            ("period_90", last - timedelta(days=89), last),
            ("period_month", month, last),
            ("period_last_month", before, month - timedelta(days=1)),
            ("period_all", self.loaded.first, last),
        ]
        kept = [
            Preset(key, Period(max(first, self.loaded.first), to))
            for key, first, to in spans
            if to >= self.loaded.first
        ]
        seen = {one.period: one for one in reversed(kept)}
        return [one for one in kept if seen[one.period] is one]


def read_filters(reader: Reader, query: Mapping[str, str]) -> Filters:
    """Return what the URL asks to look at; by default the last four weeks of the first shop.

    Raises UnknownName for a shop or rule there is not, UsageError for a day that is none.
    """
    given = {name: query[name] for name in NAMES if query.get(name)}
    shops = {shop.shop_id: shop for shop in reader.shops()}
    shop_id = given.get("shop") or reader.default_shop()
    if shop_id not in shops:
        raise UnknownName("shop", shop_id, shops)
    shop = shops[shop_id]
    rule = given.get("rule") or str(shop.settings["judge_rule"])
    if rule not in JUDGE_RULES:
        raise UnknownName("judge rule", rule, JUDGE_RULES)
    loaded = Period(date.fromisoformat(shop.first_day), date.fromisoformat(shop.last_day))
    first, last = parse_range(given.get("from"), given.get("to"))
    last = last or max(loaded.last, first or loaded.last)
    first = first or min(max(last - timedelta(days=_DEFAULT_DAYS - 1), loaded.first), last)
    return Filters(shop, Period(first, last), rule, loaded, given)
