"""Conversion of a corpus to another format, with all its annotation, or an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from halluc.components import TABLE
from halluc.config.rendering import plain
from halluc.core.errors import HallucError, did_you_mean
from halluc.core.files import elsewhere, irregular
from halluc.core.labels import Scheme
from halluc.core.messages import conclude, put, tell
from halluc.core.quantities import quantity
from halluc.data.config import DataConfig
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.rows.references import SPLITS, SplitName
from halluc.data.writers import Options, Writer, write, writers_of
from halluc.runs.results import ConvertResult
from halluc.task import task_class
from halluc.workflows import job, reading_progress
from halluc.workflows.task_detection import CorpusSource, data_config, guess, limit_examples

_CONFIGS = (".yaml", ".yml")
_SEPARATORS = {"tab": "\t", "space": " "}
# The separator of tokens, and the `data.tokenize` that splits them again.
_JOINED = {"blank": (" ", "whitespace"), "none": ("", "characters")}


@dataclass(frozen=True)
class ConversionOptions:
    """The options of the command line; None leaves the choice to the input, or to the name of the output."""

    task: str | None = None
    splits: tuple[str, ...] = ()
    format: str | None = None
    scheme: Scheme | None = None
    separator: str | None = None
    join: str | None = None


@elsewhere("choose another path for OUT")
def convert(source: str, target: Path, overrides: Sequence[str], wanted: ConversionOptions) -> ConvertResult:
    """Read ``source`` (a path, a reference or a config) and write it to ``target``, a file, or a folder of splits.

    Raises:
        HallucError D130: an example does not fit the format. C011, C016: options that are unknown, or do not apply.
        Others, code C… or D…: as ``halluc check``.
    """
    origin = _source(source, overrides, wanted)
    name = format_of(origin.task, wanted.format, target)
    writer = writers_of(origin.task)[name]
    options = _options(writer, name, wanted)
    files = _targets(target, origin.splits, writer)
    with reading_progress.reading(origin.data):
        corpora, options = _read(origin, writer, options, wanted)
    for file in (file for path in files.values() for file in writer.files(path)):
        if file.exists() and any(file.samefile(read) for read in corpora.files):
            raise HallucError("C011", f"{file} is the input", help="choose another path for OUT")
    options = writer.fitted(options, [example for corpus in corpora.splits.values() for example in corpus])
    write({path: corpora.splits[split] for split, path in files.items()}, writer, options)
    for line in _findings(origin.task, corpora):
        tell(line)
    if "join" in writer.options:
        between = f"tokens {'with a space' if options.joiner else 'without spaces'} between them"
        tell(f"texts: {'unchanged' if options.keeps_text else between}")
    noun = task_class(origin.task).evaluated(()).wording.words.examples
    for split, path in files.items():
        conclude(f"{quantity(len(corpora.splits[split]), noun)} written to {path} ({name})")
    keys: dict[str, Any] = {**{split: str(path) for split, path in files.items()}, **writer.read_by(options)}
    tell(f"to read it: data: {{{', '.join(f'{key}: {plain(value)}' for key, value in keys.items())}}}")
    result = _result(origin.task, name, corpora, files, keys)
    put(result)
    return result


def _result(
    task: str, form: str, corpora: Corpora, files: Mapping[SplitName, Path], keys: dict[str, Any]
) -> ConvertResult:
    return ConvertResult(
        task=task,
        read={str(split): mapping for split, mapping in corpora.mappings.items()},
        scheme=corpora.annotation.scheme,
        scheme_note=corpora.annotation.note,
        notices=[{"where": f"{one.file}:{one.line}", "what": one.what} for one in corpora.notices],
        repaired=len(corpora.repairs),
        skipped=len(corpora.skipped),
        format=form,
        splits={name: {"file": str(path), "examples": len(corpora.splits[name])} for name, path in files.items()},
        data=keys,
    )


def _source(source: str, overrides: Sequence[str], wanted: ConversionOptions) -> CorpusSource:
    if wanted.task is not None and wanted.task not in TABLE["task"]:
        raise HallucError("C011", f"no task `{wanted.task}`", help=f"one of {', '.join(TABLE['task'])}")
    job.refuse_unknown_splits(wanted.splits)
    if Path(source).suffix in _CONFIGS:
        loaded = job.load(Path(source), overrides)
        task, data = loaded.experiment.task.type, loaded.experiment.data
        if wanted.task not in (None, task):
            raise HallucError(
                "C016", f"--task {wanted.task}: the task of the config is {task}", help="remove the option"
            )
        return CorpusSource(task, data, job.configured_splits(data, wanted.splits))
    splits = tuple(split for split in SPLITS if split in (wanted.splits or ("train",)))
    references = dict.fromkeys(splits, source)
    if wanted.task is not None:
        return CorpusSource(wanted.task, data_config(wanted.task, references, overrides), splits)
    return guess(source, references, overrides, splits)


def format_of(task: str, requested: str | None, target: Path) -> str:
    """The requested format, or the one of the output's name.

    Raises:
        HallucError C011: there is no such format of this task.
    """
    writers = writers_of(task)
    listed = f"formats of {task}: {', '.join(writers)}"
    if requested is not None:
        if requested in writers:
            return requested
        near = did_you_mean(requested, writers)
        raise HallucError(
            "C011", f"no format `{requested}`", help=f"did you mean `{near}`? {listed}" if near else listed
        )
    fitting = next((name for name, writer in writers.items() if target.suffix in writer.suffixes), None)
    if fitting is None:
        raise HallucError(
            "C011", f"the format cannot be detected from the name {target}", help=f"set one with --to; {listed}"
        )
    return fitting


def _options(writer: Writer, name: str, wanted: ConversionOptions) -> Options:
    """
    Raises:
        HallucError C016: an option that the format does not use.
    """
    for option in ("scheme", "separator", "join"):
        if getattr(wanted, option) is not None and option not in writer.options:
            raise HallucError("C016", f"--{option} cannot be used with the format {name}", help="remove it")
    joiner, tokenize = _JOINED[wanted.join or "blank"]
    return Options(wanted.scheme or "iob2", _SEPARATORS[wanted.separator or "tab"], joiner, tokenize)


def _read(origin: CorpusSource, writer: Writer, options: Options, wanted: ConversionOptions) -> tuple[Corpora, Options]:
    """The corpora, and the options that their examples require: text formats keep the original texts."""
    data: Any = origin.data
    options = replace(options, out_of_scope=getattr(data, "out_of_scope_label", None))
    may_keep = "join" in writer.options and wanted.join is None
    # If tokens were changed, the output has the texts of the changed tokens.
    if not may_keep or data.normalise != "none" or data.strip_invisible or not _holds_texts(data, origin.splits):
        return read_corpora(data, TABLE, origin.splits), options
    return _to_characters(data, origin.splits), replace(options, joiner="", tokenize=data.tokenize, keeps_text=True)


def _to_characters(data: Any, splits: tuple[SplitName, ...]) -> Corpora:
    """The examples with one token per character of their texts.

    Which examples are held out of train depends on their words, so the words are read first, and the same examples are
    then selected by id.
    """
    characters = data.model_copy(update={"tokenize": "characters"})
    if not any(data.is_held_out(split) for split in SPLITS):
        return read_corpora(characters, TABLE, splits)
    words = read_corpora(data, TABLE, splits)
    references: dict[str, Any] = {split: data.reference(split) for split in splits}
    whole = characters.model_copy(update={**references, "dev_share": None, "test_share": None, "max_examples": None})
    for split, corpus in read_corpora(whole, TABLE, splits).splits.items():
        own = {example.id for example in words.splits[split]}
        words.splits[split] = replace(corpus, examples=tuple(one for one in corpus if one.id in own))
    return words


def _holds_texts(data: DataConfig, splits: tuple[SplitName, ...]) -> bool:
    """Whether the input has texts; if it has tokens, they are the same with every ``tokenize``."""
    characters = data.model_copy(update={"tokenize": "characters"})
    first = read_corpora(limit_examples(characters), TABLE, splits[:1])
    by_blanks = characters.model_copy(update={"tokenize": "whitespace", "on_bad_line": "skip"})
    try:
        second = read_corpora(limit_examples(by_blanks), TABLE, splits[:1])
    except HallucError:  # each text contains a mention that ends inside a token
        return True
    tokens = {example.id: example.tokens for corpus in second.splits.values() for example in corpus}
    return any(tokens.get(example.id) != example.tokens for corpus in first.splits.values() for example in corpus)


def _targets(target: Path, splits: Sequence[SplitName], writer: Writer) -> dict[SplitName, Path]:
    """The file of each split.

    Raises:
        HallucError C011: several splits and one file, or not a regular file.
    """
    if len(splits) > 1 or target.is_dir():
        if target.suffix in writer.suffixes and not target.is_dir():
            help = "use a folder and set the format with --to, or select one split with --split"
            raise HallucError("C011", f"{target} is one file, but there are {len(splits)} splits", help=help)
        return {split: writer.files(target / f"{split}{writer.suffixes[0]}")[0] for split in splits}
    if str(target) == "-" or (target.exists() and irregular(target)):
        raise HallucError("C011", f"{target} is not a regular file", help="use a file")
    return {splits[0]: writer.files(target)[0]}


def _findings(task: str, corpora: Corpora) -> Iterator[str]:
    """The findings of reading, one per line."""
    tags = f", {corpora.annotation.scheme.upper()} ({corpora.annotation.note})" if corpora.annotation.scheme else ""
    yield f"read as {task}{tags}"
    yield from dict.fromkeys(f"read: {mapping}" for mapping in corpora.mappings.values() if mapping)
    for notice in corpora.notices:
        yield f"warning: {notice.what} ({notice.file}:{notice.line})"
    for result, done in ((corpora.repairs, "repaired"), (corpora.skipped, "skipped")):
        if result:
            yield f"{len(result):,} {done} (first: {result[0]})"
