"""The example of dialogue: the preceding turns, the agent's persona and knowledge, and the reference reply."""

from __future__ import annotations

from typing import Any, ClassVar

from halluc.runs.inference import InferenceSchema
from halluc.tasks.text_generation.examples import (
    GenerationExamples,
    WrittenAnswer,
    inference_schema,
    language_of_record,
    record_targets,
)
from halluc.tasks.text_generation.source_text import Sourced

# The parts of an input; the name of a turn is followed by a colon and the speaker.
PERSONA, KNOWLEDGE, TURN = "persona", "knowledge", "turn"
USER, AGENT = "user", "agent"
HISTORY, REPLY, SPEAKER, TEXT = "history", "reply", "speaker", "text"


class ReplyAnswer(WrittenAnswer):
    generated_text: str


class DialogueExamples(GenerationExamples):
    """Parts ``persona``, ``knowledge`` and ``turn:SPEAKER``, any number of each; augmentation changes only turns."""

    inference: ClassVar[InferenceSchema] = inference_schema(ReplyAnswer, "generated_text")

    part: ClassVar[str] = f"{TURN}:{USER}"
    changing: ClassVar[frozenset[str] | None] = frozenset((TURN,))

    def record(self, example: Sourced) -> dict[str, Any]:
        """A row of one reply with the preceding turns."""
        parts = [(part.name.partition(":"), example.text(part)) for part in example.parts]
        return {
            "id": example.id,
            "tokens": list(example.tokens),
            PERSONA: [text for (name, _, _), text in parts if name == PERSONA],
            KNOWLEDGE: [text for (name, _, _), text in parts if name == KNOWLEDGE],
            HISTORY: [{SPEAKER: speaker, TEXT: text} for (name, _, speaker), text in parts if name == TURN],
            REPLY: record_targets(example.targets),
            **language_of_record(example),
        }
