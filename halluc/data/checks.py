"""What a person should know of a corpus before training on it: counts, overlaps, oddities."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from halluc.core.examples import Corpus, Labelled
from halluc.data.corpora import Corpora
from halluc.data.decoding import Finding
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
class Words:
    """What people call the examples, that which is labelled in them, that which labels it, and what may be mended."""

    examples: str = "sentences"
    labelled: str = "mentions"
    annotation: str = "tags"
    mended: str = "tags or spans"


TEXTS = Words("texts", "labels", "labels", "labels")


@dataclass(frozen=True)
class SplitCheck:
    """Counts of one split, in the words of token classification: sentences are examples, and mentions whatever is
    labelled in them (of a text: each of its labels). ``entity_free`` are those in which nothing is: texts out of scope
    too. ``lengths`` are tokens a sentence: mean, median, 90th and 99th percentile, longest."""

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
    long_sentences: Instances


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
    """Everything that ``halluc check`` tells, ``words`` being those for people."""

    scheme: str | None
    scheme_note: str
    splits: dict[str, SplitCheck]
    overlaps: list[Overlap]
    unseen_labels: dict[str, dict[str, int]]
    repairs: Instances
    skipped: Instances
    warnings: list[str] = field(default_factory=list)
    words: Words = Words()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


MOST_PLACES = 5
# Of more tokens than these a person should know: no encoder sees them whole.
LONG_TOKEN, LONG_SENTENCE = 100, 10_000


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
        words=TEXTS if any(_is_text(corpus) for corpus in corpora.splits.values()) else Words(),
    )
    report.warnings.extend(_warnings(report))
    return report


def _is_text(corpus: Corpus[Any]) -> bool:
    return isinstance(next(iter(corpus), None), Labelled)


def _split(corpus: Corpus[Any]) -> SplitCheck:
    labels: Counter[str] = Counter()
    seen: dict[tuple[str, ...], set[Any]] = {}
    duplicates = free = 0
    for example in corpus:
        pairs = example.pairs
        labels.update(label for _, label in pairs)
        free += not pairs
        variants = seen.setdefault(example.tokens, set())
        duplicates += bool(variants)
        variants.add(example.annotation)
    invisible, long = _odd_tokens(corpus)
    longest = [f"{e.origin} {len(e.tokens):,} tokens" for e in corpus if len(e.tokens) > LONG_SENTENCE]
    return SplitCheck(
        source=corpus.source,
        documents=len({example.origin.document for example in corpus}),
        sentences=len(corpus),
        tokens=sum(len(example.tokens) for example in corpus),
        mentions=labels.total(),
        labels=dict(sorted(labels.items())),
        entity_free=free,
        lengths=_lengths(corpus),
        duplicates=duplicates,
        contradictions=sum(len(variants) > 1 for variants in seen.values()),
        invisible_tokens=invisible,
        long_tokens=long,
        long_sentences=_instances(longest),
    )


def _odd_tokens(corpus: Corpus[Any]) -> tuple[Instances, Instances]:
    """Tokens that show nothing, and those that are very long. In a text cut into characters, blanks are no oddity."""
    invisible, long = [], []
    blanks = _is_text(corpus)
    for example in corpus:
        for token in example.tokens:
            if is_invisible(token):
                if not (blanks and token.isspace()):
                    invisible.append(f"{example.origin} {token!a}")
            elif len(token) > LONG_TOKEN:
                long.append(f"{example.origin} {len(token)} characters")
    return _instances(invisible), _instances(long)


def _instances(found: list[str]) -> Instances:
    return Instances(len(found), tuple(found[:MOST_PLACES]))


def is_invisible(token: str) -> bool:
    """Whether a token is empty or shows nothing: white space, control and format characters, selectors."""
    return all(
        unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp")
        or ord(char) in _VARIATION_SELECTORS
        or char in _INVISIBLE
        for char in token
    )


def _lengths(corpus: Corpus[Any]) -> dict[str, float]:
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


def _overlaps(splits: dict[SplitName, Corpus[Any]]) -> list[Overlap]:
    """Each pair of splits, the one that should know less named last."""
    found = []
    names = list(splits)
    for index, earlier in enumerate(names):
        known: dict[tuple[str, ...], set[Any]] = {}
        for example in splits[earlier]:
            known.setdefault(example.tokens, set()).add(example.annotation)
        for later in names[index + 1 :]:
            shared = [example for example in splits[later] if example.tokens in known]
            same = sum(example.annotation in known[example.tokens] for example in shared)
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
    told, words = [], report.words
    for overlap in report.overlaps:
        if overlap.sentences:
            told.append(f"{_shared(overlap, words)} (first: {overlap.first[0]})")
    for name, labels in report.unseen_labels.items():
        listed = ", ".join(f"{label} ({count:,})" for label, count in labels.items())
        told.append(f"{name} has labels that train never shows: {listed}")
    for name, split in report.splits.items():
        if split.duplicates:
            told.append(
                f"{name}: {_counted(split.duplicates, words.examples, 'repeat')} an earlier one of the same split"
            )
        if split.contradictions:
            many = _counted(split.contradictions, words.examples, "stand")
            told.append(f"{name}: {many} there with different {words.annotation}")
        for found, what, how in (
            (split.invisible_tokens, "tokens", "empty or invisible"),
            (split.long_tokens, "tokens", f"longer than {LONG_TOKEN} characters"),
            (split.long_sentences, words.examples, f"longer than {LONG_SENTENCE:,} tokens"),
        ):
            if found.count:
                told.append(f"{name}: {_counted(found.count, what, 'are')} {how} (first: {found.first[0]})")
        if not split.mentions:
            told.append(f"{name}: no {words.labelled.removesuffix('s')} at all")
    if report.repairs.count:
        many = _counted(report.repairs.count, words.mended, "were")
        told.append(f"{many} repaired (first: {report.repairs.first[0]})")
    if report.skipped.count:
        many = _counted(report.skipped.count, "lines", "were")
        told.append(f"{many} skipped (first: {report.skipped.first[0]})")
    return told


_OF_ONE = {"are": "is", "were": "was"}


def _counted(count: int, what: str, verb: str) -> str:
    """As `1 sentence repeats`, `1,350 sentences repeat`; ``what`` may be several words, as `tags or spans`."""
    if count != 1:
        return f"{count:,} {what} {verb}"
    one = " ".join(word.removesuffix("s") for word in what.split(" "))
    return f"1 {one} {_OF_ONE.get(verb, verb + 's')}"


def _shared(overlap: Overlap, words: Words) -> str:
    many = _counted(overlap.sentences, f"{overlap.later} {words.examples}", "stand").replace(" stand", " also stand")
    if overlap.sentences == 1:
        same = "the same" if overlap.same_spans else "other"
        return f"{many} in {overlap.earlier}, with {same} {words.annotation}"
    return f"{many} in {overlap.earlier}, {overlap.same_spans:,} of them with the same {words.annotation}"
