"""Checks on many sessions at once: `checks` says what they mean.

Those of `RARE` only tell which sessions they could hold in; `checks` itself decides there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.checks import CURT, FILLERS, NEEDS, STEPS, is_bare, is_recall, is_short
from jinpai.quality.columns.conditions import Figure, Found
from jinpai.quality.columns.sheet import Flags, Numbers, Sheet

__all__ = ["COLUMNAR", "RARE"]

Settings = Mapping[str, float]
_SHORT = 12  # characters of the longest thing that stands for an emoji


def first_response(sheet: Sheet, settings: Settings) -> Found:
    """The first answer came late, or never."""
    opens, closes = sheet.turns
    first = np.flatnonzero(np.r_[True, np.diff(sheet.session[opens]) != 0][: len(opens)])
    asked, answer = opens[first], closes[first]
    wait = np.where(answer < 0, np.inf, sheet.at[answer] - sheet.at[asked])
    late = wait > settings["seconds"]
    shown = np.r_[asked[late], answer[late & (answer >= 0)]]
    held, waits = _by_session(sheet, sheet.session[asked[late]], wait[late])
    return Found(held, np.sort(shown), figures={"wait": Figure(held, waits)})


def slow_round(sheet: Sheet, settings: Settings) -> Found:
    """A later answer came late."""
    opens, closes = sheet.turns
    session = sheet.session[opens]
    later = np.r_[False, np.diff(session) == 0][: len(opens)] & (closes >= 0)
    asked, answer = opens[later], closes[later]
    wait = sheet.at[answer] - sheet.at[asked]
    late = wait > settings["seconds"]
    shown = np.sort(np.r_[asked[late], answer[late]])
    longest = np.zeros(sheet.sessions)
    np.maximum.at(longest, sheet.session[asked[late]], wait[late])
    counts = np.bincount(sheet.session[asked[late]], minlength=sheet.sessions)
    held = counts > 0
    figures = {"wait": Figure(held, longest), "count": Figure(held, counts)}
    return Found(held, shown, figures=figures)


def nagging(sheet: Sheet, settings: Settings) -> Found:
    """Many messages of the agent for each of the buyer."""
    said, asked = sheet.human, sheet.bought
    held = (asked > 0) & (said > settings["ratio"] * asked)
    messages = np.flatnonzero(sheet.of_role("agent") & held[sheet.session])
    return Found(
        held, messages, figures={"agent": Figure(held, said), "buyer": Figure(held, asked)}
    )


def unanswered_end(sheet: Sheet, settings: Settings) -> Found:
    """The last words were never answered, and were no courtesy; handed over is not this."""
    opens, closes = sheet.turns
    left = opens[closes < 0]  # only a session's last round can be open
    left = left[sheet.handed_over[sheet.session[left]] < sheet.at[left]]
    since = np.full(sheet.sessions, len(sheet.rows), np.int64)
    since[sheet.session[left]] = left
    is_left = sheet.of_role("buyer") & (np.arange(len(sheet.rows)) >= since[sheet.session])
    courtesy = sheet.has("buyer.courtesy_close")
    for act in NEEDS:
        courtesy = courtesy & ~sheet.has(act)
    held = sheet.any_of(is_left & ~courtesy) & (sheet.human > 0)
    counts = sheet.per_session(is_left)
    shown = np.flatnonzero(is_left & held[sheet.session])
    return Found(held, shown, figures={"count": Figure(held, counts)})


def silent_watch(sheet: Sheet, settings: Settings) -> Found:
    """An order was unpaid for long and nobody reminded the buyer."""
    seconds = settings["seconds"]
    lines = sheet.unpaid(seconds)
    sessions = sheet.sessions_of(lines)
    lines, sessions = lines[sessions >= 0], sessions[sessions >= 0]
    made = sheet.line_at[lines]
    silent = (sheet.as_of[sessions] >= made + seconds) & ~sheet.reminded(lines, seconds)
    names = sheet.lines["line_id"].combine_chunks().take(pa.array(lines[silent])).to_pylist()
    found = dict[int, str]()
    for session, name in zip(sessions[silent].tolist(), names, strict=True):
        found.setdefault(session, name)
    held = np.zeros(sheet.sessions, bool)
    held[list(found)] = True
    minutes = np.full(sheet.sessions, seconds / 60)
    return Found(held, figures={"minutes": Figure(held, minutes)}, orders=found)


def selling_chain(sheet: Sheet, settings: Settings) -> Found:
    """Want, why and also did not all come, in this order."""
    begun = sheet.any_of(sheet.has(STEPS[0][0]) | sheet.has(STEPS[2][0]))
    place, missing = sheet.starts, np.zeros(sheet.sessions, np.int64)
    shown = list[tuple[Numbers, Flags]]()
    for step, (act, *_) in enumerate(STEPS):
        at = sheet.next_with(sheet.has(act))[place]
        is_there = at < sheet.ends
        missing |= np.where(is_there, 0, 1 << step)
        place = np.where(is_there, at, place)
        shown.append((at, is_there))
    held = begun & (missing > 0)
    messages = np.unique(np.concatenate([at[is_there & held] for at, is_there in shown]))
    figures = {
        f"missing_{language}": Figure(held, missing, _names(which, separator))
        for which, language, separator in ((1, "zh", "、"), (2, "en", ", "))
    }
    return Found(held, messages, [(act, held) for act, *_ in STEPS], figures)


def _names(which: int, separator: str) -> list[str]:
    """Return the names of the steps of each set of missing ones."""
    sets = [[step for at, step in enumerate(STEPS) if bits >> at & 1] for bits in range(8)]
    return [separator.join(str(step[which]) for step in steps) for steps in sets]


def single_emoji(sheet: Sheet, settings: Settings) -> Found:
    """An answer was an emoji and nothing else."""

    def bare(texts: pa.Array) -> Flags:
        trimmed = pc.utf8_length(pc.utf8_trim_whitespace(texts))
        return _tested(texts, pc.less_equal(trimmed, _SHORT), is_bare)

    emoji = sheet.lines_with(pc.equal(sheet.lines["kind"], "emoji"))
    answers = _answers(sheet)
    return _listed(sheet, answers & emoji | _agent_texts(sheet, answers & ~emoji, bare))


def one_word(sheet: Sheet, settings: Settings) -> Found:
    """An answer to a question was very short."""
    most = settings["characters"]

    def short(texts: pa.Array) -> Flags:
        if most > 20:
            near = pc.is_valid(texts)
        else:
            word = f"[{FILLERS}\\s\\pZ\\pC]*"
            shape = f"^{word}(?:.{word}){{0,{max(int(most), 0)}}}$"
            near = pc.match_substring_regex(texts, f"(?s){shape}")
        return _tested(texts, near, lambda text: is_short(text, most))

    names = [act.name for act in sheet.scanner.acts if act.role == "agent"]
    allowed = sum(1 << bit for bit, name in enumerate(names) if name in CURT)
    curt = (sheet.masks & np.uint64(~allowed & (1 << 64) - 1)) == 0
    return _listed(sheet, _agent_texts(sheet, _answers(sheet) & sheet.is_text & curt, short))


def recalled(sheet: Sheet, settings: Settings) -> Found:
    """The agent took a message back."""

    def gone(texts: pa.Array) -> Flags:
        # Looked for at the beginning alone, most texts are done with at their first letter.
        near = pc.match_substring_regex(texts, r"(?i)^[\s\pZ\pC]*(?:(?:你|您|客服)?撤|m)")
        return _tested(texts, near, is_recall)

    return _listed(sheet, _agent_texts(sheet, sheet.of_role("agent"), gone))


def left_unanswered(sheet: Sheet, settings: Settings) -> Flags:
    """Sessions with a transfer."""
    opens, closes = sheet.turns
    is_open = np.zeros(sheet.sessions, bool)
    is_open[sheet.session[opens[closes < 0]]] = True
    return is_open & sheet.has_transfer


def unlike_product(sheet: Sheet, settings: Settings) -> Flags:
    """Sessions in which both sides showed a product."""
    shows = sheet.lines_with(pc.is_valid(sheet.lines["product_id"]))
    bought, human = (sheet.any_of(shows & sheet.of_role(role)) for role in ("buyer", "agent"))
    return bought & human


def repeated_phrase(sheet: Sheet, settings: Settings) -> Flags:
    """Sessions with a text of the agent so many times."""
    messages, texts, codes = sheet.said["agent"]
    same = _same_trimmed(texts)[codes]
    times = max(int(np.ceil(settings["times"])), 1)
    often = np.flatnonzero(np.bincount(same)[same] >= times)
    width = np.int64(2 * len(texts) + 1)
    pairs = np.sort(sheet.session[messages[often]] * width + same[often])
    again = pairs[times - 1 :] == pairs[: max(len(pairs) - times + 1, 0)]
    found = np.zeros(sheet.sessions, bool)
    found[pairs[times - 1 :][again] // width] = True
    return found


def _same_trimmed(texts: pa.Array) -> Numbers:
    """Return a number for each distinct text; texts that are one but for their ends share it."""
    numbers = np.arange(len(texts))
    trimmed = pc.utf8_trim_whitespace(texts)
    changed = pc.not_equal(pc.binary_length(trimmed), pc.binary_length(texts))
    odd = np.flatnonzero(changed.to_numpy(zero_copy_only=False))
    if len(odd):
        forms = trimmed.take(pa.array(odd)).dictionary_encode()
        written = pc.fill_null(pc.index_in(texts, forms.dictionary), -1).to_numpy()
        numbers[written >= 0] = len(texts) + written[written >= 0]
        numbers[odd] = len(texts) + forms.indices.to_numpy()
    return numbers


def _by_session(sheet: Sheet, sessions: Numbers, values: Any) -> tuple[Flags, Any]:
    held, spread = np.zeros(sheet.sessions, bool), np.zeros(sheet.sessions)
    held[sessions] = True
    spread[sessions] = values
    return held, spread


def _listed(sheet: Sheet, flags: Flags) -> Found:
    return Found(sheet.any_of(flags), np.flatnonzero(flags))


def _answers(sheet: Sheet) -> Flags:
    """By message: it is the only human one between two of the buyer, who was not leaving."""
    talk = sheet.talk
    session, role = sheet.session[talk], sheet.role[talk]
    same = np.diff(session) == 0
    before = np.r_[False, same & (role[:-1] == 0)][: len(talk)]
    last_or_asked = np.r_[~same | (role[1:] == 0), True][: len(talk)]
    leaves = sheet.has("buyer.courtesy_close")[talk]
    stays = np.r_[False, ~leaves[:-1]][: len(talk)]
    flags = np.zeros(len(sheet.rows), bool)
    flags[talk] = (role == 1) & before & last_or_asked & stays
    return flags


def _agent_texts(sheet: Sheet, among: Flags, tell: Callable[[pa.Array], Flags]) -> Flags:
    """By message: it is among some of an agent, and its text is told; only theirs are asked."""
    messages, texts = np.flatnonzero(among), sheet.said["agent"][1]
    codes = sheet.codes[messages]
    flags, told = np.zeros(len(among), bool), np.zeros(len(texts), bool)
    told[codes] = True
    asked = np.flatnonzero(told)
    told[asked] = tell(texts.take(pa.array(asked)))
    flags[messages] = told[codes]
    return flags


def _tested(texts: pa.Array, near: Any, tell: Callable[[str], bool]) -> Flags:
    """Return which texts are told, of those that are near it."""
    flags = _flags(near)
    some = np.flatnonzero(flags)
    flags[some] = [tell(text) for text in texts.take(pa.array(some)).to_pylist()]
    return flags


def _flags(column: Any) -> Flags:
    return cast(Flags, pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False).copy())


COLUMNAR: dict[str, Callable[[Sheet, Settings], Found]] = {
    check.__name__: check
    for check in (
        first_response, slow_round, nagging, unanswered_end, silent_watch, selling_chain,
        single_emoji, one_word, recalled,
    )
}  # fmt: skip
RARE: dict[str, Callable[[Sheet, Settings], Flags]] = {
    check.__name__: check for check in (left_unanswered, unlike_product, repeated_phrase)
}
