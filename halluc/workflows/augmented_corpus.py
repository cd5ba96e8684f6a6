"""The augmented corpus of a run, and whether it is the one of a config; ``workflows.augmentation`` makes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc import __version__
from halluc.components import TABLE
from halluc.config.hashing import section_in_hash, sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.config.section import LINE_BYTES_BOUND
from halluc.config.yaml import texts
from halluc.core import registry
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.data.corpora import read_corpora
from halluc.runs import directory, provenance, records
from halluc.runs.directory import MANIFEST, PROVENANCE, TRAIN
from halluc.runs.schema import AugmentFile
from halluc.workflows.job import Job


def manifest(target: directory.RunDir) -> AugmentFile | None:
    """``augment/manifest.json``; None if there is none, or one of another version of halluc.

    Raises:
        HallucError R130: it is damaged, or its train.jsonl is missing.
    """
    file, help = target.augment / MANIFEST, f"remove {target.augment}: it is then made again"
    try:
        result = records.read_record(file, AugmentFile, damaged="R130", other_version="R131", help=help)
    except FileNotFoundError:
        return None
    if not (target.augment / TRAIN).is_file():
        raise HallucError("R130", f"{target.augment / TRAIN} does not exist, although {file} lists it", help=help)
    return result


def is_current(target: directory.RunDir, loaded: LoadedConfig) -> bool:
    """Whether a run has the augmented corpus of this config; raises the errors of ``manifest``."""
    current = manifest(target)
    return current is not None and current.fingerprint == fingerprint(loaded)


def read(job: Job) -> Corpus[Any]:
    """The augmented training split of a run."""
    path = job.target.augment / TRAIN
    data = registry.load(TABLE, "reader", job.task.name).Config(
        format="jsonl", train=str(path), max_line_bytes=LINE_BYTES_BOUND
    )
    augmented = read_corpora(data, TABLE, ("train",)).splits["train"]
    # Originals belong to the documents of their file; examples made from them have no document.
    origins = {one.id: (one.origin.document, one.origin.number) for one in job.train()}
    results = []
    for example in augmented.examples:
        document, number = origins.get(example.id, (0, 0))
        results.append(replace(example, origin=replace(example.origin, document=document, number=number)))
    return replace(augmented, examples=tuple(results))


def epochs(loaded: LoadedConfig) -> int:
    """The number of training epochs with new examples of their own: more than 1 with ``augment.online``."""
    section = loaded.experiment.augment
    return loaded.experiment.train.epochs if section is not None and section.online else 1


def positions_by_epoch(job: Job, ids: Sequence[str]) -> list[list[int]]:
    """The positions in ``ids`` of the examples of each epoch: the originals, and the new examples of that epoch.

    ``ids`` are those of examples of the augmented corpus; several positions may belong to parts of one example. Empty
    if all epochs have the same examples.
    """
    count = epochs(job.loaded)
    if count == 1:
        return []
    with (job.target.augment / PROVENANCE).open("rb") as file:
        epoch_of = {line["id"]: (line["copy"] - 1) % count for line in map(json.loads, file)}
    return [
        [position for position, identity in enumerate(ids) if epoch_of.get(identity, epoch) == epoch]
        for epoch in range(count)
    ]


def fingerprint(loaded: LoadedConfig) -> str:
    """Hash of everything that the augmented corpus depends on, including contents of files."""
    tree, data = loaded.tree, loaded.experiment.data
    return sha256_of_tree(
        {
            "halluc": __version__,
            "augment": {key: value for key, value in tree["augment"].items() if key != "workers"},
            **{section: section_in_hash(tree, section) for section in ("data", "task", "gap", "seed")},
            "epochs": epochs(loaded),
            "inputs": list(provenance.input_hashes(data.paths()).values()),
            "files": list(provenance.input_hashes(files(loaded)).values()),
        }
    )


def files(loaded: LoadedConfig) -> list[Path]:
    """The files, besides corpora, that the config's augmentation reads: gazetteers, synonyms, a ledger."""
    section = loaded.experiment.augment
    if section is None:
        return []
    named = [Path(text).expanduser() for text in texts(loaded.tree["augment"])]
    if section.focus_run is not None:
        named.append(directory.open_run(Path(section.focus_run)).ledger("dev"))
    model_files = ("model/model.safetensors", "model.safetensors", "confidence.json")
    of_models = (path / name for path in named for name in model_files)
    return [path for path in (*named, *of_models) if path.is_file()]
