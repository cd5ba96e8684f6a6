"""From rows, and from the articles of SQuAD, to questions with contexts; the context of several questions is stored
once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from halluc.core.characters import is_invisible
from halluc.core.edits import Range
from halluc.core.examples import Origin
from halluc.data.config import DataConfig
from halluc.data.fields import Ids, kind, located, nul, own_id, path_of, value_at, value_of, whole
from halluc.data.inputs import InputText, identity_of, paired
from halluc.data.predictions import PredictionFile
from halluc.data.reader import Reader, Repaired, Unmapped
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import MEND, BadLine, LeftOut, Notice, Row, Unreadable, quoted
from halluc.data.tokenization import Tokenizer
from halluc.data.writers import Options, Writer, json_lines, json_list, unfit
from halluc.tasks.question_answering.examples import ContextQuestion, QuestionExamples
from halluc.tasks.question_answering.reading.answers import Answers, parse_answers
from halluc.tasks.question_answering.reading.config import QuestionsConfig
from halluc.tasks.question_answering.reading.predictions import AnswerFile
from halluc.tasks.question_answering.spaced_text import SpacedText


def _record(example: ContextQuestion, options: Options) -> dict[str, Any]:
    """
    Raises:
        HallucError D130: question or context is invisible or has a NUL, or tokens or answers would be read differently.
    """
    for what, text in (("question", example.question), ("context", example.context)):
        if is_invisible(text.text) or "\0" in text.text:
            raise unfit(example, f"a {what} without visible characters, or with a NUL", "remove it")
        places = [(start, start + len(token)) for start, token in zip(text.offsets, text.tokens, strict=True)]
        if not all(text.tokens) or located(text.tokens, text.text) != places:
            raise unfit(example, f"spaces in the tokens of the {what}", "split it into words")
    if any(answer != answer.strip() for answer in example.texts):
        raise unfit(example, "an answer that starts or ends with a space", "remove the space")
    return QuestionExamples().record(example)


WRITERS = {
    "jsonl": Writer("question, context and answers, one object per line", json_lines(_record), (".jsonl",)),
    "json": Writer("the same, as one list", json_list(_record), (".json",)),
}


Item = ContextQuestion | Repaired | BadLine | LeftOut


class _Context(NamedTuple):
    """A context, and the tokens that begin and end at each character."""

    text: SpacedText
    starts: Mapping[int, int]
    ends: Mapping[int, int]

    @classmethod
    def of(cls, text: SpacedText) -> _Context:
        return cls(text, *text.borders())

    def has_borders(self, place: Range) -> bool:
        """Whether a range of characters begins and ends at borders of tokens."""
        return place[0] in self.starts and place[1] in self.ends

    def tokens(self, place: Range, what: str) -> Range:
        """The tokens of an answer to ``what``.

        Raises:
            Unreadable D109: it begins or ends outside of tokens.
        """
        if not self.has_borders(place):
            problem = (
                f"{what}: an answer starts or ends with an invisible character, which `data.strip_invisible` removes"
            )
            raise Unreadable("D109", problem, "remove the character from the answer, or the key from the config")
        return self.starts[place[0]], self.ends[place[1]]


class QuestionsReader(Reader):
    """Questions with a context and answers: rows in Hugging Face's SQuAD form, and the files of SQuAD and CMRC 2018."""

    Config: ClassVar[type[DataConfig]] = QuestionsConfig
    Predictions: ClassVar[type[PredictionFile] | None] = AnswerFile
    writers: ClassVar[Mapping[str, Writer]] = WRITERS
    has_marked_lines: ClassVar[bool] = True

    def __init__(self, config: QuestionsConfig) -> None:
        self.config = config
        self.mapping = ""
        self._tokenizer = Tokenizer.of(config)

    def read(
        self, reference: str, split: SplitName
    ) -> Iterator[ContextQuestion | Repaired | BadLine | LeftOut | Notice]:  # fmt: skip
        file, rows = open_rows(reference, split, self.config.layout())
        questions = _QuestionSplit(self, file, split)
        for row in rows:
            if not isinstance(row, Row):
                yield row
            elif isinstance(row.fields.get("paragraphs"), list):
                self.mapping = self.mapping or "articles with paragraphs and questions, as in SQuAD"
                yield from questions.article(row)
            else:
                try:
                    yield questions.row(row)
                except Unreadable as bad:
                    yield row.bad(bad)

    def input_of(self, row: Row) -> InputText:
        """A question with its context; in a line of plain text they are separated by a tab.

        Raises:
            Unreadable: one of the two is missing or blank.
        """
        identity = identity_of(row, self.config.id_field)
        text = row.fields.get("text")
        if isinstance(text, str) and len(row.fields) == 1:
            if not text.strip():
                return InputText(row.line, identity, (), text, ())
            question, tab, context = text.partition("\t")
            if not tab:
                help = (
                    "a line of plain text needs a question, a tab and its context; else use objects {question, context}"
                )
                raise Unreadable("D113", "a line without a tab", help)
        else:
            question, context = self.text(row.fields, "question"), self.text(row.fields, "context")
        result = paired(row.line, identity, question, context, self._tokenizer, "both question and context are needed")
        return replace(result, details=(self.spaced_text(question, None), self.spaced_text(context, None)))

    def value(self, given: Mapping[Any, Any], key: str) -> Any:
        """The value in the field configured by ``data.<key>_field``.

        Raises:
            Unmapped D107: it has no such field.
        """
        column = getattr(self.config, f"{key}_field")
        path = path_of(column, [given])
        if len(path) == 1 and path[0] not in given:
            problem = f"no field `{column}`; the row has {quoted(given)}"
            raise Unmapped("D107", problem, f"set `data.{key}_field`")
        return value_at(given, path)

    def text(self, given: Mapping[Any, Any], key: str) -> str:
        """
        Raises:
            Unreadable: it is not text, or is invisible.
        """
        text = self.value(given, key)
        if not isinstance(text, str):
            raise Unreadable("D107", f"the {key} is {kind(text)}, not a string", f"see `data.{key}_field`")
        if "\0" in text:
            raise nul(key)
        if is_invisible(text):
            raise Unreadable("D106", f"the {key} is empty", MEND)
        return text

    def spaced_text(self, text: str, words: Any, borders: Iterable[int] = ()) -> SpacedText:
        """A text as tokens: the ``words`` of the file, if it has them and they match the text."""
        if isinstance(words, list) and all(isinstance(word, str) and word for word in words):
            bounds = located(words, text)
            if bounds and not text[bounds[-1][1] :].strip():
                return SpacedText.at(text, bounds, self._tokenizer.cut(text)[0])
        return SpacedText.cut(text, self._tokenizer, list(borders))


class _QuestionSplit:
    """The questions of one file, whose contexts and documents are identified by their texts."""

    def __init__(self, reader: QuestionsReader, file: str, split: str) -> None:
        self.reader, self.file, self.split = reader, file, split
        self.lenient = reader.config.on_bad_line == "skip"
        self.ids, self.count = Ids(), 0
        self.contexts: dict[tuple[str, tuple[int, ...]], _Context] = {}
        self.given: dict[SpacedText, _Context] = {}
        self.documents: dict[str, int] = {}

    def row(self, row: Row) -> ContextQuestion | Repaired | LeftOut:
        """The question of a single row.

        Raises:
            Unreadable: it cannot be read.
        """
        reader, given = self.reader, row.fields
        self.count = row.number or row.line
        context = reader.text(given, "context")
        answers = self._answers(given, context, self._name(given) or f"question {self.count}")
        if not reader.mapping:
            config = reader.config
            fields = (config.question_field, config.context_field, config.answers_field)
            reader.mapping = "question from `{}`, context from `{}`, answers from `{}`".format(*fields)
        title = value_of(given, reader.config.title_field)
        document = self.document(title if isinstance(title, str) and title else context)
        return self.question(row, given, self.context(context, answers.places, given), answers, document)

    def article(self, row: Row) -> Iterator[Item]:
        """The questions of an article: those of each paragraph share its context."""
        title = row.fields.get("title")
        article = f"article {row.number or row.line}" + (f" ({title})" if isinstance(title, str) else "")
        document = self.document(article)
        for number, paragraph in enumerate(row.fields["paragraphs"], 1):
            where = f"paragraph {number} of {article}"
            try:
                questions = paragraph.get("qas") if isinstance(paragraph, Mapping) else None
                if not isinstance(questions, list) or not all(isinstance(one, Mapping) for one in questions):
                    raise Unreadable("D107", "no list `qas` of questions")
                context = self.reader.text(paragraph, "context")
            except Unreadable as bad:
                yield row.bad(Unreadable(bad.code, f"{where}: {bad.problem}", bad.help))
                continue
            yield from self._paragraph(row, questions, context, document, where)

    def _paragraph(
        self, row: Row, questions: list[Mapping[Any, Any]], context: str, document: int, where: str
    ) -> Iterator[Item]:
        result: list[tuple[int, Mapping[Any, Any], Answers | Unreadable]] = []
        for given in questions:
            self.count += 1
            try:
                name = self._name(given) or f"question {self.count} in {where}"
                result.append((self.count, given, self._answers(given, context, name)))
            except Unreadable as bad:
                result.append((self.count, given, bad))
        places = [place for *_, answers in result if isinstance(answers, Answers) for place in answers.places]
        shared = self.context(context, places, {})
        for self.count, given, answers in result:
            try:
                if isinstance(answers, Unreadable):
                    raise answers
                yield self.question(row, given, shared, answers, document)
            except Unreadable as bad:
                yield row.bad(bad)

    def _name(self, given: Mapping[Any, Any]) -> str:
        """The name of a question with an id, for messages."""
        own = own_id(given.get(self.reader.config.id_field), self.reader.config.id_field)
        return "" if own is None else f"question `{own}`"

    def _answers(self, given: Mapping[Any, Any], context: str, what: str) -> Answers:
        if given.get("is_impossible") is True and "answers" not in given:
            return Answers([], [])
        return parse_answers(given, self.reader.value(given, "answers"), context, what, self.lenient)

    def question(
        self, row: Row, given: Mapping[Any, Any], context: _Context, answers: Answers, document: int
    ) -> ContextQuestion | Repaired | LeftOut:
        """
        Raises:
            Unreadable: the question is empty, its id is not unique, or an answer is not made of whole tokens.
        """
        config = self.reader.config
        question = self.reader.spaced_text(self.reader.text(given, "question"), _words(given)[0])
        own = own_id(given.get(config.id_field), config.id_field)
        name = f"{self.split}-{self.count}" if own is None else str(own)
        self.ids.add(name, self.split, self.count, row.line, own is not None)
        if config.answerable_only and not answers.places:
            return LeftOut(self.file, row.line, f"question `{name}` has no answer")
        example = ContextQuestion(
            name, Origin(self.file, row.line, document), question, context.text,
            tuple(dict.fromkeys(context.tokens(place, f"question `{name}`") for place in answers.places)),
        )  # fmt: skip
        return Repaired(example, tuple(answers.repairs)) if answers.repairs else example

    def context(self, text: str, places: list[Range], given: Mapping[Any, Any]) -> _Context:
        """A context as tokens; a token is divided where an answer begins or ends inside of it."""
        words = _words(given)[1]
        if words is not None:
            own = self.reader.spaced_text(text, words)
            context = self.given.setdefault(own, _Context.of(own))
            if all(map(context.has_borders, places)):
                return context
        context = self._tokenize_context(text, ())
        if all(map(context.has_borders, places)):
            return context
        return self._tokenize_context(text, tuple(sorted({at for place in places for at in place})))

    def _tokenize_context(self, text: str, borders: tuple[int, ...]) -> _Context:
        if (text, borders) not in self.contexts:
            self.contexts[text, borders] = _Context.of(self.reader.spaced_text(text, None, borders))
        return self.contexts[text, borders]

    def document(self, name: str) -> int:
        return self.documents.setdefault(name, len(self.documents) + 1)


def _words(given: Mapping[Any, Any]) -> tuple[Any, Any]:
    """The tokens of question and context, if a file has them, as halluc writes them."""
    words, second = given.get("tokens"), given.get("second")
    return (words[:second], words[second:]) if isinstance(words, list) and whole(second) else (None, None)
