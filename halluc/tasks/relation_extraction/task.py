"""Relation extraction: the relation of a marked head and tail in a sentence."""

from __future__ import annotations

from typing import ClassVar

from halluc.config.section import Section
from halluc.tasks.defaults import TaskDefaults
from halluc.tasks.relation_extraction.claims import RelationJudge
from halluc.tasks.relation_extraction.config import RelationExtractionConfig
from halluc.tasks.relation_extraction.examples import RelationExamples
from halluc.tasks.relation_extraction.figures import RelationFigures
from halluc.tasks.relation_extraction.knowledge import RelationKnowledge
from halluc.tasks.relation_extraction.model import SETTINGS, RelationClassifier
from halluc.tasks.relation_extraction.wording import WORDING


class RelationExtraction(TaskDefaults):
    """Labels pairs of marked spans in a sentence with their relation, or with none."""

    name: ClassVar[str] = "relation_extraction"
    # transformers has no class for this task: models are token classifiers with two outputs per relation.
    head: ClassVar[tuple[str, ...]] = ("ForTokenClassification",)
    Config: ClassVar[type[Section]] = RelationExtractionConfig
    saved_keys: ClassVar[tuple[str, ...]] = SETTINGS

    def __init__(self, config: RelationExtractionConfig) -> None:
        super().__init__(config)
        self.examples = RelationExamples()
        self.model = RelationClassifier(config)
        self.judge = RelationJudge()
        self.figures = RelationFigures()
        self.knowledge = RelationKnowledge()
        self.wording = WORDING
