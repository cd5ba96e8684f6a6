"""The base of every section of a config, and types of keys with bounds.

Every number has a minimum and a maximum, every text and list a maximum length. The bounds are far from realistic
values: they stop absurd values before these run for hours or out of memory.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from halluc.core.errors import cut
from halluc.core.labels import MOST_CHARACTERS, label_fault

T = TypeVar("T")

# Linux: PATH_MAX, and NAME_MAX in bytes.
LONGEST_PATH = 4_096
_LONGEST_NAME = 255
# Texts in a config are names, such as labels.
LONGEST_TEXT = MOST_CHARACTERS

# The maximum bytes of a line of a corpus: the default, and the largest allowed value.
MOST_LINE_BYTES, LINE_BYTES_BOUND = 1 << 24, 1 << 30

MOST_STEPS = 100_000_000
MOST_EXAMPLES = 100_000_000
MOST_LABELS = 20_000
# Models of an ensemble, or teachers.
MOST_MEMBERS = 50

Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
Share = Annotated[float, Field(ge=0, le=1)]
# Shares that are not 0, and those that are neither 0 nor 1; a part of the examples that leaves enough to train on.
PositiveShare = Annotated[float, Field(gt=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]
HeldOutShare = Annotated[float, Field(ge=0.001, le=0.5)]

SmallCount = Annotated[int, Field(ge=1, le=1_000)]
EpochCount = Annotated[int, Field(ge=1, le=10_000)]
LargeCount = Annotated[int, Field(ge=1, le=10_000_000)]
StepCount = Annotated[int, Field(ge=1, le=MOST_STEPS)]
ExampleCount = Annotated[int, Field(ge=1, le=MOST_EXAMPLES)]

# Of training and of sampling.
BatchSize = Annotated[int, Field(ge=1, le=100_000_000)]
DropoutRate = Annotated[float, Field(ge=0, lt=1)]
LossWeight = Annotated[float, Field(ge=0, le=1_000)]
Temperature = Annotated[float, Field(ge=0.05, le=10)]
TopK = Annotated[int, Field(ge=0, le=100_000)]


def _nameable(reference: str) -> str:
    """Refuse names that are invalid as file names, before a system call fails with an error of its own."""
    if any(len(part.encode("utf-8", "surrogatepass")) > _LONGEST_NAME for part in Path(reference).parts):
        raise ValueError(f"a name in the path has more than {_LONGEST_NAME} bytes")
    try:
        Path(reference).expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home folder `{Path(reference).parts[0]}`") from None
    return reference


# A path, or the name of a model or corpus (`hub:`, `package:`, `demo:`).
Reference = Annotated[str, Field(min_length=1, max_length=LONGEST_PATH), AfterValidator(_nameable)]


def _distinct(values: list[T]) -> list[T]:
    repeated = next((value for value, many in Counter(values).items() if many > 1), None)
    if repeated is not None:
        raise ValueError(f"it has {cut(str(repeated))} more than once")
    return values


# Appended to the type of a list: no value may occur twice.
DISTINCT = AfterValidator(_distinct)


class Section(BaseModel):
    """Base of every part of a config: strict types, no unknown keys, immutable, finite numbers.

    ``later_keys`` are keys that the component did not have in its first version, ``undeciding_keys`` those that do not
    affect a trained model (see ``config.hashing``), and ``replaceable_keys`` those that may have another value when a
    trained model is used.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset()
    undeciding_keys: ClassVar[frozenset[str]] = frozenset()
    replaceable_keys: ClassVar[frozenset[str]] = frozenset()
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def training_files(self) -> list[Path]:
        """The files, besides corpora, that this section names and training reads."""
        return []


def _fit_label(given: str) -> str:
    fault = label_fault(given)
    if fault is not None:
        raise ValueError(f"{fault}: a label must be a short name of visible characters")
    return given


# A name that becomes a label.
LabelName = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS), AfterValidator(_fit_label)]
