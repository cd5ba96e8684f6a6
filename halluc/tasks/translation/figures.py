"""The figures of translation: BLEU and chrF, computed from sums of the counts of sacrebleu for each example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy
import regex

from halluc.core.figures import Report
from halluc.core.significance import Figure, Ratio, Sheet, divided
from halluc.engine.language_codes import primary_code
from halluc.tasks.text_generation.figures import OUTPUTS, GenerationFigures
from halluc.tasks.text_generation.languages import language_of
from halluc.tasks.text_generation.source_text import Sourced, WrittenText
from halluc.tasks.translation import figure_rows
from halluc.tasks.translation.perturbation import (
    KINDS,
    Perturbed,
    perturbation_lines,
    perturbation_report,
    segment_statistics,
)

_ORDERS = 4
# The tokenizers of sacrebleu by language. For languages without word separators, characters need no further package.
_TOKENIZERS = {"zh": "zh", "yue": "zh", **dict.fromkeys(("ja", "ko", "th", "lo", "km", "my"), "char")}
# Letters of the scripts of these languages, to detect an unknown language from the first targets, and their number.
_OTHER_SCRIPTS = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_LETTER = regex.compile(r"\p{L}")
_READ = 20
# Parts of the signatures of sacrebleu. The complete signatures are in the report; they depend on the language, the
# number of references, and the version.
BLEU = "sacrebleu BLEU|case:mixed|eff:no|smooth:exp"
CHRF = "sacrebleu chrF2|case:mixed|eff:yes|nc:6|nw:0|space:no"
PERTURBED = "one token inserted (Lee et al. 2018)"


@dataclass(frozen=True)
class Bleu:
    """Corpus BLEU (Papineni et al. 2002) with exponential smoothing, as in sacrebleu; 0 to 100, NaN without references.

    ``columns`` are the words of the outputs, the words of the references closest in length, the matching n-grams, and
    all n-grams of the outputs, n from 1 to 4.
    """

    columns: tuple[int, ...]

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        counts = sums[..., list(self.columns)]
        written, wanted = counts[..., 0], counts[..., 1]
        correct, total = counts[..., 2 : 2 + _ORDERS], counts[..., 2 + _ORDERS :]
        # For each order without a match, the smoothed count is halved once more.
        halved = numpy.cumsum((correct == 0) & (total > 0), -1)
        matches = numpy.where(correct > 0, correct, 0.5**halved)
        precision = divided(matches, total, 0.0)
        with numpy.errstate(divide="ignore"):
            mean = numpy.exp(numpy.log(precision).mean(-1))
        brevity = numpy.exp(numpy.minimum(0.0, 1 - divided(wanted, written, numpy.inf)))
        score = numpy.where(correct.sum(-1) > 0, 100 * brevity * mean, 0.0)
        return numpy.asarray(numpy.where(wanted > 0, score, numpy.nan))


@dataclass(frozen=True)
class Chrf:
    """Corpus chrF2 (Popović 2015) over character n-grams up to 6, as in sacrebleu; 0 to 100, NaN without references.

    ``columns`` are, for each order, the n-grams of the outputs, of the references, and the matching ones.
    """

    columns: tuple[int, ...]

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        counts = sums[..., list(self.columns)]
        written, wanted, matches = (counts[..., place::3] for place in range(3))
        both = (written > 0) & (wanted > 0)
        precision, recall = (
            divided((divided(matches, size, 0.0) * both).sum(-1), both.sum(-1), 0.0) for size in (written, wanted)
        )
        score = divided(500 * precision * recall, 4 * precision + recall, 0.0)
        return numpy.asarray(numpy.where(wanted.sum(-1) > 0, score, numpy.nan))


class TranslationFigures(GenerationFigures):
    """BLEU and chrF against all references of an example; examples without a reference do not count."""

    primary: ClassVar[str] = "bleu"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (("bleu", "chrf"),)
    names: ClassVar[tuple[str, ...]] = tuple(row.name for row in figure_rows.ROWS)
    protocols: ClassVar[tuple[str, ...]] = (BLEU, CHRF, OUTPUTS, PERTURBED)

    def overlap(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        bleu, chrf = _metrics(examples)
        pairs = list(zip(examples, predictions, strict=True))
        n = sum(bool(example.targets) for example in examples)
        figures = []
        for metric, name, formula, width, protocol in (
            (bleu, "bleu", Bleu, 2 + 2 * _ORDERS, BLEU),
            (chrf, "chrf", Chrf, 3 * 6, CHRF),
        ):
            counts = numpy.array([_counts(metric, *pair, width) for pair in pairs]).reshape(-1, width)
            columns = tuple(sheet.column(counts[:, place]) for place in range(width))
            figures.append(Figure(name, {}, protocol, n, formula(columns)))
        return figures

    def figures(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        return [
            *self.overlap(examples, predictions, sheet),
            *self.output_figures(examples, predictions, sheet),
            *_perturbation_figures(predictions, sheet),
        ]

    def report(self, examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> Report:
        """The figures with the complete signatures of sacrebleu, and the precision of each order."""
        metrics = _metrics(examples)
        texts = [prediction.text for example, prediction in zip(examples, predictions, strict=True) if example.targets]
        gold = [example.targets for example in examples if example.targets]
        if not gold:
            return {"overlap": {}}
        tested = perturbation_report(examples, predictions)
        most = max(map(len, gold))
        references = [[one[place] if place < len(one) else None for one in gold] for place in range(most)]
        scores = {
            name: one.corpus_score(texts, references) for name, one in zip(("BLEU", "chrF2"), metrics, strict=True)
        }
        return {
            "overlap": {
                name: {"score": round(score.score, 4), "signature": str(metric.get_signature())}
                for metric, (name, score) in zip(metrics, scores.items(), strict=True)
            },
            "precisions": {
                f"{place}-grams": round(value, 4) for place, value in enumerate(scores["BLEU"].precisions, 1)
            },
            "brevity_penalty": round(scores["BLEU"].bp, 4),
            **({"perturbation": tested} if tested else {}),
        }

    def text(self, report: Report) -> str:
        if not report["overlap"]:
            return "no references"
        lines = [f"{name}  {row['score']:.2f}  {row['signature']}" for name, row in report["overlap"].items()]
        shares = ", ".join(f"{name} {value:.1f}" for name, value in report["precisions"].items())
        lines.append(f"matching {shares}; brevity penalty {report['brevity_penalty']:.3f}")
        return "\n".join((*lines, *perturbation_lines(report.get("perturbation"))))


def _perturbation_figures(predictions: Sequence[WrittenText], sheet: Sheet) -> list[Figure]:
    """The share of tested sources with a hallucination after one inserted token, over all tokens and by kind; empty if
    nothing was tested. The interval assumes independent examples (Clopper and Pearson)."""
    if all(one.perturbed is None for one in predictions):
        return []
    columns: list[Sequence[Perturbed]] = [one.perturbed or () for one in predictions]
    slices: list[dict[str, str]] = [{}]
    slices += [{"token": str(kind)} for kind in KINDS]
    results = []
    for by in slices:
        selected = [[one for one in of if by.get("token", one.kind) == one.kind] for of in columns]
        tested = numpy.array([bool(of) for of in selected], dtype=numpy.float64)
        hit = numpy.array([any(one.is_hallucination for one in of) for of in selected], dtype=numpy.float64)
        ratio = Ratio((sheet.column(hit),), (sheet.column(tested),), is_exact=True)
        results.append(Figure("perturbation_rate", by, PERTURBED, int(tested.sum()), ratio))
    tested = numpy.array([one.perturbed is not None for one in predictions], dtype=numpy.float64)
    good = numpy.array([bool(of) for of in columns], dtype=numpy.float64)
    ratio = Ratio((sheet.column(good),), (sheet.column(tested),), is_exact=True)
    return [*results, Figure("perturbed_outputs", {}, PERTURBED, int(tested.sum()), ratio)]


def _tokenizer_of(examples: Sequence[Sourced]) -> str:
    language = next((example.language for example in examples if example.language), "")
    if language:
        return _TOKENIZERS.get(primary_code(language), "13a")
    text = " ".join(islice((target for example in examples for target in example.targets[:1]), _READ))
    if language_of(text) == "zh":
        return _TOKENIZERS["zh"]
    # Han characters together with these are Japanese.
    return "char" if 4 * len(_OTHER_SCRIPTS.findall(text)) > len(_LETTER.findall(text)) else "13a"


def bleu_of(examples: Sequence[Sourced], **options: Any) -> Any:
    """BLEU of sacrebleu with the tokenizer of the language of the targets."""
    from sacrebleu import metrics

    # It warns about outputs that look tokenized, which is irrelevant here.
    return metrics.BLEU(tokenize=_tokenizer_of(examples), force=True, **options)


def _metrics(examples: Sequence[Sourced]) -> tuple[Any, Any]:
    from sacrebleu import metrics

    return bleu_of(examples), metrics.CHRF()


def _counts(metric: Any, example: Sourced, prediction: WrittenText, width: int) -> list[int]:
    """The counts of sacrebleu for one output; zeros without a reference."""
    return segment_statistics(metric, prediction.text, example.targets) if example.targets else [0] * width
