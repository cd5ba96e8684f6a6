"""Constrained decoding: the most probable tag sequence among those that the tag scheme allows (Viterbi 1967)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy
from safetensors import SafetensorError
from safetensors.numpy import load_file

from halluc.core.errors import environment_error, first_line
from halluc.core.labels import Scheme, may_follow, split_tag
from halluc.engine.references import ModelSource

# The maximum size of one step: sentences times tags times tags.
_STEP_SIZE = 4_000_000


class Transitions(NamedTuple):
    """The transitions that a scheme allows, or that a model scores: tags that begin a sentence (tags,), pairs (tag,
    next tag), tags that end one (tags,)."""

    start: numpy.ndarray
    step: numpy.ndarray
    end: numpy.ndarray


# The file of a CRF's transitions in a model folder.
CRF_FILE = "crf.safetensors"


@dataclass(frozen=True)
class SavedChain:
    """The transitions of a trained CRF between ``tags``, minus infinity where one is illegal."""

    tags: tuple[str, ...]
    transitions: Transitions

    @classmethod
    def read(cls, source: ModelSource, tags: Sequence[str]) -> SavedChain:
        """Load the file of ``LinearChain.save_own_file``.

        Raises:
            HallucError E411: the file is missing or damaged, or has other tags.
        """
        count = len(tags)
        try:
            tensors = load_file(_file_of(source))
            scores = Transitions(*(tensors[name] for name in Transitions._fields))
            for name, part in scores._asdict().items():
                if part.shape != ((count, count) if name == "step" else (count,)):
                    raise ValueError(f"`{name}` is of {part.shape[0]} tags, and the model of {count}")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            help = "restore the model folder: according to config.json, the model has a CRF"
            message = f"cannot read {CRF_FILE} of {source.name}: {first_line(error)}"
            raise environment_error("E411", message, help) from None
        return cls(tuple(tags), scores)

    def weights(self) -> Transitions:
        return self.transitions


def _file_of(source: ModelSource) -> Path:
    """The path of the file; for a model on the hub in its cache."""
    if Path(source.name).is_dir():
        return Path(source.name) / CRF_FILE
    from transformers.utils import cached_file

    return Path(str(cached_file(source.name, CRF_FILE, revision=source.revision, local_files_only=source.local)))


def transitions(tags: Sequence[str], scheme: Scheme) -> Transitions:
    """The legal transitions of a model's tags; a tag may occur several times."""
    parsed = [("O", ""), *map(split_tag, tags)]
    table = numpy.array([[may_follow(before, tag, scheme) for tag in parsed] for before in parsed])
    return Transitions(table[0, 1:], table[1:, 1:], table[1:, 0])


def best_legal_tags(scores: numpy.ndarray, lengths: Sequence[int], allowed: Transitions) -> numpy.ndarray:
    """The legal tag sequence with the highest sum of scores, for each sentence.

    Only sentences whose most probable tags form an illegal sequence are searched.

    Args:
        scores: (words, tags), log-probabilities or logits; the words of all sentences, concatenated.
        lengths: (sentences,) words of each.

    Returns:
        (words,) the number of each word's tag. A sentence without any legal sequence keeps the best tag of each word.
    """
    best: numpy.ndarray = scores.argmax(-1)
    first, size = sentences_of(lengths)
    broken = ~numpy.concatenate(([True], allowed.step[best[:-1], best[1:]]))[: len(best)]
    broken[first] = ~allowed.start[best[first]]
    searched = numpy.logical_or.reduceat(broken, first) if len(first) else numpy.zeros(0, dtype=bool)
    searched |= ~allowed.end[best[first + size - 1]]
    first, size = first[searched], size[searched]
    weights = Transitions(*(numpy.where(table, 0.0, -numpy.inf) for table in allowed))
    for part in sentence_batches(first, size, scores.shape[1]):
        _search(scores, *part, weights, best)
    return best


def best_tags(scores: numpy.ndarray, lengths: Sequence[int], weights: Transitions) -> numpy.ndarray:
    """The tag sequence with the highest sum of scores and transition ``weights``, for each sentence.

    Arguments and result as in ``best_legal_tags``; ``weights`` are scores, minus infinity for impossible transitions.
    """
    best: numpy.ndarray = scores.argmax(-1)
    for part in sentence_batches(*sentences_of(lengths), scores.shape[1]):
        _search(scores, *part, weights, best)
    return best


def sentences_of(lengths: Sequence[int]) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The first words and the lengths of the sentences that have words."""
    size = numpy.asarray(lengths, dtype=numpy.int64)
    size = size[size > 0]
    return numpy.cumsum(size) - size, size


def sentence_batches(
    first: numpy.ndarray, size: numpy.ndarray, tags: int
) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:  # fmt: skip
    """First words and lengths of sentences, by decreasing length, in parts that fit into one step."""
    order = numpy.argsort(-size, kind="stable")
    sentences = max(1, _STEP_SIZE // tags**2)
    for begin in range(0, len(order), sentences):
        part = order[begin : begin + sentences]
        yield first[part], size[part]


def _search(
    scores: numpy.ndarray, first: numpy.ndarray, size: numpy.ndarray, weights: Transitions, best: numpy.ndarray
) -> None:
    """Viterbi on sentences sorted by decreasing ``size``, which begin at ``first``; the paths are written to
    ``best``."""
    total = scores[first] + weights.start
    previous: list[numpy.ndarray] = []
    for position in range(1, int(size[0])):
        count = int((size > position).sum())
        reached = total[:count, :, None] + weights.step
        previous.append(reached.argmax(1))
        total[:count] = reached.max(1) + scores[first[:count] + position]
    total += weights.end
    possible = total.max(1) > -numpy.inf
    tag = total.argmax(1)
    best[(first + size - 1)[possible]] = tag[possible]
    for position in range(int(size[0]) - 1, 0, -1):
        back = previous[position - 1]
        count = len(back)
        tag[:count] = back[numpy.arange(count), tag[:count]]
        found = possible[:count]
        best[(first[:count] + position - 1)[found]] = tag[:count][found]
