"""The perturbation test of Lee et al. 2018: does the model hallucinate if one token is inserted into the source?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any, Literal, NamedTuple

from pydantic import Field

from halluc.config.section import Section
from halluc.core.rng import Draws, keyed_seed
from halluc.tasks.text_generation.source_text import Sourced, WrittenText

TokenKind = Literal["frequent", "medium", "rare", "punctuation"]
Position = Literal["start", "second", "last"]
KINDS: tuple[TokenKind, ...] = ("frequent", "medium", "rare", "punctuation")
POSITIONS: tuple[Position, ...] = ("start", "second", "last")
# Outputs with an adjusted BLEU above the first value are tested; below the second value, an output is a hallucination.
GOOD, DETACHED = 0.09, 0.01
# The maximum number of tokens of each kind.
_MOST_OF_KIND = 100
# The weights of unigrams and bigrams.
_WEIGHTS = (1.0, 0.8)


class PerturbationConfig(Section):
    """The test; it decodes up to 12 times ``tokens`` more outputs for each source."""

    sources: int = Field(
        default=200, ge=1, le=1_000_000, description="number of sources that are tested in each split, drawn by `seed`"
    )
    tokens: int = Field(
        default=1,
        ge=1,
        le=100,
        description="number of tokens of each kind (frequent, medium, rare, punctuation) that are inserted at each "
        "position of a source, one at a time",
    )


class Perturbed(NamedTuple):
    """A source with one additional token, the model's output for it, and its adjusted BLEU."""

    kind: TokenKind
    position: Position
    token: str
    output: str
    score: float

    @property
    def is_hallucination(self) -> bool:
        return self.score < DETACHED


@dataclass(frozen=True)
class TokenPools:
    """Tokens of the training sources by kind: the 100 most frequent words, the 100 rarest, 100 drawn from the rest, and
    punctuation. Ties are broken by a hash."""

    by_kind: Mapping[TokenKind, Sequence[str]]

    @classmethod
    def from_sources(cls, sources: Sequence[Sourced], seed: int) -> TokenPools:
        counts = Counter(token for source in sources for token in source.tokens)
        ordered = sorted(counts, key=lambda token: (-counts[token], keyed_seed("perturbation", seed, token)))
        words = [token for token in ordered if any(map(str.isalnum, token))]
        frequent, rest = words[:_MOST_OF_KIND], words[_MOST_OF_KIND:]
        rare, rest = rest[-_MOST_OF_KIND:], rest[:-_MOST_OF_KIND]
        medium = Draws.of("perturbation", seed, "medium").shuffled(rest)[:_MOST_OF_KIND]
        punctuation = [token for token in ordered if not any(map(str.isalnum, token))]
        return cls({"frequent": frequent, "medium": medium, "rare": rare, "punctuation": punctuation})


def sample_examples(examples: Sequence[Sourced], config: PerturbationConfig, seed: int) -> list[int]:
    """The indexes of the examples that are tested, in order; they have a reference."""
    known = [number for number, example in enumerate(examples) if example.targets and example.tokens]
    known.sort(key=lambda number: keyed_seed("perturbation", seed, examples[number].id))
    return sorted(known[: config.sources])


def perturbations(
    example: Sourced, pools: TokenPools, config: PerturbationConfig, seed: int
) -> Iterator[tuple[TokenKind, Position, str, Sourced]]:
    """The example with one inserted token, for each kind of token, each position and ``config.tokens`` tokens."""
    for kind in KINDS:
        for position in POSITIONS:
            pool = pools.by_kind[kind]
            draws = Draws.of("perturbation", seed, example.id, kind, position)
            for number in draws.some(len(pool), config.tokens):
                yield kind, position, pool[number], insert_token(example, pool[number], position)


def insert_token(example: Sourced, token: str, position: Position) -> Sourced:
    """The example with a token before its first one, before its second one, or after its last one.

    The token is surrounded by blanks. For an example of one token the second position is the last.
    """
    size = len(example.tokens)
    place = {"start": 0, "second": min(1, size), "last": size}[position]
    before, after = list(example.spaces[:place]), list(example.spaces[place:])
    spaces = ["", " ", *example.spaces[1:]] if place == 0 else [*before, " ", after[0] or " ", *after[1:]]
    if place == size:
        spaces = [*before, " ", after[0]]
    parts = (replace(example.parts[0], end=size + 1),)
    tokens = (*example.tokens[:place], token, *example.tokens[place:])
    return replace(example, tokens=tokens, spaces=tuple(spaces), parts=parts)


def adjusted_bleu(metric: Any, output: str, references: Sequence[str]) -> float:
    """``BP * p1 ** 1.0 * p2 ** 0.8``: BLEU of unigrams and bigrams, with the weights of Lee et al. 2018 and without
    smoothing; from 0 to 1.

    Args:
        metric: a ``sacrebleu.metrics.BLEU`` of ``max_ngram_order=2``, whose tokenizer and counts are used.
    """
    written, wanted, *counts = segment_statistics(metric, output, references)
    order = len(_WEIGHTS)
    precisions = [hits / total if total else 0.0 for hits, total in zip(counts[:order], counts[order:], strict=True)]
    penalty = 1.0 if written >= wanted else exp(1 - wanted / written) if written else 0.0
    return float(penalty * precisions[0] ** _WEIGHTS[0] * precisions[1] ** _WEIGHTS[1])


def segment_statistics(metric: Any, output: str, references: Sequence[str]) -> list[int]:
    """The counts of a metric of sacrebleu for one output."""
    text = metric._preprocess_segment(output.rstrip())
    gold = metric._extract_reference_info([metric._preprocess_segment(one.rstrip()) for one in references])
    counts: list[int] = metric._compute_segment_statistics(text, gold)
    return counts


# Maximum number of hallucinations in the text; the JSON file has all.
_SHOWN = 10


def perturbation_report(examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> dict[str, Any]:
    """Thresholds, numbers of outputs and hallucinations by kind of token and position, and every hallucination; empty
    if nothing was tested."""
    if all(one.perturbed is None for one in predictions):
        return {}
    outputs = [one for prediction in predictions for one in prediction.perturbed or ()]

    def count_outputs(key: str, value: str) -> dict[str, int]:
        selected = [one for one in outputs if getattr(one, key) == value]
        return {"outputs": len(selected), "hallucinations": sum(one.is_hallucination for one in selected)}

    return {
        "thresholds": {"before": GOOD, "after": DETACHED},
        "sources": sum(one.perturbed is not None for one in predictions),
        "perturbed": sum(bool(one.perturbed) for one in predictions),
        "by_token": {kind: count_outputs("kind", kind) for kind in KINDS},
        "by_position": {position: count_outputs("position", position) for position in POSITIONS},
        "hallucinations": [
            {
                "id": example.id,
                "source": example.full_text,
                "references": list(example.targets),
                "output": prediction.text,
                "token": one.token,
                "kind": one.kind,
                "position": one.position,
                "output_after": one.output,
                "adjusted_bleu_after": round(one.score, 6),
            }
            for example, prediction in zip(examples, predictions, strict=True)
            for one in prediction.perturbed or ()
            if one.is_hallucination
        ],
    }


def perturbation_lines(report: Mapping[str, Any] | None) -> Iterator[str]:
    """The same as lines of text, with the first hallucinations."""
    if not report:
        return
    yield f"\none token inserted: {report['perturbed']:,} of {report['sources']:,} outputs were good enough"
    for name, heading in (("by_token", "token"), ("by_position", "position")):
        for key, row in report[name].items():
            yield f"  {heading} {key:12} {row['hallucinations']:>6,} hallucinations in {row['outputs']:,} outputs"
    for one in report["hallucinations"][:_SHOWN]:
        yield f"\n{one['id']}  `{one['token']}` ({one['kind']}) at {one['position']}: {one['source']}"
        yield f"  before  {one['output']}"
        yield f"  after   {one['output_after']}"
