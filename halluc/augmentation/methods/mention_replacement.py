"""Replaces mentions by other mentions (Dai & Adel 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from halluc.augmentation.language.articles import article_edit
from halluc.augmentation.language.casing import Pattern, recase
from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, OptionError, RateConfig, Tokens
from halluc.augmentation.methods.name_parts import NameParts
from halluc.config.section import DISTINCT, MOST_LABELS, Reference, Share, Text
from halluc.core.edits import Edit, Editable, Replace, is_replaceable
from halluc.core.errors import suggestion
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.data.word_files import read_gazetteer

# The number of draws of another mention, before all different ones are listed.
_TRIES = 8
# A single token of this many capitals is an acronym, unless the whole sentence is in capitals.
_LONGEST_ACRONYM = 4
_WHY = {"training": "mention of the same label", "gazetteer": "gazetteer", "recombined": "recombined name"}


class MentionReplacementConfig(RateConfig):
    type: Literal["mention_replacement"]
    rate: Share = Field(default=0.5, description="average share of the mentions of an example that is replaced")
    source: Literal["training", "gazetteer", "recombined"] = Field(
        default="training",
        description="the source of new mentions. training: the training split; gazetteer: a file of names; "
        "recombined: new names from parts of the names in the training split",
    )
    weighting: Literal["frequency", "uniform"] = Field(
        default="frequency", description="how a training mention is sampled: by frequency, or uniformly"
    )
    gazetteer: Reference | None = Field(
        default=None,
        description="with `source: gazetteer`: a file of `LABEL<TAB>name` lines, or .jsonl of {label, name}",
    )
    labels: Annotated[list[Text], Field(min_length=1, max_length=MOST_LABELS), DISTINCT] | None = Field(
        default=None, description="only replace mentions of these labels; null: all labels"
    )
    articles: bool = Field(default=True, description="adapt the English article (a or an) before a mention")

    @model_validator(mode="after")
    def _gazetteer_goes_with_source(self) -> MentionReplacementConfig:
        if self.source == "gazetteer" and self.gazetteer is None:
            raise ValueError("`source: gazetteer` needs `gazetteer`, the file of names")
        if self.source != "gazetteer" and self.gazetteer is not None:
            raise ValueError(f"`gazetteer` requires `source: gazetteer`, not `{self.source}`")
        return self


class _Pool(NamedTuple):
    """The mentions of one label; ``cumulative`` are the cumulative sums of their weights."""

    names: tuple[Tokens, ...]
    cumulative: tuple[int, ...]


class MentionReplacement(Augmenter):
    """Replaces mentions by others of the same label: from the training split, a gazetteer, or newly composed.

    The casing of the text is kept: a mention in capitals, or without any, is replaced by one with the same casing.
    Acronyms in lower-case text do not count as capitals.
    """

    Config: ClassVar[type[MethodConfig]] = MentionReplacementConfig
    instead: ClassVar[str | None] = "use `synonym`, or `label_wise_replacement`, which draws words of the same label"

    def __init__(self, config: MentionReplacementConfig, training: Lexicon) -> None:
        """Raises OptionError C145: a label that is not in the training split; and the errors of ``read_gazetteer``."""
        self.config = config
        self._labels = _known_labels(config.labels, training.labels)
        self._why = _WHY[config.source]
        self._parts = NameParts(training.mentions) if config.source == "recombined" else None
        names = training.mentions if config.gazetteer is None else read_gazetteer(config.gazetteer, training.labels)
        is_uniform = config.weighting == "uniform"
        self._pools = {
            label: _Pool(tuple(counts), tuple(accumulate([1] * len(counts) if is_uniform else counts.values())))
            for label, counts in names.items()
        }

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        spans = self._replaceable(example)
        edits: list[Edit] = []
        for number in self.config.choose(len(spans), draws):
            start, end, label = spans[number]
            casing = _casing(example.tokens, start, end)
            name = self._draw_replacement(example.tokens[start:end], label, casing, draws)
            if name is not None:
                if self.config.articles:
                    edits += article_edit(example, start, name[0], casing == "upper")
                edits.append(Replace(start, end, name, self._why))
        return edits

    def _replaceable(self, example: Editable) -> Sequence[Span]:
        known = self._pools if self._labels is None else self._labels
        spans = [span for span in example.spans if span[2] in known]
        return [span for span in spans if is_replaceable(example, span[0], span[1])] if example.locked else spans

    def _draw_replacement(self, mention: Tokens, label: str, casing: Pattern, draws: Draws) -> Tokens | None:
        """A different mention, or None if there is none."""
        if self._parts is not None:
            name = self._parts.invent(label, len(mention), draws)
            return _recase(name, casing) if name and _recase(name, casing) != mention else None
        pool = self._pools.get(label)
        if pool is None:
            return None
        for _ in range(_TRIES):
            name = _recase(pool.names[draws.weighted(pool.cumulative)], casing)
            if name != mention:
                return name
        others = [cased for cased in (_recase(name, casing) for name in pool.names) if cased != mention]
        return draws.choice(others) if others else None


def _known_labels(labels: Sequence[str] | None, known: Sequence[str]) -> frozenset[str] | None:
    for label in labels or ():
        if label not in known:
            help = suggestion(label, known, f"it has {', '.join(known) or 'none'}")
            raise OptionError("labels", "C145", f"the training split has no label `{label}`", help)
    return None if labels is None else frozenset(labels)


def _casing(tokens: Tokens, start: int, end: int) -> Pattern:
    """The case that the new mention must have: ``upper``, ``lower``, or ``mixed`` (unchanged)."""
    text = tokens[start] if end == start + 1 else " ".join(tokens[start:end])
    if text.islower():
        return "lower"
    if not text.isupper():
        return "mixed"
    letters = sum(map(str.isalpha, text))
    if end == start + 1 and letters <= _LONGEST_ACRONYM and (letters == 1 or not " ".join(tokens).isupper()):
        return "mixed"
    return "upper"


def _recase(name: Tokens, casing: Pattern) -> Tokens:
    return name if casing == "mixed" else tuple([recase(casing, token) for token in name])
