"""Synthetic sources for target texts: what is translated, which translations are used, and what becomes of a pair."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import ValidationError

from halluc.augmentation.filters.filters import Candidate, Leak, LeakConfig
from halluc.augmentation.methods.base import Lexicon, OptionError, Rejected, Workspace
from halluc.augmentation.methods.ngram import Ngram, NgramConfig
from halluc.augmentation.methods.synthetic_source import SyntheticSource, SyntheticSourceConfig
from halluc.augmentation.pipeline.candidates import CandidateMaker, CopyRequest, Method
from halluc.augmentation.pipeline.lines import LineMaker
from halluc.core.edits import Editable
from halluc.core.examples import Origin
from halluc.core.rng import Draws
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.source_text import Sourced, cut_parts
from halluc.tasks.translation.config import TranslationConfig
from halluc.tasks.translation.task import Translation

EXAMPLES = Translation(TranslationConfig(type="translation")).examples
KNOWN = {
    "Der Hund schläft.": "The dog, asleep.",
    "Oslo": "Oslo",  # unchanged
    "Das Haus ist groß.": "",
    "Es regnet.": "It rains and rains and rains and rains and rains.",
    "Der alte Hafen war leer.": "The old port was empty.",
}


@dataclass
class Reverse:
    """Translates what it knows, with the fingerprint of a model."""

    fingerprint: str = "reverse"
    asked: list[str] = field(default_factory=list)

    def answers(self, texts):
        self.asked += texts
        return [KNOWN[text] for text in texts]


def pair(number: int, source: str, target: str) -> Sourced:
    made = cut_parts([("source", source)], Tokenizer())
    return Sourced(f"train-{number}", Origin("train.en", number), *made, (target,), "de", "en")


TRAINING = [pair(number, f"Source {number} here", target) for number, target in enumerate(list(KNOWN)[:4], 1)]


def fitted(folder: Path, translator: Reverse | None = None, **keys) -> SyntheticSource:
    config = {"model": "runs/de-en"} if "engine" not in keys else {}
    method = SyntheticSource(SyntheticSourceConfig(type="synthetic_source", **config, **keys))
    reverse = translator or Reverse()
    workspace = Workspace(folder, 1, True, translator=lambda reference: reverse, tokens=Tokenizer().tokens)
    method.fit([EXAMPLES.editable(example) for example in TRAINING], workspace)
    return method


def line_of(method: SyntheticSource, example: Sourced):
    maker = CandidateMaker([Method("synthetic_source", ("synthetic_source",), 1.0, method)], [], 1, 2, False)
    return LineMaker(maker, EXAMPLES, "~", 1, Lexicon()).candidate(example, 1)


def test_the_target_of_a_pair_gets_a_synthetic_source_with_its_exact_text(tmp_path):
    method = fitted(tmp_path)
    line = line_of(method, TRAINING[0]).line
    record, provenance = json.loads(line.text), json.loads(line.provenance)
    assert (record["source"], record["target"]) == ("The dog, asleep.", "Der Hund schläft.")
    assert record["tokens"] == ["The", "dog", ",", "asleep", "."]
    assert (provenance["parent"], provenance["source"]) == ("train-1", "train.en:1")
    assert provenance["edits"][0]["before"] == ["Source", "1", "here"]
    reasons = [line_of(method, example).refusals[0].reason for example in TRAINING[1:]]
    assert reasons == ["no translation"] * 3
    counts = method.facts()
    assert [counts[name] for name in ("texts", "kept", "unchanged", "empty", "length")] == [4, 1, 1, 1, 1]


def test_translations_are_cached_for_the_same_model_and_texts(tmp_path):
    first, again, other = Reverse(), Reverse(), Reverse("another model")
    for one in (first, again, other):
        fitted(tmp_path, one)
    assert (len(first.asked), len(again.asked), len(other.asked)) == (4, 0, 4)


def test_new_target_texts_come_with_their_place_and_without_what_training_has(tmp_path):
    file = tmp_path / "mono.de"
    file.write_text("Es regnet.\n\nDer alte Hafen war leer.\nDer alte Hafen  war leer.\n", encoding="utf-8")
    method = fitted(tmp_path, texts=[str(file)])
    line = line_of(method, TRAINING[1]).line
    record, provenance = json.loads(line.text), json.loads(line.provenance)
    assert (record["source"], record["target"]) == ("The old port was empty.", "Der alte Hafen war leer.")
    assert (provenance["parent"], provenance["source"]) == (None, f"{file}:3")
    assert (method.facts()["lines"], method.facts()["repeated"], method.facts()["kept"]) == (4, 2, 1)


def test_a_program_translates_in_one_direction(tmp_path):
    method = fitted(tmp_path, engine={"type": "command", "forward": ["sed", "s/^/so /"]})
    assert method.sample(EXAMPLES.editable(TRAINING[0]), Draws.of(1)).text == "so Der Hund schläft."


@pytest.mark.parametrize("keys", [{}, {"model": "runs/x", "engine": {"type": "command", "forward": ["cat"]}}])
def test_either_a_run_or_an_engine_translates(keys):
    with pytest.raises(ValidationError, match="either `model`, a run, or `engine`"):
        SyntheticSourceConfig(type="synthetic_source", **keys)


def test_a_task_without_targets_and_useless_translations_are_refused(tmp_path):
    method = SyntheticSource(SyntheticSourceConfig(type="synthetic_source", model="runs/x"))
    with pytest.raises(OptionError) as error:
        method.fit([Editable(("a", "text"))], Workspace(tmp_path, 1))
    assert error.value.code == "C103"
    with pytest.raises(OptionError) as error:
        fitted(tmp_path, engine={"type": "command", "forward": ["cat"]})
    assert error.value.code == "D147"
    assert "4 unchanged" in error.value.message


def test_an_input_of_several_parts_cannot_get_another_source(tmp_path):
    like = EXAMPLES.editable(TRAINING[0])._replace(locked=((1, 1),))
    with pytest.raises(Rejected):
        fitted(tmp_path).sample(like, Draws.of(1))


def test_a_target_of_test_is_no_new_target():
    leak = Leak(LeakConfig(type="leak"))
    leak.record_held_out(Editable(("held", "out"), target="Der alte  Hafen war leer."))
    like, made = Editable(("a",), target="x"), Editable(("The", "port"), target="der alte Hafen war leer.")
    assert leak.refuses(Candidate(like, made, False, False))
    assert not leak.refuses(Candidate(made, made, False, False))  # the pair of training is as it is


def test_a_sampled_source_never_gets_the_target_of_another(tmp_path):
    method = Ngram(NgramConfig(type="ngram"))
    corpus = [EXAMPLES.editable(example)._replace(locked=()) for example in TRAINING] * 5
    method.fit(corpus, Workspace(tmp_path, 1))
    maker = CandidateMaker([Method("ngram", ("ngram",), 1.0, method)], [], 1, 3, False)
    made, refusals = maker.make(CopyRequest(corpus[0], "train-1", 1))
    assert made is None
    assert {one.reason for one in refusals} == {"no target"}
