"""Tables with typed columns: Parquet and Arrow files, and data sets of the Hugging Face hub (the extra ``hub``)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from halluc.core import hub
from halluc.core.errors import Location, data_error, environment_error, first_line
from halluc.data.rows.references import HUB_REFERENCE, SplitName
from halluc.data.rows.row import BadLine, Row

_HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
_PARQUET, _ARROW = b"PAR1", b"ARROW1"
# The stream format of Arrow, which `datasets` writes, has no magic bytes: it is recognised by its suffix.
SUFFIXES = (".parquet", ".arrow")
# Rows that are in memory at once.
_BATCH = 1_000


def is_table(begin: bytes) -> bool:
    """Whether a file is a table, by its first bytes."""
    return begin.startswith((_PARQUET, _ARROW))


def of_file(path: Path) -> Iterator[Row | BadLine]:
    """A row for each row of a Parquet or Arrow file; class numbers are replaced by their names in the file.

    Raises:
        HallucError E402: the package ``datasets`` is not installed. D104: the file is damaged.
    """
    datasets = _datasets(str(path))
    import pyarrow
    from pyarrow import ipc, parquet

    try:
        with path.open("rb") as file:
            magic = file.read(len(_ARROW))
            file.seek(0)
            if magic.startswith(_PARQUET):
                table = parquet.ParquetFile(file)
                schema, batches = table.schema_arrow, table.iter_batches(batch_size=_BATCH)
            elif magic.startswith(_ARROW):
                opened = ipc.open_file(file)
                schema, batches = opened.schema, (opened.get_batch(at) for at in range(opened.num_record_batches))
            else:
                stream = ipc.open_stream(file)
                schema, batches = stream.schema, iter(stream)
            names = _class_names(datasets.Features.from_arrow_schema(schema))
            parts = (batch.slice(at, _BATCH) for batch in batches for at in range(0, batch.num_rows, _BATCH))
            for number, record in enumerate(chain.from_iterable(part.to_pylist() for part in parts), 1):
                yield Row(str(path), number, _named(record, names))
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        message = "not readable as a table: " + first_line(error)
        help = "check that it is a Parquet or Arrow file, and that it is complete"
        raise data_error("D104", message, Location(str(path)), help) from None


def of_hub(reference: str, split: SplitName, subset: str | None) -> Iterator[Row | BadLine]:
    """A row for each row of a data set of the hub; class numbers are replaced by names."""
    data = load_table(reference, split, subset)
    names = _class_names(data.features)
    for number, record in enumerate(data, 1):
        yield Row(reference, number, _named(record, names))


def _datasets(reference: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise environment_error(
            "E402", f"`{reference}` needs the package `datasets`", "pip install 'halluc[hub]'"
        ) from None
    return datasets


def load_table(reference: str, split: SplitName, subset: str | None) -> Any:
    """The data set of a reference to the hub.

    Raises:
        HallucError E402: the package ``datasets`` is not installed. E403: the data set is not available. E412: it is
            not in the local cache, and the hub cannot be reached.
    """
    datasets = _datasets(reference)
    match = HUB_REFERENCE.fullmatch(reference)
    assert match is not None  # the config checked it
    reason = hub.unreachable()
    try:
        with _offline(datasets.config) if reason is not None else contextlib.nullcontext():
            return datasets.load_dataset(
                match["name"], subset, revision=match["revision"], split=match["split"] or _HUB_SPLITS[split]
            )
    except (OSError, ValueError, RuntimeError) as error:
        if reason is not None and isinstance(error, ConnectionError):
            raise hub.not_cached(reference, reason) from error
        message = f"cannot load `{reference}`: " + first_line(error)
        help = "check the network, and the name, revision, subset and split"
        raise environment_error("E403", message, help) from error


@contextlib.contextmanager
def _offline(settings: Any) -> Iterator[None]:
    """Make ``datasets`` use only its cache, as with HF_DATASETS_OFFLINE, without trying the network again."""
    before, settings.HF_HUB_OFFLINE = settings.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        settings.HF_HUB_OFFLINE = before


def _class_names(features: Any) -> dict[str, list[str]]:
    """The names of class numbers, for the columns that have them."""
    result = {name: getattr(getattr(feature, "feature", feature), "names", None) for name, feature in features.items()}
    return {name: names for name, names in result.items() if names}


def _named(record: dict[Any, Any], names: dict[str, list[str]]) -> dict[Any, Any]:
    for field, known in names.items():
        record[field] = _name(record[field], known)
    return record


def _name(given: Any, names: list[str]) -> Any:
    """The names of class numbers; a number without a name stays, such as the -1 with which the hub hides labels."""
    if isinstance(given, list):
        return [_name(one, names) for one in given]
    return names[given] if isinstance(given, int) and 0 <= given < len(names) else given
