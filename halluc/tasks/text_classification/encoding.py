"""From labelled texts to what a model takes: pieces, windows, and the numbers of its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from halluc.core.errors import HallucError, Location, data_error, environment_error, refuse
from halluc.core.labels import OUT_OF_SCOPE
from halluc.tasks.losses import Loss, class_weights
from halluc.tasks.text_classification.encoded import EncodedTexts, TextWindow
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_windows import LongTexts, Shown, covers, shown, shown_of_pair

if TYPE_CHECKING:
    from halluc.tasks.encoders import Encoder, Frame
    from halluc.tasks.text_classification.config import TextClassificationConfig

Pieces = Sequence[int]


def encode_texts(examples: Sequence[Labelled], encoder: Encoder, config: TextClassificationConfig) -> EncodedTexts:
    """Windows and targets, with counts of what a person should know.

    Raises:
        HallucError D136, D137: see ``refuse_labels``. E411: the tokenizer leaves no room, or lacks a piece.
    """
    from halluc.tasks.encoders import word_pieces

    refuse_labels(examples, multi_label=config.multi_label)
    words, dropped = word_pieces(encoder.tokenizer, [example.tokens for example in examples])
    framing = Framing(encoder, config.long_texts)
    unknown = encoder.tokenizer.unk_token_id
    notes = {"words": sum(map(len, words)), "dropped_words": dropped, "unknown_words": 0}
    notes |= {"windowed_texts": 0, "windows": 0, "cut_texts": 0}
    windows: list[TextWindow] = []
    for number, (example, pieces) in enumerate(zip(examples, words, strict=True)):
        notes["unknown_words"] += sum(of_word == [unknown] for of_word in pieces)
        sides = [pieces] if example.second is None else [pieces[: example.second], pieces[example.second :]]
        made, is_cut = framing.windows(number, [list(chain.from_iterable(side)) for side in sides])
        notes["windowed_texts"] += len(made) > 1
        notes["cut_texts"] += is_cut
        windows += made
    notes["windows"] = len(windows)
    targets = _targets(examples, encoder.outputs, config.multi_label, notes)
    loss = _loss(targets, encoder.outputs, config)
    return EncodedTexts(examples, windows, targets, encoder.outputs, encoder.padding, notes, loss)


def _loss(
    targets: Sequence[tuple[int, ...] | None], outputs: Sequence[str], config: TextClassificationConfig
) -> Loss:  # fmt: skip
    gold = ([outputs[number] for number in target] for target in targets if target is not None)
    weights = class_weights(config, outputs, gold, multi_label=config.multi_label)
    return Loss.of(config, weights, multi_label=config.multi_label)


def _targets(
    examples: Sequence[Labelled], outputs: Sequence[str], multi_label: bool, notes: dict[str, int]
) -> list[tuple[int, ...] | None]:
    """The outputs that gold has. A label that the model does not know has none: it is counted, and counts as missed."""
    numbers = {name: number for number, name in reversed(list(enumerate(outputs)))}
    found: list[tuple[int, ...] | None] = []
    notes |= {"unknown_label_texts": 0, "unanswerable_texts": 0}
    for example in examples:
        is_outside = not example.labels and not multi_label
        wanted = (OUT_OF_SCOPE,) if is_outside else example.labels
        known = tuple(numbers[label] for label in wanted if label in numbers)
        if len(known) < len(wanted):
            notes["unanswerable_texts" if is_outside else "unknown_label_texts"] += 1
        found.append(known if known or multi_label else None)
    return found


def refuse_labels(examples: Sequence[Labelled], *, multi_label: bool) -> None:
    """Refuse texts that the task cannot have.

    Raises:
        HallucError or ManyErrors D136: several labels, where one is asked for. D137: the name of what has none.
    """
    refuse(_bad_labels(examples, multi_label))


def _bad_labels(examples: Sequence[Labelled], multi_label: bool) -> Iterator[HallucError]:
    for example in examples:
        where = Location(example.origin.file, example.origin.line)
        if len(example.labels) > 1 and not multi_label:
            told = ", ".join(f"`{label}`" for label in example.labels[:5])
            yield data_error(
                "D136",
                f"a text with {len(example.labels)} labels: {told}",
                where,
                "set `task.multi_label: true`, or keep one of them",
            )
        elif OUT_OF_SCOPE in example.labels:
            yield data_error(
                "D137",
                f"the label `{OUT_OF_SCOPE}` is the name of the output for texts without a label",
                where,
                f"say what it means with `data.out_of_scope_label: {OUT_OF_SCOPE}`, or give it another name",
            )


@dataclass
class Framing:
    """Sets the special pieces of a tokenizer around texts and pairs."""

    encoder: Encoder
    how: LongTexts

    @cached_property
    def room(self) -> int:
        from halluc.tasks.encoders import room

        return room(self.encoder.tokenizer, self.encoder.model.config)

    @cached_property
    def around_one(self) -> tuple[list[int], list[int]]:
        from halluc.tasks.encoders import special_pieces

        return special_pieces(self.encoder.tokenizer)

    @cached_property
    def around_two(self) -> Frame:
        from halluc.tasks.encoders import frame_of_pair

        return frame_of_pair(self.encoder.tokenizer)

    @cached_property
    def has_types(self) -> bool:
        """Whether the model tells the texts of a pair apart by token types."""
        return getattr(self.encoder.model.config, "type_vocab_size", 0) > 1

    def windows(self, example: int, sides: Sequence[Pieces]) -> tuple[list[TextWindow], bool]:
        """The windows of one text or of two, and whether something of them is cut."""
        if len(sides) == 2:
            return self._of_pair(example, *sides)
        (pieces,), (before, behind) = sides, self.around_one
        parts = shown(len(pieces), self._space(len(before) + len(behind), 1), self.how)
        made = [TextWindow(example, (*before, *_taken(pieces, part), *behind)) for part in parts]
        return made, not covers(parts, len(pieces))

    def _of_pair(self, example: int, first: Pieces, second: Pieces) -> tuple[list[TextWindow], bool]:
        frame = self.around_two
        parts = shown_of_pair(len(first), len(second), self._space(frame.size, 2), self.how)
        made = []
        for of_first, of_second in parts:
            one, two = _taken(first, of_first), _taken(second, of_second)
            pieces = (*frame.before.pieces, *one, *frame.between.pieces, *two, *frame.behind.pieces)
            types = (
                *(*frame.before.types, *[frame.first] * len(one), *frame.between.types),
                *(*[frame.second] * len(two), *frame.behind.types),
            )
            made.append(TextWindow(example, pieces, types if self.has_types else ()))
        whole = covers([part for part, _ in parts], len(first)) and covers([part for _, part in parts], len(second))
        return made, not whole

    def _space(self, special: int, least: int) -> int:
        if self.room - special < least:
            raise environment_error(
                "E411", "the tokenizer's `model_max_length` leaves no room for words", "mend its tokenizer_config.json"
            )
        return self.room - special


def _taken(pieces: Pieces, part: Shown) -> list[Any]:
    return [piece for start, end in part for piece in pieces[start:end]]
