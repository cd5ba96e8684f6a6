"""Names and numbers that are replaced in the source and in the target of a pair together."""

from __future__ import annotations

from pathlib import Path

import pytest

from halluc.augmentation.methods.base import Lexicon, OptionError, Workspace, build
from halluc.augmentation.methods.noise import NoiseConfig
from halluc.augmentation.methods.paired_replacement import PairedReplacementConfig
from halluc.core.edits import Editable, Replace, apply
from halluc.core.examples import Origin
from halluc.core.rng import Draws
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.source_text import Sourced, cut_parts
from halluc.tasks.translation.config import TranslationConfig
from halluc.tasks.translation.task import Translation

EXAMPLES = Translation(TranslationConfig(type="translation")).examples


def pair(source: str, *targets: str) -> Sourced:
    made = cut_parts([("source", source)], Tokenizer())
    return Sourced("e1", Origin("f", 1), *made, targets, "de", "en")


def paired(example: Sourced) -> list[tuple[str, str]]:
    edited = EXAMPLES.editable(example)
    return [(" ".join(edited.tokens[start:end]), label) for start, end, label in edited.spans]


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("Two men ran to Oslo.", "Zwei Männer liefen nach Oslo.", [("Two", "number_word"), ("Oslo", "name")]),
        ("She saw Jonas Hall at 45.", "Sie sah Jonas Hall an 45.", [("Jonas Hall", "name"), ("45", "number")]),
        ("She went to Munich.", "Sie ging nach München.", []),  # another surface
        ("She saw Oslo and left Oslo.", "Sie sah Oslo.", []),  # twice on one side
        ("He likes Oslo.", "Er mag Oslo und Oslos Hafen.", []),  # again in another word
        ("She has the 20 of 2020.", "Sie hat die 20 von 2020.", []),  # again in another number
        ("Three dogs and three cats.", "Drei Hunde und drei Katzen.", []),
        ("He ate 1 apple.", "Er aß 1 Apfel.", []),  # the noun would change
        ("She said “Anna Berg waits”.", "Sie sagte „Anna Berg wartet“.", []),  # a part of a quotation
        ("She went to Oslo.", "", []),
    ],
)  # fmt: skip
def test_mentions_that_occur_once_on_each_side_are_paired(source, target, found):
    assert paired(pair(source, *filter(None, [target]))) == found


def test_every_target_must_have_it():
    assert paired(pair("She met Anna Berg.", "Sie traf Anna Berg.", "Sie traf sie.")) == []


def replaced(example: Sourced, *texts: str) -> Sourced:
    edited = EXAMPLES.editable(example)
    edits = [
        Replace(span.start, span.end, tuple(text.split()), "") for span, text in zip(edited.spans, texts, strict=True)
    ]
    return EXAMPLES.rebuild(example, apply(edited, edits), "new", example.origin)


def test_both_sides_change_and_keep_their_spaces():
    before = pair("Two  men (Anna Berg) ran.", "In Oslo liefen „Anna Berg“ und  zwei Männer.", "Zwei: Anna Berg!")
    after = replaced(before, "seven", "Jonas Hall")
    assert after.full_text == "seven  men (Jonas Hall) ran."
    assert after.targets == ("In Oslo liefen „Jonas Hall“ und  sieben Männer.", "Sieben: Jonas Hall!")


TRAINING = [
    pair("Two men visit Anna Berg in 1,250 towns.", "Zwei Männer besuchen Anna Berg in 1,250 Orten."),
    pair("Near there nine dogs met Jonas Hall.", "Dort trafen neun Hunde Jonas Hall."),
]


@pytest.mark.parametrize("key", range(5))
def test_names_come_from_training_and_numbers_keep_their_form(key):
    lexicon = Lexicon.of(map(EXAMPLES.editable, TRAINING))
    method = build(PairedReplacementConfig(type="paired_replacement", rate=1.0), lexicon)
    edited = method.change(EXAMPLES.editable(TRAINING[0]), Draws.of(key)).edited
    after = EXAMPLES.rebuild(TRAINING[0], edited, "new", TRAINING[0].origin)
    number = "".join(after.tokens[6:9])
    assert after.full_text == f"Nine men visit Jonas Hall in {number} towns."
    assert after.targets == (f"Neun Männer besuchen Jonas Hall in {number} Orten.",)
    assert number != "1,250"
    assert [char.isdigit() for char in number] == [char.isdigit() for char in "1,250"]
    assert number[0] != "0"


def test_a_corpus_without_such_a_name_is_refused():
    method = build(PairedReplacementConfig(type="paired_replacement"), Lexicon())
    with pytest.raises(OptionError) as error:
        method.fit([Editable(("no", "names"))], Workspace(Path("unused"), 1))
    assert error.value.code == "C145"


@pytest.mark.parametrize("key", range(8))
def test_noise_changes_the_source_alone_and_no_name_of_it(key):
    example = TRAINING[0]
    method = build(NoiseConfig(type="noise", rate=1.0), Lexicon())
    changed = method.change(EXAMPLES.editable(example), Draws.of(key))
    after = EXAMPLES.rebuild(example, changed.edited, "new", example.origin)
    assert changed.is_edited
    assert after.targets == example.targets
    assert "Anna Berg" in after.full_text
    assert "1,250" in after.full_text
