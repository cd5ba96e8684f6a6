"""The judge of tasks that write a text: statements and sentences against source and references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from halluc.core.examples import Span
from halluc.tasks.text_generation.claims_config import ClaimsConfig, GroundingConfig
from halluc.tasks.text_generation.judge import EvidenceRule, GenerationJudge

SOURCE = 'The council of Ardlow met on 3 May 2015. Mayor Jean Kerr said: "We will build 1,200 homes."'


@dataclass(frozen=True)
class SourcePart:
    name: str
    content: str


@dataclass(frozen=True)
class Texts:
    parts: tuple[SourcePart, ...]
    targets: tuple[str, ...] = ()
    id: str = "e1"
    language: str = "en"
    source_language: str = "en"

    def text(self, part: SourcePart) -> str:
        return part.content


@dataclass(frozen=True)
class Output:
    text: str
    confidences: tuple[float | None, ...]
    repeated: bool = False


def example(source: str = SOURCE, *targets: str, **more: Any) -> Texts:
    return Texts((SourcePart("document", source),), targets, **more)


def judged(judge: GenerationJudge, texts: Texts, output: str, repeated: bool = False):
    stated = judge.stated(output, texts.language)
    claims = judge.claims(texts, Output(output, (0.5,) * len(stated), repeated))
    return [(one.label, one.text, one.verdict, one.reason) for one in judge.judge(texts, claims).claims]


def test_what_the_source_says_in_another_form_is_supported_and_what_it_lacks_is_not():
    found = judged(
        GenerationJudge(),
        example(),
        "In May 2015 Jean Kerr of Ardlow and Paul Reid planned one thousand two hundred homes, not 1,300.",
    )
    verdicts = {(kind, text): verdict for kind, text, verdict, _ in found}
    assert verdicts[("date", "May 2015")] == "supported"
    assert verdicts[("name", "Jean Kerr of Ardlow")] == "unsupported"
    assert verdicts[("name", "Paul Reid")] == "unsupported"
    assert verdicts[("number", "one thousand two hundred")] == "supported"
    assert verdicts[("number", "1,300")] == "unsupported"
    assert {reason for _, _, verdict, reason in found if verdict == "unsupported"} == {"not_in_source", "not_grounded"}
    assert {reason for _, _, verdict, reason in found if verdict == "supported"} == {None}
