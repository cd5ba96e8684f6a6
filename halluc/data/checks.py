"""What a person should know of a corpus before training on it: counts, overlaps, oddities."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from halluc.core.examples import Corpus, Tagged
from halluc.data.corpora import Corpora, Finding
from halluc.data.readers.base import SplitName

# Characters that other categories than control, format and separator also leave without a glyph.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


@dataclass(frozen=True)
class Instances:
    """A finding shown by one instance: how many there are, and the first few places."""

    count: int
    first: tuple[str, ...] = ()


@dataclass(frozen=True)
class SplitCheck:
    """Counts of one split. ``lengths`` are tokens a sentence: mean, median, 90th and 99th percentile, longest."""

    source: str
    documents: int
    sentences: int
    tokens: int
    mentions: int
    labels: dict[str, int]
    entity_free: int
    lengths: dict[str, float]
    duplicates: int
    contradictions: int
    invisible_tokens: Instances
    long_tokens: Instances


@dataclass(frozen=True)
class Overlap:
    """Sentences of ``later`` that stand in ``earlier`` too, and how many of them with the same spans."""

    earlier: str
    later: str
    sentences: int
    same_spans: int
    first: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """Everything that ``halluc check`` tells."""

    scheme: str | None
    scheme_note: str
    splits: dict[str, SplitCheck]
    overlaps: list[Overlap]
    unseen_labels: dict[str, dict[str, int]]
    repairs: Instances
    skipped: Instances
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


MOST_PLACES = 5


def check_corpora(corpora: Corpora) -> CheckReport:
    """Count, compare and warn; reads nothing and changes nothing."""
    splits: dict[str, SplitCheck] = {name: _split(corpus) for name, corpus in corpora.splits.items()}
    overlaps = _overlaps(corpora.splits)
    unseen = _unseen_labels(splits)
    report = CheckReport(
        scheme=corpora.scheme,
        scheme_note=corpora.scheme_note,
        splits=splits,
        overlaps=overlaps,
        unseen_labels=unseen,
        repairs=_findings(corpora.repairs),
        skipped=_findings(corpora.skipped),
    )
    report.warnings.extend(_warnings(report))
    return report


def _split(corpus: Corpus[Tagged]) -> SplitCheck:
    labels: Counter[str] = Counter()
    seen: dict[tuple[str, ...], set[Any]] = {}
    duplicates = 0
    invisible: list[str] = []
    long: list[str] = []
    for example in corpus:
        labels.update(span.label for span in example.spans)
        variants = seen.setdefault(example.tokens, set())
        duplicates += bool(variants)
        variants.add(example.spans)
        for token in example.tokens:
            if is_invisible(token):
                invisible.append(f"{example.origin} {token!a}")
            elif len(token) > 100:
                long.append(f"{example.origin} {len(token)} characters")
    return SplitCheck(
        source=corpus.source,
        documents=len({example.origin.document for example in corpus}),
        sentences=len(corpus),
        tokens=sum(len(example.tokens) for example in corpus),
        mentions=labels.total(),
        labels=dict(sorted(labels.items())),
        entity_free=sum(not example.spans for example in corpus),
        lengths=_lengths(corpus),
        duplicates=duplicates,
        contradictions=sum(len(variants) > 1 for variants in seen.values()),
        invisible_tokens=Instances(len(invisible), tuple(invisible[:MOST_PLACES])),
        long_tokens=Instances(len(long), tuple(long[:MOST_PLACES])),
    )


def is_invisible(token: str) -> bool:
    """Whether a token is empty or shows nothing: white space, control and format characters, selectors."""
    return all(
        unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp")
        or ord(char) in _VARIATION_SELECTORS
        or char in _INVISIBLE
        for char in token
    )


def _lengths(corpus: Corpus[Tagged]) -> dict[str, float]:
    import numpy

    lengths = numpy.array([len(example.tokens) for example in corpus])
    median, p90, p99 = numpy.percentile(lengths, [50, 90, 99])
    return {
        "mean": round(float(lengths.mean()), 1),
        "median": float(median),
        "p90": round(float(p90), 1),
        "p99": round(float(p99), 1),
        "longest": float(lengths.max()),
    }


def _overlaps(splits: dict[SplitName, Corpus[Tagged]]) -> list[Overlap]:
    """Each pair of splits, the one that should know less named last."""
    found = []
    names = list(splits)
    for index, earlier in enumerate(names):
        known: dict[tuple[str, ...], set[Any]] = {}
        for example in splits[earlier]:
            known.setdefault(example.tokens, set()).add(example.spans)
        for later in names[index + 1 :]:
            shared = [example for example in splits[later] if example.tokens in known]
            same = sum(example.spans in known[example.tokens] for example in shared)
            first = tuple(str(example.origin) for example in shared[:MOST_PLACES])
            found.append(Overlap(earlier, later, len(shared), same, first))
    return found


def _unseen_labels(splits: dict[str, SplitCheck]) -> dict[str, dict[str, int]]:
    if "train" not in splits:
        return {}
    known = splits["train"].labels
    unseen = {
        name: {label: count for label, count in split.labels.items() if label not in known}
        for name, split in splits.items()
    }
    return {name: labels for name, labels in unseen.items() if labels}


def _findings(findings: list[Finding]) -> Instances:
    return Instances(len(findings), tuple(f"{f.where}: {f.what}" for f in findings[:20]))


def _warnings(report: CheckReport) -> list[str]:
    told = []
    for overlap in report.overlaps:
        if overlap.sentences:
            told.append(f"{_shared(overlap)} (first: {overlap.first[0]})")
    for name, labels in report.unseen_labels.items():
        listed = ", ".join(f"{label} ({count:,})" for label, count in labels.items())
        told.append(f"{name} has labels that train never shows: {listed}")
    for name, split in report.splits.items():
        if split.duplicates:
            many = _counted(split.duplicates, "sentence repeats", "sentences repeat")
            told.append(f"{name}: {many} an earlier one of the same split")
        if split.contradictions:
            many = _counted(split.contradictions, "sentence stands", "sentences stand")
            told.append(f"{name}: {many} there with different tags")
        if split.invisible_tokens.count:
            first = split.invisible_tokens.first[0]
            many = _counted(split.invisible_tokens.count, "token is", "tokens are")
            told.append(f"{name}: {many} empty or invisible (first: {first})")
        if split.long_tokens.count:
            first = split.long_tokens.first[0]
            many = _counted(split.long_tokens.count, "token is", "tokens are")
            told.append(f"{name}: {many} longer than 100 characters (first: {first})")
        if not split.mentions:
            told.append(f"{name}: no mention at all")
    if report.repairs.count:
        many = _counted(report.repairs.count, "tag or span was", "tags or spans were")
        told.append(f"{many} repaired (first: {report.repairs.first[0]})")
    if report.skipped.count:
        many = _counted(report.skipped.count, "line was", "lines were")
        told.append(f"{many} skipped (first: {report.skipped.first[0]})")
    return told


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _shared(overlap: Overlap) -> str:
    if overlap.sentences == 1:
        tags = "the same" if overlap.same_spans else "other"
        return f"1 {overlap.later} sentence also stands in {overlap.earlier}, with {tags} tags"
    return (
        f"{overlap.sentences:,} {overlap.later} sentences also stand in {overlap.earlier}, "
        f"{overlap.same_spans:,} of them with the same tags"
    )
