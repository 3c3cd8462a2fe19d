"""Trained scorers: a linear model over character n-grams and a few numbers, and its file.

Where there are examples enough, networks read long texts as well.

A model file is an .npz (plain arrays and a JSON header, no pickle), so that loading one runs no
code. It is checked before and after it is read.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from jinpai.errors import HostileFile, UnreadableFile, UsageError
from jinpai.quality.arrays import as_bytes, as_text, finite
from jinpai.quality.examples import Example
from jinpai.quality.features import BLOCKS, Numbers, blocks_of, numbers_of
from jinpai.quality.labels import Level
from jinpai.quality.network import Network, read_network

__all__ = ["Block", "Header", "TrainedModel", "block_texts", "load_model", "number_rows"]

FORMAT = 3
_FILE_BYTES = 1 << 30
_TERMS = 1 << 23
_TERM_CHARS = 16
_BETWEEN = "\0"
_BATCH = 4096
_NETWORK = "network_"  # before its place and the names of its arrays


class Header(BaseModel):
    """What a model file says of itself.

    Attributes:
        label: the label it was trained on.
        classes: what it tells apart.
        ngrams: shortest and longest run of characters it looks at.
        reach: how far apart two characters may lie that it looks at together; 0 for no pairs.
        networks: how many there are; the mean of what they say counts.
        network_weight: of that mean, beside the rest.
        trained_on: examples it has seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    task: str = Field(max_length=40)
    label: str = Field(max_length=400)
    level: Level
    classes: tuple[str, ...] = Field(min_length=2, max_length=1000)
    ngrams: tuple[int, int]
    reach: int = Field(ge=0, le=16)
    number_weight: float = Field(ge=0, le=100)
    networks: int = Field(ge=0, le=16)
    network_weight: float = Field(ge=0, le=100)
    trained_on: int = Field(ge=1)


@dataclass(frozen=True)
class Block:
    """The terms of one block of text, and what each weighs by how rare it is."""

    terms: tuple[str, ...]
    idf: npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrainedModel:
    """A trained scorer (see `scorer.Scorer`).

    Attributes:
        blocks: by name, as in `features.BLOCKS`.
        mean, spread: of the numbers, to bring them to one scale.
        weights: a row per class (one row for two classes: of the second), terms then numbers.
        offsets: one per row of ``weights``.
        networks: that read the text of an item.
    """

    header: Header
    blocks: dict[str, Block]
    mean: Numbers
    spread: Numbers
    weights: Numbers
    offsets: Numbers
    networks: tuple[Network, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        return self.header.classes

    def for_use(self, task: str, level: Level) -> TrainedModel:
        """Return itself; raises UsageError where it was trained for something else."""
        if (task, level) == (self.header.task, self.header.level):
            return self
        raise UsageError(
            f"The model judges {self.header.task} of a {self.header.level}, not {task} of a"
            f" {level}; it was trained on {self.header.label}.",
            zh=f"该模型判断的是 {self.header.level} 的 {self.header.task}，不是 {level} 的 {task}；"
            f"训练标签为 {self.header.label}。",
        )

    def scores(self, examples: Sequence[Example]) -> Numbers:
        """Return one row per example, one column per class."""
        vectorizers = {name: self._vectorizer(block) for name, block in self.blocks.items()}
        parts = [np.zeros((0, len(self.classes)))]
        for start in range(0, len(examples), _BATCH):
            parts.append(self._batch(examples[start : start + _BATCH], vectorizers))
        return np.concatenate(parts)

    def _vectorizer(self, block: Block) -> Any:
        made = vectorizer(self.header.ngrams, self.header.reach, 1, block.terms)
        made.idf_ = block.idf
        return made

    def _batch(self, examples: Sequence[Example], vectorizers: dict[str, Any]) -> Numbers:
        level, texts = self.header.level, block_texts(self.header.level, examples)
        matrices = [
            made.transform(texts[name]) * BLOCKS[level][name] for name, made in vectorizers.items()
        ]
        numbers = (number_rows(level, examples) - self.mean) / self.spread
        matrices.append(csr_matrix(numbers * self.header.number_weight))
        found = hstack(matrices).tocsr() @ self.weights.T + self.offsets
        linear = np.asarray(np.hstack([-found, found]) if found.shape[1] == 1 else found)
        if not self.networks:
            return linear
        heard = np.mean([network.scores(texts["text"]) for network in self.networks], axis=0)
        return np.asarray(linear + self.header.network_weight * heard)

    def save(self, path: Path) -> None:
        """Write the model beside its place, then into it."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "header": as_bytes(self.header.model_dump_json()),
            "mean": self.mean,
            "spread": self.spread,
            "weights": self.weights.astype(np.float32),
            "offsets": self.offsets,
        }
        for name, block in self.blocks.items():
            arrays[f"terms_{name}"] = as_bytes(json.dumps(block.terms, ensure_ascii=False))
            arrays[f"idf_{name}"] = block.idf.astype(np.float32)
        for place, network in enumerate(self.networks):
            named = network.arrays().items()
            arrays |= {f"{_NETWORK}{place}_{name}": array for name, array in named}
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with aside.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **arrays)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def vectorizer(
    ngrams: tuple[int, int], reach: int = 0, least: int = 1, terms: Sequence[str] | None = None
) -> TfidfVectorizer:
    """Return what turns texts into weighted character n-grams and, with a reach, pairs."""
    return TfidfVectorizer(
        analyzer=partial(_terms, ngrams, reach) if reach else "char",
        lowercase=False,
        ngram_range=(1, 1) if reach else ngrams,
        min_df=least,
        sublinear_tf=True,
        vocabulary=None if terms is None else list(terms),
    )


def _terms(ngrams: tuple[int, int], reach: int, text: str) -> list[str]:
    """Return the runs of a text, and its pairs of characters with one or more between them."""
    size = len(text)
    found = [
        text[at : at + length]
        for length in range(ngrams[0], ngrams[1] + 1)
        for at in range(size - length + 1)
    ]
    for step in range(2, reach + 1):
        found += [text[at] + _BETWEEN + text[at + step] for at in range(size - step)]
    return found


def block_texts(level: Level, examples: Sequence[Example]) -> dict[str, list[str]]:
    """Return the texts of every block, in the order of the examples."""
    rows = [blocks_of(level, example) for example in examples]
    return {name: [row[name] for row in rows] for name in BLOCKS[level]}


def number_rows(level: Level, examples: Sequence[Example]) -> Numbers:
    """Return the numbers, a row per example."""
    return np.array([numbers_of(level, example) for example in examples], np.float64)


def load_model(path: Path) -> TrainedModel:
    """Return the model in a file.

    Raises UnreadableFile when it is no model of this version, HostileFile when it is too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _FILE_BYTES:
                raise HostileFile(
                    f"a model may have {_FILE_BYTES >> 20} MiB.",
                    file=str(path),
                    zh=f"模型文件解开后最多 {_FILE_BYTES >> 20} MiB。",
                )
        with np.load(path, allow_pickle=False) as arrays:
            return _read(arrays)
    except (HostileFile, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, RecursionError) as error:
        raise _no_model(path, error) from None


def _no_model(path: Path, error: Exception) -> UnreadableFile:
    reason = "its header is wrong" if isinstance(error, ValidationError) else str(error)
    return UnreadableFile(
        f"this is no model of this version ({reason}).",
        file=str(path),
        hint="Train one with 'jinpai qc train'.",
        zh="这不是本版本的模型文件。请用 jinpai qc train 训练。",
    )


def _read(arrays: Any) -> TrainedModel:
    header = Header.model_validate_json(arrays["header"].tobytes())
    if header.format != FORMAT or not 1 <= header.ngrams[0] <= header.ngrams[1] <= _TERM_CHARS:
        raise ValueError(f"format {header.format}")
    blocks = {name: _block(arrays, name) for name in BLOCKS[header.level]}
    found = tuple(_numbers(arrays, name) for name in ("mean", "spread", "weights", "offsets"))
    mean, spread, weights, offsets = found
    networks = tuple(_network(arrays, header, place) for place in range(header.networks))
    model = TrainedModel(header, blocks, mean, spread, weights, offsets, networks)
    rows = 1 if len(header.classes) == 2 else len(header.classes)
    numbers = len(numbers_of(header.level, Example((), 0)))
    width = sum(len(block.terms) for block in blocks.values()) + numbers
    shapes = ((numbers,), (numbers,), (rows, width), (rows,))
    if tuple(array.shape for array in found) != shapes or not (spread > 0).all():
        raise ValueError("its arrays do not fit together")
    return model


def _network(arrays: Any, header: Header, place: int) -> Network:
    if header.level != "item":
        raise ValueError("only single texts have networks")
    start = f"{_NETWORK}{place}_"
    found = {name.removeprefix(start): arrays[name] for name in arrays if name.startswith(start)}
    return read_network(found, len(header.classes))


def _block(arrays: Any, name: str) -> Block:
    terms = json.loads(as_text(arrays[f"terms_{name}"]))
    idf = _numbers(arrays, f"idf_{name}")
    if not isinstance(terms, list) or len(terms) > _TERMS or idf.shape != (len(terms),):
        raise ValueError("its terms are wrong")
    if any(not isinstance(term, str) or not 1 <= len(term) <= _TERM_CHARS for term in terms):
        raise ValueError("its terms are wrong")
    if len(set(terms)) != len(terms) or not terms:
        raise ValueError("its terms are wrong")
    return Block(tuple(terms), idf)


def _numbers(arrays: Any, name: str) -> Numbers:
    return finite(arrays[name]).astype(np.float64)
