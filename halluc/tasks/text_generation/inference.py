"""The answers of ``halluc serve`` for tasks whose model writes a text, with Hugging Face's name for the text."""

from __future__ import annotations

from typing import Any

from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Record
from halluc.tasks.text_generation.records import StatedClaim, WrittenRecord


class WrittenAnswer(Record):
    """``claims`` are the claims of the text; a subclass also has the text."""

    claims: list[StatedClaim]
    log_probability: float | None
    ended: bool


def inference_of(answer: type[WrittenAnswer], text: str) -> InferenceSchema:
    """
    Args:
        text: the field of ``answer`` with the text that the model wrote.
    """

    def answers(record: WrittenRecord, asked: Record) -> list[WrittenAnswer]:
        result: dict[str, Any] = {name: getattr(record, name) for name in WrittenAnswer.model_fields}
        result[text] = record.output
        return [answer(**result)]

    return InferenceSchema(answer, answers)
