"""Renames the outputs of a trained model to the labels of the data, as set by ``eval.labels``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from halluc.core.errors import HallucError, did_you_mean, refuse
from halluc.core.labels import UnknownTag, label_fault, split_tag

# transformers' default names of outputs.
_UNNAMED = re.compile(r"LABEL_\d+")
_TAG = re.compile(r"[BIESMLU]-.+", re.DOTALL)
# BILOU uses other letters for the last tag of a mention, and for the only one.
_BILOU = re.compile(r"O|[BILU]-.+", re.DOTALL)
_OF_BIOES = {"L": "E", "U": "S"}
# O means the same in every model, so that these entries change nothing.
_NEEDLESS = {("O", "O"), ("O", None)}

Names = Mapping[str, str | None]


def output_labels(outputs: Sequence[str], names: Names) -> tuple[str | None, ...]:
    """The label of each output of a text classifier; None for no label.

    Raises:
        HallucError C203: the model does not have a name, only some of the outputs ``LABEL_0``, … are named, or a label
            is invalid (``core.labels.label_fault``).
    """
    _refuse_unknown(names, outputs)
    _refuse_unnamed(names, outputs)
    labels = tuple(names.get(output, output) for output in outputs)
    _refuse_unfit(label for label in labels if label is not None)
    return labels


def output_tags(outputs: Sequence[str], names: Names) -> tuple[str, ...]:
    """The tag of each output of a token classifier: O, or B-, I-, E-, S- or M- with a label.

    ``names`` maps labels to labels (``PERSON: PER``), or outputs to tags (``LABEL_1: B-PER``). An output without a
    prefix is read as an inside tag; the tags of BILOU become those of BIOES.

    Raises:
        HallucError C203: the model does not have a name, some outputs are mapped to tags but not all, labels and tags
            are mixed, or a label is invalid (``core.labels.label_fault``).
    """
    tags = _rename_tags(outputs, names)
    _refuse_unfit(label for _, label in map(split_tag, tags) if label)
    return tags


def _rename_tags(outputs: Sequence[str], names: Names) -> tuple[str, ...]:
    own = _parse_tags(outputs)
    labels = list(dict.fromkeys(label for _, label in map(split_tag, own) if label))
    _refuse_unknown(names, labels, outputs)
    names = {name: None if value == "O" else value for name, value in names.items() if (name, value) not in _NEEDLESS}
    if any(name not in labels or _TAG.fullmatch(value or "") for name, value in names.items()):
        _refuse_mixture(names, outputs)
        return _parse_tags([names.get(output, output) or "O" for output in outputs])
    _refuse_unnamed(names, labels)
    renamed = [(prefix, names.get(label, label)) for prefix, label in map(split_tag, own)]
    return tuple(f"{prefix}-{label}" if label else "O" for prefix, label in renamed)


def _refuse_unfit(labels: Iterable[str]) -> None:
    """Refuse labels that are also invalid in a corpus: they would occur in every table and page."""
    faults = [fault for label in dict.fromkeys(labels) if (fault := label_fault(label)) is not None]
    help = "fix `id2label` in its config.json, or rename it with `eval.labels`"
    refuse(HallucError("C203", f"the model has {fault}", help=help) for fault in faults)


def _parse_tags(outputs: Sequence[str]) -> tuple[str, ...]:
    if all(map(_BILOU.fullmatch, outputs)) and any(output[0] in _OF_BIOES for output in outputs):
        return tuple(_OF_BIOES.get(output[0], output[0]) + output[1:] for output in outputs)
    return tuple(output if _is_tag(output) else f"I-{output}" for output in outputs)


def _is_tag(output: str) -> bool:
    try:
        split_tag(output)
    except UnknownTag:
        return False
    return True


def _refuse_unknown(names: Iterable[str], labels: Iterable[str], outputs: Iterable[str] = ()) -> None:
    own = sorted(set(labels))
    known = sorted({*own, *outputs})
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            raise HallucError(
                "C203",
                f"`eval.labels`: the model has no label `{name}`",
                help=f"did you mean `{near}`?" if near else f"it has {', '.join(own)}",
            )


def _refuse_unnamed(names: Names, labels: Iterable[str]) -> None:
    """Refuse to name only some of the labels ``LABEL_0``, …: no data has the other ones."""
    own = list(labels)
    if names and all(map(_UNNAMED.fullmatch, own)):
        _refuse_missing([label for label in own if label not in names])


def _refuse_mixture(names: Names, outputs: Sequence[str]) -> None:
    """Refuse entries for labels, values that are not tags, and outputs without a tag."""
    for name, value in names.items():
        if name not in outputs:
            tags = [output for output in outputs if output.endswith(f"-{name}")]
            raise HallucError(
                "C203",
                f"`eval.labels` maps outputs to tags, but `{name}` is a label: its outputs are {', '.join(tags)}",
                help=f"map labels to labels, such as `{name}: PER`, or outputs to tags, such as `{tags[0]}: "
                f"{tags[0][0]}-PER`",
            )
        if value is not None and not _TAG.fullmatch(value):
            raise HallucError(
                "C203",
                f"`eval.labels` maps outputs to tags, but `{name}` to `{value}`, which is not a tag",
                help=f"map every output to a tag (`{name}: B-{value}`, or `{name}: O`), or every label to a label",
            )
    _refuse_missing([output for output in outputs if output not in names and not _is_tag(output)])


def _refuse_missing(missing: Sequence[str]) -> None:
    if missing:
        raise HallucError(
            "C203",
            f"`eval.labels` has no entry for {', '.join(missing[:10])}{', …' if len(missing) > 10 else ''}",
            help=f"add an entry for each; `{missing[0]}: null` counts as no label",
        )


def foreign_label_notes(model: Iterable[str], split: Iterable[str]) -> Iterator[str]:
    """A note for the user if the model has labels that do not occur in the split."""
    foreign = sorted(set(model) - set(split))
    if foreign:
        listed = ", ".join(foreign)
        yield f"the model has labels that do not occur in this split: {listed} (`eval.labels` can rename them)"
