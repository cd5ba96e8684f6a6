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
        "alternating texts of user and agent, or of pairs of them; null: the first of `turns`, `messages`, "
        "`conversations`, `conversation`, `dialogue` and `dialog` that the row has",
    )
    history_field: Column = Field(
        default="history",
        description="for rows with one reply each: the field of the turns before it, in the same forms",
    )
    reply_field: Column = Field(default="reply", description="the field of the reply, or of a list of references")
    persona_field: Column = Field(
        default="persona", description="the field of the persona of the agent, a text or a list of texts"
    )
    knowledge_field: Column = Field(
        default="knowledge",
        description="the field of the knowledge of the agent, a text or a list of texts, of a row or of a turn with "
        "a reply",
    )
    dialogue_field: Column = Field(
        default="dialogue_id",
        description="for rows with one reply each: the field of the dialogue id; without it, a row whose history "
        "continues the previous row belongs to the same dialogue",
    )
    agents: Annotated[list[Text], Field(min_length=1, max_length=MOST_AGENTS), DISTINCT] = Field(
        default=["agent", "assistant", "bot", "gpt", "model", "wizard"],
        description="the speakers whose turns are replies",
    )
    language: Text | None = Field(
        default=None, description="language code, such as `en`, if rows have no field `language`; null: detected "
        "from each text",
    )  # fmt: skip
    tokenize: Tokenize = Field(
        default="words",
        description="how texts are split into tokens: words and punctuation, white space, or characters",
    )

    @model_validator(mode="after")
    def _fields_differ(self) -> Self:
        keys = ("turns_field", "history_field", "reply_field", "persona_field", "knowledge_field")
        used = Counter(str(value) for key in keys if (value := getattr(self, key)) is not None)
        repeated = next((name for name, times in used.items() if times > 1), None)
        if repeated is not None:
            raise ValueError(f"`{repeated}` is used for two fields: {', '.join(keys)} must differ")
        return self
