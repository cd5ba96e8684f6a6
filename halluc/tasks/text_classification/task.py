"""Text classification: one or several labels of texts, or of pairs of texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from halluc.config.section import Section
from halluc.tasks.text_classification.claims import LabelJudge, LabelSetJudge
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.examples import TextExamples
from halluc.tasks.text_classification.figures import Labelling, LabelSets
from halluc.tasks.text_classification.knowledge import WordKnowledge
from halluc.tasks.text_classification.model import TextClassifier, problem_type
from halluc.tasks.text_classification.wording import wording

_RETRIEVAL_HEAD = "ForTokenClassification"


class TextClassification:
    """Labels texts, or pairs of them: intents, topics, sentiment, and what is out of scope."""

    name: ClassVar[str] = "text_classification"
    head: ClassVar[tuple[str, ...]] = ("ForSequenceClassification", _RETRIEVAL_HEAD)
    Config: ClassVar[type[Section]] = TextClassificationConfig

    def __init__(self, config: TextClassificationConfig) -> None:
        self.config = config
        self.examples = TextExamples(config)
        self.model = TextClassifier(config)
        self.judge = LabelSetJudge() if config.multi_label else LabelJudge()
        self.figures = LabelSets(config.period) if config.multi_label else Labelling(config.period, config.ranking)
        self.knowledge = WordKnowledge(self.examples)
        self.wording = wording(config.multi_label)

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        saved, architectures = config.get(cls.name), config.get("architectures")
        heads = architectures if isinstance(architectures, list) else []
        # A model with another head may have the key too, if it was fine-tuned from a retrieval model.
        if isinstance(saved, dict) and any(str(head).endswith(_RETRIEVAL_HEAD) for head in heads):
            return {key: saved[key] for key in ("retrieval",) if key in saved}
        return {"multi_label": config.get("problem_type") == problem_type(True)}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> TextClassification:
        multi_label = not set(LabelSets.protocols).isdisjoint(protocols)
        return cls(TextClassificationConfig(type="text_classification", multi_label=multi_label))
