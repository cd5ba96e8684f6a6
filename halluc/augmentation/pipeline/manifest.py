"""The parts of a corpus put together and described; the manifest, which makes them valid, comes last."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from halluc.augmentation.pipeline.columns import COLUMNS, write_columns
from halluc.augmentation.pipeline.diversity import Sample, alike_in_size, distinct
from halluc.augmentation.pipeline.layout import CANDIDATES, MANIFEST, NOTES, ORIGINALS, PARTIAL, PROVENANCE, TRAIN
from halluc.augmentation.pipeline.preparation import Prepared
from halluc.augmentation.pipeline.tally import Tally
from halluc.core.files import sha256_of, sync_folder, unwritable, write_json
from halluc.runs.schema import AugmentFile


def finish(prepared: Prepared, tally: Tally, folder: Path, fingerprint: str, seconds: float) -> AugmentFile:
    """Put the parts together, describe them, and let the manifest, which makes them valid, come last.

    Raises:
        HallucError E401: the disk is full. D130: see ``write_columns``.
    """
    partial = folder / PARTIAL
    sample = Sample()
    with (partial / NOTES).open("rb") as notes:
        for line in notes:
            sample.offer(json.loads(line)[1].split(" "))
    try:
        for old in (MANIFEST, COLUMNS):
            (folder / old).unlink(missing_ok=True)
        with (partial / ORIGINALS).open("ab") as whole, (partial / CANDIDATES).open("rb") as candidates:
            shutil.copyfileobj(candidates, whole, 1 << 20)
            whole.flush()
            os.fsync(whole.fileno())
        (partial / ORIGINALS).replace(folder / TRAIN)
        (partial / PROVENANCE).replace(folder / PROVENANCE)
        sync_folder(folder)
    except OSError as error:
        raise unwritable(folder / TRAIN, error) from error
    if prepared.job.config.format == "conll":
        write_columns(folder / TRAIN)
    files = {name: sha256_of(folder / name) for name in (TRAIN, PROVENANCE, COLUMNS) if (folder / name).is_file()}
    manifest = _manifest(prepared, tally, fingerprint, seconds, sample, files)
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    for left in [partial, *folder.glob(".shard-*")]:
        shutil.rmtree(left, ignore_errors=True)
    return manifest


def _manifest(
    prepared: Prepared, tally: Tally, fingerprint: str, seconds: float, sample: Sample, files: dict[str, str]
) -> AugmentFile:  # fmt: skip
    keep, kind = prepared.job.config.keep_original, prepared.job.shape.shows
    after = prepared.before.plus(tally.new) if keep else tally.new
    diversity = {
        part: {f"distinct_{n}": distinct(texts, n) for n in (1, 2)}
        for part, texts in zip(("before", "new"), alike_in_size(prepared.sample.texts, sample.texts), strict=True)
    }
    return AugmentFile(
        fingerprint=fingerprint,
        sha256=files[TRAIN],
        files={name: sha256 for name, sha256 in files.items() if name != TRAIN},
        wanted=tally.wanted,
        made=tally.made,
        originals=prepared.before.examples if keep else 0,
        kept=dict(sorted(tally.kept.items())),
        refused={reason: dict(sorted(by.items())) for reason, by in sorted(tally.refused.items())},
        refused_examples=dict(sorted(tally.shown.items())),
        unchangeable=tally.unchangeable,
        given_up=tally.given_up,
        before={**prepared.before.as_json(kind), **diversity["before"]},
        new={**tally.new.as_json(kind), **diversity["new"]},
        after=after.as_json(kind),
        seconds=round(seconds, 2),
    )
