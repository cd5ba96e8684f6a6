"""What `halluc probe` left in a run: the figures of each file of facts that its models were asked for."""

from __future__ import annotations

from halluc.core.errors import HallucError
from halluc.runs.directory import RunDir
from halluc.runs.probes import ProbeFile
from halluc.runs.records import read_record


def probes(run: RunDir) -> tuple[list[ProbeFile], list[str]]:
    """The probes of a run by name, and what to note of those that cannot be read."""
    result, notes = [], []
    for path in sorted(run.probe("*").parent.glob("*.json")):
        help = f"probe again with `halluc probe --name {path.stem}`"
        try:
            result.append(read_record(path, ProbeFile, damaged="R114", other_version="R114", help=help))
        except HallucError as error:
            notes.append(f"{error.message}: its figures are not shown; {help}")
    return result, notes
