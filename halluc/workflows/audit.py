"""Audit: finds suspicious annotation in a split, with models that were not trained on it."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from halluc.analysis import gates, suspects
from halluc.analysis.suspects import Suspect
from halluc.core import messages
from halluc.core.claims import Claim, rounded
from halluc.core.errors import HallucError, data_error
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
# The identity of a run that contains the audit of a config without a trained model.
AUDIT_ALONE = {"audit": True}


@dataclass(frozen=True)
class AuditOptions:
    """The splits (empty: all that can be audited), and the number of cross-fitted models; pages show ``most``
    suspects."""

    splits: tuple[str, ...] = ()
    folds: int = 5
    most: int = 500


@dataclass(frozen=True)
class _OpinionsOfSplit:
    """A split with a prediction for each example; ``folds`` as in ``AuditResult``."""

    corpus: Corpus[Any]
    predictions: list[AnnotatedPrediction]
    folds: int | None


# Trains the models of ``count`` folds, as ``cross_fitting.fitted``.
Fitter = Callable[[Job, int], tuple[Folds, list[Trained]]]


@elsewhere("move the run to another disk")
def audit(
    target: Path, overrides: Sequence[str], options: AuditOptions, fitter: Fitter = cross_fitting.fit_models
) -> list[AuditResult]:  # fmt: skip
    """Find suspects in splits of a config or a run: in train by cross-fitting, in other splits with the run's model.

    Raises:
        HallucError or ManyErrors: C011: no such split. C103: the annotation of this task cannot be audited. D193: there
            is no annotation. R…: as ``evaluation.find``; others as ``cross_fitting.fitted``.
    """
    job, model, wanted = _job_of(target, overrides, options)
    refuse_unauditable(job.task)
    job.corpora(tuple(split for split in SPLITS if split in wanted or (split == "dev" and "train" in wanted)))
    for split in wanted:
        _refuse_unannotated(job, _corpus(job, split))
    results = []
    for split in wanted:
        judged = _cross_fitted(job, options.folds, fitter) if split == "train" else _model_opinions(job, model, split)
        if job.run is None:
            job.run = evaluation.home(job.loaded, AUDIT_ALONE, "audit")
        results.append(_write(job, judged, options, overrides))
        messages.put(results[-1])
    return results


def fit(target: Path, overrides: Sequence[str], options: AuditOptions, part: int) -> None:
    """Only train the model without a part of train, from 1, for an audit with these options."""
    if not 1 <= part <= options.folds:
        raise HallucError("C011", f"--part {part} is not possible", help=f"give 1 to {options.folds}")
    job, _, _ = _job_of(target, overrides, replace(options, splits=("train",)))
    CrossFitting.of(job, options.folds).fit(part - 1)


def refuse_unauditable(task: AnyTask) -> None:
    """
    Raises:
        HallucError C103: the task's models cannot give the probability of an annotation.
    """
    if not hasattr(task.model, "annotated") or not hasattr(task.examples, "corrected"):
        message = f"annotation of the task {task.name} cannot be audited"
        help = "only tasks with labels or labelled spans can be audited"
        raise HallucError("C103", message, help=help)


def _job_of(
    target: Path, overrides: Sequence[str], options: AuditOptions
) -> tuple[Job, str, tuple[SplitName, ...]]:  # fmt: skip
    """The job, the model of its run (empty if only train is audited), and the splits."""
    if not 2 <= options.folds <= 20:
        raise HallucError("C011", f"--folds {options.folds} is not possible", help="give 2 to 20")
    has_config = jobs.is_config(target)
    jobs.refuse_unknown_splits(options.splits)
    if set(options.splits) == {"train"}:  # no trained model is needed
        if not has_config:
            loaded, run = jobs.load_run(target, overrides, AUDIT_ALONE)
            job = Job(loaded, run=run)
        else:
            loaded = jobs.load(target, overrides)
            job = Job(loaded, run=directory.newest_intact(loaded.home, loaded.sha256, RunDir.is_trained))
        return job, "", jobs.configured_splits(job.settings.data, options.splits)
    try:
        job, model = evaluation.find_target(target, overrides)
    except HallucError as error:
        if not has_config or options.splits or error.code != "R105":
            raise
        job = Job(jobs.load(target, overrides))
        if job.settings.data.train is None:
            raise
        tell(f"only train is audited, because other splits need a trained model: {error.message}")
        return job, "", ("train",)
    return job, model, jobs.configured_splits(job.settings.data, options.splits)


def _corpus(job: Job, split: SplitName) -> Corpus[Any]:
    return job.train() if split == "train" else job.corpora((split,)).splits[split]


def _refuse_unannotated(job: Job, corpus: Corpus[Any]) -> None:
    if not any(job.task.judge.gold(example) for example in corpus):
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


def _model_opinions(job: Job, model: str, split: SplitName) -> _OpinionsOfSplit:
    if gates.is_trained_on(job.loaded, split):
        warn(f"the model was trained on {split}, so it has learned its annotation errors too")
    corpus = _corpus(job, split)
    return _OpinionsOfSplit(corpus, opinions(ReadyModel.load(job, model), corpus.examples), None)


def _cross_fitted(job: Job, count: int, fitter: Fitter) -> _OpinionsOfSplit:
    corpus = job.train()
    folds, models = fitter(job, count)
    tell(f"{count} cross-fitted models, folds by {'document' if folds.by_document else 'example'}")
    ready = (ReadyModel.load(trained.job, trained.reference) for trained in models)
    results = folds.out_of_sample(corpus.examples, (partial(opinions, model) for model in ready))
    return _OpinionsOfSplit(corpus, results, count)


def _write(job: Job, opinions: _OpinionsOfSplit, options: AuditOptions, overrides: Sequence[str]) -> AuditResult:
    """Write the files of one split as the only writer of the run, and record the counts in ``run.json``."""
    task, run, corpus = job.task, job.target, opinions.corpus
    ranked = suspects.find(task, corpus.examples, opinions.predictions)
    lines = [line(task, corpus, opinions.predictions, one) for one in ranked]
    kinds = Counter(one.kind for one in lines)
    paths = {"jsonl": run.audit(corpus.split), "html": run.audit(corpus.split, "html")}
    importable, left_out = _importable(task, corpus, ranked)
    if importable:
        paths[_IMPORT] = run.audit(corpus.split, f"{_IMPORT}.json")
    result = AuditResult(
        run=str(run.path),
        split=corpus.split,
        folds=opinions.folds,
        examples=len(corpus),
        annotated=sum(len(task.judge.gold(example)) for example in corpus),
        kinds={kind: kinds[kind] for kind in SUSPECT_KINDS},
        first=lines[:_FIRST],
        files={name: str(path) for name, path in paths.items()},
        left_out=left_out,
    )
    html = page(result, lines[: options.most], task.wording.nouns, task.wording.nouns.is_placed, corpus.source)
    with run.locked(), run.stage("audit", list(overrides)) as stage:
        contents = {"jsonl": "".join(json_line(one.model_dump(mode="json")) + "\n" for one in lines), "html": html}
        contents[_IMPORT] = "[\n" + ",\n".join(map(json_line, importable)) + "\n]\n"
        # All are written to temporary files first: an earlier audit is replaced when all files are complete.
        with ExitStack() as stack:
            for name, path in paths.items():
                stack.enter_context(replacing(path)).write(contents[name])
        if not importable:
            run.audit(corpus.split, f"{_IMPORT}.json").unlink(missing_ok=True)
        stage.detail = {**stage.detail, corpus.split: {"folds": opinions.folds, **result.kinds}}
    conclude(f"{corpus.split}: {len(lines):,} suspects in {paths['jsonl']}; to review them: {paths['html']}")
    return result


def content_hash(task: AnyTask, example: Any) -> str:
    """The hash of the content of an example, tokens and annotation, without its id."""
    record = task.examples.record(example)
    return content_sha256({key: value for key, value in record.items() if key != "id"})


def line(task: AnyTask, corpus: Corpus[Any], opinions: Sequence[AnnotatedPrediction], one: Suspect) -> SuspectLine:
    example = corpus.examples[one.example]
    shown = task.examples.line(example, opinions[one.example].prediction)
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
        others=list(_other_places(corpus, one)),
        second=task.examples.border(shown),
        marked=list(task.examples.ranges(shown)),
    )


def _other_places(corpus: Corpus[Any], suspect: Suspect) -> Iterator[SurfacePlace]:
    for place in suspect.others[:_MOST_OTHERS]:
        example = corpus.examples[place.example]
        origin = example.origin
        yield SurfacePlace(file=origin.file, line=origin.line, id=example.id, label=place.label)


def apply_proposal(gold: Sequence[Claim], suspect: Suspect) -> list[Any]:
    """The marks of an example after a suspect's proposal is accepted."""
    wrong = {claim.mark for claim in suspect.annotated}
    return [*(claim.mark for claim in gold if claim.mark not in wrong), *(claim.mark for claim in suspect.proposed)]


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
    tasks, left_out = [], 0
    for number, suspects_of_example in by_example.items():
        example = proposed = corpus.examples[number]
        try:
            for one in suspects_of_example:
                proposed = examples.corrected(proposed, apply_proposal(task.judge.gold(proposed), one))
            texts = []
            for version in (example, proposed):
                text = io.StringIO()
                writer.write([text], [version], Options())
                texts.append(json.loads(text.getvalue())[0])
        except (HallucError, ValueError):  # examples that the format, or the task, cannot represent are counted
            left_out += 1
            continue
        result = texts[1]["annotations"][0]["result"]
        prediction = {"model_version": "halluc audit", "score": 1 - suspects_of_example[0].confidence, "result": result}
        tasks.append({**texts[0], "predictions": [prediction]})
    return tasks, left_out
