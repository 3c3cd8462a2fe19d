"""Scanning many texts at once tells exactly what scanning them one by one tells."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.quality.acts import bulk, trie
from jinpai.quality.acts.needs import Folding, Need, needs_of
from jinpai.quality.acts.patterns import Act, Role, expand, forms, load_acts, shipped_acts
from jinpai.quality.acts.scan import MOST_CHARS, Scanner

ROLES: tuple[Role, ...] = ("agent", "buyer")
# What could be read wrongly: marks that hide or turn, other cases and widths, traditional forms,
# characters outside the first plane, ends of texts within texts.
ODD = [
    *("\u200b", "\u202e", "\ufeff", "\u00ad", "\ufe0f", "\0", "\n", "\r", "\u3000"),
    *("\u212a", "\u017f", "K", "S", "ß", "İ", "Ａ", "没", "沒", "货", "貨", "发", "發", "髮"),
    *("😀", "\U0001f468\u200d\U0001f469", "\U00020000", "！", "?", "<b>", "]"),
]


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner(shipped_acts())


def fragments(role: Role) -> list[str]:
    """Return pieces of the shipped patterns, which make up texts near what they look for."""
    texts = [pattern for act in shipped_acts() if act.role == role for pattern in act.any]
    pieces = {piece for text in texts for piece in text.replace("{g}", "|").split("|")}
    return sorted(word for piece in pieces if (word := "".join(filter(str.isalnum, piece))))


@pytest.mark.parametrize("role", ROLES)
def test_random_texts(scanner: Scanner, role: Role) -> None:
    rng = random.Random(20)
    pieces = fragments(role)
    texts = [
        "".join(rng.choice(ODD if rng.random() < 0.2 else pieces) for _ in range(rng.randrange(9)))
        for _ in range(6000)
    ]
    masks = scanner.scan(role, pa.array(texts), threads=2).to_pylist()
    assert masks == scanner.masks(role, texts)
    assert sum(map(bool, masks)) > 1500


PIECES = [
    *("a", "B", "k", "s", "ß", "Ａ", "没", "发", "没货", "[ab]", "[^a]", "[没k-m]", "[a\\]]", "."),
    *(r"\s", r"\b", r"\d", r"\.", "^", "$", "", "{n}", "{g}", "{q}", "{e}"),
    *("(?i:a)", r"\pL", "[[:alpha:]]"),
]
PATTERN = st.recursive(
    st.sampled_from(PIECES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda ways: f"({'|'.join(ways)})"),
        st.lists(inner, min_size=1, max_size=3).map("|".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "+?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=12,
)
TEXT = st.lists(st.sampled_from([*"aAbBkKlmsSz1.] ", *ODD]), max_size=8).map("".join)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(PATTERN, min_size=1, max_size=4),
    st.lists(PATTERN, max_size=2),
    st.lists(TEXT, min_size=1, max_size=30),
)
def test_random_patterns(wanted: list[str], unwanted: list[str], texts: list[str]) -> None:
    act = Act.model_validate(
        {"code": "a", "role": "buyer", "zh": "甲", "en": "A", "any": wanted, "not": unwanted}
    )
    scanner = Scanner([act])
    assert scanner.scan("buyer", pa.array(texts)).to_pylist() == scanner.masks("buyer", texts)


def test_kinds_of_arrays(scanner: Scanner) -> None:
    texts = ["谢谢", None, "什么时候发货", "x" * MOST_CHARS + "谢谢", "谢\u200b谢", ""]
    expected = scanner.masks("buyer", [text or "" for text in texts])
    assert [bool(mask) for mask in expected] == [True, False, True, False, True, False]
    for kind in (
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
    ):
        array = pa.array(texts, pa.string()).cast(kind)
        assert scanner.scan("buyer", array).to_pylist() == expected
        chunked = pa.chunked_array([array.slice(0, 1), array.slice(1)])
        assert scanner.scan("buyer", chunked).to_pylist() == expected
    assert scanner.scan("buyer", pa.array([], pa.string())).to_pylist() == []


def test_a_role_without_acts() -> None:
    only = [act for act in shipped_acts() if act.role == "buyer"]
    assert Scanner(only).scan("agent", pa.array(["您好", "在的"])).to_pylist() == [0, 0]


def test_batches_are_put_together(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """More texts than one batch holds, among them some that fill a batch alone."""
    monkeypatch.setattr(bulk, "_BATCH", 60_000)
    monkeypatch.setattr(bulk, "_BATCH_BYTES", 1 << 20)
    texts = ["谢谢", "四十二", "什么时候发货"] * 50_000 + ["啊" * MOST_CHARS + "x", "谢谢"] * 20
    masks = scanner.scan("buyer", pa.array(texts), threads=2).to_pylist()
    assert masks == scanner.masks("buyer", texts[:3]) * 50_000 + [0, masks[0]] * 20


HOSTILE = [
    *("a" * 10_000_000 + "!", "谢\u202e\u200b" * 1_000_000, "<script>谢谢</script>" * 100_000),
    *("\u202e" * 3_000_000 + "谢", "👨\u200d" * 1_000_000, "\0" * 1_000_000, "]" * 1_000_000),
]


def test_hostile_texts_and_patterns_stall_nothing(tmp_path: Path) -> None:
    """Among them a pattern that only our RE2 takes, and one that needs no word."""
    own = tmp_path / "acts.yaml"
    patterns = ["(a+)+$", "(a|aa)+$", "(.*a){20}b", r"\pL{600}", "(?:x{0,99}){9}", "[^\\]]{9}$"]
    own.write_text(f"buyer: {{thanks: {{any: {json.dumps(patterns)}}}}}", "utf-8")
    acts, places = load_acts(own)
    began = time.process_time()
    for role in ROLES:
        scanner = Scanner([act for act in acts if act.role == role], places)
        assert scanner.scan(role, pa.array(HOSTILE)).to_pylist() == scanner.masks(role, HOSTILE)
    # Seconds where a backtracking engine would need longer than the universe has.
    assert time.process_time() - began < 60


def test_words_that_do_not_fit_are_not_needed(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trie, "_STATES", 300)
    texts = fragments("buyer")
    found = Scanner(shipped_acts()).scan("buyer", pa.array(texts)).to_pylist()
    assert found == scanner.masks("buyer", texts)


def need(*clauses: str, exact: bool = False) -> Need:
    return Need(tuple(frozenset(clause.split()) for clause in clauses), exact)


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        ("退货", [need("退货", exact=True)]),
        ("退(货|款)", [need("退货 退款", exact=True)]),
        ("(还)?没有", [need("没有", exact=True)]),
        ("有货{q}?", [need("有货", exact=True)]),
        ("^退$", [need("退")]),
        ("帮您{g}优惠", [need("帮您", "优惠")]),
        ("谢谢|多谢.*您好", [need("谢谢", exact=True), need("多谢", "您好")]),
        ("[!！]{2,}", [need("!! !！ ！! ！！")]),
        (".*", None),
        ("(退货)?", None),
        (r"\pL", None),
        ("(?i)ab", None),
        ("[^a]", None),
    ],
)
def test_needs(pattern: str, needs: list[Need] | None) -> None:
    """Worked out by hand."""
    found = needs_of(expand(pattern), Folding(forms()))
    assert (found is None) == (needs is None)
    for one, other in zip(found or (), needs or (), strict=True):
        assert (set(one.clauses), one.exact) == (set(other.clauses), other.exact)
