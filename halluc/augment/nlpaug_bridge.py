"""Any augmenter of nlpaug, whose strings are brought back as edits of labelled tokens by alignment."""

from __future__ import annotations

import inspect
import random
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from importlib import import_module
from typing import Any, ClassVar, Literal

import numpy
from pydantic import Field
from rapidfuzz.distance import Indel

from halluc.augment.base import Augmenter, MethodConfig, OptionError, Rejected, Training
from halluc.core.edits import Edit, Editable, Replace, is_free
from halluc.core.errors import EXIT_ENVIRONMENT, did_you_mean
from halluc.core.rng import Draws

KINDS = ("char", "word", "sentence")
TRIAL = "The members of the old committee met in a large town on Monday , and it was a good day ."

# Where an exception of these is seen on its way, not the arguments are wrong but a model or its data.
_LIBRARIES = frozenset({"transformers", "huggingface_hub", "tokenizers", "torch", "nltk", "gensim"})


class NlpaugConfig(MethodConfig):
    type: Literal["nlpaug"]
    augmenter: str = Field(
        min_length=1, description="`char.`, `word.` or `sentence.` and a class of nlpaug, as `char.KeyboardAug`"
    )
    args: dict[str, Any] = Field(
        default={}, description="arguments of that class, as {aug_char_p: 0.3}; a model is a path or `hub:NAME`"
    )
    mentions: bool = Field(default=True, description="whether what it does to tokens of mentions is kept")


class NlpaugBridge(Augmenter):
    """Runs any augmenter of nlpaug (Ma 2019) and aligns what it returns with the labels.

    A candidate whose alignment would leave a label in doubt is rejected, as are one that empties a mention and one
    that touches a locked range. nlpaug draws from global random states: they are seeded for each example, and restored.
    """

    Config: ClassVar[type[MethodConfig]] = NlpaugConfig

    def __init__(self, config: NlpaugConfig, training: Training) -> None:
        self.config = config
        self.changes_form_only = config.augmenter.startswith("char.")  # type: ignore[misc]
        self._why = f"nlpaug {config.augmenter}"
        kind = augmenter_class(config.augmenter)
        parameters = inspect.signature(kind).parameters
        # What is told how to split a text keeps its tokens apart, so that equal lengths mean equal positions.
        self._keeps_positions = "tokenizer" in parameters and "reverse_tokenizer" in parameters
        self._samples_with_torch = "device" in parameters
        self._generator = numpy.random.MT19937(0)
        self._augmenter = self._tried(kind, _arguments(config, kind, self._keeps_positions))

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        if not example.tokens:
            return ()
        text = " ".join(example.tokens)
        if tuple(text.split()) != example.tokens:
            raise Rejected("alignment")
        new = self._augmented(text, draws.bits())
        edits = Alignment(example, new, self._keeps_positions, self._why).edits()
        return checked(example, edits, self.config.mentions)

    def _augmented(self, text: str, seed: int) -> list[str]:
        """The tokens that nlpaug makes of a text."""
        try:
            with self._seeded(seed):
                made = self._augmenter.augment(text)
        except Exception as error:
            raise Rejected("nlpaug failed") from error
        if isinstance(made, list):
            made = made[0] if made else None
        if not isinstance(made, str):
            raise Rejected("no result")
        return made.split()

    @contextmanager
    def _seeded(self, seed: int) -> Iterator[None]:
        """The global random states of Python, NumPy and, for models, torch: seeded inside, as they were after."""
        before, generator = random.getstate(), numpy.random.get_bit_generator()  # type: ignore[attr-defined]
        # A generator of our own in NumPy's place: to save and restore the state of its own takes as long as nlpaug.
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

    def _tried(self, kind: type, arguments: Mapping[str, Any]) -> Any:
        """The augmenter, which has shown on one sentence that it runs here."""
        name, online = self.config.augmenter, arguments != _without_hub(arguments)
        _forget_models(kind)
        try:
            with _network(kind, online), self._seeded(0):
                made = kind(**_without_hub(arguments))
                _put_in_order(made)
                made.augment(TRIAL)
        except Exception as error:
            message = _first_line(error)
            if isinstance(error, (TypeError, ValueError, NotImplementedError)) and not _comes_from_library(error):
                raise OptionError("args", "C141", f"{name} refuses its arguments: {message}", takes(kind)) from error
            help = "docs/augmentation.md lists what each augmenter of nlpaug needs"
            raise OptionError(
                "augmenter", "E420", f"{name} cannot run here: {message}", help, EXIT_ENVIRONMENT
            ) from error
        return made


def augmenter_class(name: str) -> type:
    """The class of nlpaug that ``char.X``, ``word.X`` or ``sentence.X`` names.

    Raises:
        OptionError C140: there is none.
    """
    kind = name.partition(".")[0]
    found = _classes(kind) if kind in KINDS else {}
    if name not in found:
        known = [each for one in KINDS for each in _classes(one)]
        near = did_you_mean(name, known)
        help = f"did you mean `{near}`?" if near else f"one of {', '.join(known)}"
        raise OptionError("augmenter", "C140", f"nlpaug has no augmenter `{name}`", help)
    return found[name]


def _classes(kind: str) -> dict[str, type]:
    """The augmenters of one kind; their common base is none."""
    package = f"nlpaug.augmenter.{kind}"
    return {
        f"{kind}.{name}": value
        for name, value in sorted(vars(import_module(package)).items())
        if inspect.isclass(value) and value.__module__.startswith(package) and name.endswith("Aug")
    }


def takes(kind: type) -> str:
    """What the constructor takes, as a line of help."""
    shown = [str(one) for name, one in inspect.signature(kind).parameters.items() if not name.endswith("tokenizer")]
    return f"it takes {', '.join(shown)}"


def _arguments(config: NlpaugConfig, kind: type, splits: bool) -> dict[str, Any]:
    try:
        inspect.signature(kind).bind(**config.args)
    except TypeError as error:
        message = f"{config.augmenter} refuses its arguments: {error}"
        raise OptionError("args", "C141", message, takes(kind)) from error
    # nlpaug's own tokenizer splits punctuation off and joins by rules: tokens would not come back as they were.
    return {"tokenizer": str.split, "reverse_tokenizer": " ".join, **config.args} if splits else dict(config.args)


def _without_hub(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.removeprefix("hub:") if isinstance(value, str) else value for name, value in arguments.items()}


def _forget_models(kind: type) -> None:
    """nlpaug keeps what it loaded in globals, some by no key at all: a second dictionary would be the first one."""
    kept = vars(sys.modules[kind.__module__])
    for name in [name for name in kept if name.endswith(("_MODEL", "_MODELS"))]:
        kept[name] = {}


def _put_in_order(augmenter: Any) -> None:
    """The dictionary of misspellings holds lists made of sets, whose order changes from process to process."""
    words = getattr(getattr(augmenter, "model", None), "dict", None)
    if isinstance(words, dict):
        for word, others in words.items():
            if isinstance(others, list) and all(isinstance(other, str) for other in others):
                words[word] = sorted(others)


@contextmanager
def _network(kind: type, allowed: bool) -> Iterator[None]:
    """No download while an augmenter is made, unless a model is named as `hub:NAME`; NLTK's data never."""
    if kind.__module__.startswith("nlpaug.augmenter.char"):
        yield
        return
    nltk: Any = sys.modules.get("nltk")  # optional to nlpaug, which imports it where it is there
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


class Alignment:
    """How an example's tokens became new ones, as edits of which each lies wholly inside or wholly outside a span."""

    def __init__(self, example: Editable, new: Sequence[str], keeps_positions: bool, why: str) -> None:
        self._old = example.tokens
        self._keeps_positions = keeps_positions
        self._why = why
        self._zones = zones(example)
        self._new = list(new) if keeps_positions else _as_written(example.tokens, new)

    def edits(self) -> list[Replace]:
        """The edits from left to right.

        Raises:
            Rejected: a token changed across the border of a span, or moved over it.
        """
        in_place = self._in_place()
        if in_place is not None:
            return in_place
        edits: list[Replace] = []
        done, new_done = 0, 0
        for at, new_at in [*self._matches(), (len(self._old), len(self._new))]:
            edits += self._block(done, at, new_done, new_at)
            # A model without capitals is no reason to change the case of what it kept.
            if self._keeps_positions and at < len(self._old) and self._old[at] != self._new[new_at]:
                edits.append(self._put(at, at + 1, new_at, new_at + 1))
            done, new_done = at + 1, new_at + 1
        if self._moves(edits):
            raise Rejected("alignment")
        return edits

    def _put(self, start: int, end: int, new_start: int, new_end: int) -> Replace:
        return Replace(start, end, tuple(self._new[new_start:new_end]), self._why)

    def _in_place(self) -> list[Replace] | None:
        """Token by token, the usual case; None where that cannot be, or a word stands elsewhere than before."""
        if not self._keeps_positions or len(self._old) != len(self._new):
            return None
        pairs = zip(self._old, self._new, strict=True)
        changed = [at for at, (before, after) in enumerate(pairs) if before != after]
        before = {self._old[at].casefold() for at in changed}
        if not before.isdisjoint([self._new[at].casefold() for at in changed]):
            return None
        return [self._put(at, at + 1, at, at + 1) for at in changed]

    def _matches(self) -> list[tuple[int, int]]:
        """Positions of the tokens that were kept, but for their case."""
        old, new = [word.casefold() for word in self._old], [word.casefold() for word in self._new]
        return longest_match(old, new, [2 if zone < 0 else 3 for zone in self._zones])

    def _block(self, start: int, end: int, new_start: int, new_end: int) -> list[Replace]:
        """The edits of tokens between two matches."""
        if start == end:
            return [self._put(start, end, new_start, new_end)] if new_start < new_end else []
        if new_start == new_end:
            return [self._put(at, at + 1, new_start, new_start) for at in range(start, end)]
        if self._keeps_positions and end - start == new_end - new_start:
            return [self._put(start + n, start + n + 1, new_start + n, new_start + n + 1) for n in range(end - start)]
        border = next((at for at in range(start + 1, end) if self._zones[at] != self._zones[at - 1]), None)
        if border is None:
            return [self._put(start, end, new_start, new_end)]
        cut = self._cut(start, border, end, new_start, new_end)
        return [*self._block(start, border, new_start, cut), *self._block(border, end, cut, new_end)]

    def _cut(self, start: int, border: int, end: int, new_start: int, new_end: int) -> int:
        """Where the border lies in the new tokens: there where both sides are most alike in letters, and are alike."""
        left, right = "".join(self._old[start:border]), "".join(self._old[border:end])
        best, found = 0.0, -1
        for cut in range(new_start + 1, new_end):
            first = Indel.normalized_similarity(left, "".join(self._new[new_start:cut]))
            second = Indel.normalized_similarity(right, "".join(self._new[cut:new_end]))
            if min(first, second) >= 0.5 and first + second > best:
                best, found = first + second, cut
        if found < 0:
            raise Rejected("alignment")
        return found

    def _moves(self, edits: Sequence[Replace]) -> bool:
        """Whether a word that left a span stands elsewhere now, or the other way round."""
        left: dict[str, set[int]] = {}
        for edit in edits:
            for token in self._old[edit.start : edit.end]:
                left.setdefault(token.casefold(), set()).add(zone_of(edit, self._zones))
        return any(
            not left.get(token.casefold(), set()) <= {zone_of(edit, self._zones)}
            for edit in edits
            for token in edit.tokens
        )


def zones(example: Editable) -> list[int]:
    """For each token the number of its span, or -1."""
    found = [-1] * len(example.tokens)
    for number, (start, end, _) in enumerate(example.spans):
        found[start:end] = [number] * (end - start)
    return found


def zone_of(edit: Replace, zones: Sequence[int]) -> int:
    if edit.start < edit.end:
        return zones[edit.start]
    inside = 0 < edit.start < len(zones) and zones[edit.start - 1] == zones[edit.start]
    return zones[edit.start] if inside else -1


def checked(example: Editable, edits: Sequence[Replace], mentions: bool) -> Sequence[Edit]:
    """The edits that may be made, without those in mentions where these are to stay.

    Raises:
        Rejected: one touches a locked range, or nothing would be left of a mention or of a field.
    """
    in_zone = zones(example)
    if not mentions:
        edits = [edit for edit in edits if zone_of(edit, in_zone) < 0]
    if example.locked and not all(is_free(example, edit.start, edit.end) for edit in edits):
        raise Rejected("locked")
    shrunk = [edit for edit in edits if len(edit.tokens) < edit.end - edit.start]
    if shrunk and any(_is_emptied(start, end, edits) for start, end in _kept_in_part(example)):
        raise Rejected("alignment")
    return edits


def _kept_in_part(example: Editable) -> Iterator[tuple[int, int]]:
    """Mentions, and the fields between locked ranges."""
    yield from ((start, end) for start, end, _ in example.spans)
    done = 0
    for first, last in [*example.locked, (len(example.tokens), len(example.tokens))]:
        if done < first:
            yield done, first
        done = last


def _is_emptied(start: int, end: int, edits: Sequence[Replace]) -> bool:
    inside = [edit for edit in edits if start <= edit.start and edit.end <= end and edit.start < edit.end]
    return sum(edit.end - edit.start - len(edit.tokens) for edit in inside) == end - start


def _as_written(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The tokens of a model with a tokenizer of its own, taken apart where the example has the parts as tokens."""
    written = {word.casefold() for word in old}
    found: list[str] = []
    for word in new:
        pieces = [word] if word.casefold() in written else re.findall(r"\w+|[^\w\s]", word)
        apart = len(pieces) > 1 and any(piece.casefold() in written for piece in pieces)
        found += pieces if apart else [word]
    return found


# A table of more cells would take a tenth of a second and more.
_MOST_CELLS = 1_000_000


def longest_match(old: Sequence[str], new: Sequence[str], weights: Sequence[int]) -> list[tuple[int, int]]:
    """Positions of a heaviest common subsequence, by the weight of each old token (dynamic programming; exact).

    What both begin or end with is matched as it is. Where the rest is very long, the match is ``difflib``'s.
    """
    first, last, new_last = 0, len(old), len(new)
    while first < last and first < new_last and old[first] == new[first]:
        first += 1
    while first < last and first < new_last and old[last - 1] == new[new_last - 1]:
        last, new_last = last - 1, new_last - 1
    if (last - first) * (new_last - first) > _MOST_CELLS:
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return [(block.a + n, block.b + n) for block in blocks for n in range(block.size)]
    tail = [(last + n, new_last + n) for n in range(len(old) - last)]
    inner = _heaviest(old[first:last], new[first:new_last], weights[first:last])
    return [(n, n) for n in range(first)] + [(first + at, first + new_at) for at, new_at in inner] + tail


def _heaviest(old: Sequence[str], new: Sequence[str], weights: Sequence[int]) -> list[tuple[int, int]]:
    below = [0] * (len(new) + 1)
    rows = [below]
    for word, weight in zip(reversed(old), reversed(weights), strict=True):
        row, right = [0] * (len(new) + 1), 0
        for at in range(len(new) - 1, -1, -1):
            if below[at] > right:
                right = below[at]
            if new[at] == word and below[at + 1] + weight > right:
                right = below[at + 1] + weight
            row[at] = right
        rows.append(row)
        below = row
    rows.reverse()
    found: list[tuple[int, int]] = []
    at = new_at = 0
    while at < len(old) and new_at < len(new):
        if old[at] == new[new_at] and rows[at][new_at] == rows[at + 1][new_at + 1] + weights[at]:
            found.append((at, new_at))
            at, new_at = at + 1, new_at + 1
        elif rows[at][new_at] == rows[at + 1][new_at]:
            at += 1
        else:
            new_at += 1
    return found
