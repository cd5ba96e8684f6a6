"""Labels of a trained model in the data's names, as ``eval.labels`` gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from halluc.core.errors import HallucError, did_you_mean


def refuse_unknown(renamed: Iterable[str], known: Iterable[str]) -> None:
    """Refuse to rename what the model does not have.

    Raises:
        HallucError C203: a label that is not ``known``.
    """
    there = sorted(set(known))
    for label in renamed:
        if label not in there:
            near = did_you_mean(label, there)
            help = f"did you mean `{near}`?" if near else f"it has {', '.join(there)}"
            raise HallucError("C203", f"`eval.labels`: the model has no label `{label}`", help=help)


def told_of_foreign(model: Iterable[str], split: Iterable[str]) -> Iterator[str]:
    """What a person should know where the model has labels that the split never shows; nothing where it has none."""
    foreign = sorted(set(model) - set(split))
    if foreign:
        listed = ", ".join(foreign)
        yield f"the model has labels that this split never shows: {listed} (`eval.labels` can rename them)"
