"""Runs any augmenter of nlpaug, and aligns its output with the labelled tokens."""

from __future__ import annotations

import inspect
import random
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar, Literal

import numpy
from pydantic import Field

from halluc.augmentation.methods.alignment import EditAlignment, permitted_edits
from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, OptionError, Rejected
from halluc.augmentation.pipeline.fields import fields, map_edit, part, select_tokens, shift_edits
from halluc.config.section import Text
from halluc.core.edits import Edit, Editable, Replace
from halluc.core.errors import EXIT_ENVIRONMENT, suggestion
from halluc.core.rng import Draws

KINDS = ("char", "word", "sentence")
TRIAL = "The members of the old committee met in a large town on Monday , and it was a good day ."

# An exception with one of these modules in its traceback is caused by a model or its data, not by the arguments.
_LIBRARIES = frozenset({"transformers", "huggingface_hub", "tokenizers", "torch", "nltk", "gensim"})


class NlpaugConfig(MethodConfig):
    type: Literal["nlpaug"]
    augmenter: Text = Field(
        description="`char.`, `word.` or `sentence.` and a class of nlpaug, such as `char.KeyboardAug`"
    )
    args: dict[Text, Any] = Field(
        default={},
        max_length=100,
        description="arguments of this class, such as {aug_char_p: 0.3}; a model is a path or `hub:NAME`",
    )
    mentions: bool = Field(default=True, description="whether edits of tokens of mentions are kept")


class NlpaugBridge(Augmenter):
    """Runs any augmenter of nlpaug (Ma 2019) and aligns what it returns with the labels.

    A candidate is rejected if its alignment leaves a label uncertain, if a mention becomes empty, or if it touches a
    locked range. nlpaug draws from global random states: they are seeded for each example, and restored.
    """

    Config: ClassVar[type[MethodConfig]] = NlpaugConfig

    def __init__(self, config: NlpaugConfig, training: Lexicon) -> None:
        self.config = config
        self.changes_form_only = config.augmenter.startswith("char.")  # type: ignore[misc]
        self._why = f"nlpaug {config.augmenter}"
        kind = augmenter_class(config.augmenter)
        parameters = inspect.signature(kind).parameters
        # With our tokenizer functions, tokens stay separate, so equal lengths mean equal positions.
        self._keeps_positions = "tokenizer" in parameters and "reverse_tokenizer" in parameters
        self._samples_with_torch = "device" in parameters
        self._generator = numpy.random.MT19937(0)
        self._augmenter = self._try_augmenter(kind, _arguments(config, kind, self._keeps_positions))

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        """Edits of each field separately, so that no word crosses a border; a field that is rejected stays."""
        edits: list[Edit] = []
        rejected: Rejected | None = None
        for start, end in fields(example):
            try:
                edits += shift_edits(example, start, self._field_edits(part(example, start, end), draws))
            except Rejected as problem:
                rejected = problem
        if rejected is not None and not edits:
            raise rejected
        return edits

    def _field_edits(self, example: Editable, draws: Draws) -> Sequence[Replace]:
        text = " ".join(example.tokens)
        if tuple(text.split()) != example.tokens:
            return self._word_edits(example, draws)
        new = self._augment(text, draws.bits())
        edits = EditAlignment(example, new, self._keeps_positions, self._why).edits()
        return permitted_edits(example, edits, self.config.mentions)

    def _word_edits(self, example: Editable, draws: Draws) -> Sequence[Replace]:
        """Edits of a field with tokens that contain a blank, as in Chinese text: such tokens stay."""
        at = [number for number, token in enumerate(example.tokens) if token.split() == [token]]
        if example.spans:  # a span could end inside of a token
            raise Rejected("alignment")
        return [map_edit(edit, at) for edit in self._field_edits(select_tokens(example, at), draws)] if at else ()

    def _augment(self, text: str, seed: int) -> list[str]:
        """The tokens that nlpaug makes from a text."""
        try:
            with self._global_seeds(seed):
                output = self._augmenter.augment(text)
        except Exception as error:
            raise Rejected("nlpaug failed") from error
        if isinstance(output, list):
            output = output[0] if output else None
        if not isinstance(output, str):
            raise Rejected("no result")
        return output.split()

    @contextmanager
    def _global_seeds(self, seed: int) -> Iterator[None]:
        """Seed the global random states of Python, NumPy and, for models, torch; restore them at the end."""
        before, generator = random.getstate(), numpy.random.get_bit_generator()  # type: ignore[attr-defined]
        # NumPy gets another generator: saving and restoring the state of its own takes as long as nlpaug.
        numpy.random.set_bit_generator(self._generator)  # type: ignore[attr-defined]
        random.seed(seed)
        numpy.random.seed(seed & 0xFFFFFFFF)
        try:
            if self._samples_with_torch:
                import torch

                with torch.random.fork_rng():
                    torch.manual_seed(seed >> 1)
                    yield
            else:
                yield
        finally:
            random.setstate(before)
            numpy.random.set_bit_generator(generator)  # type: ignore[attr-defined]

    def _try_augmenter(self, kind: type, arguments: Mapping[str, Any]) -> Any:
        """The augmenter, after a trial on one sentence.

        Raises:
            OptionError C141: it rejects its arguments. E420: it cannot run here.
        """
        name, online = self.config.augmenter, arguments != _strip_hub_prefix(arguments)
        _forget_models(kind)
        try:
            with _network(kind, online), self._global_seeds(0):
                augmenter = kind(**_strip_hub_prefix(arguments))
                _sort_misspellings(augmenter)
                augmenter.augment(TRIAL)
        except Exception as error:
            message = _first_line(error)
            if isinstance(error, (TypeError, ValueError, NotImplementedError)) and not _comes_from_library(error):
                raise OptionError("args", "C141", f"{name} rejects its arguments: {message}", usage(kind)) from error
            help = "docs/augmentation.md lists what each augmenter of nlpaug needs"
            raise OptionError(
                "augmenter", "E420", f"{name} cannot run here: {message}", help, EXIT_ENVIRONMENT
            ) from error
        return augmenter


def augmenter_class(name: str) -> type:
    """The class of nlpaug for ``char.X``, ``word.X`` or ``sentence.X``.

    Raises:
        OptionError C140: there is none.
    """
    kind = name.partition(".")[0]
    result = _classes(kind) if kind in KINDS else {}
    if name not in result:
        known = [each for one in KINDS for each in _classes(one)]
        help = suggestion(name, known, f"one of {', '.join(known)}")
        raise OptionError("augmenter", "C140", f"nlpaug has no augmenter `{name}`", help)
    return result[name]


def _classes(kind: str) -> dict[str, type]:
    """The augmenters of one kind, without their common base."""
    package = f"nlpaug.augmenter.{kind}"
    return {
        f"{kind}.{name}": value
        for name, value in sorted(vars(import_module(package)).items())
        if inspect.isclass(value) and value.__module__.startswith(package) and name.endswith("Aug")
    }


def usage(kind: type) -> str:
    """The arguments of the constructor, as a line of help."""
    shown = [str(one) for name, one in inspect.signature(kind).parameters.items() if not name.endswith("tokenizer")]
    return f"it takes {', '.join(shown)}"


def _arguments(config: NlpaugConfig, kind: type, splits: bool) -> dict[str, Any]:
    try:
        inspect.signature(kind).bind(**config.args)
    except TypeError as error:
        raise OptionError("args", "C141", f"{config.augmenter} rejects its arguments: {error}", usage(kind)) from error
    # nlpaug's own tokenizer splits punctuation off and joins by rules: tokens would not be restored exactly.
    return {"tokenizer": str.split, "reverse_tokenizer": " ".join, **config.args} if splits else dict(config.args)


def _strip_hub_prefix(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.removeprefix("hub:") if isinstance(value, str) else value for name, value in arguments.items()}


def _forget_models(kind: type) -> None:
    """Clear the globals in which nlpaug caches models and dictionaries, partly without a key."""
    kept = vars(sys.modules[kind.__module__])
    for name in [name for name in kept if name.endswith(("_MODEL", "_MODELS"))]:
        kept[name] = {}


def _sort_misspellings(augmenter: Any) -> None:
    """Sort the lists of misspellings, which nlpaug makes from sets, so that they are equal in all processes."""
    words = getattr(getattr(augmenter, "model", None), "dict", None)
    if isinstance(words, dict):
        for word, others in words.items():
            if isinstance(others, list) and all(isinstance(other, str) for other in others):
                words[word] = sorted(others)


@contextmanager
def _network(kind: type, allowed: bool) -> Iterator[None]:
    """Prevent downloads while an augmenter is created: of models unless ``allowed``, and of NLTK's data."""
    if kind.__module__.startswith("nlpaug.augmenter.char"):
        yield
        return
    nltk: Any = sys.modules.get("nltk")  # optional for nlpaug, which imports it if it is installed
    constants: Any = import_module("huggingface_hub.constants")
    download, offline = getattr(nltk, "download", None), constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = offline or not allowed
    if nltk:
        nltk.download = _refuse_download
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = offline
        if nltk:
            nltk.download = download


def _refuse_download(resource: str, *_: Any, **__: Any) -> None:
    raise LookupError(f"Resource {resource} not found.")


def _comes_from_library(error: Exception) -> bool:
    frames = traceback.walk_tb(error.__traceback__)
    return any(str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES for frame, _ in frames)


def _first_line(error: Exception) -> str:
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    missing = re.search(r"Resource '?(\w+)'? not found", text)
    if missing:
        return f"it needs the NLTK data `{missing[1]}`"
    lines = [line.strip(" *") for line in text.splitlines()]
    return f"{type(error).__name__}: {next(filter(None, lines), 'no message')[:300]}"
