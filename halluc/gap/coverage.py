"""The coverage of a training split: its mentions, their frequencies and first positions (DEFINITIONS, section 2).

It is computed after withholding and before augmentation, so that all arms of a study are judged by the same knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import model_validator

from halluc.core.examples import Example
from halluc.gap.stopwords import is_content
from halluc.runs.records import read_record, write_line
from halluc.runs.schema import SCHEMA_VERSION, Record


@dataclass(frozen=True, slots=True)
class SurfaceCount:
    """How often a surface occurs with one label, and the first line of the first sentence that has it."""

    count: int
    file: str
    line: int


# The advice about a damaged coverage.json or withheld.json of a run.
REMAKE = "restore it, or remove it: it is then made again from `data.train`"


class CoverageFile(Record):
    """``coverage.json``: ``surfaces`` has, by label and surface, the count, the number of the file and the line."""

    schema_version: int = SCHEMA_VERSION
    sentences: int
    tokens: int
    mentions: int
    files: list[str]
    surfaces: dict[str, dict[str, tuple[int, int, int]]]

    @model_validator(mode="after")
    def _names_files_that_are_listed(self) -> CoverageFile:
        files = range(len(self.files))
        if any(number not in files for of_label in self.surfaces.values() for _, number, _ in of_label.values()):
            raise ValueError("a surface stands in a file that `files` does not list")
        return self


@dataclass(frozen=True)
class SurfaceCoverage:
    """The distinct mentions of a training split, by label and surface, and the split's size.

    A surface is a mention's tokens joined by one space, case kept.
    """

    surfaces: Mapping[str, Mapping[str, SurfaceCount]]
    sentences: int
    tokens: int
    mentions: int

    @classmethod
    def of(cls, examples: Iterable[Example]) -> SurfaceCoverage:
        """Count in one pass; the first place is the first in the order of ``examples``."""
        surfaces: dict[str, dict[str, SurfaceCount]] = {}
        sentences = tokens = mentions = 0
        for example in examples:
            sentences += 1
            tokens += len(example.tokens)
            for text, label in example.pairs:
                mentions += 1
                of_label = surfaces.setdefault(label, {})
                known = of_label.get(text)
                count, place = (known.count, known) if known else (0, example.origin)
                of_label[text] = SurfaceCount(count + 1, place.file, place.line)
        return SurfaceCoverage(surfaces, sentences, tokens, mentions)

    def of_label(self, label: str) -> Mapping[str, SurfaceCount]:
        """The surfaces with ``label``; empty for a label that the split does not have."""
        return self.surfaces.get(label, {})

    def knows(self, text: str, label: str) -> bool:
        return text in self.of_label(label)

    def labels_of(self, text: str) -> frozenset[str]:
        """The labels that a surface has in the split."""
        return self._labels.get(text, frozenset())

    def words(self, label: str) -> frozenset[str]:
        """The words of the label's mentions, including stop words; a token that contains spaces is split."""
        return self._words.get(label, frozenset())

    def content_words(self, label: str) -> frozenset[str]:
        """``words`` without stop words and tokens without a letter or digit."""
        return self._content_words.get(label, frozenset())

    @cached_property
    def _content_words(self) -> dict[str, frozenset[str]]:
        return {label: frozenset(filter(is_content, words)) for label, words in self._words.items()}

    @cached_property
    def _labels(self) -> dict[str, frozenset[str]]:
        by_text: dict[str, set[str]] = {}
        for label, of_label in self.surfaces.items():
            for text in of_label:
                by_text.setdefault(text, set()).add(label)
        return {text: frozenset(labels) for text, labels in by_text.items()}

    @cached_property
    def _words(self) -> dict[str, frozenset[str]]:
        return {
            label: frozenset(word for text in of_label for word in text.split(" "))
            for label, of_label in self.surfaces.items()
        }

    def save(self, path: Path) -> None:
        """Write ``coverage.json`` atomically."""
        write_line(path, self.file())

    def file(self) -> CoverageFile:
        numbers: dict[str, int] = {}
        surfaces = {
            label: {
                text: (known.count, numbers.setdefault(known.file, len(numbers)), known.line)
                for text, known in of_label.items()
            }
            for label, of_label in self.surfaces.items()
        }
        return CoverageFile(
            sentences=self.sentences,
            tokens=self.tokens,
            mentions=self.mentions,
            files=list(numbers),
            surfaces=surfaces,
        )

    @classmethod
    def load(cls, path: Path) -> SurfaceCoverage:
        """Read the file that ``save`` wrote.

        Raises:
            HallucError R120: damaged. R121: written by another version of halluc.
        """
        return cls.of_file(read_record(path, CoverageFile, damaged="R120", other_version="R121", help=REMAKE))

    @classmethod
    def of_file(cls, file: CoverageFile) -> SurfaceCoverage:
        return SurfaceCoverage(
            {
                label: {
                    text: SurfaceCount(count, file.files[place], line)
                    for text, (count, place, line) in of_label.items()
                }
                for label, of_label in file.surfaces.items()
            },
            file.sentences,
            file.tokens,
            file.mentions,
        )
