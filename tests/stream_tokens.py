"""Readable names of the tokens of a labelled stream."""

from __future__ import annotations

from halluc.augmentation.models.labelled_stream import _SPECIAL, StreamCodec
from halluc.augmentation.models.spelling import INSIDE


def token_name(codec: StreamCodec, number: int) -> str:
    """Such as ``<PER>`` or a piece, with ``##`` inside of words."""
    names = [*(piece.replace(INSIDE, "##") for piece in codec.spelling.pieces), *_SPECIAL]
    names += [form.format(label) for label in codec.span_labels for form in ("<has {}>", "<{}>", "</{}>")]
    return [*names, *(f"<label {label}>" for label in codec.text_labels)][number]
