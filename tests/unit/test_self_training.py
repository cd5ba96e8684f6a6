"""Self-training: which texts are kept, which examples they stand for, and what is told of them."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from halluc.augmentation.methods.base import OptionError, PseudoLabelled, Rejected, TextModel, Workspace
from halluc.augmentation.methods.self_training import SelfTraining, SelfTrainingConfig
from halluc.augmentation.models import cached_answers
from halluc.augmentation.pipeline.candidates import CandidateMaker, CopyRequest, Method
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.core.rng import Draws


@dataclass
class Naming:
    """Takes capitalised words for people, with the confidence that the last word of a text states, if it is a number;
    a word like `#sport` for the label of the whole."""

    fingerprint: str = "naming"
    fails_after: int = 1_000_000
    batches: list[int] = field(default_factory=list)

    def answers(self, texts: Sequence[str]) -> list[PseudoLabelled]:
        if len(self.batches) >= self.fails_after:
            raise KeyboardInterrupt
        self.batches.append(len(texts))
        return [self._of(text) for text in texts]

    def _of(self, text: str) -> PseudoLabelled:
        words = text.split()
        confidence = float(words.pop()) if words and words[-1].startswith("0.") else 1.0
        labels = tuple(word[1:] for word in words if word.startswith("#"))
        tokens = tuple(word for word in words if not word.startswith("#"))
        spans = tuple(Span(at, at + 1, "PER") for at, word in enumerate(tokens) if word.istitle())
        return PseudoLabelled(Editable(tokens, spans, (), labels), confidence)


def sentence(text: str) -> Editable:
    return Naming()._of(text).example


TRAINING = [sentence(text) for text in ("Anna left", "Berg saw Anna there", "it rained", "nothing was said here")]


def made(tmp_path: Path, texts: Sequence[str], labeller: Any = None, **keys: Any) -> SelfTraining:
    return fitted(tmp_path, texts, TRAINING, labeller, **keys)


def fitted(
    tmp_path: Path, texts: Sequence[str], training: Sequence[Editable], labeller: Any = None, **keys: Any
) -> SelfTraining:
    file = tmp_path / "raw.txt"
    file.write_text("\n".join(texts) + "\n" if texts else "", encoding="utf-8")
    method = SelfTraining(configured(**{"unlabelled": [str(file)], **keys}))
    chosen: TextModel = labeller or Naming()
    method.fit(training, Workspace(tmp_path / "fitted", 1, text_labeller=lambda reference: chosen))
    return method


def configured(**keys: Any) -> SelfTrainingConfig:
    return SelfTrainingConfig(type="self_training", model="runs/x", **keys)


def drawn(method: SelfTraining, *like: Editable, draws: int = 60) -> set[tuple[str, ...]]:
    return {method.sample(one, Draws.of(number)).tokens for one in like for number in range(draws)}


def test_texts_below_the_confidence_are_left_out(tmp_path):
    texts = ["Carl came 0.95", "Dora went 0.9", "Emma stayed 0.89", "it snowed"]
    method = made(tmp_path, texts)
    assert drawn(method, *TRAINING[:2]) == {("Carl", "came"), ("Dora", "went")}
    assert method.facts() == {
        "lines": 4, "texts": 4, "repeated": 0, "other_labels": 0, "unsure": 1, "kept": 3, "kept_without_labels": 1,
        "labels": {"PER": 2}, "confidence": [0.89, 0.895, 0.9, 0.925, 0.95],
    }  # fmt: skip
    assert drawn(made(tmp_path, texts, min_confidence=0.5), *TRAINING[:2]) >= {("Emma", "stayed")}


def test_examples_with_and_without_labels_stay_apart(tmp_path):
    method = made(tmp_path, ["Carl came", "Dora went", "it snowed", "the sun shone"])
    for like in TRAINING:
        for number in range(20):
            assert bool(method.sample(like, Draws.of(number)).spans) == bool(like.spans)


def test_without_a_text_of_the_kind_a_candidate_is_rejected(tmp_path):
    method = made(tmp_path, ["Carl came"])
    with pytest.raises(Rejected, match="no text without labels"):
        method.sample(TRAINING[2], Draws.of(1))
    with pytest.raises(Rejected, match="locked"):
        method.sample(TRAINING[0]._replace(locked=((0, 1),)), Draws.of(1))


def test_texts_labelled_as_a_whole_represent_texts_with_the_same_labels(tmp_path):
    training = [sentence(text) for text in ("a game #sport", "a vote #news", "hm", "a match #sport #news")]
    method = fitted(tmp_path, ["one goal #sport", "two goals #sport", "the king #news", "er"], training)
    assert drawn(method, training[0]) == {("one", "goal"), ("two", "goals")}
    assert method.sample(training[1], Draws.of(1)) == Editable(("the", "king"), (), (), ("news",))
    assert method.sample(training[2], Draws.of(1)) == Editable(("er",))
    with pytest.raises(Rejected, match="no text with its labels"):
        method.sample(training[3], Draws.of(1))
    assert method.facts()["labels"] == {"news": 1, "sport": 2}


def numbered(count: int) -> list[str]:
    """Texts with a mention each, of 1 to 20 tokens."""
    return [" ".join([f"N{number}", *"x" * (number % 20)]).title() for number in range(count)]


def test_each_example_has_texts_of_its_own_of_about_its_length(tmp_path):
    training = [sentence(f"Name{number} " + "y " * (number % 20)) for number in range(200)]
    method = fitted(tmp_path, numbered(600), training)
    firsts = [method.sample(like, Draws.of(like.tokens[0])) for like in training]
    near = [abs(len(one.tokens) - len(like.tokens)) <= 2 for one, like in zip(firsts, training, strict=True)]
    assert sum(near) > 160, "of 200 drawn at random about 50 are so near"
    assert len(set(firsts)) == 200


@pytest.mark.parametrize(("texts", "least"), [(300, 300), (150, 140)])
def test_attempts_find_a_text_that_was_not_used(tmp_path, texts, least):
    training = [sentence(f"Name{number} left") for number in range(300)]
    method = fitted(tmp_path, numbered(texts), training)
    used: set[Editable] = set()
    for number, like in enumerate(training):
        tried = [method.sample(like, Draws.of(number, attempt)) for attempt in range(5)]
        used.update([one for one in tried if one not in used][:1])
    assert len(used) >= least


def test_repeated_texts_and_those_of_the_training_split_are_left_out(tmp_path):
    method = made(tmp_path, ["Carl came", "Anna left", "Carl came", "it rained", "it snowed", "", "   "])
    facts = method.facts()
    assert (facts["lines"], facts["texts"], facts["repeated"], facts["kept"]) == (7, 5, 3, 2)


def test_labels_that_the_training_split_lacks_are_left_out(tmp_path):
    training = [sentence("a game #sport"), sentence("hm")]
    method = fitted(tmp_path, ["one goal #sport", "a storm #weather"], training)
    assert method.facts()["other_labels"] == 1
    with pytest.raises(OptionError, match="1 have labels that the training split does not have") as caught:
        fitted(tmp_path, ["a storm #weather"], training)
    assert (caught.value.code, caught.value.key) == ("D147", "unlabelled")


def test_a_text_names_its_place(tmp_path):
    (tmp_path / "more.gz").write_bytes(gzip.compress(b"\nDora went\n"))
    (tmp_path / "raw.txt").write_text("it snowed\nCarl came\n")
    files = [str(tmp_path / "raw.txt"), str(tmp_path / "more.gz")]
    method = made(tmp_path, ["it snowed", "Carl came"], unlabelled=files)
    maker = CandidateMaker([Method("self_training", ("self_training",), 1.0, method)], [], 1, 5, False)
    found = {}
    for copy in range(20):
        accepted, _ = maker.make(CopyRequest(TRAINING[copy % 2], "a", copy))
        assert accepted is not None and accepted.sampled
        found[accepted.changed.edited.tokens] = accepted.source
    assert found == {("Carl", "came"): f"{files[0]}:2", ("Dora", "went"): f"{files[1]}:2"}
    assert method.source_of(TRAINING[0]) is None


def test_only_so_many_lines_are_read_of_all_files_together(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("".join(f"Carl {name}{number}\n" for number in range(10)))
    files = [str(tmp_path / name) for name in ("a", "b")]
    method = made(tmp_path, [], unlabelled=files, most=12)
    assert (method.facts()["lines"], method.facts()["kept"]) == (12, 12)
    assert ("Carl", "b2") not in drawn(method, *TRAINING[:2], draws=300)


def test_the_same_draws_give_the_same_text(tmp_path):
    one, two = (made(tmp_path, numbered(50)) for _ in range(2))
    keys = list(itertools.product(TRAINING[:2], range(30)))
    first = [one.sample(like, Draws.of(key)) for like, key in keys]
    assert [two.sample(like, Draws.of(key)) for like, key in reversed(keys)][::-1] == first


def test_a_killed_process_keeps_the_labels_that_it_made(tmp_path, monkeypatch):
    monkeypatch.setattr(cached_answers, "TOGETHER", 4)
    texts = numbered(10)
    killed, second, third = Naming(fails_after=2), Naming(), Naming()
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, texts, killed)
    facts = made(tmp_path, texts, second).facts()
    assert (killed.batches, second.batches) == ([4, 4], [2])
    assert made(tmp_path, texts, third).facts() == facts
    assert third.batches == []
    other = Naming("another model")
    made(tmp_path, texts, other)
    assert other.batches == [4, 4, 2]


def test_a_torn_last_line_of_a_killed_process_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(cached_answers, "TOGETHER", 4)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, numbered(10), Naming(fails_after=2))
    (labels,) = (tmp_path / "fitted").glob("self-training-*/labels.jsonl")
    with labels.open("ab") as file:
        file.write(b'[[["N8"')
    again = Naming()
    made(tmp_path, numbered(10), again)
    assert again.batches == [2]
    assert len([json.loads(line) for line in labels.read_text().splitlines()]) == 10


@pytest.mark.parametrize("texts", [[], ["", "  "]])
def test_files_without_a_text_are_an_error(tmp_path, texts):
    with pytest.raises(OptionError, match="no text") as caught:
        made(tmp_path, texts)
    assert (caught.value.code, caught.value.key, caught.value.exit_code) == ("D146", "unlabelled", 3)


def test_a_missing_file_is_an_error_before_anything_is_labelled(tmp_path):
    with pytest.raises(OptionError, match="no such file") as caught:
        SelfTraining(configured(unlabelled=[str(tmp_path / "none.txt")]))
    assert (caught.value.code, caught.value.key) == ("D101", "unlabelled")
    with pytest.raises(OptionError, match="folder"):
        SelfTraining(configured(unlabelled=[str(tmp_path)]))


def test_a_line_that_is_no_text_is_an_error_with_its_place(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"Carl came\nCarl \xff\n")
    with pytest.raises(HallucError) as caught:
        made(tmp_path, [], unlabelled=[str(tmp_path / "bad.txt")])
    assert caught.value.code == "D104"
    assert caught.value.where is not None and caught.value.where.line == 2


def test_a_model_without_confident_predictions_gives_advice(tmp_path):
    with pytest.raises(OptionError, match="none has labels that can be used: 2 are below") as caught:
        made(tmp_path, ["Carl came 0.4", "Dora went 0.61", "it snowed"])
    assert (caught.value.code, caught.value.key) == ("D147", "min_confidence")
    assert caught.value.help is not None and "the highest confidence is 0.610" in caught.value.help


def test_a_training_split_of_locked_examples_is_refused(tmp_path):
    with pytest.raises(OptionError) as caught:
        fitted(tmp_path, ["Carl came"], [one._replace(locked=((0, 1),)) for one in TRAINING])
    assert caught.value.code == "C103"


def test_what_is_wrong_with_the_model_is_reported_at_its_key(tmp_path):
    def refusing(reference: str) -> TextModel:
        raise HallucError("C103", f"{reference} was trained for another task")

    file = tmp_path / "raw.txt"
    file.write_text("Carl came\n")
    with pytest.raises(OptionError, match="another task") as caught:
        SelfTraining(configured(unlabelled=[str(file)])).fit(TRAINING, Workspace(tmp_path, 1, text_labeller=refusing))
    assert (caught.value.code, caught.value.key) == ("C103", "model")
