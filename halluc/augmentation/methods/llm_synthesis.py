"""New labelled examples, written by a large language model behind an endpoint that the user runs."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from halluc.augmentation.methods.base import (
    OptionError,
    Rejected,
    Synthesizer,
    Workspace,
    or_rejected,
    refuse_all_locked,
)
from halluc.augmentation.models.endpoint import Endpoint, LlmSynthesisConfig
from halluc.augmentation.translation.wording import join_tokens, split
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.examples import Span
from halluc.core.rng import Draws

_FORM = (
    'Answer with one JSON object only: {"text": the new text, "mentions": a list of {"text", "label"} with every '
    "mention in the text, in their order, each text exactly as it stands there}."
)

# Keys that are not part of the cache key, since they do not affect answers.
_NOT_ASKED = {"share", "send_data_to", "key_variable", "timeout", "retries", "concurrent", "max_requests"}


class LlmSynthesis(Synthesizer):
    """Asks a language model for new examples like some of the training split (few-shot prompting).

    Each answer must have exactly the labels of the example that it replaces, and every mention in its text, tokenized
    as in the training split. Other answers are rejected.
    """

    Config: ClassVar[type[LlmSynthesisConfig]] = LlmSynthesisConfig
    uses_model: ClassVar[bool] = True

    def __init__(self, config: LlmSynthesisConfig) -> None:
        self.config = config
        self._endpoint: Endpoint | None = None
        self._examples: dict[tuple[str, ...], list[Editable]] = {}
        self._vocabulary: frozenset[str] = frozenset()

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Collect the examples of the prompts. Nothing is sent yet.

        Raises:
            OptionError C147: every example has locked tokens. C149: the URL is invalid, or its host was not allowed.
                D144: the training split is empty.
        """
        read, vocabulary, self._examples = 0, set[str](), {}
        digest = hashlib.sha256(json.dumps([self.config.model_dump(exclude=_NOT_ASKED), workspace.seed]).encode())
        for example in examples:
            read += 1
            vocabulary.update(example.tokens)
            digest.update(repr(example).encode())
            if not example.locked and example.tokens:
                self._examples.setdefault(_labels(example), []).append(example)
        self._vocabulary = frozenset(vocabulary)
        if not read:
            raise OptionError("type", "D144", "the training split has no examples", "give it some", EXIT_DATA)
        if not self._examples:
            refuse_all_locked(read, read)
        cache = workspace.folder / f"llm_synthesis-{digest.hexdigest()[:16]}"
        key = os.environ.get(self.config.key_variable) or None
        self._endpoint = Endpoint(self.config, key, cache)

    def facts(self) -> dict[str, Any]:
        usage = self._endpoint.usage() if self._endpoint else {}
        return {"url": self.config.url, "model": self.config.model, **usage}

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        """One request for each, several in parallel.

        Raises:
            OptionError E450: the endpoint failed. E451: ``max_requests`` was reached.
        """
        requests = [self._request(*one) for one in zip(like, draws, strict=True)]
        with ThreadPoolExecutor(max_workers=self.config.concurrent) as threads:
            try:
                return list(threads.map(self._request_sample, like, requests))
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def _request_sample(self, like: Editable, request: dict[str, Any] | None) -> Editable | Rejected:
        if request is None:
            return Rejected("locked")
        assert self._endpoint is not None, "call `fit` first"
        return or_rejected(parse_answer, self._endpoint.complete(request).text, like, self._vocabulary)

    def _request(self, like: Editable, draws: Draws) -> dict[str, Any] | None:
        """The request; None for an example that no sample can replace."""
        if like.locked:
            return None
        config, wanted = self.config, _labels(like)
        seed = draws.bits() >> 33
        pool = self._examples.get(wanted) or [one for many in self._examples.values() for one in many]
        shots = [pool[number] for number in draws.some(len(pool), config.shots)] if config.shots else []
        messages = [{"role": "system", "content": f"{config.instructions} {_FORM}"}]
        for shot in draws.shuffled(shots):
            messages += [
                {"role": "user", "content": _question(shot)},
                {"role": "assistant", "content": json.dumps(answer_record(shot), ensure_ascii=False)},
            ]
        messages.append({"role": "user", "content": _question(like)})
        request: dict[str, Any] = {
            "model": config.model,
            "messages": messages,
            "temperature": config.temperature,
            "max_tokens": config.max_tokens,
            "seed": seed,
        }
        if config.output == "json_object":
            request["response_format"] = {"type": "json_object"}
        elif config.output == "json_schema":
            schema = _schema(sorted({span.label for span in like.spans}))
            request["response_format"] = {"type": "json_schema", "json_schema": schema}
        return request


def _labels(example: Editable) -> tuple[str, ...]:
    """The labels of the whole example, and of each of its mentions: examples with the same labels are its shots."""
    return (*example.labels, "|", *sorted(span.label for span in example.spans))


def _question(example: Editable) -> str:
    """The question about labels, mentions and length (the filter ``length_ratio`` compares the length)."""
    text = join_tokens(example.tokens)
    length = f"{len(text.split())} words" if " " in text else f"{len(text)} characters"
    counts = Counter(span.label for span in example.spans)
    mentions = ", ".join(f"{count} of label {label}" for label, count in sorted(counts.items())) or "none"
    whole = f"Labels of the text: {', '.join(example.labels)}. " if example.labels else ""
    return f"{whole}Length: about {length}. Mentions: {mentions}."


def answer_record(example: Editable) -> dict[str, Any]:
    """An example in the form of an answer."""
    mentions = [{"text": join_tokens(example.tokens[one.start : one.end]), "label": one.label} for one in example.spans]
    return {"text": join_tokens(example.tokens), "mentions": mentions}


def _schema(labels: Sequence[str]) -> dict[str, Any]:
    text = {"type": "string"}
    mention = {
        "type": "object",
        "properties": {"text": text, "label": {"type": "string", **({"enum": list(labels)} if labels else {})}},
        "required": ["text", "label"],
        "additionalProperties": False,
    }
    whole = {
        "type": "object",
        "properties": {"text": text, "mentions": {"type": "array", "items": mention}},
        "required": ["text", "mentions"],
        "additionalProperties": False,
    }
    return {"name": "example", "strict": True, "schema": whole}


def parse_answer(answer: str, like: Editable, vocabulary: frozenset[str]) -> Editable:
    """The example in an answer.

    Raises:
        Rejected: it is not JSON of the requested form, has other labels, or mentions that do not occur in its text
            exactly as often as listed.
    """
    text, mentions = _parse_json(answer)
    tokens = split(text, vocabulary)
    if not any(any(map(str.isalnum, token)) for token in tokens):
        raise Rejected("no text")
    if Counter(label for _, label in mentions) != Counter(span.label for span in like.spans):
        raise Rejected("other labels than asked")
    spans: list[Span] = []
    surfaces = [(tuple(split(surface, vocabulary)), label) for surface, label in mentions]
    for surface, label in surfaces:
        places = _places(tokens, surface)
        if not places:
            raise Rejected("mention not in text")
        if len(places) != sum(other == surface for other, _ in surfaces):
            raise Rejected("mention not labelled everywhere")
        start = next((at for at in places if not spans or at >= spans[-1].end), None)
        if start is None:
            raise Rejected("order of mentions")
        spans.append(Span(start, start + len(surface), label))
    return Editable(tuple(tokens), tuple(spans), (), like.labels)


def _parse_json(answer: str) -> tuple[str, list[tuple[str, str]]]:
    """The text and the mentions of an answer, which may be in a code fence or between words."""
    try:
        record = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])
        text, mentions = record["text"], [(one["text"], one["label"]) for one in record["mentions"]]
        if not all(isinstance(value, str) for value in (text, *(part for one in mentions for part in one))):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Rejected("no JSON as asked") from None
    if not all(surface.strip() for surface, _ in mentions):
        raise Rejected("mention not in text")
    # JSON can contain lone surrogates, which cannot be written to files.
    if any("\ud800" <= char <= "\udfff" or char == "\0" for char in text):
        raise Rejected("no text")
    return text, mentions


def _places(tokens: Sequence[str], surface: tuple[str, ...]) -> list[int]:
    size = len(surface)
    return [at for at in range(len(tokens) - size + 1) if tuple(tokens[at : at + size]) == surface]
