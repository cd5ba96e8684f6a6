"""Concatenates the parts of a finished corpus, and writes the manifest, without which it is not valid."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.augmentation.pipeline.journal import CANDIDATES, NOTES, ORIGINALS, PARTIAL
from halluc.augmentation.pipeline.preparation import Prepared
from halluc.augmentation.pipeline.tally import Sample, Tally, alike_in_size, distinct
from halluc.core.files import sha256_of, sync_folder, write_json, writing
from halluc.runs.directory import MANIFEST, PROVENANCE, TRAIN
from halluc.runs.schema import AugmentFile


def finish(prepared: Prepared, tally: Tally, folder: Path, fingerprint: str, seconds: float) -> AugmentFile:
    """Concatenate the parts, export them, and write the manifest.

    Raises:
        HallucError E401: the disk is full. D130: the configured format cannot hold an example.
    """
    partial, config, examples = folder / PARTIAL, prepared.job.config, prepared.job.examples
    others = [f"train.{name}" for name, export in examples.formats.items() if export is not None]
    notes: Sample[bytes] = Sample()
    with (partial / NOTES).open("rb") as lines:
        for line in lines:
            notes.offer(line)
    sample = [json.loads(line)[1].split(" ") for line in notes.texts]
    with writing(folder / TRAIN):
        for old in (MANIFEST, *others):
            (folder / old).unlink(missing_ok=True)
        with (partial / ORIGINALS).open("ab") as corpus, (partial / CANDIDATES).open("rb") as candidates:
            shutil.copyfileobj(candidates, corpus, 1 << 20)
            corpus.flush()
            os.fsync(corpus.fileno())
        (partial / ORIGINALS).replace(folder / TRAIN)
        (partial / PROVENANCE).replace(folder / PROVENANCE)
        sync_folder(folder)
    if (export := examples.formats[config.format]) is not None:
        export(folder / TRAIN, folder / f"train.{config.format}")
    files = {name: sha256_of(folder / name) for name in (TRAIN, PROVENANCE, *others) if (folder / name).is_file()}
    manifest = AugmentFile(
        fingerprint=fingerprint,
        sha256=files[TRAIN],
        files={name: sha256 for name, sha256 in files.items() if name != TRAIN},
        epochs=prepared.job.epochs,
        wanted=tally.wanted,
        made=tally.made,
        originals=prepared.before.examples if config.keep_original else 0,
        kept=dict(sorted(tally.kept.items())),
        refused={reason: dict(sorted(by.items())) for reason, by in sorted(tally.refused.items())},
        refused_examples=dict(sorted(tally.shown.items())),
        unchangeable=tally.unchangeable,
        given_up=tally.given_up,
        **_statistics(prepared, tally, sample),
        methods={one.name: facts for one in prepared.line_maker.maker.methods if (facts := one.component.facts())},
        seconds=round(seconds, 2),
    )
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    for left in [partial, *folder.glob(".shard-*")]:
        shutil.rmtree(left, ignore_errors=True)
    return manifest


def _statistics(prepared: Prepared, tally: Tally, sample: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The counts, and the diversity, of the corpus before, of the new examples, and the counts of the corpus after."""
    keep, units = prepared.job.config.keep_original, prepared.job.examples.units
    after = prepared.before.plus(tally.new) if keep else tally.new
    diversity = [
        {f"distinct_{n}": distinct(texts, n) for n in (1, 2)} for texts in alike_in_size(prepared.sample.texts, sample)
    ]
    return {
        "before": {**prepared.before.as_json(units), **diversity[0]},
        "new": {**tally.new.as_json(units), **diversity[1]},
        "after": after.as_json(units),
    }
