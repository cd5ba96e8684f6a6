"""Probes a language model for facts, about names that its fine-tuning data mention and about others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from halluc.analysis.probing import FactNovelty, ProbeAnswer, ProbeSheet, answer_of, differences
from halluc.core import latest, messages
from halluc.core.errors import HallucError, data_error, environment_error
from halluc.core.files import elsewhere, json_line, replacing, write_json
from halluc.core.messages import conclude, progress, tell, warn
from halluc.core.rng import keyed_generator
from halluc.data.facts import Fact, Pattern, Relation, read_relations
from halluc.data.tokenization import Tokenizer
from halluc.engine.pretrained import quiet_libraries
from halluc.engine.references import ModelSource, resolve_model
from halluc.gap.mentions import mentions
from halluc.runs.directory import RunDir
from halluc.runs.probes import ProbedModel, ProbeFile, ProbeLine, TrainingMentions
from halluc.runs.provenance import input_hashes
from halluc.runs.results import ProbeResult
from halluc.workflows import evaluation, run_state
from halluc.workflows import job as jobs
from halluc.workflows.job import Job

if TYPE_CHECKING:
    from halluc.engine.cloze import ClozeModel, Pieces

# A placeholder for the subject where the subject does not matter.
_SUBJECT = "x"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Reasons why something could not be asked, as keys of ``left_out``, and in words.
LEFT_OUT = {
    "patterns": "patterns with the object before the end, which a causal model cannot complete",
    "candidates": "candidates that the model cannot generate (a masked model only single word pieces)",
    "facts": "facts without a true object among the candidates",
    "prompts": "prompts that are too long for the model",
}


@dataclass(frozen=True)
class ProbeOptions:
    """The files of patterns and facts, and how many of them to ask.

    From each relation, ``sample`` facts whose subject the training split mentions are asked, and as many others, with
    the first ``most_patterns`` patterns; None: all. Answers with a confidence of at least ``threshold`` are asserted,
    and ``top`` candidates of each answer are recorded. ``name`` is that of the files in the run.
    """

    patterns: Path
    facts: Path
    relations: tuple[str, ...] = ()
    sample: int | None = None
    most_patterns: int | None = None
    threshold: float = 0.5
    top: int = 5
    name: str = "facts"


class _Candidate(NamedTuple):
    """A model to probe: its name in the figures, its reference, and the source of its head if it is another model."""

    name: str
    reference: str
    source: ModelSource
    base: str | None = None
    body: ModelSource | None = None


@elsewhere("move the run to another disk")
def probe(
    target: Path, overrides: Sequence[str], options: ProbeOptions, checkpoint: str | None = None
) -> ProbeResult:  # fmt: skip
    """Ask the model of a run, or of the newest run of a config, and its base model; or the model ``checkpoint``.

    Raises:
        HallucError or ManyErrors: D101 to D114, D190, D191, C011: see ``data.facts.read_relations``. R…: as
            ``evaluation.find``. E410 to E412: a model is not available, or cannot be probed. D192: there is nothing to
            ask.
    """
    if not _NAME.fullmatch(options.name):
        help = "use letters, digits, dot, hyphen and underscore"
        raise HallucError("C011", f"--name {options.name} cannot be a file name", help=help)
    relations, lacking = read_relations(options.patterns, options.facts, options.relations)
    quiet_libraries(verbose=False)
    job, models = _models(target, overrides, checkpoint)
    novelty, training = _novelty(job, [fact for one in relations for fact in one.facts])
    sampled = [_sample_relation(one, novelty, options) for one in relations]
    _tell_size(sampled, lacking, training)
    trusted = job.settings.model.trust_remote_code
    probed = [_probe_model(model, sampled, novelty, options, trusted) for model in models]
    sheets = [sheet for sheet, _ in probed]
    file = ProbeFile(
        name=options.name,
        patterns=str(options.patterns),
        facts=str(options.facts),
        sample=options.sample,
        most_patterns=options.most_patterns,
        threshold=options.threshold,
        relations={one.name: len(one.facts) for one in sampled},
        without_partner=lacking,
        training=training,
        models=[record for _, record in probed],
        differences=differences(*sheets) if len(sheets) == 2 else [],
        inputs=input_hashes(_files(options, {one.name for one in sampled})),
    )
    if job.run is None:
        job.run = evaluation.home(job.loaded, {"probed": checkpoint}, "probe")
    lines = (
        one.line(record.name, novelty.get(one.fact, FactNovelty())) for sheet, record in probed for one in sheet.answers
    )
    _write(job.target, file, lines, overrides)
    result = ProbeResult(**dict(file), run=str(job.target.path))
    messages.put(result)
    written = job.target.probe(options.name), job.target.probe_lines(options.name)
    conclude(f"figures: {written[0]}, answers: {written[1]}")
    return result


def _write(run: RunDir, file: ProbeFile, lines: Iterable[ProbeLine], overrides: Sequence[str]) -> None:
    """Write figures and answers as the only writer of the run, and record them in ``run.json``."""
    with run.locked(), run.stage("probe", list(overrides)) as stage:
        with replacing(run.probe_lines(file.name)) as target:
            target.writelines(json_line(line.model_dump(mode="json")) + "\n" for line in lines)
        write_json(run.probe(file.name), file.model_dump(mode="json"))
        stage.detail = {**stage.detail, file.name: {model.name: model.claims for model in file.models}}


def _files(options: ProbeOptions, relations: Container[str]) -> Iterator[Path]:
    for path in (options.patterns.expanduser(), options.facts.expanduser()):
        files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        yield from (file for file in files if file.stem in relations)


def _sample_relation(relation: Relation, novelty: Mapping[Fact, FactNovelty], options: ProbeOptions) -> Relation:
    """The relation with the sampled patterns and facts; its candidates are the objects of all facts."""
    kept: Iterable[Fact] = relation.facts
    if options.sample is not None:
        drawn = keyed_generator("probe", relation.name).permutation(len(relation.facts)).tolist()
        groups: dict[str | None, list[int]] = {}
        for at in drawn:
            groups.setdefault(novelty.get(relation.facts[at], FactNovelty()).subject, []).append(at)
        kept = (relation.facts[at] for at in sorted(at for group in groups.values() for at in group[: options.sample]))
    return replace(relation, facts=tuple(kept), patterns=relation.patterns[: options.most_patterns])


def _models(target: Path, overrides: Sequence[str], checkpoint: str | None) -> tuple[Job, list[_Candidate]]:
    """The job, with the run to write to (none yet for a model from elsewhere), and the models to probe.

    Raises:
        HallucError: see ``probe``.
    """
    from halluc.engine import cloze

    if checkpoint is not None:
        if not jobs.is_config(target):
            help = "halluc probe CONFIG --checkpoint MODEL"
            raise HallucError("C011", "--checkpoint needs a CONFIG, for its training split", help=help)
        source = resolve_model(latest.resolve_text(checkpoint), gguf=True)
        return Job(jobs.load(target, overrides)), [_Candidate("checkpoint", checkpoint, source)]
    job, model = evaluation.find_target(target, overrides)
    run_state.warn_changed_model(job.target)
    settings, own = job.settings.model, ModelSource(model)
    whole = cloze.has_head(own, settings.trust_remote_code)
    if settings.name is None:
        if not whole:
            help = "use a model with a language-model head: halluc probe CONFIG --checkpoint MODEL"
            message = f"{model} was trained from scratch and has no language-model head to fill patterns"
            raise environment_error("E411", message, help)
        return job, [_Candidate("fine-tuned", model, own)]
    base = _Candidate("base", settings.name, resolve_model(settings.name, gguf=True))
    if whole:
        return job, [base, _Candidate("fine-tuned", model, own)]
    return job, [base, _Candidate("fine-tuned", model, base.source, settings.name, own)]


def _novelty(job: Job, facts: Sequence[Fact]) -> tuple[Mapping[Fact, FactNovelty], TrainingMentions | None]:
    """Which facts the training split mentions, after withholding and before augmentation."""
    if job.settings.data.train is None:
        warn("the config has no training split, so novelty is unknown")
        return {}, None
    try:
        train = job.train().examples
    except HallucError as error:
        if error.code != "D101":
            raise
        warn(f"the mentions of the training split are not available: {error.message}")
        return {}, None
    names = {name for fact in facts for name in (fact.subject, *fact.objects)}
    mentioned_in = mentions(names, train, Tokenizer().tokens)
    novelty = {}
    for fact in facts:
        subject = mentioned_in[fact.subject]
        together = any(subject & mentioned_in[one] for one in fact.objects)
        novelty[fact] = FactNovelty("seen" if subject else "new", "seen" if together else "new")
    subjects = {fact.subject for fact in facts}
    return novelty, TrainingMentions(
        examples=len(train),
        subjects=len(subjects),
        subjects_seen=sum(bool(mentioned_in[one]) for one in subjects),
        pairs=len(facts),
        pairs_seen=sum(one.pair == "seen" for one in novelty.values()),
    )


def _tell_size(relations: Sequence[Relation], lacking: Sequence[str], training: TrainingMentions | None) -> None:
    facts = sum(len(one.facts) for one in relations)
    tell(f"{len(relations):,} relations, {facts:,} facts, {sum(len(one.patterns) for one in relations):,} patterns")
    if lacking:
        warn(f"{len(lacking):,} relations have only patterns or only facts: {', '.join(lacking[:8])}")
    if training is not None:
        tell(f"the training split mentions {training.subjects_seen:,} of {training.subjects:,} subjects")


def _probe_model(
    candidate: _Candidate,
    relations: Sequence[Relation],
    novelty: Mapping[Fact, FactNovelty],
    options: ProbeOptions,
    trust_remote_code: bool,
) -> tuple[ProbeSheet, ProbedModel]:
    """Load a model and ask it everything.

    Raises:
        HallucError E411: it cannot be probed. D192: there is nothing to ask.
    """
    from halluc.engine import cloze

    model = cloze.load(candidate.source, candidate.body, trust_remote_code=trust_remote_code)
    left_out: Counter[str] = Counter(dict.fromkeys(LEFT_OUT, 0))
    results: list[ProbeAnswer] = []
    total = sum(len(one.facts) * len(one.patterns) for one in relations)
    done = 0
    with progress(f"probing {candidate.name}", "prompts") as tick:
        for relation in relations:
            results += _ask(model, relation, options.top, left_out)
            done += len(relation.facts) * len(relation.patterns)
            tick(done, total)
    for reason, count in left_out.items():
        if count:
            tell(f"{candidate.name}: {count:,} {LEFT_OUT[reason]}")
    if not results:
        help = "use other --patterns or --facts, or another model"
        raise data_error("D192", f"{candidate.reference} cannot answer any of these facts", help=help)
    majority = {one.name: one.objects[0] for one in relations}
    sheet = ProbeSheet(results, novelty, majority, options.threshold)
    return sheet, ProbedModel(
        name=candidate.name,
        reference=candidate.reference,
        kind=model.kind,
        base=candidate.base,
        facts=len(sheet.facts),
        claims=len(results),
        left_out=dict(left_out),
        metrics=sheet.results(),
    )


def _ask(model: ClozeModel, relation: Relation, top: int, left_out: Counter[str]) -> list[ProbeAnswer]:
    """The answers to the patterns of a relation, by fact and pattern; ``left_out`` counts what cannot be asked."""
    by_fact: dict[Fact, list[ProbeAnswer]] = {fact: [] for fact in relation.facts}
    unwritten: set[str] = set()
    for pattern in relation.patterns:
        if not model.fits(pattern.around(_SUBJECT)[1]):
            left_out["patterns"] += 1
            continue
        pieces = model.pieces(pattern.context, relation.objects)
        unwritten |= {word for word, one in zip(relation.objects, pieces, strict=True) if one is None}
        for answer in _answers(model, relation, pattern, pieces, top, left_out):
            by_fact[answer.fact].append(answer)
    left_out["candidates"] += len(unwritten)
    left_out["facts"] += sum(unwritten.issuperset(fact.objects) for fact in relation.facts)
    return [answer for of_fact in by_fact.values() for answer in of_fact]


def _answers(
    model: ClozeModel,
    relation: Relation,
    pattern: Pattern,
    pieces: Sequence[Pieces | None],
    top: int,
    left_out: Counter[str],
) -> Iterator[ProbeAnswer]:
    """The answers to one pattern. Candidates with the same pieces count as one, under the first of their names."""
    column: dict[Pieces, int] = {}
    words: list[str] = []
    number: dict[str, int] = {}
    for word, one in zip(relation.objects, pieces, strict=True):
        if one is not None:
            if one not in column:
                column[one] = len(words)
                words.append(word)
            number[word] = column[one]
    facts = [fact for fact in relation.facts if any(one in number for one in fact.objects)]
    prompts = [(fact, model.prompt(*pattern.around(fact.subject))) for fact in facts] if len(words) > 1 else []
    left_out["prompts"] += sum(prompt is None for _, prompt in prompts)
    readable = [(fact, prompt) for fact, prompt in prompts if prompt is not None]
    for indexes, scores in model.scores([prompt for _, prompt in readable], list(column)) if readable else ():
        for index, row in zip(indexes, scores, strict=True):
            fact = readable[index][0]
            true = [number[one] for one in fact.objects if one in number]
            yield answer_of(fact, pattern.text, row, words, true, top)
