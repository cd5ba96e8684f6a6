"""Checks of a corpus before training: counts, overlaps, oddities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy

from halluc.core.characters import is_invisible
from halluc.core.errors import did_you_mean
from halluc.core.examples import Corpus
from halluc.core.quantities import quantity_with_verb
from halluc.data.config import DataConfig
from halluc.data.corpora import Corpora
from halluc.data.oddities import odd_labels, odd_tokens
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import Notice
from halluc.data.statistics import Words
from halluc.data.tokenization import Tokenizer, is_cut_into_characters
from halluc.runs.data import DataRecord, Instances, Overlap, SplitData

# Called with the number done and the total.
Tick = Callable[[int, int], None]

MOST_PLACES = 5
# Tokens with more characters, and examples with more tokens, are reported.
LONG_TOKEN, LONG_EXAMPLE = 100, 10_000
# The number of labels missing in train that are named, and of characters of each. If train has more labels, no similar
# label is suggested, since the search takes time.
_MOST_LABELS, _LABEL, _MOST_KNOWN = 10, 60, 2_000


def check_corpora(
    corpora: Corpora, words: Words, tick: Tick = lambda done, total: None, config: DataConfig | None = None
) -> DataRecord:
    """The counts, overlaps and warnings of a corpus.

    Args:
        words: the nouns of the task.
        tick: called after each split.
        config: the config that the corpora were read with, for its tokenization.
    """
    total, done = sum(map(len, corpora.splits.values())), 0
    splits = {}
    seen = {name: _Seen.of(corpus) for name, corpus in corpora.splits.items()}
    for name, corpus in corpora.splits.items():
        splits[str(name)] = _split(corpus, words, seen[name])
        done += len(corpus)
        tick(done, total)
    report = DataRecord(
        scheme=corpora.annotation.scheme,
        scheme_note=corpora.annotation.note,
        mappings={str(name): mapping for name, mapping in corpora.mappings.items()},
        schemes={str(name): scheme for name, scheme in corpora.annotation.schemes.items()},
        renamed_labels=dict(corpora.annotation.renamed),
        splits=splits,
        overlaps=_overlaps(corpora.splits, seen),
        unseen_labels=_unseen_labels(corpora.splits),
        repairs=_notices(corpora.repairs),
        skipped=_notices(corpora.skipped),
    )
    report.warnings += _warnings(report, corpora, words, config)
    return report


@dataclass(frozen=True)
class _Seen:
    """Hashes of the examples of a split, in their order: of the tokens, and of tokens and annotation.

    With 64 bits, the probability that two of five million examples have the same hash is below a millionth.
    """

    tokens: numpy.ndarray
    examples: numpy.ndarray

    @classmethod
    def of(cls, corpus: Corpus[Any]) -> _Seen:
        tokens, examples = (numpy.empty(len(corpus), dtype=numpy.int64) for _ in range(2))
        for number, example in enumerate(corpus):
            tokens[number] = hash(example.tokens)
            examples[number] = hash((example.tokens, example.annotation))
        return cls(tokens, examples)

    @cached_property
    def distinct(self) -> int:
        """The number of different token sequences."""
        return len(numpy.unique(self.tokens))

    @property
    def contradictions(self) -> int:
        """The number of token sequences with several annotations."""
        _, first = numpy.unique(self.examples, return_index=True)
        _, count = numpy.unique(self.tokens[first], return_counts=True)
        return int((count > 1).sum())

    def shared(self, later: _Seen) -> tuple[numpy.ndarray, int]:
        """The indexes of examples of a later split whose tokens this split has too, and how many of these have the same
        annotation here."""
        places = numpy.flatnonzero(numpy.isin(later.tokens, self.tokens))
        return places, int(numpy.isin(later.examples[places], self.examples).sum())


def _split(corpus: Corpus[Any], words: Words, seen: _Seen) -> SplitData:
    invisible, long = _odd_tokens(corpus, words)
    return SplitData(
        source=corpus.source,
        documents=len({example.origin.document for example in corpus}),
        counts=words.count(corpus),
        labels=dict(sorted(Counter(label for example in corpus for label in example.labels).items())),
        lengths=_lengths(corpus),
        duplicates=len(corpus) - seen.distinct,
        contradictions=seen.contradictions,
        invisible_tokens=invisible,
        long_tokens=long,
        long_examples=_instances(
            [f"{e.origin} {len(e.tokens):,} tokens" for e in corpus if len(e.tokens) > LONG_EXAMPLE]
        ),
    )


def _odd_tokens(corpus: Corpus[Any], words: Words) -> tuple[Instances, Instances]:
    """Invisible tokens, and very long ones."""
    distinct = {token for example in corpus for token in example.tokens}
    invisible = {token for token in distinct if is_invisible(token) and not (words.has_blanks and token.isspace())}
    long = {token for token in distinct if len(token) > LONG_TOKEN and not is_invisible(token)}
    odd = invisible | long
    tokens = [(example, token) for example in corpus if odd for token in example.tokens if token in odd]
    return (
        _instances([f"{example.origin} {token!a}" for example, token in tokens if token in invisible]),
        _instances([f"{example.origin} {len(token)} characters" for example, token in tokens if token in long]),
    )


def _instances(texts: list[str]) -> Instances:
    return Instances(count=len(texts), first=texts[:MOST_PLACES])


def _lengths(corpus: Corpus[Any]) -> dict[str, float]:
    lengths = numpy.fromiter((len(example.tokens) for example in corpus), dtype=numpy.int64, count=len(corpus))
    median, p90, p99 = numpy.percentile(lengths, [50, 90, 99])
    return {
        "mean": round(float(lengths.mean()), 1),
        "median": float(median),
        "p90": round(float(p90), 1),
        "p99": round(float(p99), 1),
        "longest": float(lengths.max()),
    }


def _overlaps(splits: dict[SplitName, Corpus[Any]], seen: dict[SplitName, _Seen]) -> list[Overlap]:
    """The overlap of each pair of splits, in the order train, dev, test."""
    overlaps = []
    for earlier, later in combinations(splits, 2):
        places, same = seen[earlier].shared(seen[later])
        overlaps.append(
            Overlap(
                earlier=earlier,
                later=later,
                examples=len(places),
                same_annotation=same,
                first=[str(splits[later].examples[place].origin) for place in places[:MOST_PLACES].tolist()],
            )
        )
    return overlaps


def _unseen_labels(splits: dict[SplitName, Corpus[Any]]) -> dict[str, dict[str, Instances]]:
    if "train" not in splits:
        return {}
    known = {label for example in splits["train"] for label in example.labels}
    unseen = {}
    for name, corpus in splits.items():
        places: dict[str, list[str]] = {}
        for example in corpus:
            for label in (label for label in example.labels if label not in known):
                places.setdefault(label, []).append(str(example.origin))
        if places:
            unseen[str(name)] = {label: _instances(places[label]) for label in sorted(places)}
    return unseen


def _notices(notices: list[Notice]) -> Instances:
    return Instances(count=len(notices), first=list(map(str, notices[:20])))


def _warnings(report: DataRecord, corpora: Corpora, words: Words, config: DataConfig | None) -> list[str]:
    parts = [
        f"{_shared(overlap, words)} (first: {overlap.first[0]})" for overlap in report.overlaps if overlap.examples
    ]
    parts += unseen_labels(report)
    if unmet := ", ".join(f"`{label}`" for label, result in report.renamed_labels.items() if not result.mentions):
        parts.append(f"`data.rename_labels` has {unmet}, but no {words.labelled.removesuffix('s')} has such a label")
    for name, split in report.splits.items():
        parts += _of_split(name, split, words, config)
    noticed = {notice.file for notice in corpora.notices}
    for name, corpus in corpora.splits.items():
        is_alone = len(corpus) == 1 and corpus.source not in noticed
        if is_alone and (many := words.single_example_warning(name, corpus.source, corpus.examples[0])):
            parts.append(f"{name}: {many}")
        if corpora.mappings.get(name, "").startswith("text:"):  # otherwise the file has tokens
            parts += _of_unspaced(name, corpus, words, config)
    parts += odd_tokens(corpora.splits, words)
    for result, what, done in ((report.repairs, words.repaired, "repaired"), (report.skipped, "lines", "skipped")):
        if result.count:
            parts.append(f"{quantity_with_verb(result.count, what, 'were')} {done} (first: {result.first[0]})")
    parts += odd_labels({name: split.labels for name, split in report.splits.items()})
    return [*parts, *map(str, corpora.notices)]


def unseen_labels(report: DataRecord) -> list[str]:
    """Warnings about labels that train lacks, one per split."""
    if not report.unseen_labels:
        return []
    known = [label for label in report.splits["train"].labels if len(label) <= _LABEL]
    return [
        _of_unseen(name, labels, known if len(known) <= _MOST_KNOWN else [])
        for name, labels in report.unseen_labels.items()
    ]


def _of_unseen(name: str, labels: dict[str, Instances], known: Sequence[str]) -> str:
    listed = ", ".join(_of_label(label, result, known) for label, result in list(labels.items())[:_MOST_LABELS])
    more = f" and {len(labels) - _MOST_LABELS:,} more" if len(labels) > _MOST_LABELS else ""
    return (
        f"{name} has labels that do not occur in train: {listed}{more}; "
        "the model cannot predict them: fix them, or add training examples with these labels"
    )


def _of_label(label: str, result: Instances, known: Sequence[str]) -> str:
    if len(label) > _LABEL:
        return f"{label[:_LABEL]}… ({result.count:,}, first: {result.first[0]})"
    near = did_you_mean(label, known, cutoff=0.8)
    return f"{label} ({result.count:,}, first: {result.first[0]}" + (f"; did you mean `{near}`?)" if near else ")")


def _of_split(name: str, split: SplitData, words: Words, config: DataConfig | None) -> list[str]:
    parts = []
    if split.duplicates:
        parts.append(
            f"{name}: {quantity_with_verb(split.duplicates, words.examples, 'repeat')} an earlier one of the same split"
        )
    if split.contradictions:
        many = quantity_with_verb(split.contradictions, words.examples, "stand")
        parts.append(f"{name}: {many} with different {words.annotation}")
    # A blank that is a token stays one if each character is a token.
    strip = "" if Tokenizer.of(config).tokenize == "characters" else "; set `data.strip_invisible: true`"
    for result, what, how, do in (
        (split.invisible_tokens, words.tokens, "empty or invisible", strip),
        (split.long_tokens, words.tokens, f"longer than {LONG_TOKEN} characters", ""),
        (split.long_examples, words.examples, f"longer than {LONG_EXAMPLE:,} {words.tokens}", ""),
    ):
        if result.count:
            parts.append(
                f"{name}: {quantity_with_verb(result.count, what, 'are')} {how} (first: {result.first[0]}){do}"
            )
    if not split.labels and words.has_labels:
        none = f"{name}: no {words.labelled.removesuffix('s')} at all"
        parts.append(
            f"{none}: {words.figure} cannot select a checkpoint; the last one is kept" if name == "dev" else none
        )
    return parts


def _of_unspaced(name: str, corpus: Corpus[Any], words: Words, config: DataConfig | None) -> list[str]:
    """A warning about texts without blanks, which are split into characters."""
    cut = Tokenizer.of(config)
    if config is None or cut.tokenize != "words" or cut.tokenizer_version == 1:
        return []
    count = sum(is_cut_into_characters(example.tokens) for example in corpus)
    many = quantity_with_verb(count, words.examples, "are")
    return [f"{name}: {many} written without spaces between words, and split into characters"] if count else []


def _shared(overlap: Overlap, words: Words) -> str:
    many = quantity_with_verb(overlap.examples, f"{overlap.later} {words.examples}", "are") + " also"
    if overlap.examples == 1:
        return (
            f"{many} in {overlap.earlier}, with {'the same' if overlap.same_annotation else 'other'} {words.annotation}"
        )
    return f"{many} in {overlap.earlier}, {overlap.same_annotation:,} of them with the same {words.annotation}"
