"""The trials of a tuning: an Optuna study in a journal file, which several processes may share."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halluc.config.rendering import leaves
from halluc.config.search_space import SearchSpace
from halluc.config.tuning import Direction, RangeConfig
from halluc.config.yaml import dotted
from halluc.core import locks
from halluc.core.errors import HallucError
from halluc.core.files import make_folder, unwritable
from halluc.core.rng import keyed_generator, keyed_seed
from halluc.runs.directory import LOCK_FILE
from halluc.runs.tuning import JOURNAL_FILE

if TYPE_CHECKING:
    import optuna

_STUDY = "halluc"
# With fewer finished trials, importances are meaningless.
LEAST_TRIALS = 10
# Keys of a trial's attributes in the journal.
ERROR, REPLACED, SAME_AS, CONFIG, FIGURES = "error", "replaced", "same_as", "config", "figures"
_FRESH = "use --fresh to move the old trials and start again; or give this tuning another `name`"
# Exceptions of Optuna for a file that is not one of our journals.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)


@dataclass(frozen=True)
class TuningPlan:
    """The common settings of all trials, as plain values; trials of different plans are not compared."""

    metrics: list[str]
    directions: list[Direction]
    content: dict[str, Any]


class _FileLock:
    """Optuna's lock of the journal, implemented so that the system releases it if a process is killed."""

    def __init__(self, journal: Path) -> None:
        self.journal, self.stack = journal, contextlib.ExitStack()

    def acquire(self) -> bool:
        file = self.journal.with_name(f".{self.journal.name}.lock")
        self.stack.enter_context(locks.locked(file, self.journal, waits=True))
        return True

    def release(self) -> None:
        self.stack.close()


class Trials:
    """Hands out trials, which are chosen in batches, and records their results."""

    def __init__(self, home: Path, space: SearchSpace, plan: TuningPlan) -> None:
        """
        Raises:
            HallucError R101: the journal is damaged. R104: it belongs to another plan. E401: it cannot be written.
        """
        self.home, self.space, self.plan, self.journal = home, space, plan, home / JOURNAL_FILE
        self.tune = space.tune
        self.whole = {
            name: space.is_whole_number(name) for name, one in self.tune.space.items() if isinstance(one, RangeConfig)
        }
        make_folder(home)
        with self._choice_lock(), self._journal_errors():
            try:
                self.study = self._open_study()
            except _DAMAGED as error:
                message = f"{self.journal} is damaged: {type(error).__name__}: {error}"
                raise HallucError("R101", message, help=f"restore it from a backup; or {_FRESH}") from error

    def _open_study(self) -> optuna.Study:
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalStorage

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        lock = _FileLock(self.journal)
        lock.acquire()
        _drop_incomplete_line(self.journal)
        lock.release()
        storage = JournalStorage(JournalFileBackend(str(self.journal), lock_obj=lock))  # type: ignore[arg-type]
        if any(one.study_name != _STUDY for one in storage.get_all_studies()):
            raise ValueError("the journal has another study")
        study = optuna.create_study(
            storage=storage, study_name=_STUDY, directions=self.plan.directions, pruner=self._pruner(),
            load_if_exists=True,
        )  # fmt: skip
        known = study.user_attrs.get("plan")
        content = json.loads(json.dumps(self.plan.content))
        if known is None and not study.get_trials(deepcopy=False):
            study.set_user_attr("plan", content)
        elif known != content:
            raise self._other_config_error(known, content)
        return study

    def _other_config_error(self, recorded: Any, content: Any) -> HallucError:
        first, second = (dict(leaves(one)) for one in (recorded if isinstance(recorded, dict) else {}, content))
        keys = [f"`{dotted(path)}`" for path in first | second if first.get(path) != second.get(path)]
        text = ", ".join(keys[:10]) + (", …" if len(keys) > 10 else "")
        return HallucError("R104", f"{self.home} has trials of another tuning, which differs in {text}", help=_FRESH)

    def _pruner(self) -> optuna.pruners.BasePruner:
        from optuna import pruners

        kinds = {"none": pruners.NopPruner, "median": pruners.MedianPruner, "hyperband": pruners.HyperbandPruner}
        return kinds[self.tune.pruner]()  # type: ignore[no-any-return]

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler for each trial: its draws depend on the seed and earlier trials, and not on the process."""
        from optuna import samplers

        seed = keyed_seed("tune", self.space.whole.experiment.seed, number) % 2**32
        if self.tune.sampler == "tpe":
            return samplers.TPESampler(seed=seed)
        return samplers.RandomSampler(seed=seed)

    @contextlib.contextmanager
    def _choice_lock(self) -> Iterator[None]:
        """A lock, so that only one process at a time chooses a trial."""
        with locks.locked(self.home / LOCK_FILE, self.home, waits=True):
            yield

    @contextlib.contextmanager
    def _journal_errors(self) -> Iterator[None]:
        """Converts errors for an unwritable journal to ``HallucError``, and hides Optuna's warnings."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except OSError as error:
            raise unwritable(self.journal, error) from error

    @contextlib.contextmanager
    def next(self, number: int | None = None) -> Iterator[tuple[optuna.Trial, dict[str, Any]] | None]:
        """A trial for this process, with its values: the one with this number, if it has not ended; without a number,
        one that was chosen or interrupted, or a new one. None: there is none."""
        with contextlib.ExitStack() as stack:
            with self._choice_lock(), self._journal_errors():
                if number is None:
                    self._fill()
                trial = self._free(stack, number)
                if trial is None and number is None and self._choose_trial():
                    self._fill()
                    trial = self._free(stack)
                result = None if trial is None else (trial, self._suggest(trial))
            yield result

    def next_batch(self) -> list[int]:
        """The trials that have not ended; if there are none, the next batch.

        Of trials with equal values only the first is returned; the others get its figures later.
        """
        with self._choice_lock(), self._journal_errors():
            self._fill()
            if not self._running() and self._choose_trial():
                self._fill()
            known, results = [one.params for one in self.all() if one.state.name == "COMPLETE"], dict[str, int]()
            for one in self._running():
                key = str(one.number) if one.params in known else json.dumps(one.params, sort_keys=True)
                results.setdefault(key, one.number)
        return list(results.values())

    def _running(self) -> list[optuna.trial.FrozenTrial]:
        return [one for one in self.all() if one.state.name == "RUNNING"]

    def _free(self, stack: contextlib.ExitStack, number: int | None = None) -> optuna.Trial | None:
        """The first trial, or only that with this number, if it has not ended and no other process runs it."""
        import optuna

        for one in self._running():
            if number in (None, one.number) and self._take(one.number, stack):
                if self.is_finished(one.number):
                    stack.close()  # another process finished it after the trials were listed
                    continue
                self.study.sampler = self._sampler(one.number)
                return optuna.Trial(self.study, one._trial_id)
        return None

    def _fill(self) -> None:
        """Choose the rest of a batch, also of one that was interrupted while it was chosen."""
        while len(self.all()) % self.tune.batch and self._choose_trial():
            pass

    def _choose_trial(self) -> bool:
        """Choose a trial and its values; False: there are no more."""
        from optuna.trial import TrialState

        trials = self.all()
        waiting = next((one for one in trials if one.state == TrialState.WAITING), None)
        if waiting is None and sum(REPLACED not in one.user_attrs for one in trials) >= self.tune.trials:
            return False
        number = len(trials) if waiting is None else waiting.number
        if waiting is None and not trials:
            own = self.space.values_of(self.space.whole.tree)
            inside = {name: self._internal(name, value) for name, value in own.items() if self._is_inside(name, value)}
            self.study.enqueue_trial(inside)
        elif waiting is None and self.tune.sampler == "grid":
            point = self._grid_point(trials)
            if point is None:
                return False
            self.study.enqueue_trial(point)
        self.study.sampler = self._sampler(number)
        self._suggest(self.study.ask())
        return True

    def _take(self, number: int, stack: contextlib.ExitStack) -> bool:
        """Whether this process could take the trial; the system releases it when the process ends."""
        try:
            make_folder(self.home / ".locks")
            stack.enter_context(locks.locked(self.home / ".locks" / f"{number}.lock", self.home))
        except HallucError as error:
            if error.code != "R103":
                raise
            return False
        return True

    def _grid_point(self, trials: list[optuna.trial.FrozenTrial]) -> dict[str, Any] | None:
        """An unused combination, in random order; None: all are used."""
        axes = {
            name: [
                self._internal(name, one) for one in (kind.values() or () if isinstance(kind, RangeConfig) else kind)
            ]
            for name, kind in self.tune.space.items()
        }
        points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
        tried = [_fixed_values(one) or one.params for one in trials if REPLACED not in one.user_attrs]
        order = keyed_generator("tune", self.space.whole.experiment.seed).permutation(len(points))
        return next((points[place] for place in order if points[place] not in tried), None)

    def _suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """The values of a trial; empty for the first, which is the base config itself."""
        fixed = _fixed_values(self.study.get_trials(deepcopy=False)[trial.number])
        values: dict[str, Any] = {}
        for name, one in self.tune.space.items():
            if fixed is not None and name not in fixed:
                continue  # the config's own value is outside of the space
            if not isinstance(one, RangeConfig):
                choices = [self._internal(name, choice) for choice in one]
                values[name] = json.loads(trial.suggest_categorical(name, choices))
            elif self.whole[name]:
                step = 1 if one.step is None else int(one.step)
                values[name] = trial.suggest_int(name, int(one.low), int(one.high), step=step, log=one.log)
            else:
                values[name] = trial.suggest_float(name, one.low, one.high, step=one.step, log=one.log)
        return values if trial.number else {}

    def _internal(self, name: str, value: Any) -> Any:
        """A value in Optuna's form: choices that are lists or mappings become text."""
        return value if isinstance(self.tune.space[name], RangeConfig) else json.dumps(value, sort_keys=True)

    def _is_inside(self, name: str, value: Any) -> bool:
        one = self.tune.space[name]
        if not isinstance(one, RangeConfig):
            return self._internal(name, value) in [self._internal(name, choice) for choice in one]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not one.low <= value <= one.high:
            return False
        steps = 0.0 if one.step is None else (value - one.low) / one.step
        return abs(steps - round(steps)) < 1e-6

    def values(self, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        """The values of an earlier trial, in the form of ``next``."""
        if not trial.number:
            return {}
        ranges = {name for name, one in self.tune.space.items() if isinstance(one, RangeConfig)}
        return {name: one if name in ranges else json.loads(one) for name, one in trial.params.items()}

    def note(self, trial: optuna.Trial, **facts: Any) -> None:
        """Store facts of a trial in the journal."""
        with self._journal_errors():
            for name, value in facts.items():
                trial.set_user_attr(name, value)

    def complete(self, trial: optuna.Trial, values: list[float], violations: Mapping[str, float]) -> None:
        """Record the figures of a finished trial; a violation above 0 means that the constraint is not met."""
        with self._journal_errors():
            for name, violation in violations.items():
                trial.set_constraint(name, violation)
            self.study.tell(trial, values)

    def record_pruned(self, trial: optuna.Trial) -> None:
        import optuna

        with self._journal_errors():
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)

    def record_failure(self, trial: optuna.Trial, error: HallucError, *, replaced: bool = False) -> None:
        """Record why a trial has no figures. A ``replaced`` one does not count."""
        import optuna

        self.note(trial, **{ERROR: f"{error.code}: {error.message}"[:500], **({REPLACED: True} if replaced else {})})
        with self._journal_errors():
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def should_stop(self, trial: optuna.Trial, value: float, evaluation: int) -> bool:
        """Whether the pruner stops a trial whose n-th evaluation on dev gives ``value``."""
        with self._journal_errors():
            if evaluation in self.all()[trial.number].intermediate_values:
                return False  # reported before the trial was interrupted
            trial.report(value, evaluation)
            return trial.should_prune()

    def best(self) -> list[optuna.trial.FrozenTrial]:
        """The best trial that meets the constraints, the first of equal ones; with two metrics the Pareto front."""
        with self._journal_errors():
            results = sorted(self.study.best_trials, key=lambda one: one.number)
        return results if len(self.plan.metrics) > 1 else results[:1]

    def importances(self) -> dict[str, dict[str, float]]:
        """By metric, the importance of each key for being among the best trials; empty with few trials."""
        import optuna

        complete = self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        results: dict[str, dict[str, float]] = {}
        for place, metric in enumerate(self.plan.metrics if len(complete) >= LEAST_TRIALS else ()):
            sign = -1 if self.plan.directions[place] == "maximize" else 1  # Optuna's targets are minimised
            if len({one.values[place] for one in complete}) > 1:

                def target(one: optuna.trial.FrozenTrial, place: int = place, sign: int = sign) -> float:
                    return float(sign * one.values[place])

                with self._journal_errors():
                    results[metric] = optuna.importance.get_param_importances(self.study, target=target)
        return results

    def is_finished(self, number: int) -> bool:
        return self.all()[number].state.is_finished()

    def all(self) -> list[optuna.trial.FrozenTrial]:
        return self.study.get_trials(deepcopy=False)


def _fixed_values(trial: optuna.trial.FrozenTrial) -> dict[str, Any] | None:
    """The values that were set and not sampled; None if the sampler chose."""
    result = trial.system_attrs.get("fixed_params")
    return dict(result) if isinstance(result, Mapping) else None


def _drop_incomplete_line(journal: Path) -> None:
    """Remove an incomplete last line that a killed process left: the next line would be appended to it."""
    if not journal.is_file():
        return
    content = journal.read_bytes()
    if content and not content.endswith(b"\n"):
        with journal.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)
