"""Dialogue: the next reply of an agent, judged by its knowledge and by the preceding turns."""

from __future__ import annotations

from typing import ClassVar

from halluc.config.section import Section
from halluc.tasks.defaults import TaskDefaults
from halluc.tasks.dialogue.config import DialogueConfig
from halluc.tasks.dialogue.examples import KNOWLEDGE, PERSONA, TURN, DialogueExamples
from halluc.tasks.dialogue.figures import ReplyFigures
from halluc.tasks.dialogue.wording import WORDING
from halluc.tasks.text_generation.judge import EvidenceRule, GenerationJudge
from halluc.tasks.text_generation.knowledge import WrittenKnowledge
from halluc.tasks.text_generation.model import GenerationModel

PROMPT = (
    "You are the agent in a dialogue. Write its next reply. Say nothing that the facts do not say.\n\n"
    "About the agent:\n{persona}\n\nFacts:\n{knowledge}\n\nDialogue:\n{turn}\n\nReply:"
)


class Dialogue(TaskDefaults):
    """Writes the next reply of an agent, judged by its knowledge and by what was said before."""

    name: ClassVar[str] = "dialogue"
    head: ClassVar[tuple[str, ...]] = ("ForConditionalGeneration",)
    Config: ClassVar[type[Section]] = DialogueConfig

    def __init__(self, config: DialogueConfig) -> None:
        super().__init__(config)
        # A reference is one possible reply, and not evidence for another one.
        self.judge = GenerationJudge(config.claims, config.grounding, EvidenceRule(references=False))
        self.examples = DialogueExamples(self.judge)
        self.model = GenerationModel(
            config,
            self.judge,
            (PERSONA, KNOWLEDGE, TURN),
            PROMPT,
            encoded="{persona}\n{knowledge}\n{turn}",
            cut_at_start=(TURN,),
        )
        self.figures = ReplyFigures()
        self.knowledge = WrittenKnowledge()
        self.wording = WORDING
