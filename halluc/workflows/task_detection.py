"""Detects the task of a corpus: the one whose reader can read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from halluc.components import TABLE
from halluc.config.loading import check
from halluc.config.overrides import apply_all
from halluc.config.yaml import Located
from halluc.core.errors import HallucError, ManyErrors, data_error, refuse
from halluc.data.config import DataConfig
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.rows.references import SplitName

# The number of examples of a split that are read to detect the task, and whether the file has texts or tokens.
_TRIED = 100


@dataclass(frozen=True)
class CorpusSource:
    """A corpus: the name of its task, its ``data`` section, and the splits of it."""

    task: str
    data: DataConfig
    splits: tuple[SplitName, ...]


def data_config(task: str, references: Mapping[SplitName, str], overrides: Sequence[str] = ()) -> DataConfig:
    """The section ``data`` of an experiment on these splits.

    Raises:
        HallucError or ManyErrors, code C…: problems with the overrides.
    """
    tree = {"name": "convert", "task": {"type": task}, "data": dict(references), "model": {"scratch": {}}}
    located = Located(tree, {}, {})
    refuse(apply_all(located, overrides))
    experiment, errors = check(located, TABLE)
    refuse(errors)
    assert experiment is not None, "what cannot be made has an error"
    data: DataConfig = experiment.data
    return data


def guess(
    source: str, references: Mapping[SplitName, str], overrides: Sequence[str], splits: tuple[SplitName, ...]
) -> CorpusSource:
    """The task whose reader can read the input. If several can, tags with prefixes and spans decide.

    Raises:
        HallucError C011: several tasks fit. D107: none does. Of the only task that fits most rows: its errors.
    """
    fit: dict[str, DataConfig] = {}
    misfit: dict[str, HallucError] = {}
    for task in TABLE["task"]:
        try:
            data = data_config(task, references, overrides)
            result = read_corpora(limit_examples(data), TABLE, splits)
        except HallucError as error:
            misfit[task] = error
            continue
        fit[task] = data
        if _is_certain(result):
            return CorpusSource(task, data, splits)
    if len(fit) == 1:
        return CorpusSource(*fit.popitem(), splits)
    if fit:
        raise HallucError("C011", f"{source} can be read as {' and as '.join(fit)}", help="set one with --task")
    first = [error.errors[0] if isinstance(error, ManyErrors) else error for error in misfit.values()]
    if len(nearly := [task for task in misfit if _reads_most(task, references, overrides, splits)]) == 1:
        raise misfit[nearly[0]]
    if len({(error.code, error.message) for error in first}) == 1:
        raise first[0]
    parts = zip(misfit, first, (f" ({error.help})" if error.help else "" for error in first), strict=True)
    why = "; ".join(f"{task}: {error.message}{what_to_do}" for task, error, what_to_do in parts)
    help = "set the task with --task, and the fields with --set data.KEY=VALUE"
    raise data_error("D107", f"{source} does not fit any task ({why})", help=help)


def _reads_most(
    task: str, references: Mapping[SplitName, str], overrides: Sequence[str], splits: tuple[SplitName, ...]
) -> bool:
    """Whether the reader of a task can read more rows than it cannot."""
    try:
        data = limit_examples(data_config(task, references, overrides)).model_copy(update={"on_bad_line": "skip"})
        corpora = read_corpora(data, TABLE, splits)
    except HallucError:
        return False
    return len(corpora.skipped) < sum(map(len, corpora.splits.values()))


def limit_examples(data: DataConfig) -> DataConfig:
    return data.model_copy(update={"max_examples": min(data.max_examples or _TRIED, _TRIED)})


def _is_certain(corpora: Corpora) -> bool:
    """Whether a corpus certainly has labelled spans; with IO tags it is uncertain, as any two columns can be tokens and
    IO tags."""
    spans = any(getattr(example, "spans", ()) for corpus in corpora.splits.values() for example in corpus)
    return spans and corpora.annotation.scheme != "io"
