"""Knowledge of a model that was trained further from another run: the training data of that run count as known too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from halluc.components import TABLE
from halluc.config import loading
from halluc.core import latest
from halluc.core.claims import Claim
from halluc.core.errors import HallucError
from halluc.core.files import expanded, make_folder, write_text
from halluc.core.messages import say
from halluc.gap.knowledge import TrainingKnowledge
from halluc.runs.directory import RunDir
from halluc.runs.schema import Nearest, Novelty, RunFile
from halluc.task import AnyTask

if TYPE_CHECKING:
    from halluc.workflows.job import Job


@dataclass(frozen=True)
class JoinedKnowledge:
    """The knowledge of a model from several trainings: ``own`` is that of the last one, ``earlier`` those before.

    The novelty of a claim is the lowest over all training splits, on ``scale``, from the best known to new. Labels of
    different splits are compared by name.
    """

    own: TrainingKnowledge
    earlier: Sequence[TrainingKnowledge]
    scale: Sequence[Novelty]

    @property
    def label_counts(self) -> Mapping[str, int] | None:
        return self.own.label_counts

    def novelty(self, claim: Claim) -> Novelty:
        return min((one.novelty(claim) for one in (self.own, *self.earlier)), key=self.scale.index)

    def is_confusable(self, claim: Claim) -> bool:
        """According to the last training split alone: other label sets have different names for all surfaces."""
        return self.own.is_confusable(claim)

    def nearest(self, claim: Claim) -> Nearest | None:
        return next((near for one in (self.own, *self.earlier) if (near := one.nearest(claim)) is not None), None)

    def is_withheld(self, claim: Claim) -> bool:
        """Whether it was withheld from the last training, and did not occur in an earlier one."""
        return self.own.is_withheld(claim) and all(one.novelty(claim) != self.scale[0] for one in self.earlier)

    def slices(self, examples: Sequence[Any]) -> dict[str, list[str]]:
        """The slices of the last training split, if its task has any."""
        slices_of = getattr(self.own, "slices", None)
        return {} if slices_of is None else dict(slices_of(examples))


def base_run(name: str | None) -> RunDir | None:
    """The run in ``model.name``, given by its folder or by its ``model/``; None if it is not a run."""
    if name is None or name.startswith(("hub:", "package:")):
        return None
    path = expanded(latest.resolve_text(name))
    named = (path, path.parent) if path.name == "model" else (path,)
    return next((RunDir(one) for one in named if latest.is_run(one)), None)


def record(job: Job, record: RunFile) -> None:
    """Store in the run the coverage of the training splits of earlier runs, and name these runs in ``run.json``."""
    base = base_run(job.settings.model.name)
    if base is None:
        return
    known = [base.coverage, *base.bases] if _task_of(base) == job.task.name and base.coverage.is_file() else []
    name = f"{base.path.resolve().parent.name}/{base.path.resolve().name}"
    record.model["base"] = {"run": name, "novelty_judged_against_it": bool(known)}
    if not known:
        say(f"the coverage of the training split of {name} is unknown for this task, so novelty ignores it")
        return
    if not job.target.bases:  # a resumed training has them already
        make_folder(job.target.base(1).parent)
        for number, path in enumerate(known, 1):
            write_text(job.target.base(number), path.read_text(encoding="utf-8"))
    say(f"novelty is relative to the training splits of this run and of {name}")


def _task_of(run: RunDir) -> str | None:
    try:
        return str(loading.load(run.config, table=TABLE, stored=True).experiment.task.type)
    except HallucError:
        return None


def join_knowledge(own: TrainingKnowledge, task: AnyTask, run: RunDir) -> TrainingKnowledge:
    """``own`` joined with the coverage of the training splits of earlier runs, if known.

    Raises:
        HallucError R120, R121: a file of the run is damaged or of another version.
    """
    known = task.knowledge
    earlier = [known.from_coverage(known.load(path), None) for path in run.bases]
    return JoinedKnowledge(own, earlier, known.novelties) if earlier else own
