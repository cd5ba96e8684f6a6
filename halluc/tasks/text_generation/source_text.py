"""The example of text generation tasks, an input of named parts with its target texts, and the output for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import add
from typing import TYPE_CHECKING, Any

from halluc.core.examples import Origin, Pair
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.languages import language_of
from halluc.tasks.text_generation.names import InputWords
from halluc.tasks.text_generation.statements import input_words, statements, words_in

if TYPE_CHECKING:
    import numpy

# The separator of two parts of an input.
BETWEEN_PARTS = "\n"
# The field of records with the language of both input and targets.
LANGUAGE = "language"
# Outputs and targets are tokenized with the default of ``data.tokenize``.
_WORDS = Tokenizer()


def words_of(text: str) -> tuple[str, ...]:
    """The tokens of a written text, to which the positions of its claims refer."""
    return _WORDS.tokens(text)


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A named half-open range of tokens of an input, such as ``source``, or ``turn:user``."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Sourced:
    """An input and its reference texts; the first of ``targets`` is used for training.

    ``spaces`` are the characters before each token, and finally those after the last: together with the tokens they are
    the exact text. Parts are consecutive, disjoint and cover all tokens. ``language`` is that of the targets and
    ``source_language`` that of the input, empty if unknown.
    """

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    spaces: tuple[str, ...]
    parts: tuple[SourcePart, ...]
    targets: tuple[str, ...] = ()
    language: str = ""
    source_language: str = ""

    @property
    def annotation(self) -> tuple[str, ...]:
        return self.targets

    @property
    def labels(self) -> tuple[str, ...]:
        return ()

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The statements of the targets, including sentences, with the kind of each statement as its label."""
        return tuple(
            (" ".join(words_of(one.text)), one.kind)
            for target in self.targets
            for one in statements(target, self.language, self.known_words(target))
        )

    def known_words(self, text: str) -> InputWords:
        """The words of the input that tell which words of an output or reference ``text`` are names."""
        texts = [self.text(part) for part in self.parts]
        language = language_of(text, self.language)
        return words_in(text, input_words(language, texts, [self.source_language] * len(texts)))

    @property
    def full_text(self) -> str:
        """The exact text of all parts."""
        return self._between(0, len(self.tokens))

    def text(self, part: SourcePart) -> str:
        """The exact text of a part, without blanks at its ends."""
        return self._between(part.start, part.end)

    def _between(self, start: int, end: int) -> str:
        spaces = ("", *self.spaces[start + 1 : end])
        return "".join(map(add, spaces, self.tokens[start:end]))


def target_length(example: Any) -> int:
    """The number of tokens of the first target; 0 without a target."""
    return len(words_of(example.targets[0])) if example.targets else 0


# Tokens, spaces and parts of an input.
CutParts = tuple[tuple[str, ...], tuple[str, ...], tuple[SourcePart, ...]]


def cut_parts(parts: Sequence[tuple[str, str]], tokenizer: Tokenizer) -> CutParts:
    """Tokens, spaces and parts of an input.

    Args:
        parts: the name and the text of each; texts are stripped, and blank texts are left out.
    """
    tokens: list[str] = []
    spaces: list[str] = []
    result: list[SourcePart] = []
    for name, text in parts:
        bounds, words = tokenizer.cut(text)
        if not words:
            continue
        result.append(SourcePart(name, len(tokens), len(tokens) + len(words)))
        ends = [bounds[0][0], *(end for _, end in bounds)]
        before = [text[end:start] for end, (start, _) in zip(ends, bounds, strict=False)]
        before[0] = BETWEEN_PARTS if tokens else ""
        tokens += words
        spaces += before
    return tuple(tokens), (*spaces, ""), tuple(result)


def restore_spaces(before: Sequence[str], spaces: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """The spaces of edited tokens: unchanged tokens have the same space before them, new ones a blank.

    Args:
        before, spaces: those of the original. after: the edited tokens.
    """
    from rapidfuzz.distance import Opcodes
    from rapidfuzz.distance.Indel import opcodes

    if len(before) == len(after):  # word for word
        return tuple(spaces)
    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(token, len(numbers)) for token in side] for side in (before, after)]
    result: Opcodes = opcodes(*coded)
    edited = [" "] * len(after)
    for step in result:
        if step.tag == "equal":
            edited[step.dest_start : step.dest_end] = spaces[step.src_start : step.src_end]
    if edited:
        edited[0] = ""
    return (*edited, spaces[-1])


@dataclass(frozen=True)
class WrittenText:
    """The model's output for one input.

    ``logprob`` is the mean log-probability per token of the output (Seq-Logprob; Guerreiro et al. 2023), over
    ``tokens`` tokens including the end token; None and 0 if another tool wrote it. By default its exponential is the
    confidence of every claim. ``scores`` has one row (1, 2) per claim: the logarithms of its confidence and of the
    complement. ``ended`` is false if the output was cut at the limit, ``repeated`` true if other, different inputs of
    the same split have the same output. ``perturbed`` is the result of a perturbation test, None without one.
    """

    id: str
    text: str
    confidences: tuple[float | None, ...]
    scores: tuple[numpy.ndarray, ...] = ()
    logprob: float | None = None
    tokens: int = 0
    ended: bool = True
    repeated: bool = False
    perturbed: tuple[Any, ...] | None = None

    @property
    def claimed(self) -> tuple[int, ...]:
        """The claimed output of each row is the first one, even if its probability is below one half."""
        return (0,) * len(self.scores)
