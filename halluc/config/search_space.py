"""The keys of ``tune.space`` applied to a config: each trial is a config of its own, validated like any other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from halluc.config import loading
from halluc.config.axes import key_at
from halluc.config.hashing import UNDECIDING
from halluc.config.loading import LoadedConfig, Merged
from halluc.config.merging import merge
from halluc.config.tuning import RangeConfig, TuneConfig
from halluc.config.yaml import MOST_DEPTH, Located
from halluc.core import registry
from halluc.core.errors import HallucError, cut, refuse

# Keys that a trial must not change: its name, its location, what it is evaluated on, and the seed.
_ONE_DEV = "all trials are compared on one dev split"
_FIXED = {
    "name": "all trials have the same `name`",
    "runs_dir": "all trials have the same `runs_dir`",
    "keep_models": "see `tune.keep_models`",
    "launch": "it does not affect results",
    "matrix": "tuning does not support a matrix",
    "extends": "files are read before the search space",
    "tune": "it configures the search itself",
    "gates": "they evaluate a finished model",
    "loggers": "they do not change the model",
    "upload_text": "it does not change the model",
    "seed": "the best seed is best by chance; use a study over seeds (docs/studies.md) for the variation",
    "data.dev": _ONE_DEV,
    "data.dev_share": _ONE_DEV,
    "data.test": "trials do not use it",
}
TRIAL_NAME = "{}.tune"


@dataclass(frozen=True)
class SearchSpace:
    """A config with ``tune``: ``whole`` is the config itself, and ``of_trial`` returns the config of a trial."""

    whole: LoadedConfig
    merged: Merged
    table: registry.Table

    @property
    def tune(self) -> TuneConfig:
        tune = self.whole.experiment.tune
        assert tune is not None, "checked by load_space"
        return tune

    def values_of(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """The values that a config has for the keys of the space; without keys under a section that is null."""
        results: dict[str, Any] = {}
        for name in self.tune.space:
            node: Any = tree
            for part in name.split("."):
                node = node.get(part, ...) if isinstance(node, dict) else ...
            if node is not ...:
                results[name] = node
        return results

    def is_whole_number(self, name: str) -> bool:
        """Whether the schema parses the values of a range as integers, however its ends are written."""
        chosen = self.tune.space[name]
        assert isinstance(chosen, RangeConfig)
        try:
            tree = self.with_values({name: chosen.low}).tree
        except HallucError:  # the key depends on another key of the space
            return isinstance(chosen.low, int) and isinstance(chosen.high, int)
        return not isinstance(self.values_of(tree).get(name), float)

    def with_values(self, values: Mapping[str, Any]) -> LoadedConfig:
        """The config with these values instead of its own, ready for ``halluc run``.

        Raises:
            HallucError or ManyErrors, code C…: the config is invalid, such as for conflicting keys.
        """
        return self._finish(values, {"tune": None})

    def of_trial(self, values: Mapping[str, Any]) -> LoadedConfig:
        """The config of a trial with these values: with its own folder, without the test split and gates."""
        tree = self.whole.tree
        held_back = {key: None for key in UNDECIDING["data"] if tree["data"].get(key) is not None}
        own: dict[str, Any] = {"tune": None, "gates": {}, "name": TRIAL_NAME.format(tree["name"]), "keep_models": None}
        return self._finish(values, {**own, "data": held_back} if held_back else own)

    def _finish(self, values: Mapping[str, Any], fixed: dict[str, Any]) -> LoadedConfig:
        located = self.merged.located.below(())
        for name, value in values.items():
            place = self.merged.located.keys["tune", "space", name]
            merge(located, key_at(name.split("."), Located(value, {}, {(): place}), place))
        merge(located, Located(fixed, {}, {}))
        loaded, errors = loading.finish(self.merged, located, self.table)
        refuse(errors)
        assert loaded is not None, "otherwise there are errors"
        return loaded


def load_space(path: str | os.PathLike[str], overrides: Sequence[str] = (), *, table: registry.Table) -> SearchSpace:
    """Read a config with ``tune`` and validate it at the ends of each range, and at each choice.

    Raises:
        HallucError or ManyErrors, code C…: every mistake found, with its place.
    """
    merged = loading.read(path, overrides, None)
    whole = loading.load(path, overrides, table=table)
    if whole.experiment.tune is None:
        help = (
            "for example `tune: {space: {train.learning_rate: {low: 1.0e-5, high: 1.0e-3, log: true}}}` (docs/tune.md)"
        )
        raise HallucError("C102", f"{path} has no section `tune`", help=help)
    space = SearchSpace(whole, replace(merged, errors=[]), table)
    refuse(_fixed_keys(space))
    refuse(_mistakes(space))
    return space


def _fixed_keys(space: SearchSpace) -> Iterator[HallucError]:
    for name in space.tune.space:
        place = space.merged.located.keys.get(("tune", "space", name))
        why = next((why for key, why in _FIXED.items() if name == key or name.startswith(f"{key}.")), None)
        if why is not None:
            yield HallucError("C123", f"`tune.space` cannot have `{cut(name)}`", place, why)
        elif name.count(".") >= MOST_DEPTH or not all(name.split(".")):
            yield HallucError(
                "C120", f"`{cut(name)}` in `tune.space` is not a config key", place, "for example train.learning_rate"
            )
        elif any(other.startswith(f"{name}.") for other in space.tune.space):
            yield HallucError("C124", f"`tune.space` has `{cut(name)}` and a key below it", place, "keep one of them")


def _mistakes(space: SearchSpace) -> list[HallucError]:
    """The mistakes of single values, each tried on the base config; conflicts between values show up in a trial."""
    mistakes: dict[tuple[str, str], HallucError] = {}
    for name, one in space.tune.space.items():
        for value in (one.low, one.high) if isinstance(one, RangeConfig) else one:
            try:
                space.with_values({name: value})
            except HallucError as error:
                for each in getattr(error, "errors", (error,)):
                    if each.code in ("C101", "C103", "C104", "C105"):
                        mistakes.setdefault((each.code, each.message), each)
    return list(mistakes.values())
