"""What every reader shares: its config's common keys, what it yields, and lines with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Protocol, Self

from pydantic import Discriminator, Field, Tag, model_validator

from halluc.config.bounds import (
    DISTINCT,
    LINE_BYTES_BOUND,
    LONGEST_TEXT,
    MOST_LABELS,
    MOST_LINE_BYTES,
    Reference,
    Text,
)
from halluc.config.schema import LabelName, Section
from halluc.core.errors import HallucError, Location, cut, data_error, did_you_mean
from halluc.core.examples import Example, Span
from halluc.core.files import irregular

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")
DEMO, HUB = "demo:", "hub:"
# What to do about a line of which only a part is wrong.
MEND = "mend it, or set `data.on_bad_line: skip`"


class _Splits(Section):
    train: Reference | None = Field(default=None, description="the training split: a path or `demo:ner`")
    dev: Reference | None = Field(default=None, description="the split that checkpoints are chosen on")
    test: Reference | None = Field(default=None, description="the split that is only ever evaluated on")

    @model_validator(mode="after")
    def _names_a_split(self) -> Self:
        if not any(self.reference(split) for split in SPLITS):
            raise ValueError("`data` names no corpus: give at least one of `train`, `dev`, `test`")
        return self

    def reference(self, split: SplitName) -> str | None:
        """Where a split comes from, as the config says it."""
        found: str | None = getattr(self, split)
        return found

    def beside(self, split: SplitName) -> tuple[str, ...]:
        """The other files that the split is read from."""
        return ()

    def paths(self, splits: Iterable[SplitName] = SPLITS) -> list[Path]:
        """The files of all that is named, those of the hub aside.

        Raises:
            HallucError D101: one is not there.
        """
        named = [(name, split) for split in splits for name in (self.reference(split), *self.beside(split)) if name]
        return [resolve(name, split) for name, split in named if not name.startswith(HUB)]


class _BadLines(_Splits):
    on_bad_line: Literal["error", "skip"] = Field(
        default="error", description="lines that cannot be read: refuse, or leave their sentence out and say so"
    )
    max_line_bytes: int = Field(
        default=MOST_LINE_BYTES, ge=1 << 10, le=LINE_BYTES_BOUND, description="bytes of the longest line, quoted cell "
        "or JSON document; a longer one cannot be read",
    )  # fmt: skip


_Scheme = Literal["auto", "iob1", "iob2", "bioes", "bmes", "bilou", "io"]
_OutsideTag = Annotated[str, Field(max_length=LONGEST_TEXT)]


class SplitSchemes(Section):
    """A scheme for each split."""

    train: _Scheme = Field(default="auto", description="that of the training split")
    dev: _Scheme = Field(default="auto", description="that of the dev split")
    test: _Scheme = Field(default="auto", description="that of the test split")


class _Tags(_Splits):
    scheme: Annotated[_Scheme, Tag("one")] | Annotated[SplitSchemes, Tag("each")] = Field(
        default="auto",
        description="how tags mark spans, for all splits or as {train: iob2, test: iob1}; auto: decided for each split "
        "by its tags, and told by `check`",
        discriminator=Discriminator(lambda value: "each" if isinstance(value, dict | SplitSchemes) else "one"),
    )
    label: LabelName | None = Field(default=None, description="the label of tags that have none, as B, I and O")
    outside_tags: Annotated[list[_OutsideTag], Field(min_length=1, max_length=100), DISTINCT] = Field(
        default=["O"], description="tags of tokens outside of all mentions"
    )
    rename_labels: Annotated[dict[Text, LabelName | None], Field(max_length=MOST_LABELS)] = Field(
        default={}, description="other names for labels, as {PERpart: PER, MISC: null}; null: without these mentions"
    )

    @model_validator(mode="after")
    def _names_labels(self) -> Self:
        outside = [old for old, new in self.rename_labels.items() if new == "O"]
        if outside:
            raise ValueError(f"`data.rename_labels.{cut(outside[0])}: O` names no label: null leaves its mentions out")
        return self

    bad_tags: Literal["error", "repair"] = Field(
        default="error", description="tags that break their scheme: refuse, or read them as conlleval does and say so"
    )


class DataConfig(_BadLines):
    """The keys that every reader understands."""


class TaggedDataConfig(DataConfig, _Tags):
    """Those of readers that give tags, or spans. The order of the bases is that of the keys in a config, last first."""


@dataclass(frozen=True, slots=True)
class RawSentence:
    """One sentence as a file tells it: with tags whose scheme is not known yet, or with spans.

    ``lines`` gives the line of each token (from 1).
    """

    id: str
    file: str
    lines: Sequence[int]
    document: int
    tokens: tuple[str, ...]
    tags: tuple[str, ...] | None = None
    spans: tuple[Span, ...] | None = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mended:
    """An example of another task than token classification, and what was mended in it."""

    example: Example
    repairs: tuple[str, ...]


# What a reader gives of an example.
Raw = RawSentence | Mended | Example


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read, and why; ``column`` and ``width`` where they are known."""

    code: str
    file: str
    line: int
    problem: str
    help: str | None = None
    text: str | None = None
    column: int | None = None
    width: int = 1

    def error(self) -> HallucError:
        where = Location(self.file, self.line, self.column, self.width, self.text)
        return data_error(self.code, self.problem, where, self.help)


class Reader(Protocol):
    """Reads one kind of corpus. ``read`` never raises for a bad line: it yields it, so that all are told at once.

    ``makes`` names the task whose examples it gives. Those of token classification it gives as ``RawSentence``, and its
    config is a ``TaggedDataConfig``: tags become spans once the scheme of all splits is known. All others it gives as
    they are, or ``Mended``.
    """

    Config: ClassVar[type[DataConfig]]
    makes: ClassVar[str]

    def read(self, reference: str, split: SplitName) -> Iterator[Raw | BadLine]: ...


def resolve(reference: str, split: SplitName) -> Path:
    """The file behind a reference: a path, with or without ``#key``, or a corpus that ships (``demo:ner``).

    Raises:
        HallucError D101: no such file or corpus.
    """
    if reference.startswith(HUB):
        raise HallucError("C111", f"`data.{split}: {reference}` needs `data.format: hub`")
    if reference.startswith(DEMO):
        return _demo(reference.removeprefix(DEMO), split)
    path = Path(reference).expanduser()
    if not path.exists():
        path = Path(parts(reference)[0]).expanduser()
    refuse_irregular(path, f"`data.{split}` names one file, which is read several times: copy what it gives into one")
    if not path.is_file():
        raise absent(path)
    return path


def refuse_irregular(path: Path, help: str) -> None:
    """
    Raises:
        HallucError D101: what ``path`` names is a folder, a device, a pipe, a socket or made up by the kernel.
    """
    if (kind := irregular(path)) is not None:
        raise data_error("D101", f"{path} is not a regular file ({kind})", help=help)


def parts(reference: str) -> tuple[str, tuple[str, ...]]:
    """A path and the keys behind its ``#``, as in ``data.json#train+extra``; a file of that name has none."""
    path, _, keys = reference.rpartition("#")
    if not path or Path(reference).expanduser().exists():
        return reference, ()
    return path, tuple(keys.split("+"))


def absent(path: Path) -> HallucError:
    """The error of a file that is not there, with the nearest name beside it or the first folder that is missing."""
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    near = did_you_mean(path.name, siblings, cutoff=0.75)
    help = "relative paths start at the working directory" if path.parent.is_dir() else _first_absent(path)
    return data_error("D101", f"no such file: {path}", help=f"did you mean `{near}`?" if near else help)


def _first_absent(path: Path) -> str:
    missing = path.parent
    while not missing.parent.is_dir() and missing != missing.parent:
        missing = missing.parent
    return f"there is no folder `{missing}`; is HALLUC_DATA set, and is this the right working directory?"


def _demo(name: str, split: SplitName) -> Path:
    shipped = Path(str(resources.files("halluc.data") / "demo"))
    names = sorted(folder.name for folder in shipped.iterdir() if folder.is_dir())
    if name not in names:
        near = did_you_mean(name, names)
        help = f"did you mean `demo:{near}`?" if near else f"there is: {', '.join('demo:' + n for n in names)}"
        raise data_error("D101", f"no demo corpus `{name}`", help=help)
    return next((shipped / name).glob(f"{split}.*"))
