"""Session lines as columns of numbers: what conditions are evaluated on.

Messages are numbered in the order of the lines, sessions in that of their starts; a session's
messages lie side by side. Everything here is an array over one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.acts.bulk import Scanned
from jinpai.quality.acts.patterns import Role
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.session import ORDER_WINDOW

__all__ = ["ROLES", "Flags", "Numbers", "Sheet", "ranges"]

ROLES = ("buyer", "agent", "robot", "order", "transfer")
BUYER, AGENT, ROBOT = range(3)

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_SESSION = ("shop_id", "buyer_id", "start_us", "agent_key")


class Sheet:
    """Lines of whole buyers, sorted.

    Attributes:
        lines: as they came; ``rows`` are those of the messages, ``firsts`` of the sessions.
        sessions: number of sessions; ``starts`` and ``ends`` are the messages of each.
        session, role, at: by message: its session, place in `ROLES`, seconds since 1970 UTC.
        spans: by act and distinct text of its role the characters [start, end) that show it, -1
            where nobody asked yet.
    """

    def __init__(self, lines: pa.Table, scanner: Scanner) -> None:
        self.lines, self.scanner = lines.combine_chunks(), scanner
        roles = _numbers(pc.fill_null(pc.index_in(lines["role"], pa.array(ROLES)), len(ROLES)))
        opens = _changes(self.lines, _SESSION)
        is_session = _numbers(lines["start_us"]) >= 0
        self.firsts = np.flatnonzero(opens & is_session)
        self.sessions = len(self.firsts)
        of_line = np.cumsum(opens & is_session) - 1
        self._roles, self._of_line = roles, of_line
        self.rows = np.flatnonzero((roles <= ROBOT) & is_session)
        self.session, self.role = of_line[self.rows], roles[self.rows]
        self.at = _numbers(lines["at_us"])[self.rows] / 1e6
        self.counts = np.bincount(self.session, minlength=self.sessions)
        self.ends = np.cumsum(self.counts)
        self.starts = self.ends - self.counts
        self._acts, self._numbers_of = dict[str, Flags](), dict[str, Numbers]()
        self._written = dict[str, Numbers]()
        self.spans = dict[str, tuple[Numbers, Numbers]]()
        self._shown_by, self._with_act = dict[str, Numbers](), dict[str, Numbers]()

    def lines_with(self, flags: Any) -> Flags:
        """By message: its line is flagged."""
        told = pc.fill_null(flags, fill_value=False).combine_chunks()
        return cast(Flags, told.to_numpy(zero_copy_only=False)[self.rows])

    def of_sessions(self, name: str) -> pa.Array:
        """Return a column of the sessions."""
        return self.lines[name].combine_chunks().take(pa.array(self.firsts))

    @cached_property
    def _distinct(self) -> tuple[Numbers, pa.Array]:
        """By message which distinct text it has, and the texts; the last is for those without."""
        coded = self.lines["text"].combine_chunks().dictionary_encode()
        texts = coded.dictionary.cast(pa.large_string())
        codes = _numbers(pc.fill_null(coded.indices, len(texts)))[self.rows]
        return codes, pa.concat_arrays([texts, pa.array([""], pa.large_string())])

    def texts(self, messages: Numbers) -> pa.Array:
        """Return the texts of some messages."""
        codes, texts = self._distinct
        return texts.take(pa.array(codes[messages]))

    @cached_property
    def lengths(self) -> Numbers:
        """By message: how many characters its text has."""
        codes, texts = self._distinct
        return _numbers(pc.utf8_length(texts))[codes]

    @cached_property
    def said(self) -> dict[Role, tuple[Numbers, pa.Array, Numbers]]:
        """By role: its messages, its distinct texts, and which of those each message is."""
        found = dict[Role, tuple[Numbers, pa.Array, Numbers]]()
        codes, texts = self._distinct
        for place, role in ((AGENT, "agent"), (BUYER, "buyer")):
            messages = np.flatnonzero(self.role == place)
            is_said = np.zeros(len(texts), bool)
            is_said[codes[messages]] = True
            numbers = np.cumsum(is_said) - 1
            own = texts.take(pa.array(np.flatnonzero(is_said)))
            found[cast(Role, role)] = messages, own, numbers[codes[messages]]
        return found

    @cached_property
    def codes(self) -> Numbers:
        """By message: which distinct text of its role it is."""
        codes = np.zeros(len(self.rows), np.int64)
        for messages, _, own in self.said.values():
            codes[messages] = own
        return codes

    @cached_property
    def _looked(self) -> dict[Role, Scanned]:
        """By role: what is told of its distinct texts."""
        return {role: self.scanner.look(role, texts) for role, (_, texts, _) in self.said.items()}

    @cached_property
    def masks(self) -> npt.NDArray[np.uint64]:
        """By message: its acts, bits of its own role."""
        masks = np.zeros(len(self.rows), np.uint64)
        for role, (messages, _, codes) in self.said.items():
            masks[messages] = self._looked[role].masks[codes]
        return masks

    def shown_by(self, act: str) -> Numbers:
        """By distinct text of its role that has the act: the number of its first pattern there."""
        if act not in self._shown_by:
            role, bit = self._bit(act)
            numbers = np.zeros(len(self.said[role][1]), np.int64)
            for places, number in self._looked[role].shown.get(bit, ()):
                numbers[places] = number
            self._shown_by[act] = numbers
        return self._shown_by[act]

    def _bit(self, act: str) -> tuple[Role, int]:
        role, _, code = act.partition(".")
        return cast(Role, role), self.scanner.names(cast(Role, role)).index(code)

    def has(self, act: str) -> Flags:
        """By message: it has the act, such as ``agent.greeting``."""
        if act not in self._acts:
            role, bit = self._bit(act)
            is_set = (self.masks >> np.uint64(bit)) & np.uint64(1) != 0
            self._acts[act] = is_set & self.of_role(role)
        return self._acts[act]

    def with_act(self, act: str) -> Numbers:
        """Return the messages that have the act."""
        if act not in self._with_act:
            self._with_act[act] = np.flatnonzero(self.has(act))
        return self._with_act[act]

    def first_with(self, act: str) -> Numbers:
        """By session: its first message with the act; the number of messages where none has it."""
        messages = self.with_act(act)[::-1]
        first = np.full(self.sessions, len(self.rows), np.int64)
        first[self.session[messages]] = messages  # the last to be put is the first of the session
        return first

    def of_role(self, role: str) -> Flags:
        """By message: it is of a role."""
        flags: Flags = self.role == ROLES.index(role)
        return flags

    def per_session(self, flags: Flags) -> Numbers:
        """By session: how many of its messages are flagged."""
        return np.bincount(self.session[flags], minlength=self.sessions)

    def any_of(self, flags: Flags) -> Flags:
        """By session: one of its messages is flagged."""
        found = np.zeros(self.sessions, bool)
        found[self.session[flags]] = True
        return found

    def number_of(self, role: str) -> Numbers:
        """By message of the role: its number among those of its session, from 0."""
        if role not in self._numbers_of:
            flags = self.of_role(role)
            counted = self.number_written(role)
            number = np.cumsum(flags) - 1 - (np.cumsum(counted) - counted)[self.session]
            self._numbers_of[role] = cast(Numbers, number)
        return self._numbers_of[role]

    def number_written(self, role: str) -> Numbers:
        """By session: how many of its messages are of the role."""
        if role not in self._written:
            self._written[role] = self.per_session(self.of_role(role))
        return self._written[role]

    @property
    def human(self) -> Numbers:
        """By session: how many messages a human agent wrote."""
        return self.number_written("agent")

    @property
    def bought(self) -> Numbers:
        """By session: how many messages the buyer wrote."""
        return self.number_written("buyer")

    @cached_property
    def is_text(self) -> Flags:
        """By message: it is of no other kind, such as a picture."""
        kinds = self.lines["kind"]
        others = self.lines_with(pc.and_(pc.not_equal(kinds, "text"), pc.not_equal(kinds, "")))
        flags: Flags = ~others
        return flags

    @cached_property
    def wordless(self) -> Flags:
        """By session: texts were written in it, and none is known (`Session.is_wordless`)."""
        written = self.is_text & (self.role <= AGENT)
        flags: Flags = (self.per_session(written) > 0) & (
            self.per_session(written & (self.lengths > 0)) == 0
        )
        return flags

    @cached_property
    def talk(self) -> Numbers:
        """The messages of buyers and human agents."""
        return np.flatnonzero(self.role <= AGENT)

    @cached_property
    def turns(self) -> tuple[Numbers, Numbers]:
        """The messages that open a round, and by each the one that closes it, or -1."""
        talk, role = self.talk, self.role[self.talk]
        session = self.session[talk]
        follows = np.r_[False, session[1:] == session[:-1]][: len(talk)]
        after_buyer = follows & (np.r_[AGENT, role[:-1]][: len(talk)] == BUYER)
        opens = np.flatnonzero((role == BUYER) & ~after_buyer)
        closes = np.flatnonzero((role == AGENT) & after_buyer)
        # The first to close behind it is its own, where it is of the same session.
        at = np.searchsorted(closes, opens)
        own = np.r_[closes, -1][at]
        is_own = (own >= 0) & (session[own] == session[opens])
        return talk[opens], np.where(is_own, talk[own] if len(talk) else own, -1)

    def is_for(self, roles: Sequence[str]) -> Flags:
        """By session: its agent has one of some roles, or one that counts as any."""
        known = np.isin(self._agent_roles, ("presale", "aftersale"))
        flags: Flags = ~known | np.isin(self._agent_roles, roles)
        return flags

    @cached_property
    def _agent_roles(self) -> Any:
        """By session: the role of its agent, empty where it is not known."""
        roles = pc.fill_null(self.of_sessions("agent_role"), "").to_numpy(zero_copy_only=False)
        return roles.astype(str)

    @cached_property
    def showing(self) -> tuple[Numbers, Numbers]:
        """Sessions, and a line of each that shows a product."""
        shows = self.lines["product_id"].is_valid().to_numpy() & (self._roles <= ROBOT)
        lines = np.flatnonzero(shows)
        return self._of_line[lines], lines

    @cached_property
    def has_transfer(self) -> Flags:
        """By session: its agent handed the buyer over."""
        flags = np.zeros(self.sessions, bool)
        flags[self._of_line[self._roles == ROLES.index("transfer")]] = True
        return flags

    @cached_property
    def handed_over(self) -> Any:
        """By session: when its agent last handed the buyer over, in seconds; -inf for never."""
        lines = self._roles == ROLES.index("transfer")
        latest = np.full(self.sessions, -np.inf)
        np.maximum.at(latest, self._of_line[lines], _numbers(self.lines["at_us"])[lines] / 1e6)
        return latest

    @cached_property
    def buyers(self) -> Numbers:
        """By line: its buyer, counted from 0."""
        return np.cumsum(_changes(self.lines, _SESSION[:2])) - 1

    @cached_property
    def as_of(self) -> Any:
        """By session: the latest instant known, in seconds."""
        return _numbers(self.lines["as_of_us"])[self.firsts] / 1e6

    @cached_property
    def line_at(self) -> Any:
        """By line: when it was, in seconds."""
        return _numbers(self.lines["at_us"]) / 1e6

    def unpaid(self, seconds: float) -> Numbers:
        """Return the lines of orders that were neither paid nor closed within so many seconds."""
        until = self.line_at + seconds
        is_open = self._roles == ROLES.index("order")
        for name in ("paid_us", "closed_us"):
            settled = pc.divide(self.lines[name].cast(pa.float64()), 1e6)
            is_open &= pc.fill_null(settled, np.inf).to_numpy() >= until
        return np.flatnonzero(is_open)

    def sessions_of(self, orders: Numbers) -> Numbers:
        """Return the sessions that orders most likely came of, as `give_orders` tells, or -1.

        Args:
            orders: their lines.
        """
        found = np.full(len(orders), -1, np.int64)
        order, session = _pairs(self.buyers[self.firsts], self.buyers[orders])
        is_attended = self.human[session] > 0
        order, session = order[is_attended], session[is_attended]
        opened, closed = self.at[self.starts[session]], self.at[self.ends[session] - 1]
        made = self.line_at[orders][order]
        near = np.flatnonzero((opened <= made) & (made <= closed + ORDER_WINDOW))
        latest_last = near[np.lexsort((session[near], opened[near], order[near]))]
        found[order[latest_last]] = session[latest_last]
        return found

    def reminded(self, orders: Numbers, seconds: float) -> Flags:
        """Tell whose buyer was reminded to pay within so many seconds, by any agent."""
        reminders = np.flatnonzero(self.has("agent.dunning"))
        order, which = _pairs(self.buyers[self.rows[reminders]], self.buyers[orders])
        made, at = self.line_at[orders][order], self.at[reminders[which]]
        flags = np.zeros(len(orders), bool)
        flags[order[(made <= at) & (at <= made + seconds)]] = True
        return flags

    def next_with(self, flags: Flags) -> Numbers:
        """By message: the first flagged one from it on, itself included, of any session.

        One further entry, for behind the last; where there is none, the number of messages.
        """
        count = len(self.rows)
        places = np.where(np.r_[flags, True], np.arange(count + 1), count)
        return cast(Numbers, np.minimum.accumulate(places[::-1])[::-1])


def ranges(starts: Numbers, ends: Numbers) -> Numbers:
    """Return the whole numbers from each start up to its end, one range after the other."""
    counts = ends - starts
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return cast(Numbers, np.repeat(starts, counts) + offsets)


def _pairs(owners: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """Return the places of equal values: in ``wanted``, and in ``owners``, which is sorted."""
    first = np.searchsorted(owners, wanted, side="left")
    counts = np.searchsorted(owners, wanted, side="right") - first
    which = np.repeat(np.arange(len(wanted)), counts)
    return which, ranges(first, first + counts)


def _numbers(column: Any) -> Numbers:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return cast(Numbers, array.to_numpy(zero_copy_only=False).astype(np.int64))


def _changes(lines: pa.Table, names: Sequence[str]) -> Flags:
    """Return which lines differ from the one before in one of some columns."""
    changed = np.zeros(len(lines), bool)
    changed[:1] = True
    for name in names:
        column = lines[name].combine_chunks()
        other = pc.not_equal(column.slice(1), column.slice(0, max(len(column) - 1, 0)))
        changed[1:] |= other.to_numpy(zero_copy_only=False)
    return changed
