"""Self-training: plain texts that a trained model labels with confidence become training examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal

import numpy
from pydantic import Field

from halluc.augmentation.filters.text_hashes import HashSet, exact_hash
from halluc.augmentation.methods.base import (
    MethodConfig,
    OptionError,
    PseudoLabelled,
    Rejected,
    Synthesizer,
    Workspace,
    errors_of_key,
)
from halluc.augmentation.models.cached_answers import pseudo_labels
from halluc.augmentation.models.plain_texts import PlacedText, TextPool, length_key, refuse_missing, text_lines
from halluc.config.section import DISTINCT, ExampleCount, Reference, Share
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.rng import Draws

_LOCKED = "every training example is a pair or has locked words, so plain texts cannot be used"
_ONE_FILE = "`unlabelled` must list files of plain text, one text per line"


class SelfTrainingConfig(MethodConfig):
    type: Literal["self_training"]
    model: Reference = Field(description="the trained model that labels the texts: a run or a model of the same task")
    unlabelled: Annotated[list[Reference], Field(min_length=1, max_length=1_000), DISTINCT] = Field(
        description="plain text files, one text per line, optionally compressed"
    )
    min_confidence: Share = Field(
        default=0.9,
        description="minimum confidence of the model in each predicted label for a text; texts "
        "for which it predicts none have no confidence, and are used",
    )
    most: ExampleCount = Field(default=100_000, description="the number of lines that are read, of all files together")


# Whether an example has mentions, and its labels of the whole: texts replace examples of the same group.
_Group = tuple[bool, tuple[str, ...]]


def _group(example: Editable) -> _Group:
    return bool(example.spans), tuple(sorted(example.labels))


class SelfTraining(Synthesizer):
    """Labels plain texts with a trained model and adds those that it is confident about.

    Self-training (Yarowsky 1995) with a confidence threshold. A new example has labels if the example that it replaces
    has labels, and none otherwise, so that the share of examples without labels stays the same. Texts that are labelled
    as a whole are drawn from those with the same labels.
    """

    Config: ClassVar[type[MethodConfig]] = SelfTrainingConfig
    uses_model: ClassVar[bool] = True

    def __init__(self, config: SelfTrainingConfig) -> None:
        """
        Raises:
            OptionError D101: a file does not exist, or is not a regular file.
        """
        self.config = config
        self._pools: defaultdict[_Group, TextPool] = defaultdict(TextPool)
        self._places: dict[tuple[str, ...], str] = {}
        self._counts: Counter[str] = Counter()
        self._labels: Counter[str] = Counter()
        self._confidences: list[float] = []
        with errors_of_key("unlabelled"):
            refuse_missing(config.unlabelled, "unlabelled")

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Label all texts, and keep those that the model is confident about.

        Raises:
            OptionError C103: every training example is a pair or has locked tokens, or the model is of another task.
                D146: the files have no text. D147: the model is not confident about any text with labels. Others: the
                model cannot be loaded. HallucError D104, D114: a line that cannot be read.
        """
        labels, seen = self._learn(examples)
        texts = list(self._texts())
        self._counts["texts"] = len(texts)
        if not texts:
            named = ", ".join(self.config.unlabelled)
            raise OptionError("unlabelled", "D146", f"{named}: no text", f"{_ONE_FILE}; these are empty", EXIT_DATA)
        assert workspace.text_labeller is not None, "set by the workflow"
        with errors_of_key("model"):
            labeller = workspace.text_labeller(self.config.model)
        labelled = pseudo_labels([one.text for one in texts], labeller, workspace.folder)
        for text, one in zip(texts, labelled, strict=True):
            self._add(text, one, labels, seen)
        if self._counts["kept"] == self._counts["kept_without_labels"]:
            raise self._no_text_error()
        for pool in self._pools.values():
            pool.sort()

    def _learn(self, examples: Iterable[Editable]) -> tuple[set[str], HashSet]:
        """The labels of the training split, and hashes of its texts."""
        labels: set[str] = set()
        seen = HashSet()
        locked = count = 0
        for example in examples:
            count, locked = count + 1, locked + bool(example.locked)
            self._pools[_group(example)].keys.append(length_key(example))
            labels.update(example.labels, (span.label for span in example.spans))
            seen.add(exact_hash(example.tokens))
        if count and count == locked:
            raise OptionError("type", "C103", _LOCKED, "remove this method: others edit what is not locked")
        return labels, seen

    def _texts(self) -> Iterator[PlacedText]:
        """The non-blank lines, up to the configured number."""
        for line in islice(text_lines(self.config.unlabelled), self.config.most):
            self._counts["lines"] += 1
            if line.text.strip():
                yield line

    def _add(self, text: PlacedText, labelled: PseudoLabelled, labels: set[str], seen: HashSet) -> None:
        """Keep a text, or count the reason why it is left out."""
        example = labelled.example
        of_text = [*example.labels, *(span.label for span in example.spans)]
        key = exact_hash(example.tokens)
        if not example.tokens or key in seen:
            self._counts["repeated"] += 1
            return
        seen.add(key)
        if of_text:
            self._confidences.append(labelled.confidence)
        if not labels.issuperset(of_text):
            self._counts["other_labels"] += 1
        elif labelled.confidence < self.config.min_confidence:
            self._counts["unsure"] += 1
        else:
            self._counts["kept"] += 1
            self._counts["kept_without_labels"] += not of_text
            self._labels.update(of_text)
            self._pools[_group(example)].texts.append(example)
            self._places[example.tokens] = text.place

    def _no_text_error(self) -> OptionError:
        counts, best = self._counts, max(self._confidences, default=0.0)
        text = f"of {counts['texts']:,} texts none has labels that can be used: {counts['unsure']:,} are below "
        text += f"`min_confidence: {self.config.min_confidence}`, {counts['repeated']:,} are repeated or in the "
        text += f"training split, {counts['other_labels']:,} have labels that the training split does not have, "
        text += f"{counts['kept_without_labels']:,} have none"
        if not counts["unsure"]:
            return OptionError("unlabelled", "D147", text, "use other files, or a model with these labels", EXIT_DATA)
        help = f"lower `min_confidence`: the highest confidence is {best:.3f}; or train the model longer"
        return OptionError("min_confidence", "D147", text, help, EXIT_DATA)

    def sample(self, like: Editable, draws: Draws) -> Editable:
        if like.locked:
            raise Rejected("locked")
        pool = self._pools.get(_group(like))
        if pool is None or not pool.texts:
            has_labels = like.spans or like.labels
            raise Rejected("no text with its labels" if has_labels else "no text without labels")
        return pool.draw(like, draws)

    def source_of(self, example: Editable) -> str | None:
        return self._places.get(example.tokens)

    def facts(self) -> dict[str, Any]:
        """The number of lines by outcome, the labels of the texts that were kept, and the quartiles of the confidence
        of all texts with labels."""
        names = ("lines", "texts", "repeated", "other_labels", "unsure", "kept", "kept_without_labels")
        if not self._counts:
            return {}
        counts = {name: self._counts[name] for name in names}
        return {**counts, "labels": dict(sorted(self._labels.items())), "confidence": _quartiles(self._confidences)}


def _quartiles(values: Sequence[float]) -> list[float] | None:
    """Minimum, quartiles and maximum; None without values."""
    return numpy.quantile(values, [0, 0.25, 0.5, 0.75, 1]).round(6).tolist() if values else None
