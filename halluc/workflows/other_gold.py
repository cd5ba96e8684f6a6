"""Evaluates a run against other gold, such as a corrected copy of the split, in addition to its own evaluation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

from halluc.components import TABLE
from halluc.core import messages
from halluc.core.errors import HallucError, Location, data_error
from halluc.core.examples import Corpus
from halluc.core.files import write_json
from halluc.core.messages import conclude, tell, warn
from halluc.data.corpora import read_corpora
from halluc.data.rows.references import SplitName
from halluc.reporting.collect.annotation import compare_gold
from halluc.runs import provenance
from halluc.runs.audits import GoldFile, Regold
from halluc.runs.results import RegoldResult
from halluc.workflows import assessment, ensembles
from halluc.workflows.job import Job
from halluc.workflows.task_detection import data_config
from halluc.workflows.trained_models import Trained

_SHOWN_TOKENS = 6


def judge(
    job: Job, model: str, gold: Path, split: SplitName, read: Sequence[SplitName], overrides: Sequence[str]
) -> RegoldResult:
    """Evaluate a run's model against the annotation in ``gold``, and write the files of ``halluc eval`` to ``regold/``.

    Args:
        read: the splits that the evaluation needs: ``split``, and dev if the confidence is fitted on it.

    Raises:
        HallucError or ManyErrors D1xx: the file cannot be read. D197: its examples are not those of the split.
    """
    corpora = dict(job.corpora(read).splits)
    own = corpora[split]
    other = _read(job, gold, split)
    by = _join_key(own, other, gold)
    by_id = {example.id: example for example in other}
    pairs = [(one, by_id[one.id]) for one in own] if by == "id" else list(zip(own, other, strict=True))
    corrected: list[Any] = [_replace_annotation(one, two) for one, two in pairs]
    changed = sum(one.annotation != two.annotation for one, two in pairs)
    labels = [{label for example in corpus for label in example.labels} for corpus in (own, other)]
    if new := sorted(labels[1] - labels[0]):
        warn(f"{gold} has labels that {split} does not have: {', '.join(label[:40] for label in new[:5])}")
    tell(f"{split}: {changed:,} of {len(own):,} examples have different annotation in {gold}, joined by {by}")
    sha256 = provenance.file_sha256(gold)
    # Files of the same name are distinguished by their content.
    name = f"{re.sub(r'[^A-Za-z0-9._-]', '_', gold.stem).lstrip('.')[:100] or 'gold'}-{sha256[:8]}"
    into, target = job.target.regold(name), job.target
    record = GoldFile(
        name=name, file=str(gold), sha256=sha256, split=split, joined_by=by, examples=len(own),
        changed=changed,
    )  # fmt: skip
    corpora[split] = Corpus(split, tuple(corrected), str(gold))
    with target.locked(), target.stage("regold", list(overrides)) as stage:
        others = job.settings.eval.ensemble
        ensemble = ensembles.Ensemble.of(Trained(job, model), others) if others else None
        (file,) = assessment.assess(job, corpora, (split,), model, ensemble, into)
        write_json(into.path / f"{split}.json", record.model_dump(mode="json"))
        stage.detail = {**stage.detail, f"{name}/{split}": {"sha256": record.sha256, "changed": changed}}
    figures = compare_gold(target, split, file, job.task)
    result = RegoldResult(**dict(file), gates=[], run=str(target.path), regold=Regold(gold=record, figures=figures))
    messages.put(result)
    conclude(f"results by this gold: {into.path}; the run's own evaluation is unchanged")
    return result


def _replace_annotation(own: Any, other: Any) -> Any:
    """The example of another file, with the id, document, group and time of the run's own example."""
    kept = {field.name for field in fields(own)} & {"id", "origin", "group", "timestamp"}
    return replace(other, **{name: getattr(own, name) for name in kept})


def _read(job: Job, gold: Path, split: SplitName) -> Corpus[Any]:
    """The split from the file: written by halluc, or in the format of the file in the config.

    Raises:
        HallucError or ManyErrors: as ``read_corpora`` for the format of the config.
    """
    data = job.settings.data
    unset = {key: None for key in ("dev_share", "test_share") if hasattr(data, key)}
    config = data.model_copy(update={"train": None, "dev": None, "test": None, split: str(gold), **unset})
    configs = [data_config(job.task.name, {split: str(gold)}), config]
    source = data.reference(split)
    if source is not None and Path(source).suffix == gold.suffix and gold.suffix != ".jsonl":
        configs.reverse()
    try:
        return read_corpora(configs[0], TABLE, (split,)).splits[split]
    except HallucError:
        return read_corpora(configs[1], TABLE, (split,)).splits[split]


def _join_key(own: Corpus[Any], other: Corpus[Any], path: Path) -> Literal["id", "order"]:
    """
    Raises:
        HallucError D197: the examples match neither by id nor by order.
    """
    tokens = {example.id: example.tokens for example in other}
    if len(tokens) == len(own) and all(tokens.get(example.id) == example.tokens for example in own):
        return "id"
    help = "gold must have all examples of the split, with the same tokens, in the same order or with the same ids"
    for one, two in zip(own, other, strict=False):
        if one.tokens != two.tokens:
            given_text, own_text = (" ".join(example.tokens[:_SHOWN_TOKENS]) for example in (two, one))
            message = f"other tokens than {one.origin}: `{given_text[:80]}`, but the data has `{own_text[:80]}`"
            raise data_error("D197", message, Location(two.origin.file, two.origin.line), help)
    if len(own) != len(other):
        message = f"{path} has {len(other):,} examples, and {own.split} has {len(own):,}"
        raise data_error("D197", message, help=help)
    return "order"
