"""Cross-fitting: each model is trained without one part of the training split, and then applied to that part.

Chernozhukov et al. 2018, "Double/debiased machine learning" (section 3); Northcutt et al. 2021, "Confident Learning"
(out-of-sample probabilities).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from halluc.config.hashing import sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.core.errors import data_error
from halluc.core.examples import Corpus, Example
from halluc.core.messages import say, without_results
from halluc.core.rng import keyed_seed
from halluc.data.corpora import Corpora, has_documents
from halluc.runs import directory, provenance
from halluc.runs.directory import RunDir
from halluc.workflows import model_training, trained_models
from halluc.workflows.job import Job
from halluc.workflows.trained_models import Trained

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Folds:
    """The parts of a training split, by a hash of each example's id, or of its document with ``by_document``."""

    count: int
    by_document: bool = False

    @classmethod
    def create(cls, train: Corpus[Any], count: int) -> Folds:
        """Keep whole documents together if the file has documents, and enough of them that no part is empty."""
        documents = cls(count, by_document=True)
        fits = has_documents(train.examples, train.source)
        return documents if fits and len({documents.fold_of(one) for one in train}) == count else cls(count)

    def fold_of(self, example: Example) -> int:
        """The part, from 0, of an example, or of the example that it was augmented from."""
        origin = example.origin
        identity = f"document {origin.document}" if self.by_document else origin.parent or example.id
        return keyed_seed("cross-fit", identity) % self.count

    def out_of_sample(
        self, examples: Sequence[Any], functions: Iterable[Callable[[list[Any]], Sequence[ResultT]]]
    ) -> list[ResultT]:
        """The result for each example, from the function of its part; the functions are needed one after the other."""
        places: list[list[int]] = [[] for _ in range(self.count)]
        for place, example in enumerate(examples):
            places[self.fold_of(example)].append(place)
        results: dict[int, ResultT] = {}
        for of_part, function in zip(places, functions, strict=True):
            if of_part:
                results.update(zip(of_part, function([examples[place] for place in of_part]), strict=True))
        return [results[place] for place in range(len(examples))]


@dataclass(frozen=True)
class CrossFitting:
    """Models that are each trained without one part of the training split, stored in ``folder``.

    The folder is named by a hash of everything they depend on: none is trained twice, and an interrupted training
    resumes from its checkpoint.
    """

    job: Job
    loaded: LoadedConfig
    corpora: Corpora
    folds: Folds
    folder: Path

    @classmethod
    def of(cls, job: Job, count: int) -> CrossFitting:
        corpora, loaded = job.remaining(("train", "dev")), plain(job.loaded)
        folds = Folds.create(corpora.splits["train"], count)
        return cls(job, loaded, corpora, folds, _folder(job, loaded, folds))

    def run(self, part: int) -> RunDir:
        return RunDir(self.folder / f"part-{part + 1}-of-{self.folds.count}")

    def fit(self, part: int) -> Trained:
        """The model without this part, from 0; trained if it is not yet.

        Raises:
            HallucError D131: the part is the whole split, or the rest has nothing to learn from. Others as
                ``model_training.begin``.
        """
        train, number = self.corpora.splits["train"], f"{part + 1} of {self.folds.count}"
        rest = tuple(example for example in train.examples if self.folds.fold_of(example) != part)
        lacking = self.job.task.examples.untrainable_reason(replace(train, examples=rest)) if rest else "nothing"
        if lacking is not None:
            text = f"without part {number}, {train.source} has {lacking}: no model can evaluate that part"
            raise data_error("D131", text, help="use more folds, or a larger training split")
        splits = {**self.corpora.splits, "train": replace(train, examples=rest)}
        fold = Job(self.loaded, _read={("train", "dev"): replace(self.corpora, splits=splits)})
        say(f"cross-fit, model {number}: {len(rest):,} of {len(train.examples):,} examples")
        run = self.run(part).path
        with without_results():
            model_training.train(fold, model_training.begin(fold, run, resume=True), ())
        return trained_models.locate(str(run))


def fit_models(job: Job, count: int) -> tuple[Folds, list[Trained]]:
    """The models of a cross-fitting, in the order of the parts; raises as ``CrossFitting.fit``."""
    models = CrossFitting.of(job, count)
    return models.folds, [models.fit(part) for part in range(count)]


def _folder(job: Job, loaded: LoadedConfig, folds: Folds) -> Path:
    inputs = list(provenance.input_hashes(job.settings.data.paths()).values())
    deciding = {"config": loaded.sha256, "gap": job.loaded.tree.get("gap"), "inputs": inputs, "parts": folds.count}
    if folds.by_document:
        deciding["by"] = "document"
    return Path(job.settings.runs_dir) / directory.FITTED / f"cross-fit-{sha256_of_tree(deciding)[:16]}"


def plain(loaded: LoadedConfig) -> LoadedConfig:
    """The config without augmentation and teachers, and without withholding, which was done before."""
    train = loaded.experiment.train.model_copy(update={"teacher": None})
    experiment = loaded.experiment.model_copy(update={"augment": None, "gap": None, "train": train})
    tree = {**loaded.tree, "augment": None, "gap": None, "train": {**loaded.tree["train"], "teacher": None}}
    return replace(loaded, experiment=experiment, tree=tree)
