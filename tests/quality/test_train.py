"""Training and model files, on texts of our own."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jinpai.errors import InputError, UsageError
from jinpai.quality.evaluate import evaluate, figures
from jinpai.quality.examples import Example, Turn
from jinpai.quality.labels import parse_label
from jinpai.quality.model import TrainedModel, load_model
from jinpai.quality.texts import plain
from jinpai.quality.train import train

WORDS = {
    "red": ("红的", "大红", "玫红"),
    "blue": ("蓝的", "天蓝", "宝蓝"),
    "green": ("绿的", "草绿"),
}
LABEL = "item.colour"


def items(*classes: str) -> list[Example]:
    texts = [
        (name, f"我要{word}{size}码")
        for name in classes
        for word in WORDS[name]
        for size in "大中小"
    ]
    return [Example((Turn("buyer", text),), 1, name) for name, text in texts]


def fitted(*classes: str) -> TrainedModel:
    return train("sentiment", parse_label(LABEL), items(*classes), LABEL)


@pytest.mark.parametrize("classes", [("blue", "red"), ("blue", "green", "red")])
def test_it_learns(classes: tuple[str, ...]) -> None:
    model = fitted(*classes)
    asked = [Example((Turn("buyer", f"有没有{WORDS[name][0]}"),), 1, name) for name in classes]
    found = evaluate(model, asked)
    assert (model.classes, found["accuracy"]) == (classes, 1.0)
    assert found["auc"] == (1.0 if len(classes) == 2 else None)


def test_the_same_data_makes_the_same_file(tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        fitted("red", "blue").save(tmp_path / name)
        with zipfile.ZipFile(tmp_path / name) as archive:
            contents.append({entry: archive.read(entry) for entry in archive.namelist()})
    assert contents[0] == contents[1]


@pytest.mark.parametrize("label", ["turn.s", "dialogue.s", "dialogue.v<0"])
def test_every_level_is_saved_and_loaded(tmp_path: Path, label: str) -> None:
    parsed = parse_label(label)
    examples = []
    for place, text in enumerate(("好的谢谢", "气死我了", "不错", "太差了") * 3):
        turns = (Turn("buyer", "在吗"), Turn("agent", "在的亲"), Turn("buyer", text))
        value = -1.0 if place % 2 else 1.0
        name = parsed.class_of(value)
        examples.append(Example(turns, 3, name, value, place, parsed.level == "dialogue"))
    model = train("satisfaction", parsed, examples, label)
    model.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m").for_use("satisfaction", parsed.level)
    assert np.allclose(loaded.scores(examples), model.scores(examples), atol=1e-5)
    assert evaluate(loaded, examples)["auc"] == 1.0


def test_a_block_that_is_always_empty() -> None:
    examples = [
        Example((Turn("buyer", text),), 1, name, is_dialogue=True)
        for name, text in (("a", "红"), ("b", "蓝"))
    ]
    model = train("satisfaction", parse_label("dialogue.s"), examples, "dialogue.s")
    assert evaluate(model, examples)["accuracy"] == 1.0


def test_one_class_is_not_enough() -> None:
    with pytest.raises(UsageError, match="at least two classes"):
        fitted("red")


def test_a_model_is_for_one_use() -> None:
    with pytest.raises(UsageError, match="judges sentiment of a item, not handoff of a turn"):
        fitted("red", "blue").for_use("handoff", "turn")


def test_figures_by_hand() -> None:
    # Judged a, a, b, b where a, b, b, a is true: of each class one of two is found.
    scores = np.array([[2, 1], [3, 1], [1, 2], [0, 5]], np.float64)
    examples = [Example((), 0, name) for name in "abba"]
    found = figures(("a", "b"), scores, examples)
    # b is scored -1, -2, 1, 5 higher: of the pairs (b, a) only (1, -1) is in order, one of four.
    assert found == {"n": 4, "accuracy": 0.5, "macro_f1": 0.5, "auc": 0.25}


def test_a_model_of_other_classes() -> None:
    with pytest.raises(UsageError, match="tells apart blue, red; the labels here are a"):
        evaluate(fitted("red", "blue"), [Example((Turn("buyer", "红"),), 1, "a")])


def rewritten(path: Path, **changed: bytes | None) -> Path:
    """Return a copy of a model file with members changed, or left out."""
    made = path.with_name("changed")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            data = changed.get(name.removesuffix(".npy"), old.read(name))
            if data is not None:
                new.writestr(name, data)
    return made


def npy(array: object, *, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array), allow_pickle=pickled)
    return file.getvalue()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (open, ("/nonexistent/evil", "w"))


def header(**changed: object) -> bytes:
    values = json.loads(fitted("red", "blue").header.model_dump_json()) | changed
    return npy(np.frombuffer(json.dumps(values).encode(), np.uint8))


@pytest.mark.parametrize(
    "changed",
    [
        {"weights": npy([Evil()], pickled=True)},
        {"weights": None},
        {"weights": npy(np.zeros((1, 3)))},
        {"weights": npy(np.array([["x"]]))},
        {"offsets": npy(np.array([np.nan]))},
        {"spread": npy(np.zeros(3))},
        {"header": npy(np.frombuffer(b"{}", np.uint8))},
        {"header": header(format=1)},
        {"header": header(reach=99)},
        {"header": header(ngrams=[1, 9999])},
        {"header": header(level="galaxy")},
        {"header": header(classes=["a", "b", "c"])},
        {"terms_text": npy(np.frombuffer(b'["a", "a"]', np.uint8))},
        {"terms_text": npy(np.frombuffer(b"[" * 99999, np.uint8))},
        {"terms_text": npy(np.frombuffer(b"\xff\xfe", np.uint8))},
    ],
)
def test_hostile_models_are_refused(tmp_path: Path, changed: dict[str, bytes | None]) -> None:
    fitted("red", "blue").save(tmp_path / "m")
    with pytest.raises(InputError, match="no model of this version"):
        load_model(rewritten(tmp_path / "m", **changed))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", b"no zip", pickle.dumps(Evil()), npy([1.0]), b"PK\x05\x06" + b"\0" * 18],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(InputError, match="no model of this version"):
        load_model(tmp_path / "m")


@pytest.fixture
def long_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a model with a network."""
    monkeypatch.setattr("jinpai.quality.train._MANY", 1)
    texts = [
        Example(
            (Turn("buyer", f"昨天收到的这一件衣服，颜色是{word}，大小是{size}码，先这样吧"),),
            1,
            name,
        )
        for name in ("red", "blue")
        for word in WORDS[name]
        for size in "大中小"
    ]
    made = train("sentiment", parse_label(LABEL), texts, LABEL)
    made.save(tmp_path / "long")
    loaded = load_model(tmp_path / "long")
    assert len(loaded.networks) == 2
    assert np.allclose(loaded.scores(texts), made.scores(texts), atol=1e-5)
    alone = replace(loaded, networks=()).scores(texts)
    said = [plain(example.text) for example in texts]
    first, second = (network.scores(said) for network in made.networks)
    assert not np.allclose(first, second)
    assert np.allclose(loaded.scores(texts), alone + 0.3 * (first + second) / 2, atol=1e-5)
    return tmp_path / "long"


def test_long_texts_are_read_by_a_network_too(long_model: Path) -> None:
    asked = [
        Example((Turn("buyer", f"今天收到的那一条裙子，颜色是{WORDS[name][0]}，真好"),), 1, name)
        for name in ("red", "blue")
    ]
    assert evaluate(load_model(long_model), asked)["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("network_1_filters", None),
        ("network_1_filters", np.zeros((3, 2, 2), np.float32)),
        ("network_1_weights", np.zeros((192, 2))),
        ("network_1_offsets", np.array([np.nan, 0], np.float32)),
        ("network_1_offsets", np.float32(1)),
        ("network_1_characters", np.frombuffer("好好".encode(), np.uint8)),
        ("network_1_characters", np.frombuffer(b"\xff\xfe", np.uint8)),
        ("network_1_pairs", np.frombuffer("好".encode(), np.uint8)),
        ("network_1_pairs", np.array([Evil()], object)),
    ],
)
def test_hostile_networks_are_refused(long_model: Path, name: str, content: object) -> None:
    data = None if content is None else npy(content, pickled=True)
    with pytest.raises(InputError, match="no model of this version"):
        load_model(rewritten(long_model, **{name: data}))
