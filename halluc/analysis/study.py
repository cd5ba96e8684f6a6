"""The figures of a study: over seeds for each cell, arms compared with a reference, and lines along each numeric axis
(DEFINITIONS, sections 2 to 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path

import numpy

from halluc.analysis import arms, points, run_figures, study_cache
from halluc.analysis.arms import ComparedPair
from halluc.analysis.points import Resampled, SeedGroup, StudyCell, StudyPoint
from halluc.analysis.run_figures import Example, FigureKey, Measured
from halluc.analysis.seeds import Paired, Seeds
from halluc.core.errors import HallucError
from halluc.core.figures import MATCHED
from halluc.core.memory import uncollected
from halluc.core.messages import say
from halluc.core.significance import defined
from halluc.runs import evaluations, training_facts
from halluc.runs.directory import RUN_FILE, RunDir
from halluc.runs.studies import BestOnDev, CellFigures, Plain, SeedFigure, StudyFigures, Trend

SEED = "seed"
DEV = "dev"


def current(
    name: str, home: Path, places: Sequence[StudyCell], requested: str | None, reference: str | None = None
) -> StudyFigures:
    """``figures`` from the cache in ``home``, if it is up to date, otherwise computed and cached.

    Raises:
        HallucError: as ``figures``.
    """
    axes = _axes(places)
    default, against = arms.references(axes, None), arms.references(axes, reference)
    split = _split(name, places, requested)
    wanted = study_cache.fingerprint(name, places, split, against)
    others = {axis: value for axis, value in against.items() if value != default[axis]}
    file = study_cache.file_of(home, None if _is_default(places, split) else split, others)
    cached = study_cache.load(file, wanted)
    if cached is None:
        result = figures(name, places, requested, reference).model_copy(update={"fingerprint": wanted})
    else:
        result = study_cache.with_current_paths(cached, places)
    problem = study_cache.store(file, result) if result != cached else None
    if problem is not None:
        say(f"note: {problem}", style="yellow")
    return result


def figures(
    name: str, places: Sequence[StudyCell], requested: str | None, reference: str | None = None
) -> StudyFigures:
    """The results of a study so far; cells without an evaluation are named.

    Args:
        requested: the split; None: the first of test, dev and train that all cells have.
        reference: the arm that other arms are compared with; None: the first of each axis of arms.

    Raises:
        HallucError R112: no cell is evaluated. R113: cells are of different tasks, or were evaluated on different
            examples. C015: there is no such arm.
    """
    against = arms.references(_axes(places), reference)
    split = _split(name, places, requested)
    evaluations.refuse_different_tasks([place.run for place in places])
    runs, missing = _read(places, split)
    if not runs:
        slug, why = next((slug, why) for slug, why in missing.items() if why != _NOT_RUN)
        message = f"no cell of {name} can be counted on {split}; {slug}: {why}"
        help = "evaluate the cells again with `halluc run` of the study's config"
        raise HallucError("R112", message, help=help)
    first = next(iter(runs.values()))
    for other in runs.values():
        run_figures.refuse_different_examples(first, other)
    groups = _by_seed(places, runs)
    arm_pairs = arms.arm_pairs(groups, against)
    resampled = points.resample(
        list(runs.values()), [pair for arm_pair in arm_pairs for pair in arm_pair.pairs.values()]
    )
    compared_pairs = [arms.compared_pair(arm_pair, resampled) for arm_pair in arm_pairs]
    study_points = [_point(group, resampled, compared_pairs) for group in groups]
    numeric = _numeric_axes(study_points)
    return StudyFigures(
        name=name,
        split=split,
        examples=len(first.examples),
        cells=[_cell(point) for point in study_points],
        trends=[trend for axis in numeric for trend in _trends(study_points, axis)],
        comparisons=arms.comparisons(compared_pairs),
        arm_trends=arms.trends(compared_pairs, numeric),
        best_on_dev=_best_on_dev(places),
        missing=missing,
    )


def _axes(places: Sequence[StudyCell]) -> dict[str, list[Plain]]:
    """The values of each axis except the seed, including those of missing cells."""
    axes: dict[str, dict[Plain, None]] = {}
    for place in places:
        for axis, value in place.choice.items():
            if axis != SEED:
                axes.setdefault(axis, {})[value] = None
    return {axis: list(values) for axis, values in axes.items()}


def _split(name: str, places: Sequence[StudyCell], requested: str | None) -> str:
    runs = _evaluated(places)
    if not runs:
        raise HallucError("R112", f"no cell of {name} is evaluated", help="run the study first: halluc run CONFIG")
    splits = run_figures.evaluated(runs)
    if requested is not None and requested not in splits:
        raise HallucError(
            "R112",
            f"no cell of {name} is evaluated on {requested}",
            help=evaluations.unevaluated_help(requested, splits),
        )
    return run_figures.common_split(runs, requested)


def _evaluated(places: Sequence[StudyCell]) -> list[RunDir]:
    return [place.run for place in places if run_figures.evaluated([place.run])]


def _is_default(places: Sequence[StudyCell], split: str) -> bool:
    try:
        return run_figures.common_split(_evaluated(places), None) == split
    except HallucError:
        return False  # there is no split that all cells have


def _read(places: Sequence[StudyCell], split: str) -> tuple[dict[str, Measured], dict[str, str]]:
    """The evaluated runs, and for other cells the reason why they are missing, by slug."""
    runs: dict[str, Measured] = {}
    missing: dict[str, str] = {}
    known: dict[bytes, Example] = {}
    with uncollected():
        for place in places:
            if not (place.run.path / RUN_FILE).is_file():
                missing[place.slug] = _LOST if place.run.is_begun() else _NOT_RUN
                continue
            try:
                runs[place.slug] = run_figures.read(place.run, split, known, keep_lines=False)
            except HallucError as error:
                missing[place.slug] = _why(error, place.run)
    return runs, missing


def _why(error: HallucError, run: RunDir) -> str:
    """Why a cell cannot be used, without the path of its folder, which may be moved while the figures are cached."""
    text = f"{error.where}: {error.message}" if error.where else error.message
    return text.replace(f"{run.path}/", "").replace(str(run.path), "it")


_NOT_RUN = "not run yet"
_LOST = f"it was trained, but its {RUN_FILE} is missing"


def _by_seed(places: Sequence[StudyCell], runs: Mapping[str, Measured]) -> list[SeedGroup]:
    groups: dict[tuple[tuple[str, Plain], ...], dict[Plain, Measured]] = {}
    for place in places:
        if place.slug in runs:
            choice = tuple((axis, value) for axis, value in place.choice.items() if axis != SEED)
            groups.setdefault(choice, {})[place.choice.get(SEED)] = runs[place.slug]
    return [SeedGroup(dict(choice), by_seed) for choice, by_seed in groups.items()]


def _point(group: SeedGroup, resampled: Resampled, compared_pairs: Sequence[ComparedPair]) -> StudyPoint:
    """The figures of a group, including those at matched omission with the references of its axes."""
    figures = resampled.of(group.runs)
    for compared_pair in compared_pairs:
        if compared_pair.arm_pair.arm is group and (MATCHED, ()) in compared_pair.figures:
            by = ((compared_pair.arm_pair.axis, str(compared_pair.arm_pair.names[1])),)
            figures[MATCHED, by] = resampled.at_matched_omission(compared_pair.arm_pair.pairs).arm
    return StudyPoint(group, figures)


def _cell(point: StudyPoint) -> CellFigures:
    runs = point.group.runs
    return CellFigures(
        choice=point.choice,
        runs=[run.name for run in runs.values()],
        silent_seeds=[seed for seed, run in runs.items() if run.is_silent],
        training=training_facts.facts(run.run for run in runs.values()),
        figures=[_over_seeds(key, result) for key, result in point.figures.items()],
    )


def _over_seeds(key: FigureKey, of_seeds: Seeds) -> SeedFigure:
    estimate = of_seeds.estimate
    return SeedFigure(
        name=key[0],
        by=dict(key[1]),
        mean=estimate.value,
        sd=estimate.sd,
        seeds=estimate.seeds,
        interval=points.interval_of(key, estimate),
        values=list(map(defined, of_seeds.values.tolist())),
        of_seeds=list(of_seeds.names),
    )


def _numeric_axes(points: Sequence[StudyPoint]) -> list[str]:
    """The axes for which a slope is meaningful: at least two values, all of them numbers."""
    return [axis for axis in points[0].choice if len({v for p in points if arms.is_number(v := p.choice[axis])}) > 1
            and all(arms.is_number(p.choice[axis]) for p in points)]  # fmt: skip


def _trends(study_points: Sequence[StudyPoint], axis: str) -> Iterator[Trend]:
    for others, group in points.along(axis, study_points, attrgetter("choice")):
        for line in points.lines(axis, [(point.choice, point.figures, point.is_silent) for point in group]):
            yield Trend(choice=others, **line)


def _best_on_dev(places: Sequence[StudyCell]) -> list[BestOnDev]:
    """For each numeric axis of a training or augmentation setting, the value with the best figure on dev.

    Empty if some cell is not evaluated on dev, since the choice would depend on which ones are.
    """
    axes = [axis for axis, values in _axes(places).items() if axis.split(".")[0] in ("train", "augment")
            and len(values) > 1 and all(map(arms.is_number, values))]  # fmt: skip
    if not axes or not all(place.run.evaluation(DEV).is_file() for place in places):
        return []
    runs, missing = _read(places, DEV)
    if missing:
        return []
    resampled = points.resample(list(runs.values()), [])
    groups = [StudyPoint(group, resampled.of(group.runs)) for group in _by_seed(places, runs)]
    return [best for axis in axes for best in _best(groups, axis)]


def _best(groups: Sequence[StudyPoint], axis: str) -> Iterable[BestOnDev]:
    for others, members in points.along(axis, groups, attrgetter("choice")):
        key = _selected_by(members[0])
        known = [point for point in members if key in point.figures and not numpy.isnan(point.figures[key].mean)]
        if len(known) < 2:
            continue
        ranked = sorted(known, key=lambda point: point.figures[key].mean, reverse=True)
        if ranked[0].figures[key].mean == ranked[-1].figures[key].mean:
            continue  # dev cannot rank them, for example without mentions
        best, second = ranked[0].figures[key], ranked[1].figures[key]
        shared = [seed for seed in best.names if seed in second.names]
        if not shared:
            continue
        estimate, apart = best.estimate, Paired(best.of(shared), second.of(shared)).estimate
        assert estimate.value is not None and apart.value is not None
        yield BestOnDev(
            axis=axis,
            choice=others,
            name=key[0],
            value=ranked[0].choice[axis],
            mean=estimate.value,
            interval=points.interval_of(key, estimate),
            next=ranked[1].choice[axis],
            difference=apart.value,
            difference_interval=apart.interval,
            p=apart.p,
            seeds=len(shared),
        )


def _selected_by(point: StudyPoint) -> FigureKey:
    """The figure by which checkpoints were selected, if it is computed; otherwise the first of the task."""
    chosen = training_facts.facts(run.run for run in point.group.runs.values()).chosen_by
    key = (str(chosen[0]), ()) if len(chosen) == 1 else None
    return key if key in point.figures else next(iter(point.figures))
