"""The network that reads long texts, on texts of our own and against slow loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.quality.network import LEARNED, WINDOW, Network, Places, Reader, read_network
from jinpai.quality.network_fit import Recipe, fit_network, gradients

CHARACTERS, PAIRS = ("好", "不", "吃"), ("不好", "好吃")


def drawn_network(seed: int, classes: int = 2, filters: int = 4, size: int = 3) -> Network:
    """Return a network of random numbers, in double precision."""
    normal: Any = np.random.default_rng(seed).normal
    made = Network(
        CHARACTERS,
        PAIRS,
        normal(size=(len(CHARACTERS) + 2, size)),
        normal(size=(len(PAIRS) + 2, size)),
        normal(size=(WINDOW, 2 * size, filters)),
        normal(size=filters),
        normal(size=(filters, classes)),
        normal(size=classes),
    )
    made.character_vectors[0] = made.pair_vectors[0] = 0
    return made


def slowly(network: Network, text: str) -> list[float]:
    """Return what `Network.scores` gives for one text, place by place."""
    rows = []
    for at, character in enumerate(text):
        first = CHARACTERS.index(character) + 2 if character in CHARACTERS else 1
        pair = text[at : at + 2]
        second = PAIRS.index(pair) + 2 if pair in PAIRS else 1
        rows.append([*network.character_vectors[first], *network.pair_vectors[second]])
    rows += [[0.0] * len(network.filters[0])] * (WINDOW - 1)
    answers = []
    for place, threshold in enumerate(network.thresholds):
        heard = [0.0]
        for at in range(len(text)):
            window = zip(rows[at : at + WINDOW], network.filters, strict=True)
            heard.append(threshold + sum(np.dot(row, part[:, place]) for row, part in window))
        answers.append(max(heard))
    odds = np.dot(answers, network.weights) + network.offsets
    return list(np.clip(odds - odds.mean(), -2, 2))


def test_places_by_hand() -> None:
    # 0 is no place, 1 not known, then in order.
    found = Reader(CHARACTERS, PAIRS).places(["不好吃", "吃x", ""])
    assert found.characters.tolist() == [[3, 2, 4], [4, 1, 0], [0, 0, 0]]
    assert found.pairs.tolist() == [[2, 3, 1], [1, 1, 0], [0, 0, 0]]


def test_of_long_texts_beginning_and_end_are_read() -> None:
    found = Reader(CHARACTERS, PAIRS).places(["不" * 100 + "x" * 999 + "好" * 60])
    assert found.characters.tolist() == [[3] * 100 + [2] * 60]


@settings(max_examples=50)
@given(
    st.lists(st.text("好不吃贵\ud800", max_size=9), min_size=1, max_size=6),
    st.integers(0, 99),
    st.integers(2, 4),
)
def test_scores_are_those_of_slow_loops(texts: list[str], seed: int, classes: int) -> None:
    network = drawn_network(seed, classes)
    expected = [slowly(network, text) for text in texts]
    assert np.allclose(network.scores(texts), expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("doubt", [0.0, 0.1])
def test_gradients_are_how_the_loss_grows(seed: int, doubt: float) -> None:
    """Every number is moved a little, and the loss is asked for again."""
    network = drawn_network(seed)
    places = Reader(CHARACTERS, PAIRS).places(["不好吃", "好吃好吃", "吃", "贵不好"])
    target = np.array([0, 1, 1, 0])
    random = np.random.default_rng(seed).random
    drops = (
        (random((4, places.pairs.shape[1] + WINDOW - 1, 1)) < 0.7) / 0.7,
        (random((4, 4)) < 0.5) / 0.5,
    )
    found, _ = gradients(network, places, target, doubt, drops)
    for name in LEARNED:
        values, grown = getattr(network, name), np.zeros_like(getattr(network, name))
        if isinstance(found[name], tuple):
            grown[found[name][0]] = found[name][1]
        else:
            grown = found[name]
        for place in np.ndindex(values.shape):
            if name.endswith("vectors") and place[0] == 0:
                assert grown[place] == 0  # no place stays nothing
                continue
            was = values[place]
            losses = []
            for moved in (was + 1e-6, was - 1e-6):
                values[place] = moved
                losses.append(gradients(network, places, target, doubt, drops)[1])
            values[place] = was
            assert grown[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-6)


def test_the_loss_by_hand() -> None:
    """Nothing is heard and both classes are as likely: the surprise is log 2."""
    network = drawn_network(0)
    silent = replace(network, weights=network.weights * 0, offsets=network.offsets * 0)
    places = Places(np.array([[2, 3]]), np.array([[1, 1]]))
    assert gradients(silent, places, np.array([1]))[1] == pytest.approx(np.log(2))


SAID = [
    (f"{start}这个{thing}{word}{end}", word in "好香甜")
    for start in ("我觉得", "总的来说", "今天收到", "")
    for thing in ("苹果", "衣服", "酒店", "手机")
    for word in "好香甜坏臭酸"
    for end in ("。", "，下次再说", "，就这样吧")
]
SMALL = Recipe(size=8, filters=12, least=(1, 1), rounds=12, batch=16, step=(0.01, 0.8), memory=0.9)


def small_network() -> Network:
    target = np.array([int(good) for _, good in SAID])
    return fit_network([text for text, _ in SAID], target, 2, SMALL)


def test_it_learns_what_is_said_somewhere() -> None:
    scores = small_network().scores(["真没想到呀这个手表香，还行", "真没想到呀这个手表臭，还行"])
    assert scores.argmax(axis=1).tolist() == [1, 0]


def test_the_same_texts_make_the_same_network() -> None:
    first, second = small_network(), small_network()
    for name in LEARNED:
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_it_is_read_as_it_was_written() -> None:
    network = small_network()
    again = read_network(network.arrays(), 2)
    texts = [text for text, _ in SAID]
    assert np.array_equal(again.scores(texts), network.scores(texts))
    with pytest.raises(ValueError, match="does not fit"):
        read_network(network.arrays(), 3)
