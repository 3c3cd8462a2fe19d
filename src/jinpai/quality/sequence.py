"""Sequence rules: regular expressions over the messages of a session, one symbol per message.

    ask_want .* ask_why .* recommend_also     acts in this order, anything between
    buyer.greeting    agent.greeting          an act of one side where both have it
    B  A  .                                   a message of the buyer, of the agent, of anyone
    !act                                      a message (of anyone) without the act
    x y   x|y   (x)   x*  x+  x?  x{2,5}      as in regular expressions
    ^ at the start, $ at the end              of the session; without them anywhere in it

Compiled to an automaton of at most 400 states and run in time (messages times states): no pattern
can stall a run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from jinpai.errors import UsageError
from jinpai.quality.session import Message

__all__ = ["Pattern", "State", "Test", "compile_sequence"]

_STATES = 400
_REPEATS = 50
_DEPTH = 50


@dataclass(frozen=True)
class Test:
    """What one symbol asks of a message: a role, or one of some acts, or nothing; or not that."""

    role: str = ""
    acts: frozenset[str] = frozenset()
    is_negated: bool = False

    def __call__(self, message: Message) -> bool:
        """Tell whether a message is such."""
        if self.role:
            return (message.role == self.role) != self.is_negated
        return (not self.acts or not self.acts.isdisjoint(message.acts)) != self.is_negated


@dataclass(frozen=True)
class State:
    """A step (a test and where it leads) or, without a test, free moves."""

    test: Test | None
    to: tuple[int, ...]


@dataclass(frozen=True)
class Pattern:
    """A compiled sequence.

    Attributes:
        text: as it was written.
        acts: the names of the acts it asks for.
    """

    text: str
    acts: tuple[str, ...]
    states: tuple[State, ...]
    start: int
    at_start: bool
    at_end: bool

    def find(self, messages: Sequence[Message]) -> tuple[int, int] | None:
        """Return the first match as places [first, behind last), the shortest there; or None."""
        active = dict[int, int]()  # state -> where its earliest match began
        found: tuple[int, int] | None = None
        for place in range(len(messages) + 1):
            if place == 0 or not self.at_start:
                self._enter(active, self.start, place)
            if self._ends(active) and (place == len(messages) or not self.at_end):
                first = active[len(self.states) - 1]
                if found is None or first < found[0]:
                    found = (first, place)
                if all(begun >= first for begun in active.values()):
                    return found
            if place < len(messages):
                active = self._step(active, messages[place])
        return found

    def _ends(self, active: dict[int, int]) -> bool:
        return len(self.states) - 1 in active

    def _step(self, active: dict[int, int], message: Message) -> dict[int, int]:
        stepped = dict[int, int]()
        for state, begun in sorted(active.items(), key=lambda item: item[1]):
            test = self.states[state].test
            if test is not None and test(message):
                for after in self.states[state].to:
                    self._enter(stepped, after, begun)
        return stepped

    def _enter(self, active: dict[int, int], state: int, begun: int) -> None:
        """Take the free moves from a state."""
        todo = [state]
        while todo:
            here = todo.pop()
            if active.get(here, begun + 1) <= begun:
                continue
            active[here] = begun
            if self.states[here].test is None:
                todo.extend(self.states[here].to)


@dataclass
class _Piece:
    """Part of the automaton being built: where it is entered, and its open end."""

    first: int
    last: int


class _Builder:
    """Reads the text of a sequence and builds its automaton."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self.text, self.known = text, known
        self.place, self.depth = 0, 0
        self.tests = list[Test | None]()
        self.moves = list[list[int]]()
        self.acts = list[str]()

    def fail(self, problem: str, zh: str, place: int | None = None) -> UsageError:
        at = self.place if place is None else place
        return UsageError(
            f"Sequence '{self.text}', position {at + 1}: {problem}.",
            zh=f"序列“{self.text}”第 {at + 1} 个字符：{zh}。",
        )

    def state(self, test: Test | None = None) -> int:
        if len(self.tests) >= _STATES:
            raise self.fail(f"it needs more than {_STATES} states", f"所需状态超过 {_STATES} 个")
        self.tests.append(test)
        self.moves.append([])
        return len(self.tests) - 1

    def peek(self) -> str:
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.text[self.place] if self.place < len(self.text) else ""

    def take(self) -> str:
        char = self.peek()
        self.place += 1
        return char

    def either(self) -> _Piece:
        pieces = [self.chain()]
        while self.peek() == "|":
            self.take()
            pieces.append(self.chain())
        if len(pieces) == 1:
            return pieces[0]
        first, last = self.state(), self.state()
        for piece in pieces:
            self.moves[first].append(piece.first)
            self.moves[piece.last].append(last)
        return _Piece(first, last)

    def chain(self) -> _Piece:
        first = self.state()
        last = first
        while self.peek() not in ("", "|", ")", "$"):
            piece = self.repeated()
            self.moves[last].append(piece.first)
            last = piece.last
        return _Piece(first, last)

    def repeated(self) -> _Piece:
        begun = self.place
        piece = self.single()
        least, most = self.times()
        if (least, most) == (1, 1):
            return piece
        return self.copies(piece, begun, least, most)

    def copies(self, piece: _Piece, begun: int, least: int, most: int | None) -> _Piece:
        """Return a piece repeated: its text is read again for every further copy."""
        after = self.place
        first = last = self.state()
        count = least if most is None else most
        for number in range(max(count, 1)):
            if number:
                self.place = begun
                piece = self.single()
            skip = last
            end = self.state()
            self.moves[last].append(piece.first)
            self.moves[piece.last].append(end)
            if number >= least:
                self.moves[skip].append(end)
            last = end
        if most is None:
            self.moves[piece.last].append(piece.first)
        self.place = after
        return _Piece(first, last)

    def times(self) -> tuple[int, int | None]:
        """Return how often the thing before is wanted; None is without end."""
        char = self.peek()
        plain = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if char in plain and char:
            self.take()
            return plain[char]
        if char != "{":
            return 1, 1
        begun, end = self.place, self.text.find("}", self.place)
        least, comma, most = self.text[self.place + 1 : end].partition(",")
        if (
            end < 0
            or not least.strip().isdecimal()
            or (most.strip() and not most.strip().isdecimal())
        ):
            raise self.fail("write {2}, {2,} or {2,5}", "请写成 {2}、{2,} 或 {2,5}", begun)
        low = int(least)
        high = low if not comma else int(most) if most.strip() else None
        if max(low, high or 0) > _REPEATS or (high is not None and (high < low or high == 0)):
            raise self.fail(f"repeats are 0 to {_REPEATS}", f"重复次数应为 0 到 {_REPEATS}", begun)
        self.place = end + 1
        return low, high

    def single(self) -> _Piece:
        char = self.peek()
        if char == "(":
            return self.group()
        test = self.test()
        first, last = self.state(test), self.state()
        self.moves[first].append(last)
        return _Piece(first, last)

    def group(self) -> _Piece:
        begun = self.place
        self.depth += 1
        if self.depth > _DEPTH:
            raise self.fail("too many brackets in brackets", "括号层数太多")
        self.take()
        piece = self.either()
        if self.take() != ")":
            raise self.fail("the bracket is never closed", "括号没有闭合", begun)
        self.depth -= 1
        return piece

    def test(self) -> Test:
        char, begun = self.peek(), self.place
        if char == "!":
            self.take()
            wanted = self.test()
            return replace(wanted, is_negated=not wanted.is_negated)
        if char == ".":
            self.take()
            return Test()
        end = begun
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] in "_."):
            end += 1
        name = self.text[begun:end]
        if name.endswith("."):  # "act.*" without a space: the dot is a symbol of its own
            name = name.rstrip(".")
        self.place = begun + len(name)
        return self.named(name, begun)

    def named(self, name: str, begun: int) -> Test:
        roles = {"A": "agent", "B": "buyer", "R": "robot"}
        if name in roles:
            return Test(roles[name])
        full = [known for known in self.known if name in (known, known.partition(".")[2])]
        if not full or not name:
            what = name or self.text[begun : begun + 1] or "the end"
            raise self.fail(
                f"there is no act '{what}'" if name else f"'{what}' cannot stand here",
                f"没有动作“{what}”" if name else f"此处不能是“{what}”",
                begun,
            )
        self.acts += full
        return Test(acts=frozenset(full))


def compile_sequence(text: str, known: Collection[str]) -> Pattern:
    """Return a sequence compiled; ``known`` are names of acts such as ``agent.greeting``.

    Raises UsageError with the position of what is wrong.
    """
    builder = _Builder(text, known)
    if not builder.peek():
        raise builder.fail("there is nothing", "内容为空")
    at_start = builder.peek() == "^"
    if at_start:
        builder.take()
    whole = builder.either()
    at_end = builder.peek() == "$"
    if at_end:
        builder.take()
    if builder.peek():
        raise builder.fail(f"'{builder.peek()}' cannot stand here", f"此处不能是“{builder.peek()}”")
    end = builder.state()
    builder.moves[whole.last].append(end)
    states = tuple(
        State(test, tuple(to)) for test, to in zip(builder.tests, builder.moves, strict=True)
    )
    acts = tuple(dict.fromkeys(builder.acts))
    return Pattern(text, acts, states, whole.first, at_start, at_end)
