"""The schema of an experiment config.

The sections ``task`` and ``data`` belong to components: their classes are defined with the component and inserted by
``experiment_type`` (``config.augmentation`` does so for ``augment``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, create_model, model_validator

from halluc.config.evaluation import EvalConfig, GateConfig
from halluc.config.launching import LaunchConfig
from halluc.config.models import ModelConfig
from halluc.config.section import DISTINCT, MOST_LABELS, ExampleCount, Reference, Section, Share, Text
from halluc.config.training import TrainConfig
from halluc.config.tuning import TuneConfig
from halluc.core import registry

# section of the config -> kind in the table; `task.type` selects the component of each
COMPONENT_SECTIONS = {"task": "task", "data": "reader"}

# The sections that affect the model: runs are identified by their hash.
MODEL_SECTIONS = ("task", "data", "gap", "augment", "model", "train", "seed")


class GapConfig(Section):
    """Controlled withholding of training data (DEFINITIONS, section 2)."""

    unit: Literal["mention", "label", "example", "word", "pair", "entity", "answer", "question", "context"] = Field(
        default="mention",
        description="the unit that is withheld: distinct mentions (text and label), content words of texts, pairs or "
        "entities of relations, distinct answers, questions or contexts, whole labels, or examples. Training "
        "examples that contain a withheld unit are removed",
    )
    fraction: Share = Field(description="the share of the units that is withheld; the units of .5 include those of .25")
    labels: Annotated[list[Text], Field(min_length=1, max_length=MOST_LABELS), DISTINCT] | None = Field(
        default=None, description="with `unit: label`: the labels to withhold, by name"
    )
    control: Literal["matched", "none"] = Field(
        default="matched",
        description="matched: every fraction trains on the same number of examples of each kind (sentences with 0, 1, "
        "2, 3 or more mentions; texts of each class and length); none: on all remaining examples",
    )
    fractions: Annotated[list[Share], Field(min_length=1, max_length=1_000)] | None = Field(
        default=None,
        description="the fractions of the study, from which matched sizes are computed; null: 0, .25, .5 (for labels "
        "0, 1; for words 0, .1, .25)",
    )
    size: ExampleCount | None = Field(
        default=None,
        description="with `control: matched`: train on this many examples; null: as many as the largest fraction "
        "leaves",
    )

    @model_validator(mode="after")
    def _keys_go_together(self) -> GapConfig:
        if self.unit == "label" and not self.labels:
            raise ValueError("`gap.unit: label` needs `gap.labels`, the labels to withhold")
        if self.unit != "label" and self.labels:
            raise ValueError(f"`gap.labels` requires `gap.unit: label`, not `{self.unit}`")
        if self.size is not None and self.control == "none":
            raise ValueError("`gap.size` requires `gap.control: matched`, not `none`")
        return self


class Experiment(Section):
    """A whole config, with ``task`` and ``data`` typed by the components that it names."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="name of the folder under `runs_dir`: letters, digits, dot, hyphen, underscore",
    )
    seed: int = Field(default=1, ge=0, lt=2**31, description="random seed of everything")
    runs_dir: Reference = Field(default="runs", description="the folder of run directories")
    keep_models: Literal["all", "best", "none"] | None = Field(
        default=None,
        description="in a study (`matrix`): which models `halluc run` keeps after evaluation: all (also null), the "
        "best on dev by `train.best`, or none. A cell whose model was deleted still counts as trained",
    )
    task: Any = Field(description="the task and its settings; see `halluc list tasks`")
    data: Any = Field(description="the corpus: `data: {train: FILE}`")
    model: ModelConfig = Field(description="the encoder to fine-tune: `model: {name: …}`")
    gap: GapConfig | None = Field(default=None, description="what to withhold from the training split; null: nothing")
    augment: Any = Field(default=None, description="data augmentation of the training split; null: none")
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()
    gates: dict[Text, GateConfig] = Field(
        default={},
        max_length=1_000,
        description="bounds that `halluc eval` checks, by figure: {hallucination_rate: {max: 0.05}}",
    )
    tune: TuneConfig | None = Field(default=None, description="search space and settings of `halluc tune`; null: none")
    launch: LaunchConfig | None = Field(
        default=None, description="cluster resources per cell (`halluc run --on`); null: the defaults"
    )
    loggers: Annotated[list[Literal["tensorboard", "mlflow", "wandb"]], Field(max_length=3), DISTINCT] = Field(
        default=[], description="experiment trackers that receive losses and figures, in addition to events.jsonl"
    )
    upload_text: bool = Field(
        default=False, description="also send reports and ledgers, which quote the corpus, to the trackers"
    )


def component_configs(table: registry.Table, kind: str) -> dict[str, type[Section]]:
    """Every component of a kind with its config class."""
    return {name: registry.load(table, kind, name).Config for name in table[kind]}


def experiment_type(chosen: Mapping[str, type[Section]]) -> type[Experiment]:
    """``Experiment`` with the sections of ``chosen`` typed; other sections accept anything."""
    fields: dict[str, Any] = {
        name: (section, Field(description=Experiment.model_fields[name].description))
        for name, section in chosen.items()
    }
    return create_model("Experiment", __base__=Experiment, **fields)
