"""From rows to replies with their context: a row is a dialogue, or a reply with its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from halluc.core.examples import Origin
from halluc.data.config import DataConfig
from halluc.data.fields import value_of
from halluc.data.reader import Unmapped
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import BadLine, LeftOut, Notice, Row, Unreadable, quoted
from halluc.tasks.dialogue.examples import AGENT, KNOWLEDGE, PERSONA, TEXT, TURN, USER
from halluc.tasks.dialogue.reading.config import DialoguesConfig
from halluc.tasks.dialogue.reading.turns import Turn, TurnForms, facts
from halluc.tasks.text_generation.reading import SourcedReader, first_with_value, reference_texts
from halluc.tasks.text_generation.source_text import Sourced

_TURNS = ("turns", "messages", "conversations", "conversation", "dialogue", "dialog")


class DialogueNumbers:
    """Numbers the dialogues of a file: rows with the same name, or that continue the previous row, are one dialogue."""

    def __init__(self) -> None:
        self._last = 0
        self._previous: Sequence[str] = ()
        self._named: dict[Any, int] = {}

    def of(self, name: Any, before: Sequence[str], texts: Sequence[str]) -> int:
        """The number of a row's dialogue.

        Args:
            name: that of the dialogue, if the row has one. before: the turns before its first reply, which may be
                truncated. texts: all turns.
        """
        history = list(before[:-1])
        continues = bool(history) and list(self._previous[-len(history) :]) == history
        self._previous = texts
        if isinstance(name, (str, int)):
            self._last += name not in self._named
            return self._named.setdefault(name, self._last)
        self._last += not continues
        return self._last


class DialoguesReader(SourcedReader):
    """Dialogues, persona and knowledge: JSON Lines, JSON, tables, the hub; each reply of the agent is an example."""

    Config: ClassVar[type[DataConfig]] = DialoguesConfig

    def __init__(self, config: DialoguesConfig) -> None:
        super().__init__(config)
        self._forms = TurnForms(frozenset(config.agents), config.knowledge_field)
        self._numbers = DialogueNumbers()

    def read(self, reference: str, split: SplitName) -> Iterator[Sourced | BadLine | LeftOut | Notice]:
        self._numbers = DialogueNumbers()
        yield from super().read(reference, split)

    def examples(self, row: Row, origin: Origin, identity: str) -> Sequence[Sourced | LeftOut]:
        given = row.fields
        field = self._turns_field(given)
        if field is None:
            persona, turns = self._forms.history(value_of(given, self.config.history_field), self.config.history_field)
            targets = reference_texts(value_of(given, self.config.reply_field), str(self.config.reply_field))
            turns.append(Turn(AGENT, targets[0] if targets else "", is_reply=True))
            self._report_mapping(f"one reply per row, from `{self.config.reply_field}`")
        else:
            persona, turns = self._forms.turns(value_of(given, field), field)
            targets = []
            self._report_mapping(f"turns from `{field}`, replies by {quoted(self.config.agents)}")
        replies = [number for number, turn in enumerate(turns) if turn.is_reply]
        if not replies:
            speakers = dict.fromkeys(turn.speaker for turn in turns)
            who = f"its speakers are {quoted(speakers)}" if speakers else "it has only system instructions"
            help = "add the speaker whose turns are replies to `data.agents`"
            raise Unreadable("D126", f"a dialogue without a reply: {who}", help)
        texts = [turn.text for turn in turns]
        document = self._numbers.of(value_of(given, self.config.dialogue_field), texts[: replies[0]], texts)
        origin = replace(origin, document=document)
        examples: list[Sourced | LeftOut] = []
        for number, place in enumerate(replies, 1):
            name = identity if field is None or len(replies) == 1 else f"{identity}.{number}"
            references = targets if field is None else [turns[place].text]
            example = self._example(given, origin, name, persona, turns[: place + 1], references)
            without = LeftOut(row.file, row.line, "a reply without history, persona and knowledge")
            examples.append(example if example.tokens else without)
        return examples

    def source(self, row: Row) -> Sourced | None:
        """The context for a reply: the turns before the last one, or all turns."""
        given = row.fields
        field = self._turns_field(given, needs_reply=False)
        if set(given) == {TEXT}:  # a line of plain text
            text = given[TEXT]
            persona = list[str]()
            turns = [Turn(USER, text.strip())] if isinstance(text, str) and text.strip() else []
        elif field is None:
            persona, turns = self._forms.history(value_of(given, self.config.history_field), self.config.history_field)
        else:
            persona, turns = self._forms.turns(value_of(given, field), field)
        if not turns or not turns[-1].is_reply:
            turns.append(Turn(AGENT, ""))
        example = self._example(given, Origin("", 0), "", persona, turns, ())
        return example if example.tokens else None

    def _example(
        self,
        given: Mapping[Any, Any],
        origin: Origin,
        identity: str,
        system: Sequence[str],
        turns: Sequence[Turn],
        targets: Sequence[str],
    ) -> Sourced:
        """An example; the last turn is the reply, of which only the knowledge is used."""
        config = self.config
        persona = [*system, *facts(value_of(given, config.persona_field), config.persona_field)]
        knowledge = [*facts(value_of(given, config.knowledge_field), config.knowledge_field), *turns[-1].knowledge]
        parts = [
            *((PERSONA, text) for text in persona),
            *((KNOWLEDGE, text) for text in knowledge),
            *((f"{TURN}:{turn.speaker}", turn.text) for turn in turns[:-1]),
        ]
        return self.make_example(given, origin, identity, parts, targets)

    def _turns_field(self, given: Mapping[Any, Any], *, needs_reply: bool = True) -> Any:
        """The field of the turns; None for a row with one reply.

        Raises:
            Unmapped D116: the row has neither.
        """
        config = self.config
        configured = config.turns_field
        field = first_with_value(given, _TURNS) if configured is None else configured
        if field is not None and value_of(given, field) is not None:
            return field
        if config.reply_field in given or (not needs_reply and (config.history_field in given or TEXT in given)):
            return None
        what = "neither turns nor a reply" if configured is None else f"no field `{configured}`"
        if field is not None and field in given:
            what = f"`{field}` is null"
        help = "set `data.turns_field`, or `data.reply_field` and `data.history_field`"
        raise Unmapped("D116", f"{what}; the row has {quoted(given)}", help)

    def _report_mapping(self, mapping: str) -> None:
        """Describe which fields are read, including the names for missing persona and knowledge."""
        config = self.config
        rest = f"persona from `{config.persona_field}`, knowledge from `{config.knowledge_field}`"
        self.say(f"{mapping}; {rest}")
