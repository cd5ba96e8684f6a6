"""Applies decisions on suspects to a copy of a split, with provenance; the original stays unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from halluc.core import messages
from halluc.core.claims import Mark
from halluc.core.errors import HallucError, Location, data_error, refuse
from halluc.core.examples import Corpus
from halluc.core.files import elsewhere, open_regular, write_jsonl
from halluc.core.labels import Scheme
from halluc.core.messages import conclude, warn
from halluc.data.corpora import Corpora
from halluc.data.rows.references import SplitName
from halluc.data.writers import Options, write, writers_of
from halluc.runs import directory
from halluc.runs.audits import CorrectionLine, CorrectionResult, DecisionLine, SuspectLine
from halluc.runs.directory import RunDir
from halluc.workflows import audit, conversion
from halluc.workflows import job as jobs
from halluc.workflows.job import Job

_AUDIT_AGAIN = "audit the split again and review its suspects: halluc audit {} --split {}"


@dataclass(frozen=True)
class _Decided:
    """A decision with its line in the file and its suspect."""

    decision: DecisionLine
    line: int
    suspect: SuspectLine


@elsewhere("choose another path for `--out`")
def apply(
    target: Path, overrides: Sequence[str], decisions: Path | None, out: Path | None
) -> CorrectionResult:  # fmt: skip
    """Write a copy of the audited split with the decisions applied, and ``OUT.provenance.jsonl`` next to it.

    Raises:
        HallucError or ManyErrors: C011: an option is missing, or the copy would replace an input. D194: a line that is
            not a decision. D195: a decision whose suspect is not in this run, is decided twice or in contradiction with
            another. D196: the example has changed since. R…: as ``halluc audit``. E401: the copy cannot be written.
    """
    if decisions is None or out is None:
        missing = "--apply" if decisions is None else "--out"
        help = "halluc audit CONFIG|RUN --apply decisions.jsonl --out corrected.jsonl"
        raise HallucError("C011", f"{missing} is missing", help=help)
    job = _job(target, overrides)
    audit.refuse_unauditable(job.task)
    lines = _decisions(decisions)
    split = _split(lines, decisions)
    decided = _join_suspects(job.target, split, lines, decisions)
    corpora = job.corpora((split,))
    _refuse_replacing(out, _output_files(job.task.name, out), [*job.settings.data.paths(), decisions], job.target)
    corpus, changes = _correct(job, corpora.splits[split], decided, decisions)
    form = _write(job, corpora, corpus, out)
    provenance = out.with_name(f"{out.name}.provenance.jsonl")
    write_jsonl(provenance, (one.model_dump(mode="json") for one in changes))
    counts = Counter(one.decision.decision for one in decided)
    result = CorrectionResult(
        run=str(job.target.path), split=split, out=str(out), provenance=str(provenance), format=form,
        decisions=dict(sorted(counts.items())), changed=len({one.id for one in changes}),
    )  # fmt: skip
    messages.put(result)
    conclude(f"corrected copy: {out} ({form}); list of changes: {provenance}")
    return result


def _job(target: Path, overrides: Sequence[str]) -> Job:
    """The job of a run, or of the newest run of a config that was audited."""
    if not jobs.is_config(target):
        loaded, named = jobs.load_run(target, overrides, audit.AUDIT_ALONE)
        return Job(loaded, run=named)
    loaded = jobs.load(target, overrides)
    own = directory.newest(loaded.home, loaded.sha256, _is_audited)
    run = own or directory.newest(loaded.home, jobs.identity_of(loaded, audit.AUDIT_ALONE), _is_audited)
    if run is None:
        help = f"audit it first: halluc audit {target}"
        raise HallucError("R105", f"{loaded.home} has no audited run of this config", help=help)
    return Job(loaded, run=run)


def _is_audited(run: RunDir) -> bool:
    return run.audit("train").parent.is_dir()


def _decisions(path: Path) -> list[tuple[int, DecisionLine]]:
    """Each decision with its line.

    Raises:
        HallucError or ManyErrors D101: the file cannot be read. D194: lines that are not decisions.
    """
    result, bad = [], []
    try:
        with open_regular(path) as file:
            for number, line in enumerate(file, 1):
                if line.isspace():
                    continue
                try:
                    one = DecisionLine.model_validate_json(line)
                    if (one.decision == "edit") != (one.annotation is not None):
                        raise ValueError("only an edit can have an `annotation`, and it needs one")
                except ValueError as error:
                    first = error.errors()[0] if isinstance(error, ValidationError) else None
                    place = ".".join(map(str, first["loc"])) if first else ""
                    text = ": ".join(filter(None, (place, first["msg"]))) if first else str(error)
                    help = "each line must be an object, as downloaded from the page of `halluc audit`"
                    bad.append(data_error("D194", f"not a decision: {text}", Location(str(path), number), help))
                else:
                    result.append((number, one))
    except OSError as error:
        raise data_error("D101", f"cannot read {path}: {error.strerror or error}") from None
    refuse(bad)
    if not result:
        raise data_error("D194", f"{path} has no decisions", help="download the decisions from the page of the audit")
    return result


def _split(lines: Sequence[tuple[int, DecisionLine]], path: Path) -> SplitName:
    first = lines[0][1].split
    other = next(((number, one.split) for number, one in lines if one.split != first), None)
    if other is not None:
        where = Location(str(path), other[0])
        message = f"a decision on {other[1]}, but the first one is on {first}"
        raise data_error("D195", message, where, "apply the decisions on each split separately")
    if first not in ("train", "dev", "test"):
        raise data_error("D195", f"no split `{first[:40]}`", Location(str(path), lines[0][0]))
    return first  # type: ignore[return-value]


def _join_suspects(
    run: RunDir, split: SplitName, lines: Sequence[tuple[int, DecisionLine]], path: Path
) -> list[_Decided]:
    """The decisions with their suspects.

    Raises:
        HallucError R111: the split was not audited, or the file is damaged. D195: suspects that do not exist, or are
            decided twice.
    """
    advice = _AUDIT_AGAIN.format(run.path, split)
    suspects = {one.suspect: one for one in audit.read(run.audit(split), run)}
    results: dict[str, _Decided] = {}
    bad = []
    for number, one in lines:
        where = Location(str(path), number)
        if one.suspect not in suspects:
            text = f"{run.audit(split)} has no suspect `{one.suspect[:40]}`"
            bad.append(data_error("D195", text, where, advice))
        elif (earlier := results.get(one.suspect)) is not None:
            same = (earlier.decision.decision, earlier.decision.annotation) == (one.decision, one.annotation)
            text = f"{'the same decision as on' if same else 'contradicts the decision on'} line {earlier.line}"
            bad.append(data_error("D195", f"{text}, for the same suspect", where, "keep one of them"))
        else:
            results[one.suspect] = _Decided(one, number, suspects[one.suspect])
    refuse(bad)
    return list(results.values())


def _output_files(task: str, out: Path) -> list[Path]:
    """Every file of a copy: some formats have several."""
    form = conversion.format_of(task, None, out)
    copies = [out] if form == "jsonl" else list(writers_of(task)[form].files(out))
    return [*copies, out.with_name(f"{out.name}.provenance.jsonl")]


def _refuse_replacing(out: Path, written: Sequence[Path], inputs: Sequence[Path], run: RunDir) -> None:
    """
    Raises:
        HallucError C011: the copy would overwrite an input file, or files of the run's audit.
    """
    for one in written:
        for file in inputs:
            if one.exists() and file.exists() and one.samefile(file):
                message = f"--out {out} would replace {one}, a file of the config: originals are never changed"
                raise HallucError("C011", message, help="use another file")
    if out.is_dir():
        raise HallucError("C011", f"--out {out} is a folder", help="use a file")
    if out.resolve().is_relative_to(run.audit("train").parent.resolve()):
        raise HallucError("C011", f"--out {out} is in the folder of the audit", help="use a file in another folder")


def _correct(
    job: Job, corpus: Corpus[Any], decided: Sequence[_Decided], path: Path
) -> tuple[Corpus[Any], list[CorrectionLine]]:
    """The corpus after the decisions, and a line for each decision that changed something.

    Raises:
        HallucError or ManyErrors D196: examples that are missing, or have changed. D195: decisions that conflict, or
            give an annotation that the example cannot have.
    """
    task: Any = job.task
    places = {example.id: place for place, example in enumerate(corpus)}
    examples, changes, bad = list(corpus.examples), list[CorrectionLine](), list[HallucError]()
    by_example: dict[str, list[_Decided]] = {}
    for one in decided:
        where, suspect = Location(str(path), one.line), one.suspect
        place = places.get(suspect.id)
        now = None if place is None else audit.content_hash(task, corpus.examples[place])
        if now is None or now != suspect.sha256 or one.decision.sha256 != suspect.sha256:
            text = "no longer exists" if place is None else "has changed since it was audited"
            help = _AUDIT_AGAIN.format(job.target.path, corpus.split)
            bad.append(data_error("D196", f"{suspect.id} ({suspect.file}:{suspect.line}) {text}", where, help))
        elif one.decision.decision != "reject":
            by_example.setdefault(suspect.id, []).append(one)
    refuse(bad)
    labels = {claim.label for example in corpus for claim in task.judge.gold(example)}
    for identity, of_example in by_example.items():
        example = examples[places[identity]]
        for one in of_example:
            before = [claim.mark for claim in task.judge.gold(example)]
            new = one.suspect.proposed if one.decision.annotation is None else one.decision.annotation
            wrong = {*one.suspect.annotated}
            after = [*(mark for mark in before if mark not in wrong), *new]
            try:
                example = task.examples.corrected(example, after)
            except ValueError as error:
                others = ", ".join(str(other.line) for other in of_example if other is not one)
                text = f"{identity}: {error}" + (f" (line {others} is about the same example)" if others else "")
                bad.append(data_error("D195", text, Location(str(path), one.line), "change one of the decisions"))
                break
            after = [claim.mark for claim in task.judge.gold(example)]
            changes.append(_change(one, before, after))
            for label in sorted({mark[2] for mark in new} - labels):
                warn(f"{path}:{one.line}: no example of {corpus.split} has the label `{label[:40]}` yet")
        examples[places[identity]] = example
    refuse(bad)
    return replace(corpus, examples=tuple(examples)), changes


def _change(one: _Decided, before: list[Mark], after: list[Mark]) -> CorrectionLine:
    suspect = one.suspect
    return CorrectionLine(
        id=suspect.id, file=suspect.file, line=suspect.line, suspect=suspect.suspect, kind=suspect.kind,
        decision=one.decision.decision, decided=one.line, before=before, after=after,
    )  # fmt: skip


def _write(job: Job, corpora: Corpora, corpus: Corpus[Any], out: Path) -> str:
    """Write the copy in the format of its name; returns the name of the format."""
    name = job.task.name
    form = conversion.format_of(name, None, out)
    if form == "jsonl":  # has tokens: texts are not tokenized again
        write_jsonl(out, map(job.task.examples.record, corpus.examples))
        return form
    writer = writers_of(name)[form]
    scheme: Any = corpora.annotation.scheme
    options = Options(
        scheme=scheme if scheme in get_args(Scheme) else "iob2",
        out_of_scope=getattr(job.settings.data, "out_of_scope_label", None),
    )
    write({out: corpus.examples}, writer, writer.fitted(options, corpus.examples))
    return form
