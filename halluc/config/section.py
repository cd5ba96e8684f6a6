"""The base of every section of a config. Unknown keys and implicit conversions are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from halluc.core.labels import MOST_CHARACTERS, label_fault


class Section(BaseModel):
    """Base of every part of a config: strict types, no unknown keys, immutable, with descriptions.

    ``later_keys`` are keys that the component did not have in its first version, ``undeciding_keys`` those that a
    trained model does not depend on (see ``config.hashing``), and ``replaceable_keys`` those that may have another
    value when a trained model is used.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset()
    undeciding_keys: ClassVar[frozenset[str]] = frozenset()
    replaceable_keys: ClassVar[frozenset[str]] = frozenset()
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def training_files(self) -> list[Path]:
        """The files, besides corpora, that training reads because a key of this section names them."""
        return []


def _fit_label(given: str) -> str:
    fault = label_fault(given)
    if fault is not None:
        raise ValueError(f"{fault}: a label must be a short name of visible characters")
    return given


# A name that becomes a label.
LabelName = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS), AfterValidator(_fit_label)]
