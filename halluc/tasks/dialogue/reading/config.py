"""The keys of ``data`` of dialogue."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from halluc.config.section import DISTINCT, Text
from halluc.data.config import Column, DataConfig
from halluc.data.rows.row import Format
from halluc.data.tokenization import TokenizationKeys, Tokenize

MOST_AGENTS = 1_000


class DialoguesConfig(DataConfig, TokenizationKeys):
    task: ClassVar[str] = "dialogue"
    formats: ClassVar[tuple[Format, ...]] = ("jsonl", "json", "table", "hub")
    turns_field: Column | None = Field(
        default=None,
        description="the field of the turns, a list of `{speaker, text}` (or `{role, content}`, `{from, value}`), of "
        "texts of user and agent by turns, or of pairs of them; null: the first of `turns`, `messages`, "
        "`conversations`, `conversation`, `dialogue` and `dialog` that the row has",
    )
    history_field: Column = Field(
        default="history", description="of rows with one reply each: that of the turns before it, in the same forms"
    )
    reply_field: Column = Field(default="reply", description="that of the reply, or of a list of several references")
    persona_field: Column = Field(default="persona", description="that of who the agent is, a text or a list of texts")
    knowledge_field: Column = Field(
        default="knowledge",
        description="that of what the agent knows, a text or a list of texts, of a row or of a turn with a reply",
    )
    dialogue_field: Column = Field(
        default="dialogue_id",
        description="of rows with one reply each: that of the dialogue that they belong to; without it, a row whose "
        "history goes on where the row before ends is of the same dialogue",
    )
    agents: Annotated[list[Text], Field(min_length=1, max_length=MOST_AGENTS), DISTINCT] = Field(
        default=["agent", "assistant", "bot", "gpt", "model", "wizard"],
        description="the speakers whose turns are replies to learn",
    )
    language: Text | None = Field(
        default=None, description="language code, such as `en`, if rows have no field `language`; null: detected "
        "from each text",
    )  # fmt: skip
    tokenize: Tokenize = Field(
        default="words", description="how texts become tokens: words and punctuation, white space, or each character"
    )

    @model_validator(mode="after")
    def _fields_differ(self) -> Self:
        keys = ("turns_field", "history_field", "reply_field", "persona_field", "knowledge_field")
        used = Counter(str(value) for key in keys if (value := getattr(self, key)) is not None)
        repeated = next((name for name, times in used.items() if times > 1), None)
        if repeated is not None:
            raise ValueError(f"`{repeated}` is the field of two things: those of {', '.join(keys)} must differ")
        return self
