"""The formats of question answering: the rows that its reader reads, as lines or as one list."""

from __future__ import annotations

from typing import Any

from halluc.core.characters import is_invisible
from halluc.data.fields.values import located
from halluc.data.writers import Options, Writer, each, json_lines, json_list, unfit
from halluc.tasks.question_answering.examples import ContextQuestion, QuestionExamples


def _record(example: ContextQuestion, options: Options) -> dict[str, Any]:
    """
    Raises:
        HallucError D130: question or context shows nothing or has a NUL, or tokens or answers would be read otherwise.
    """
    for what, text in (("question", example.question), ("context", example.context)):
        if is_invisible(text.text) or "\0" in text.text:
            raise unfit(example, f"a {what} in which nothing is visible, or with a NUL", "take it out")
        places = [(start, start + len(token)) for start, token in zip(text.offsets, text.tokens, strict=True)]
        if not all(text.tokens) or located(text.tokens, text.text) != places:
            raise unfit(example, f"blanks in the tokens of the {what}", "cut it into words")
    if any(answer != answer.strip() for answer in example.texts):
        raise unfit(example, "an answer that begins or ends with a blank", "take the blank out of it")
    return QuestionExamples().record(example)


WRITERS = {
    "jsonl": Writer("question, context and answers, an object a line", json_lines(each(_record)), (".jsonl",)),
    "json": Writer("the same as one list", json_list(each(_record)), (".json",)),
}
