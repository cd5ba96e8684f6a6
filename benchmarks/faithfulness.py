"""How well the judge of generated texts agrees with human labels: statements, sentences, repetition and detachment.

HALLUC_DATA=DATA python benchmarks/faithfulness.py [--fit] [--resamples 1000]

Reads EntFA (entities of summaries), BEGIN (replies and their knowledge) and annotated translations from
``$HALLUC_DATA/hallu``. A hash of the id assigns each example to one of two sides: thresholds and rules were fitted on
one side (``--fit`` prints its thresholds), the tables are of the other one. Intervals are 95% percentiles of a
bootstrap over examples (for EntFA, over summaries).
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy
import typer
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from halluc.core.exact_intervals import clopper_pearson
from halluc.core.rng import hash64
from halluc.tasks.text_generation.dates import dates
from halluc.tasks.text_generation.degeneration import detachment, is_oscillatory, repeated_outputs
from halluc.tasks.text_generation.grounding import REFERENCE_THRESHOLDS, SCORERS, THRESHOLDS, WordScorer
from halluc.tasks.text_generation.numerals import numerals
from halluc.tasks.text_generation.statements import EvidenceTexts, input_words, statements, words_in

PARTS = {"CMU-DoG": "cmu-dog", "TopicalChat": "topicalchat", "WoW": "wow"}
FACTS = ("name", "number", "date")


class Judged(NamedTuple):
    """An output with its source; ``bad`` is the human label, ``fit`` whether it is on the side of fitting."""

    output: str
    source: str
    bad: bool
    fit: bool


def is_fit(identity: str) -> bool:
    return hash64(identity) % 2 == 0


def begin(folder: Path, part: str) -> list[Judged]:
    """Replies; bad are those that are not fully attributable, including generic ones."""
    (path,) = (folder / "begin" / part).glob("*.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Judged(row["response"], row["knowledge"], row["begin_label"] != "Fully attributable", is_fit(f"{part}-{place}"))
        for place, row in enumerate(rows)
    ]


def entfa(folder: Path) -> list[dict]:
    return json.loads((folder / "entfa" / "train.json").read_text(encoding="utf-8"))


def summaries(folder: Path) -> list[Judged]:
    """Summaries with entities; bad are those with a hallucinated entity."""
    return [
        Judged(
            one["prediction"],
            one["source"],
            any(entity["label"] != "Non-hallucinated" for entity in one["entities"]),
            is_fit(f"entfa-{place}"),
        )
        for place, one in enumerate(entfa(folder))
        if one["entities"]
    ]


def translations(folder: Path) -> list[dict[str, str]]:
    with (folder / "nmt" / "annotated_dev.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


Metric = Callable[[numpy.ndarray, numpy.ndarray], float]


def with_interval(
    metric: Metric, bad: Sequence[bool], score: Sequence[float], resamples: int, groups: Sequence[int] | None = None
) -> str:
    """The figure with its interval, which resamples ``groups`` of rows with the same example."""
    truth, value = numpy.asarray(bad), numpy.asarray(score)
    of = numpy.asarray(groups if groups is not None else range(len(truth)))
    rows = [numpy.flatnonzero(of == one) for one in numpy.unique(of)]
    chance, found = numpy.random.default_rng(1), []
    for _ in range(resamples):
        drawn = numpy.concatenate([rows[one] for one in chance.integers(len(rows), size=len(rows))])
        if truth[drawn].any() and not truth[drawn].all():
            found.append(metric(truth[drawn], value[drawn]))
    low, high = numpy.percentile(found, [2.5, 97.5]) if found else (numpy.nan, numpy.nan)
    if metric is precision_score and low == high:
        low, high = clopper_pearson(float((truth & value).sum()), float(value.sum()), 0.95)
    return f"{metric(truth, value):.3f} [{low:.3f}, {high:.3f}]"


def auroc(bad: numpy.ndarray, score: numpy.ndarray) -> float:
    return float(roc_auc_score(bad, score))


def scored(name: str, rows: Sequence[Judged], *, with_statements: bool = True) -> numpy.ndarray:
    scorer = WordScorer(name, with_statements=with_statements)
    return numpy.array([scorer.scores([row.output], [row.source], "en")[0] for row in rows])


def best_threshold(sets: Sequence[tuple[numpy.ndarray, numpy.ndarray]]) -> tuple[float, float]:
    """The threshold on a grid of .05 with the highest mean balanced accuracy over sets (bad, score), and this mean."""
    grid = numpy.round(numpy.arange(0.05, 1.0, 0.05), 2)
    means = [numpy.mean([_balanced(bad, score < one) for bad, score in sets]) for one in grid]
    place = int(numpy.argmax(means))
    return float(grid[place]), float(means[place])


def _balanced(bad: numpy.ndarray, flagged: numpy.ndarray) -> float:
    return float((flagged[bad].mean() + (~flagged[~bad]).mean()) / 2)


def sentences(folder: Path, resamples: int, fit: bool) -> None:
    sets = {title: begin(folder, part) for title, part in PARTS.items()} | {"EntFA summaries": summaries(folder)}
    print("\nSentences: AUROC for `not grounded`, of the measured side; balanced accuracy at the threshold")
    print("| scorer | " + " | ".join(sets) + " | mean of BEGIN | outputs per CPU second |")
    for name in SCORERS:
        begun = time.process_time()
        scores = {title: scored(name, rows) for title, rows in sets.items()}
        speed = sum(map(len, sets.values())) / (time.process_time() - begun)
        bad = {title: numpy.array([row.bad for row in rows]) for title, rows in sets.items()}
        side = {title: numpy.array([row.fit for row in rows]) for title, rows in sets.items()}
        if fit:
            parts = [(bad[title][side[title]], scores[title][side[title]]) for title in PARTS]
            print(f"{name}: threshold {best_threshold(parts)} on BEGIN")
            continue
        cells = []
        for title in sets:
            measured = ~side[title]
            figure = with_interval(auroc, bad[title][measured], -scores[title][measured], resamples)
            balanced = _balanced(bad[title][measured], scores[title][measured] < THRESHOLDS[name])
            cells.append(f"{figure}, {balanced:.2f}")
        mean = numpy.mean([auroc(bad[title][~side[title]], -scores[title][~side[title]]) for title in PARTS])
        whole = numpy.mean([auroc(bad[title], -scores[title]) for title in PARTS])
        print(f"| {name} | " + " | ".join(cells) + f" | {mean:.3f} (both sides {whole:.3f}) | {speed:,.0f} |")


def kind_of(text: str) -> str:
    """The kind of a marked entity according to the rules."""
    return "date" if dates(text, "en") else "number" if numerals(text, "en") else "name"


def entities(folder: Path, resamples: int) -> None:
    """Entities with human labels, compared with the statements of the rules."""
    truth, fits, groups, ours, plain = [], [], [], [], []
    marked = covered = stated = overlapping = 0
    for place, one in enumerate(entfa(folder)):
        evidence = EvidenceTexts([one["source"]], ["en"])
        known = words_in(one["prediction"], input_words("en", [one["source"]], ["en"]))
        found = [each for each in statements(one["prediction"], "en", known) if each.kind in FACTS]
        spans = [(entity["start"], entity["end"]) for entity in one["entities"]]
        marked += len(spans)
        stated += len(found)
        covered += sum(any(each.start < end and start < each.end for each in found) for start, end in spans)
        overlapping += sum(any(each.start < end and start < each.end for start, end in spans) for each in found)
        for entity in one["entities"]:
            truth.append(entity["label"] != "Non-hallucinated")
            fits.append(is_fit(f"entfa-{place}"))
            groups.append(place)
            ours.append(not evidence.states(kind_of(entity["ent"]), entity["ent"], "en"))
            plain.append(entity["ent"].lower() not in one["source"].lower())
    print("\nEntities of EntFA: hallucinated or not")
    print("| rule | side | n | accuracy | F1 | precision | recall |")
    for title, said in (("string occurs", plain), ("statements", ours)):
        for side, wanted in (("fitted", (True,)), ("measured", (False,)), ("both", (True, False))):
            rows = [row for row, fit in enumerate(fits) if fit in wanted]
            of = [[values[row] for row in rows] for values in (truth, said, groups)]
            cells = [with_interval(metric, of[0], of[1], resamples, of[2]) for metric in (accuracy_score, f1_score)]
            rest = [f"{metric(of[0], of[1]):.3f}" for metric in (precision_score, recall_score)]
            print(f"| {title} | {side} | {len(rows)} | {' | '.join(cells + rest)} |")
    print(f"marked entities that are found: {covered / marked:.3f} of {marked}")
    print(f"statements that are marked: {overlapping / stated:.3f} of {stated}")


def degenerate(folder: Path, resamples: int, fit: bool) -> None:
    rows = translations(folder)
    outputs, sources = [row["mt"] for row in rows], [row["src"] for row in rows]
    side = numpy.array([is_fit(f"nmt-{place}") for place in range(len(rows))])
    label = {name: numpy.array([row[name] == "1" for row in rows]) for name in ("repetitions", "full-unsupport")}
    begun = time.process_time()
    oscillates = numpy.array([is_oscillatory(one, [source]) for one, source in zip(outputs, sources, strict=True)])
    speed = len(rows) / (time.process_time() - begun)
    same, apart = numpy.array(repeated_outputs(outputs, sources)), numpy.array(detachment(outputs, sources))
    print("\nTranslations")
    print("| figure | measured side | both |")
    for title, metric, name, said in (
        ("repetition, F1", f1_score, "repetitions", oscillates),
        ("repetition, precision", precision_score, "repetitions", oscillates),
        ("full detachment, AUROC", auroc, "full-unsupport", apart),
        ("full detachment, F1 of the verdict", f1_score, "full-unsupport", same),
        ("full detachment, precision of the verdict", precision_score, "full-unsupport", same),
    ):
        cells = [with_interval(metric, label[name][where], said[where], resamples) for where in (~side, side | ~side)]
        print(f"| {title} | {' | '.join(cells)} |")
    print(f"{speed:,.0f} outputs per CPU second")
    print("Against a reference: AUROC for full detachment of the measured side")
    references = [
        Judged(row["mt"], row["ref"], bad, True) for row, bad in zip(rows, label["full-unsupport"], strict=True)
    ]
    for name in SCORERS:
        score = scored(name, references, with_statements=False)
        if fit:
            grid = numpy.round(numpy.arange(0.02, 0.6, 0.02), 2)
            f1 = [f1_score(label["full-unsupport"][side], score[side] < one) for one in grid]
            print(f"{name}: threshold {grid[int(numpy.argmax(f1))]}, F1 {max(f1):.3f}")
            continue
        said = score < REFERENCE_THRESHOLDS[name]
        figure = with_interval(auroc, label["full-unsupport"][~side], -score[~side], resamples)
        rest = [metric(label["full-unsupport"][~side], said[~side]) for metric in (precision_score, recall_score)]
        print(f"| {name} | {figure} | precision {rest[0]:.2f} | recall {rest[1]:.2f} | flagged {said.mean():.2f} |")


def coverage(folder: Path) -> None:
    print("\nOutputs with at least one claim of a kind")
    sets = {title: [(row.output, row.source) for row in begin(folder, part)] for title, part in PARTS.items()}
    sets["EntFA summaries"] = [(one["prediction"], one["source"]) for one in entfa(folder)]
    sets["translations"] = [(row["mt"], row["src"]) for row in translations(folder)]
    kinds = (*FACTS, "quotation", "sentence")
    print("| outputs | " + " | ".join(kinds) + " | name, number or date | none | outputs per CPU second |")
    for title, outputs in sets.items():
        statements.cache_clear()
        begun = time.process_time()
        found = [
            {one.kind for one in statements(output, "en", words_in(output, input_words("en", [source])))}
            for output, source in outputs
        ]
        speed = len(outputs) / (time.process_time() - begun)
        shares = [sum(kind in one for one in found) / len(found) for kind in kinds]
        shares += [
            sum(bool(one & set(FACTS)) for one in found) / len(found),
            sum(not one for one in found) / len(found),
        ]
        print(f"| {title} | " + " | ".join(f"{share:.2f}" for share in shares) + f" | {speed:,.0f} |")


def main(fit: bool = False, resamples: int = 1000) -> None:
    """``fit``: print thresholds, fitted on the other side."""
    folder = Path(os.environ["HALLUC_DATA"]) / "hallu"
    sentences(folder, resamples, fit)
    degenerate(folder, resamples, fit)
    if not fit:
        entities(folder, resamples)
        coverage(folder)


if __name__ == "__main__":
    typer.run(main)
