"""Interfaces of augmentation methods: an ``Augmenter`` proposes edits of one example, a ``Synthesizer`` samples new
examples.

Only ``core.edits.apply`` changes text and moves spans. Methods have no random state: they draw from the ``Draws`` that
are passed in, so that an example does not depend on the process or the order.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, ParamSpec, Protocol, TypeVar

from pydantic import Field, model_validator

from halluc.components import TABLE
from halluc.config.section import Section, Share
from halluc.core import registry
from halluc.core.edits import Edit, Editable, Replace, apply
from halluc.core.errors import EXIT_DATA, EXIT_USAGE, HallucError, ManyErrors
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.gap.novelty import MENTIONS, NoveltyUnits, Unit

P = ParamSpec("P")
T = TypeVar("T")
Answer_co = TypeVar("Answer_co", covariant=True)

AUGMENTER, SYNTHESIZER = "augmenter", "synthesizer"


class MethodConfig(Section):
    """The keys that every method has."""

    share: float = Field(
        default=1.0,
        gt=0,
        le=1_000_000,
        description="weight of the method, relative to the other methods",
    )


class RateConfig(MethodConfig):
    """The keys of a method that edits some of the candidate tokens (or mentions)."""

    rate: Share = Field(default=0.1, description="average share of the editable parts of an example that is edited")
    at_least: int = Field(default=1, ge=0, le=10_000, description="minimum number of edits per example, if possible")
    at_most: int | None = Field(
        default=None, ge=1, le=10_000, description="maximum number of edits per example; null: according to `rate`"
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> RateConfig:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"`at_most: {self.at_most}` is less than `at_least: {self.at_least}`")
        return self

    def choose(self, candidates: int, draws: Draws) -> list[int]:
        """The indexes of the candidates that are edited, ascending; none with ``rate: 0``."""
        if not candidates or not self.rate:
            return []
        wanted = max(draws.count(self.rate * candidates), self.at_least)
        return draws.some(candidates, min(wanted, self.at_most or wanted))


class OptionError(HallucError):
    """An option that cannot be satisfied; ``key`` is its key in the method's config."""

    def __init__(self, key: str, code: str, message: str, help: str | None = None, exit_code: int = EXIT_USAGE) -> None:
        super().__init__(code, message, None, help, exit_code)
        self.key = key


class Rejected(Exception):
    """A candidate that a method cannot complete; ``reason`` is one or two words, and is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextlib.contextmanager
def errors_of_key(key: str) -> Iterator[None]:
    """Convert errors without a location to an ``OptionError`` of ``key``."""
    try:
        yield
    except HallucError as error:
        if error.where is not None or isinstance(error, (ManyErrors, OptionError)):
            raise
        raise OptionError(key, error.code, error.message, error.help, error.exit_code) from None


Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """Statistics of the training split, for methods that draw from it; all in the order of first appearance.

    ``mentions`` has, by label, the frequency of each mention (its tokens); ``words``, by tag (see ``tags``), the
    frequency of each token, and is empty if no method ``learns`` words. ``examples_with`` has the number of examples
    with each unit of novelty.
    """

    labels: tuple[str, ...] = ()
    mentions: Mapping[str, Mapping[Tokens, int]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples_with: Mapping[Unit, int] = field(default_factory=dict)

    @classmethod
    def of(cls, examples: Iterable[Editable], words: bool = True, units: NoveltyUnits = MENTIONS) -> Lexicon:
        """``words``: whether tokens are counted; ``units``: the units of novelty."""
        mentions: defaultdict[str, Counter[Tokens]] = defaultdict(Counter)
        tokens_of: defaultdict[str, Counter[str]] = defaultdict(Counter)
        examples_with: Counter[Unit] = Counter()
        for example in examples:
            examples_with.update(set(units.of(example)))
            for start, end, label in example.spans:
                mentions[label][example.tokens[start:end]] += 1
            if words:
                for token, tag in zip(example.tokens, tags(example), strict=True):
                    tokens_of[tag][token] += 1
        return cls(tuple(sorted(mentions)), dict(mentions), dict(tokens_of), examples_with)


def tags(example: Editable) -> list[str]:
    """An IOB2 tag for each token; outside of spans, instead of O, a tag of the labels of the whole example, if any."""
    result = ["=" + "\x1f".join(example.labels) if example.labels else "O"] * len(example.tokens)
    for start, end, label in example.spans:
        result[start] = f"B-{label}"
        result[start + 1 : end] = [f"I-{label}"] * (end - start - 1)
    return result


class Changed(NamedTuple):
    """An example after a method, and the edits of each step of the method, with their positions before that step."""

    edited: Editable
    steps: tuple[tuple[Edit, ...], ...]

    @property
    def is_edited(self) -> bool:
        return any(self.steps)


class Opinion(NamedTuple):
    """A trained model's prediction for an example: as ``spans``, or as ``labels`` of the whole.

    ``f1`` is between the labels of the example and the predicted ones (1 if both are empty), ``confidence`` the minimum
    over the predicted ones (1 if there are none).
    """

    f1: float
    confidence: float
    spans: tuple[Span, ...]
    labels: tuple[str, ...]


class Labeller(Protocol):
    """A trained model that predicts labels; ``relabels``: whether predicted labels can replace those of an example."""

    @property
    def relabels(self) -> bool: ...

    def opinions(self, examples: Sequence[Any]) -> list[Opinion]:
        """One for each example of the task, in order."""
        ...


class PseudoLabelled(NamedTuple):
    """A plain text as an example with the labels that a trained model predicts.

    ``confidence`` is the minimum over the predicted labels (1 if there are none).
    """

    example: Editable
    confidence: float


class TextModel(Protocol[Answer_co]):
    """A trained model that answers plain texts, such as by labels or by a translation; ``fingerprint`` is a hash of all
    that its answers depend on."""

    @property
    def fingerprint(self) -> str: ...

    def answers(self, texts: Sequence[str]) -> Sequence[Answer_co]:
        """One for each text, in order. Texts are tokenized like the data of the job; a translation may be empty."""
        ...


@dataclass(frozen=True)
class Workspace:
    """Resources for methods and filters that are fitted or start programs.

    ``folder`` is for fitted models and caches, one subfolder each; it need not exist. ``allow_commands``: whether the
    user allowed programs that a config names. ``labeller`` returns the model of a run, or, for a number, that many
    cross-fitted models; ``text_labeller`` a model that labels plain texts; ``translator`` a text generation model.
    ``tokens`` tokenizes a text like the data of the job.
    """

    folder: Path
    seed: int
    allow_commands: bool = False
    labeller: Callable[[str | int], Labeller] | None = None
    text_labeller: Callable[[str], TextModel[PseudoLabelled]] | None = None
    translator: Callable[[str], TextModel[str]] | None = None
    tokens: Callable[[str], Tokens] | None = None


class Component:
    """The common base of augmenters and synthesizers.

    With ``uses_model``, a model or a program makes candidates: in one process.
    """

    Config: ClassVar[type[MethodConfig]]
    uses_model: ClassVar[bool] = False
    changes_form_only: ClassVar[bool] = False
    makes_copies: ClassVar[bool] = False

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Learn from the training split, which may be iterated several times.

        Raises:
            OptionError: it is too small, or contains something that this method cannot learn.
        """

    def facts(self) -> dict[str, Any]:
        """The entry of this method in the manifest, as plain JSON values; called at the end."""
        return {}

    def close(self) -> None:
        """End the programs that this method started."""


class Augmenter(Component):
    """Proposes edits to one example.

    ``changes_form_only``: it changes only the spelling of words (case, noise), so its results are compared with other
    examples exactly, not after normalisation. ``learns`` names the parts of ``Lexicon`` that it needs, if they take
    time to collect. A method that only works on mentions names in ``instead`` an alternative for tasks without
    mentions.
    """

    instead: ClassVar[str | None] = None
    learns: ClassVar[frozenset[Literal["words"]]] = frozenset()

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        """Edits that ``core.edits.apply`` accepts, none if there is nothing to change.

        A method with several steps, or with a model, overrides ``change_many`` instead.

        Raises:
            Rejected: the change cannot be expressed in edits.
        """
        return ()

    def change(self, example: Editable, draws: Draws) -> Changed:
        """
        Raises:
            Rejected: see ``propose``.
        """
        return unwrap_result(*self.change_many([example], [draws]))

    def change_many(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed | Rejected]:
        """``change`` for each example with its own draws, in order."""
        return [or_rejected(self._apply_edits, *one) for one in zip(examples, draws, strict=True)]

    def _apply_edits(self, example: Editable, draws: Draws) -> Changed:
        edits = tuple(self.propose(example, draws))
        for edit in edits:
            if isinstance(edit, Replace) and "" in edit.tokens:
                # A corpus in JSON may have empty tokens, which must not replace others.
                edits = tuple(one for one in edits if not (isinstance(one, Replace) and "" in one.tokens))
                break
        return Changed(apply(example, edits), (edits,))


class Synthesizer(Component):
    """Is fitted on a training split, then samples new examples: one (``sample``), or many at a time."""

    def sample(self, like: Editable, draws: Draws) -> Editable:
        """A new example, which replaces an augmentation of ``like``.

        Raises:
            Rejected: what was sampled is not a valid example.
        """
        return unwrap_result(*self.sample_many([like], [draws]))

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        """``sample`` for each of ``like`` with its own draws, in order."""
        return [or_rejected(self.sample, *one) for one in zip(like, draws, strict=True)]

    def source_of(self, example: Editable) -> str | None:
        """The source (file:line) of the text of a sampled example; None if the method generated the text."""
        return None


def refuse_all_locked(read: int, locked: int) -> None:
    """
    Args:
        read: the number of training examples.
        locked: the number of them with locked parts.

    Raises:
        OptionError C147: all examples have locked parts.
    """
    if read and read == locked:
        message = "every training example is a pair or has locked words, which sampling cannot preserve"
        raise OptionError("type", "C147", message, "remove this method: others edit what is not locked")


def refuse_too_few(count: int, least: int, model: str, key: str = "type", *, of: str = "", more: str = "") -> None:
    """
    Args:
        count: the number of training examples. least: the number that ``model`` needs.
        key: the key of the config for the error. of: what the examples have. more: the end of the message.

    Raises:
        OptionError D144: there are fewer examples than needed.
    """
    if count < least:
        message = f"{count} training examples{of} are too few for {model}, which needs {least}{more}"
        raise OptionError(key, "D144", message, "use a larger training split, or remove this method", EXIT_DATA)


def or_rejected(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T | Rejected:
    """The result of a function, or the rejection that it raises."""
    try:
        return function(*arguments, **keywords)
    except Rejected as rejected:
        return rejected


def unwrap_result(result: T | Rejected) -> T:
    """A result that is not rejected; otherwise the rejection is raised."""
    if isinstance(result, Rejected):
        raise result
    return result


class SamplingModel(Protocol):
    """A fitted model that writes examples; ``facts`` are for the manifest."""

    @property
    def facts(self) -> dict[str, Any]: ...

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        """See ``Synthesizer.sample_many``."""
        ...


class ModelSynthesizer(Synthesizer):
    """A synthesizer whose ``fit`` sets ``model``, which samples the examples."""

    uses_model: ClassVar[bool] = True

    def __init__(self, config: Any) -> None:
        self.config = config
        self.model: SamplingModel | None = None

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        assert self.model is not None, "call `fit` first"
        return self.model.sample_many(like, draws)

    def facts(self) -> dict[str, Any]:
        return {} if self.model is None else self.model.facts


def build(config: MethodConfig, training: Lexicon) -> Augmenter:
    """The augmenter of a config.

    Raises:
        OptionError: it does not support the config. HallucError: a file that it names cannot be read.
    """
    augmenter: Augmenter = registry.load(TABLE, AUGMENTER, config.type)(config, training)  # type: ignore[attr-defined]
    return augmenter
