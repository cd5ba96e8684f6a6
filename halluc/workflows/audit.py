"""Audit: finds suspicious annotation in a split, with models that were not trained on it."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from halluc.analysis import gates, suspects
from halluc.analysis.suspects import Suspect
from halluc.core import messages
from halluc.core.claims import Claim, rounded
from halluc.core.errors import HallucError, data_error, suggestion
from halluc.core.examples import Corpus
from halluc.core.files import elsewhere, json_line, replacing
from halluc.core.messages import conclude, tell, warn
from halluc.data.rows.references import SPLITS, SplitName
from halluc.data.writers import Options, writers_of
from halluc.reporting.page.suspects import page
from halluc.runs import directory
from halluc.runs.audits import SUSPECT_KINDS, AuditResult, SurfacePlace, SuspectLine
from halluc.runs.directory import RunDir
from halluc.runs.records import content_sha256, read_lines
from halluc.task import AnnotatedPrediction, AnyTask
from halluc.workflows import cross_fitting, evaluation
from halluc.workflows import job as jobs
from halluc.workflows.cross_fitting import CrossFitting, Folds
from halluc.workflows.job import Job
from halluc.workflows.ready_models import ReadyModel
from halluc.workflows.trained_models import Trained

# Maximum number of other places of a surface per line, and of suspects in a result and on the terminal.
_MOST_OTHERS, _FIRST = 10, 10
_IMPORT = "label_studio"
# What a run is about that holds the audit of a config without a trained model.
AUDIT_ALONE = {"audit": True}


@dataclass(frozen=True)
class AuditOptions:
    """Which splits (empty: all that can be audited), and the number of cross-fitted models; pages show ``most``
    suspects."""

    splits: tuple[str, ...] = ()
    folds: int = 5
    most: int = 500


@dataclass(frozen=True)
class _OpinionsOfSplit:
    """A split with one opinion per example; ``folds`` as in ``AuditResult``."""

    corpus: Corpus[Any]
    said: list[AnnotatedPrediction]
    folds: int | None


# Trains the models of ``count`` folds, as ``cross_fitting.fitted``.
Fitter = Callable[[Job, int], tuple[Folds, list[Trained]]]


@elsewhere("move the run to another disk")
def audit(
    target: Path, overrides: Sequence[str], options: AuditOptions, fitter: Fitter = cross_fitting.fitted
) -> list[AuditResult]:  # fmt: skip
    """Find suspects in splits of a config or a run: in train by cross-fitting, in other splits with the run's model.

    Raises:
        HallucError or ManyErrors: C011: no such split. C103: the annotation of this task cannot be audited. D193: there
            is no annotation. R…: as ``evaluation.find``; others as ``cross_fitting.fitted``.
    """
    result, model, wanted = _job_of(target, overrides, options)
    refuse_unauditable(result.task)
    result.corpora(tuple(split for split in SPLITS if split in wanted or (split == "dev" and "train" in wanted)))
    for split in wanted:
        _refuse_bare(result, _corpus(result, split))
    results = []
    for split in wanted:
        judged = _cross_fitted(result, options.folds, fitter) if split == "train" else _trained(result, model, split)
        if result.run is None:
            result.run = evaluation.home(result.loaded, AUDIT_ALONE, "audit")
        results.append(_written(result, judged, options, overrides))
        messages.put(results[-1])
    return results


def fit(target: Path, overrides: Sequence[str], options: AuditOptions, part: int) -> None:
    """Only train the model without a part of train, from 1, for an audit with these options."""
    if not 1 <= part <= options.folds:
        raise HallucError("C011", f"--part {part} is not possible", help=f"give 1 to {options.folds}")
    result, _, _ = _job_of(target, overrides, replace(options, splits=("train",)))
    CrossFitting.of(result, options.folds).fit(part - 1)


def refuse_unauditable(task: AnyTask) -> None:
    """
    Raises:
        HallucError C103: the task's models cannot give the probability of an annotation.
    """
    if not hasattr(task.model, "annotated") or not hasattr(task.examples, "corrected"):
        message = f"annotation of the task {task.name} cannot be audited"
        help = "only tasks with labels or labelled spans can be audited"
        raise HallucError("C103", message, help=help)


def is_config(target: Path) -> bool:
    return target.suffix in (".yaml", ".yml") and not target.is_dir()


def splits_of(found: Job, asked: Sequence[str]) -> tuple[SplitName, ...]:
    """The requested splits, or all of the config.

    Raises:
        HallucError C011: the config does not have one of them.
    """
    there = tuple(split for split in SPLITS if found.settings.data.reference(split))
    for name in asked:
        if name not in there:
            help = f"it has {', '.join(there)}"
            raise HallucError("C011", f"the config has no `data.{name}`", help=help)
    return tuple(split for split in there if split in (asked or there))


def _job_of(
    target: Path, overrides: Sequence[str], options: AuditOptions
) -> tuple[Job, str, tuple[SplitName, ...]]:  # fmt: skip
    """The job, the model of its run (empty if only train is audited), and the splits."""
    if not 2 <= options.folds <= 20:
        raise HallucError("C011", f"--folds {options.folds} is not possible", help="give 2 to 20")
    named = is_config(target)
    for name in options.splits:
        if name not in SPLITS:
            raise HallucError(
                "C011", f"no split `{name}`", help=suggestion(name, SPLITS, f"one of {', '.join(SPLITS)}")
            )
    if set(options.splits) == {"train"}:  # no trained model is needed
        if not named:
            loaded, run = jobs.load_run(target, overrides, AUDIT_ALONE)
            result = Job(loaded, run=run)
        else:
            loaded = jobs.load(target, overrides)
            result = Job(loaded, run=directory.newest_intact(loaded.home, loaded.sha256, RunDir.is_trained))
        return result, "", splits_of(result, options.splits)
    try:
        result, model = evaluation.find(target, overrides) if named else evaluation.find(None, overrides, target)
    except HallucError as error:
        if not named or options.splits or error.code != "R105":
            raise
        result = Job(jobs.load(target, overrides))
        if "train" not in splits_of(result, ()):
            raise
        tell(f"only train is audited, because other splits need a trained model: {error.message}")
        return result, "", ("train",)
    return result, model, splits_of(result, options.splits)


def _corpus(found: Job, split: SplitName) -> Corpus[Any]:
    return found.train() if split == "train" else found.corpora((split,)).splits[split]


def _refuse_bare(found: Job, corpus: Corpus[Any]) -> None:
    if not any(found.task.judge.gold(example) for example in corpus):
        help = "check that it is the right file, and that labels are read from the right field or column"
        raise data_error("D193", f"{corpus.source} has no annotation to audit", help=help)


def read(path: Path, run: RunDir | None = None) -> Iterator[SuspectLine]:
    """The suspects in a file.

    Raises:
        HallucError R111: it does not exist, or is damaged.
    """
    help = f"audit the split again: halluc audit {run.path if run else 'RUN'} --split {path.stem}"
    return read_lines(path, SuspectLine, damaged="R111", what="suspects", help=help)


def opinions(ready: ReadyModel, examples: Sequence[Any]) -> list[AnnotatedPrediction]:
    model: Any = ready.task.model  # ``annotated`` was checked before
    encoded = model.encode(examples, ready.encoder)
    budget = ready.settings.batch_tokens
    results: list[AnnotatedPrediction] = model.annotated(
        ready.encoder.model, encoded, budget, ready.engine, ready.decoding
    )
    return results


def _trained(found: Job, model: str, split: SplitName) -> _OpinionsOfSplit:
    if gates.is_trained_on(found.loaded, split):
        warn(f"the model was trained on {split}, so it has learned its annotation errors too")
    corpus = _corpus(found, split)
    return _OpinionsOfSplit(corpus, opinions(ReadyModel.load(found, model), corpus.examples), None)


def _cross_fitted(found: Job, count: int, fitter: Fitter) -> _OpinionsOfSplit:
    corpus = found.train()
    folds, models = fitter(found, count)
    tell(f"{count} cross-fitted models, folds by {'document' if folds.by_document else 'example'}")
    places: list[list[int]] = [[] for _ in range(count)]
    for place, example in enumerate(corpus):
        places[folds.of(example)].append(place)
    said: dict[int, AnnotatedPrediction] = {}
    for part, trained in enumerate(models):
        if places[part]:
            ready = ReadyModel.load(trained.job, trained.reference)
            made = opinions(ready, [corpus.examples[place] for place in places[part]])
            said.update(zip(places[part], made, strict=True))
    return _OpinionsOfSplit(corpus, [said[place] for place in range(len(corpus))], count)


def _written(found: Job, judged: _OpinionsOfSplit, options: AuditOptions, overrides: Sequence[str]) -> AuditResult:
    """Write the files of one split as the only writer of the run, and record the counts in ``run.json``."""
    task, run, corpus = found.task, found.target, judged.corpus
    ranked = suspects.find(task, corpus.examples, judged.said)
    made = [line(task, corpus, judged.said, one) for one in ranked]
    kinds = Counter(one.kind for one in made)
    paths = {"jsonl": run.audit(corpus.split), "html": run.audit(corpus.split, "html")}
    importable, left_out = _importable(task, corpus, ranked)
    if importable:
        paths[_IMPORT] = run.audit(corpus.split, f"{_IMPORT}.json")
    result = AuditResult(
        run=str(run.path),
        split=corpus.split,
        folds=judged.folds,
        examples=len(corpus),
        annotated=sum(len(task.judge.gold(example)) for example in corpus),
        kinds={kind: kinds[kind] for kind in SUSPECT_KINDS},
        first=made[:_FIRST],
        files={name: str(path) for name, path in paths.items()},
        left_out=left_out,
    )
    html = page(result, made[: options.most], task.wording.nouns, task.wording.nouns.is_placed, corpus.source)
    with run.locked(), run.stage("audit", list(overrides)) as stage:
        contents = {"jsonl": "".join(json_line(one.model_dump(mode="json")) + "\n" for one in made), "html": html}
        contents[_IMPORT] = "[\n" + ",\n".join(map(json_line, importable)) + "\n]\n"
        # All are written to temporary files first; those of an earlier audit are replaced when all are complete.
        with ExitStack() as stack:
            for name, path in paths.items():
                stack.enter_context(replacing(path)).write(contents[name])
        if not importable:
            run.audit(corpus.split, f"{_IMPORT}.json").unlink(missing_ok=True)
        stage.detail = {**stage.detail, corpus.split: {"folds": judged.folds, **result.kinds}}
    conclude(f"{corpus.split}: {len(made):,} suspects in {paths['jsonl']}; to review them: {paths['html']}")
    return result


def content_hash(task: AnyTask, example: Any) -> str:
    """The hash of the content of an example, tokens and annotation, without its id."""
    record = task.examples.record(example)
    return content_sha256({key: value for key, value in record.items() if key != "id"})


def line(task: AnyTask, corpus: Corpus[Any], said: Sequence[AnnotatedPrediction], one: Suspect) -> SuspectLine:
    """A suspect as a line of the file."""
    example = corpus.examples[one.example]
    shown = task.examples.line(example, said[one.example].prediction)
    sha256 = content_hash(task, example)
    marks = [[claim.mark for claim in claims] for claims in (one.annotated, one.proposed)]
    counts = Counter(place.label or "" for place in one.others)
    return SuspectLine(
        suspect=content_sha256([corpus.split, example.id, sha256, one.kind, *marks])[:16],
        split=corpus.split,
        kind=one.kind,
        id=example.id,
        file=example.origin.file,
        line=example.origin.line,
        sha256=sha256,
        tokens=list(example.tokens),
        gold=[claim.mark for claim in task.judge.gold(example)],
        text=one.shown.text,
        annotated=marks[0],
        proposed=marks[1],
        confidence=rounded(one.confidence) or 0.0,
        certainty=[rounded(claim.confidence) for claim in one.proposed],
        consistency=rounded(one.consistency),
        labels=dict(sorted(counts.items())),
        others=list(_others(corpus, one)),
        second=task.examples.border(shown),
        marked=list(task.examples.ranges(shown)),
    )


def _others(corpus: Corpus[Any], one: Suspect) -> Iterator[SurfacePlace]:
    for place in one.others[:_MOST_OTHERS]:
        example = corpus.examples[place.example]
        origin = example.origin
        yield SurfacePlace(file=origin.file, line=origin.line, id=example.id, label=place.label)


def replaced(gold: Sequence[Claim], one: Suspect) -> list[Any]:
    """The marks of an example after a suspect's proposal is accepted."""
    wrong = {claim.mark for claim in one.annotated}
    return [*(claim.mark for claim in gold if claim.mark not in wrong), *(claim.mark for claim in one.proposed)]


def _importable(
    task: AnyTask, corpus: Corpus[Any], ranked: Sequence[Suspect]
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """Each example with suspects as a task of Label Studio: its annotation, with the model's proposal as prediction.

    Returns the tasks, in the order of their first suspect, and how many examples the format cannot represent.
    """
    writer = writers_of(task.name).get(_IMPORT)
    if writer is None:
        return [], 0
    examples: Any = task.examples
    by_example: dict[int, list[Suspect]] = {}
    for one in ranked:
        by_example.setdefault(one.example, []).append(one)
    made, left_out = [], 0
    for number, match in by_example.items():
        example = proposed = corpus.examples[number]
        try:
            for one in match:
                proposed = examples.corrected(proposed, replaced(task.judge.gold(proposed), one))
            texts = []
            for version in (example, proposed):
                text = io.StringIO()
                writer.write([text], [version], Options())
                texts.append(json.loads(text.getvalue())[0])
        except (HallucError, ValueError):  # examples that the format, or the task, cannot represent are counted
            left_out += 1
            continue
        result = texts[1]["annotations"][0]["result"]
        prediction = {"model_version": "halluc audit", "score": 1 - match[0].confidence, "result": result}
        made.append({**texts[0], "predictions": [prediction]})
    return made, left_out
