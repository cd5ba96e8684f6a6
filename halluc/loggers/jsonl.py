"""Every event as a line of ``events.jsonl``: always enabled, and readable during training."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from halluc.core.files import unwritable
from halluc.runs.events import Event, as_record


class JsonlLogger:
    """Appends events; a resumed run keeps earlier events."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = path.open("a", encoding="utf-8", buffering=1)  # line by line
        except OSError as error:
            raise unwritable(path, error) from error

    def __enter__(self) -> JsonlLogger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.file.close()
        except OSError as failed:
            if error is None:  # otherwise the first error is the one to report
                raise unwritable(self.path, failed) from failed

    def __call__(self, event: Event) -> None:
        record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **as_record(event)}
        # A diverging run logs infinite norms, which JSON cannot represent.
        finite = {k: (None if isinstance(v, float) and not abs(v) < float("inf") else v) for k, v in record.items()}
        try:
            self.file.write(json.dumps(finite, allow_nan=False) + "\n")
        except OSError as error:
            raise unwritable(self.path, error) from error
