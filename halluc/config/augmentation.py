"""The section ``augment`` of a config. Its methods and filters are components with configs of their own, which
``augment_type`` inserts from the table."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator, Field, create_model, field_validator, model_validator

from halluc.config.schema import component_configs
from halluc.config.section import MOST_EXAMPLES, ExampleCount, Reference, Section
from halluc.core import registry
from halluc.core.errors import cut

_MULTIPLE = r"^[0-9]{1,6}(\.[0-9]{1,6})?x$"
_MOST_TIMES = 1_000


class _AugmentConfig(Section):
    """Augmentation of the training split. ``methods`` and ``filters`` are typed by ``augment_type``."""

    size: ExampleCount | Annotated[str, Field(pattern=_MULTIPLE)] = Field(
        description="the size of the augmented corpus, as a multiple of the training split such as `3.0x` (at most "
        "1,000x), or as the number of new examples (at most 100 million)"
    )
    methods: list[Any] = Field(
        min_length=1,
        max_length=100,
        description="the augmentation methods; see `halluc list augmenters` and `halluc list synthesizers`",
    )
    focus: Literal["uniform", "balance", "gap"] = Field(
        default="uniform",
        description="which examples are augmented more often. balance: examples with rare labels; gap: examples with "
        "mentions or content words that occur only once, or with errors of the run in `from` on dev",
    )
    unchangeable: Literal["copy", "skip"] = Field(
        default="copy",
        description="examples that no method can change, such as a sentence without mentions. copy: copy them, so "
        "that their share stays the same; skip: do not use them",
    )
    keep_original: bool = Field(default=True, description="whether the output starts with the original training split")
    online: bool = Field(
        default=False,
        description="whether each training epoch gets its own new examples, generated before training; `size` is "
        "then the size per epoch. With `train.steps`, the examples of `train.epochs` epochs are used in turn",
    )
    filters: list[Any] = Field(
        default=["unchanged", "duplicate", "leak", "length_ratio"],
        max_length=100,
        validate_default=True,
        description="filters that reject new examples; see `halluc list filters`",
    )
    attempts: int = Field(default=5, ge=1, le=100, description="maximum number of attempts for one new example")
    format: Literal["jsonl", "conll"] = Field(
        default="jsonl", description="format of the augmented corpus; conll also writes train.conll"
    )
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        default="auto", description="number of processes; auto: one per core. The result does not depend on it"
    )

    # Checked before the types of the union, since a value of neither type would be reported twice.
    @field_validator("size", mode="before")
    @classmethod
    def _is_a_size(cls, size: Any) -> Any:
        if isinstance(size, int) and not isinstance(size, bool):
            if size < 1:
                raise ValueError(
                    f"`augment.size: {cut(str(size))}` must be at least 1 new example, or a multiple such as `2.0x`"
                )
            if size > MOST_EXAMPLES:
                raise ValueError(f"`augment.size: {cut(str(size))}` is more than {MOST_EXAMPLES:,} new examples")
        elif not isinstance(size, str):
            raise ValueError("`augment.size` must be a multiple, such as `2.0x`, or a whole number of new examples")
        elif not re.fullmatch(_MULTIPLE, size):
            raise ValueError(
                f'`augment.size: "{cut(size)}"` is neither a multiple, such as `2.0x`, nor a number of new examples'
            )
        elif float(size[:-1]) < 1:
            raise ValueError(f"`augment.size: {size}` is less than the training split: the minimum is `1x`")
        elif float(size[:-1]) > _MOST_TIMES:
            raise ValueError(f"`augment.size: {size}` is more than `{_MOST_TIMES}x`, a thousand training splits")
        return size

    @field_validator("workers", mode="before")
    @classmethod
    def _are_workers(cls, workers: Any) -> Any:
        is_number = isinstance(workers, int) and not isinstance(workers, bool)
        if workers != "auto" and not (is_number and 1 <= workers <= 256):
            raise ValueError("`augment.workers` must be `auto` or a number from 1 to 256")
        return workers

    @model_validator(mode="after")
    def _from_requires_gap(self) -> _AugmentConfig:
        if self.focus_run is not None and self.focus != "gap":
            raise ValueError(f"`augment.from` requires `augment.focus: gap`, not `{self.focus}`")
        return self

    def added(self, size: int) -> int:
        """The number of new examples for a training split of ``size``."""
        if isinstance(self.size, int):
            return self.size
        return max(0, round(float(self.size[:-1]) * size) - (size if self.keep_original else 0))

    @property
    def focus_run(self) -> str | None:
        """The key `from`, which is a reserved word of Python."""
        named: str | None = getattr(self, "from")
        return named


_FROM: dict[str, Any] = {
    "from": (
        Reference | None,
        Field(default=None, description="with `focus: gap`: the run whose errors on dev are used"),
    )
}
AugmentConfig = create_model("AugmentConfig", __base__=_AugmentConfig, **_FROM)


_Configs = tuple[tuple[str, type[Section]], ...]


def augment_type(table: registry.Table) -> Any:
    """``augment`` with the configs of every method and filter in the table."""
    kinds = ("augmenter", "synthesizer", "filter")
    return _augment_type(*(tuple(component_configs(table, kind).items()) for kind in kinds))


@cache  # every cell of a study needs it, and building it takes as long as everything else of a cell
def _augment_type(augmenter: _Configs, synthesizer: _Configs, filter_: _Configs) -> Any:
    augmenters, filters = dict(augmenter), dict(filter_)
    steps = [config for name, config in augmenters.items() if name != "sequence"]
    chain = create_model(
        "SequenceConfig",
        __base__=augmenters["sequence"],
        methods=_list_field(_union_by_type(steps), augmenters["sequence"], "methods"),
    )
    methods = [*steps, chain, *dict(synthesizer).values()]
    of_filters = _union_by_type(list(filters.values()))
    # A filter without keys of its own may be given by its name alone.
    named = BeforeValidator(_as_mapping, json_schema_input_type=Literal[tuple(filters)] | of_filters)
    typed: Any = create_model(
        "AugmentConfig",
        __base__=AugmentConfig,
        methods=_list_field(_union_by_type(methods), AugmentConfig, "methods"),
        filters=_list_field(Annotated[of_filters, named], AugmentConfig, "filters"),
    )
    return typed


def _union_by_type(configs: Sequence[type[Section]]) -> Any:
    """The config selected by `type`."""
    return Annotated[Union[tuple(configs)], Field(discriminator="type")]  # noqa: UP007


def _list_field(item: Any, config: type[Section], key: str) -> Any:
    """The field ``key`` of ``config``, redefined as a list of ``item``."""
    return (list[item], copy.copy(config.model_fields[key]))


def _as_mapping(written: Any) -> Any:
    return {"type": written} if isinstance(written, str) else written
