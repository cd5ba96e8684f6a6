"""What an augmentation method is: an ``Augmenter`` proposes edits to one example, a ``Synthesizer`` samples new ones.

Neither changes text or moves spans: ``core.edits.apply`` does. Neither keeps random state: all that is random comes
from the ``Draws`` that it is handed, so that an example is made alike whoever makes it, and whenever.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

from pydantic import Field, model_validator

from halluc.components import TABLE
from halluc.config.section import Section
from halluc.core import registry
from halluc.core.edits import Edit, Editable, Replace, apply
from halluc.core.errors import EXIT_USAGE, HallucError, ManyErrors
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.gap.novelty import MENTIONS, NoveltyUnits, Unit

T = TypeVar("T")

AUGMENTER, SYNTHESIZER = "augmenter", "synthesizer"

Rate = Annotated[float, Field(ge=0, le=1)]


class MethodConfig(Section):
    """The keys that every method has."""

    share: float = Field(
        default=1.0, gt=0, le=1_000_000, description="how often it is drawn, beside the shares of the other methods"
    )


class RateConfig(MethodConfig):
    """The keys of a method that edits some of the tokens (or mentions) that it could."""

    rate: Rate = Field(default=0.1, description="share of what could be edited in an example that is, on average")
    at_least: int = Field(default=1, ge=0, le=10_000, description="edits of an example, where it has so much to edit")
    at_most: int | None = Field(
        default=None, ge=1, le=10_000, description="edits of an example; null: as many as `rate` gives"
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> RateConfig:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"`at_most: {self.at_most}` is less than `at_least: {self.at_least}`")
        return self

    def chosen(self, candidates: int, draws: Draws) -> list[int]:
        """Which of so many candidates are edited, ascending; none at ``rate: 0``."""
        if not candidates or not self.rate:
            return []
        wanted = max(draws.count(self.rate * candidates), self.at_least)
        return draws.some(candidates, min(wanted, self.at_most or wanted)) if wanted else []


class OptionError(HallucError):
    """What a method was asked for cannot be done; ``key`` is the key of its config that asks for it."""

    def __init__(
        self, key: str, code: str, message: str, help: str | None = None, exit_code: int = EXIT_USAGE
    ) -> None:  # fmt: skip
        super().__init__(code, message, None, help, exit_code)
        self.key = key


class Rejected(Exception):
    """A candidate that a method cannot bring to a good end; ``reason`` is a word or two, and is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextlib.contextmanager
def about(key: str) -> Iterator[None]:
    """Errors without a place are raised as errors of the key ``key`` of the config."""
    try:
        yield
    except HallucError as error:
        if error.where is not None or isinstance(error, (ManyErrors, OptionError)):
            raise
        raise OptionError(key, error.code, error.message, error.help, error.exit_code) from None


Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """What the training split shows, for methods that draw from it; everything in the order of first appearance.

    ``mentions`` has, by label, how often each mention (its tokens) stands there; ``words``, by tag (see ``tags``), how
    often each token does. ``words`` is empty if no method ``learns`` them. ``examples_with`` says in how many
    examples each unit of novelty stands.
    """

    labels: tuple[str, ...] = ()
    mentions: Mapping[str, Mapping[Tokens, int]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples_with: Mapping[Unit, int] = field(default_factory=dict)

    @classmethod
    def of(cls, examples: Iterable[Editable], words: bool = True, units: NoveltyUnits = MENTIONS) -> Lexicon:
        """``words``: whether tokens are counted; ``units``: what novelty is measured in."""
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
    """An IOB2 tag for each token; outside of spans one of the labels of the whole, where it has such."""
    result = ["=" + "\x1f".join(example.labels) if example.labels else "O"] * len(example.tokens)
    for start, end, label in example.spans:
        result[start] = f"B-{label}"
        result[start + 1 : end] = [f"I-{label}"] * (end - start - 1)
    return result


class Changed(NamedTuple):
    """An example after a method, and the edits of each of its steps; the positions of a step are those before it."""

    edited: Editable
    steps: tuple[tuple[Edit, ...], ...]

    @property
    def is_edited(self) -> bool:
        return any(self.steps)


class Opinion(NamedTuple):
    """What a trained model predicts for an example: as ``spans``, or as ``labels`` of the whole.

    ``f1`` is that between the labels of the example and those predicted (1 where there is neither), ``confidence`` the
    least of those predicted (1 where there is none).
    """

    f1: float
    confidence: float
    spans: tuple[Span, ...]
    labels: tuple[str, ...]


class Labeller(Protocol):
    """A trained model that predicts labels; ``relabels``: whether an example can be given those that it predicts."""

    @property
    def relabels(self) -> bool: ...

    def opinions(self, examples: Sequence[Any]) -> list[Opinion]:
        """One for each example of the task, in their order."""
        ...


class PseudoLabelled(NamedTuple):
    """A plain text as an example with the labels that a trained model predicts.

    ``confidence`` is the least of those predicted (1 where there is none). A text without any token has no labels.
    """

    example: Editable
    confidence: float


class TextLabeller(Protocol):
    """A trained model that labels plain texts; ``fingerprint`` is a hash of all that its predictions depend on."""

    @property
    def fingerprint(self) -> str: ...

    def predicted(self, texts: Sequence[str]) -> list[PseudoLabelled]:
        """One for each text, in their order; tokens are made as in the data of the job."""
        ...


class TextTranslator(Protocol):
    """A trained model that writes a text for a text; ``fingerprint`` is a hash of all that its outputs depend on."""

    @property
    def fingerprint(self) -> str: ...

    def translated(self, texts: Sequence[str]) -> list[str]:
        """One for each text, in their order; an empty one where nothing is written."""
        ...


@dataclass(frozen=True)
class Workspace:
    """What a method or filter that is fitted or that starts programs may use.

    ``folder`` is for fitted models and caches, one subfolder each; it need not exist. ``allow_commands``: whether the
    user allowed the programs that a config names to run. ``labeller`` is asked for the model of a run, or for so many
    models that are trained on parts of the training split; ``text_labeller`` for a model that labels plain texts;
    ``translator`` for a run that writes a text for each. ``tokens`` cuts a text as the data of the job is cut.
    """

    folder: Path
    seed: int
    allow_commands: bool = False
    labeller: Callable[[str | int], Labeller] | None = None
    text_labeller: Callable[[str], TextLabeller] | None = None
    translator: Callable[[str], TextTranslator] | None = None
    tokens: Callable[[str], Tokens] | None = None


class Component:
    """What augmenters and synthesizers have in common.

    ``uses_model`` says that candidates are made in one process and many at a time, since a model or a program makes
    them: the methods whose name ends in ``_many`` are then what is called.
    """

    Config: ClassVar[type[MethodConfig]]
    uses_model: ClassVar[bool] = False
    changes_form_only: ClassVar[bool] = False
    makes_copies: ClassVar[bool] = False

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Learn from the training split, which can be iterated over several times.

        Raises:
            OptionError: it is too small, or holds what this method cannot learn.
        """

    def facts(self) -> dict[str, Any]:
        """What the manifest says of this method once all is made: plain JSON values."""
        return {}

    def close(self) -> None:
        """End the programs that it started."""


class Augmenter(Component):
    """Proposes edits to one example.

    ``changes_form_only`` says that it changes how words are written and not which stand there (case, noise): what it
    makes is compared with other examples exactly, never after normalisation. ``learns`` names what it needs of
    ``Lexicon`` that costs time to collect. A method that only mentions give something to do says in ``instead`` what
    else to name where a task has none.
    """

    instead: ClassVar[str | None] = None
    learns: ClassVar[frozenset[Literal["words"]]] = frozenset()

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        """Edits that ``core.edits.apply`` accepts, none if there is nothing to change.

        A method says here what it does; one that takes several steps overrides ``change`` instead.

        Raises:
            Rejected: what was tried cannot be expressed in edits.
        """
        return ()

    def change(self, example: Editable, draws: Draws) -> Changed:
        # JSON can hold an empty token, and a mention of one: that is not a replacement for another.
        proposed = self.propose(example, draws)
        edits = tuple(edit for edit in proposed if not (isinstance(edit, Replace) and "" in edit.tokens))
        return Changed(apply(example, edits), (edits,))

    def change_many(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed | Rejected]:
        """``change`` for each example with its own draws, in their order."""
        return [_caught(self.change, *one) for one in zip(examples, draws, strict=True)]


class Synthesizer(Component):
    """Is fitted on a training split, then samples new examples: one (``sample``), or many at a time."""

    def sample(self, like: Editable, draws: Draws) -> Editable:
        """A new example, which takes the place that an augmentation of ``like`` would have.

        Raises:
            Rejected: what was sampled is not a valid example.
        """
        (made,) = self.sample_many([like], [draws])
        if isinstance(made, Rejected):
            raise made
        return made

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        """``sample`` for each of ``like`` with its own draws, in their order."""
        return [_caught(self.sample, *one) for one in zip(like, draws, strict=True)]

    def source_of(self, example: Editable) -> str | None:
        """The place (file:line) of the text that a sampled example has; None if it is the method's own."""
        return None


def refuse_all_locked(read: int, locked: int) -> None:
    """
    Args:
        read: how many training examples there are. locked: how many of them have something that must stay as it is.

    Raises:
        OptionError C147: all have.
    """
    if read and read == locked:
        message = "every training example is a pair or has locked words, which nothing that is sampled can keep"
        raise OptionError("type", "C147", message, "leave this method out: others edit what is not locked")


def _caught(method: Callable[[Editable, Draws], T], example: Editable, draws: Draws) -> T | Rejected:
    try:
        return method(example, draws)
    except Rejected as rejected:
        return rejected


def build(config: MethodConfig, training: Lexicon) -> Augmenter:
    """The augmenter that a config names.

    Raises:
        OptionError: it cannot do what the config asks. HallucError: a file that it names cannot be read.
    """
    made: Augmenter = registry.load(TABLE, AUGMENTER, config.type)(config, training)  # type: ignore[attr-defined]
    return made
