"""Predicts one file with several independent processes that only share storage.

Each process predicts every N-th chunk of the input and writes a part next to the output. When all parts exist, they are
joined in the order of the input: the output is identical to that of a single process.
"""

from __future__ import annotations

import contextlib
import glob
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from halluc import __version__
from halluc.config.hashing import sha256_of_tree
from halluc.core.errors import HallucError
from halluc.core.files import replacing, sha256_of
from halluc.core.messages import tell
from halluc.core.quantities import quantity
from halluc.runs.schema import Record
from halluc.workflows import ensembles, trained_models
from halluc.workflows.prediction import InputJob, Write, line_of, refuse_unread


@dataclass(frozen=True)
class Parts:
    """The parts of ``output``. Parts of another model, input or version of halluc have another ``fingerprint``."""

    output: Path
    fingerprint: str

    def path(self, number: int, of: int) -> Path:
        return self.output.with_name(f"{_prefix(self.output)}{self.fingerprint[:16]}.{number}-of-{of}")

    def complete_set(self) -> list[Path]:
        """The parts of a complete set; empty if there is no such set."""
        first = f"{glob.escape(str(self.path(1, 1)).removesuffix('1-of-1'))}1-of-*"
        for count in sorted(int(name.rpartition("-")[2]) for name in glob.glob(first)):  # noqa: PTH207
            parts = [self.path(number, count) for number in range(1, count + 1)]
            if all(part.is_file() for part in parts):
                return parts
        return []

    @contextlib.contextmanager
    def writer(self, number: int, of: int) -> Iterator[Write]:
        """A function that writes the records of each chunk of a part, preceded by the chunk's number and their count.

        Raises:
            HallucError E401: the part cannot be written.
        """
        with replacing(self.path(number, of), "wb") as file:
            chunk = number - 1

            def write(records: Sequence[Record]) -> None:
                nonlocal chunk
                file.write(f"{chunk} {len(records)}\n".encode())
                file.writelines((line_of(one) + "\n").encode() for one in records)
                chunk += of

            yield write


def has_parts(output: Path) -> bool:
    """Whether there are parts of this output, from any model."""
    return any(output.parent.glob(f"{glob.escape(_prefix(output))}*.1-of-*"))


def _prefix(output: Path) -> str:
    return f".{output.name}.part-"


def of(job: InputJob, output: Path | None) -> Parts:
    """The parts of an output, identified by everything they depend on.

    Raises:
        HallucError C016: the input or output is not a file. Others: as ``ensembles.locate``.
    """
    source = job.source
    if source is None or not source.is_file() or output is None or (output.exists() and not output.is_file()):
        help = "use files that all processes can access: --input FILE --output FILE"
        raise HallucError("C016", "shards need an input file and an output file", help=help)
    trained, _ = ensembles.locate(job.reference, job.members, job.overrides)
    models = [trained, *(trained_models.locate(one) for one in job.members)]
    tree = {
        "halluc": __version__,
        "models": [[one.reference, one.run.read().model_files if one.run else None] for one in models],
        "confidence": None if trained.confidence is None else trained.confidence.model_dump(mode="json"),
        "overrides": list(job.overrides),
        "input": sha256_of(source),
        "reading": [dict(job.reading.options), job.reading.format, job.reading.look_ahead],
    }
    return Parts(output.resolve(), sha256_of_tree(json.loads(json.dumps(tree, default=str))))


def join(parts: Parts) -> None:
    """Write the output from a complete set of parts, and remove the parts.

    Raises:
        HallucError D115: some texts could not be read. E401: the output cannot be written.
    """
    paths, count, broken = parts.complete_set(), 0, 0
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(replacing(parts.output, "wb"))
        files = [stack.enter_context(path.open("rb")) for path in paths]
        for lines in _merge_chunks(files):
            target.writelines(lines)
            count += len(lines)
            broken += sum(b'"error"' in line and "error" in json.loads(line) for line in lines)
    for path in paths:
        path.unlink()
    tell(f"{quantity(count, 'texts')} from {len(paths)} parts, {broken:,} not readable: {parts.output}")
    refuse_unread(broken, count)


def _merge_chunks(files: Sequence[IO[bytes]]) -> Iterator[list[bytes]]:
    """The lines of each chunk, in the order of the input: the parts alternate."""
    while True:
        for file in files:
            head = file.readline()
            if not head:  # after the last chunk no part has another one
                return
            yield [file.readline() for _ in range(int(head.split()[1]))]
