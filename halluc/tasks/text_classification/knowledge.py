"""What a training split knows of whole texts, and how new the words of a text are to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from halluc.core.examples import Corpus
from halluc.data.rows.references import SplitName
from halluc.gap.forecast import SplitGap, gap_of
from halluc.gap.knowledge import TextKnowledge
from halluc.gap.matching import Strata
from halluc.gap.texts import TextCoverage, by_class_and_length
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import TEXT_NOVELTIES, Novelty
from halluc.tasks.text_classification.examples import TextExamples
from halluc.tasks.text_classification.labelled_text import Labelled


class WordKnowledge:
    """Texts, and the content words that training shows, with each label."""

    novelties: ClassVar[tuple[Novelty, ...]] = TEXT_NOVELTIES
    units: ClassVar[tuple[str, ...]] = ("label", "example", "word")
    covers: ClassVar[tuple[SplitName, ...]] = ("train", "dev")

    def __init__(self, examples: TextExamples) -> None:
        self.examples = examples

    def of(self, splits: Mapping[SplitName, Corpus[Labelled]]) -> TextCoverage:
        """What the texts of train that are learned from show, beside how new those of dev are."""
        shown = [example for example in splits["train"] if self.examples.trains_on(example)]
        return TextCoverage.of(shown, splits.get("dev", ()))

    def load(self, path: Path) -> TextCoverage:
        return TextCoverage.load(path)

    def asked(self, coverage: TextCoverage, withheld: WithheldUnits | None) -> TextKnowledge:
        return TextKnowledge(coverage, withheld)

    def strata(self, examples: Sequence[Labelled]) -> Strata:
        return by_class_and_length(examples)

    def gap(self, coverage: TextCoverage, examples: Iterable[Labelled]) -> SplitGap:
        return gap_of(coverage, examples)
