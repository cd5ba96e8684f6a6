"""The filter that asks a trained model: what it rejects, what it labels anew, and how many it is asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from halluc.augmentation.filters.fidelity import Fidelity, FidelityConfig
from halluc.augmentation.methods.base import Augmenter, Opinion, OptionError, Workspace
from halluc.augmentation.pipeline.candidates import RELABELLED, CandidateMaker, CopyRequest, Method, Refusal
from halluc.core.edits import Edit, Editable, Replace
from halluc.core.examples import Origin, Span
from halluc.core.rng import Draws
from halluc.tasks.token_classification.examples import SentenceExamples
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.workflows.cross_fitting import Folds
from halluc.workflows.labelling import CrossFitted


@dataclass
class Saying:
    """Says of every example the same, and notes what it was asked."""

    opinion: Opinion
    relabels: bool = True
    asked: list[list[Any]] = field(default_factory=list)

    def opinions(self, examples: Sequence[Any]) -> list[Opinion]:
        self.asked.append(list(examples))
        return [self.opinion] * len(examples)


class Numbered(Augmenter):
    """Replaces the last token by a number; a copy where it ``makes_copies``."""

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        end = len(example.tokens)
        return [Replace(end - 1, end, (str(draws.below(10**9)),), "number")]


class Copying(Augmenter):
    makes_copies = True


TAGGED = Tagged("s1", Origin("train.txt", 7), ("Anna", "left", "early"), (Span(0, 1, "PER"),))
OTHER = (Span(0, 1, "ORG"),)


def fitted(labeller: Saying, **keys: Any) -> Fidelity:
    made = Fidelity(FidelityConfig(type="fidelity", model="runs/x", **keys))
    made.fit(SentenceExamples(), Workspace(Path("unused"), 1, labeller=lambda reference: labeller))
    return made


def asked(number: int = 1) -> CopyRequest:
    return CopyRequest(Editable(TAGGED.tokens, TAGGED.spans), TAGGED.id, number, 0, TAGGED)


def maker(filter: Fidelity, method: Augmenter) -> CandidateMaker:
    return CandidateMaker([Method("m", ("m",), 1.0, method)], [filter], seed=1, attempts=2, copies_unchangeable=False)


def test_a_model_that_agrees_lets_a_candidate_pass():
    saying = Saying(Opinion(1.0, 0.9, TAGGED.spans, ()))
    accepted, refusals = maker(fitted(saying), Numbered()).make(asked())
    assert accepted is not None and refusals == []
    (example,) = saying.asked[0]
    assert example.tokens == accepted.changed.edited.tokens, "the model sees the candidate, not what it comes from"
    assert (example.origin.parent, example.origin.line) == ("s1", 7)


@pytest.mark.parametrize(
    ("opinion", "keys"),
    [
        (Opinion(0.5, 0.9, OTHER, ()), {}),
        (Opinion(0.79, 0.9, OTHER, ()), {"min_f1": 0.8}),
        (Opinion(1.0, 0.4, TAGGED.spans, ()), {"min_confidence": 0.5}),
        (Opinion(0.0, 0.4, OTHER, ()), {"min_confidence": 0.5, "action": "relabel"}),
    ],
)
def test_one_that_disagrees_or_is_unsure_rejects_it(opinion, keys):
    accepted, refusals = maker(fitted(Saying(opinion), **keys), Numbered()).make(asked())
    assert accepted is None
    assert [refusal.reason for refusal in refusals] == ["fidelity", "fidelity"]
    assert all(refusal.after.startswith("Anna left ") for refusal in refusals)


def test_relabelling_takes_the_labels_that_the_model_predicts():
    saying = Saying(Opinion(0.0, 0.9, OTHER, ()))
    accepted, _ = maker(fitted(saying, action="relabel"), Numbered()).make(asked())
    assert accepted.changed.edited.spans == OTHER
    assert accepted.steps == ("m", RELABELLED)
    accepted, _ = maker(fitted(saying, action="relabel", min_f1=0.0), Numbered()).make(asked())
    assert (accepted.changed.edited.spans, accepted.steps) == (TAGGED.spans, ("m",))


def test_labels_of_a_whole_text_are_replaced_too():
    filter = fitted(Saying(Opinion(0.0, 0.9, (), ("sport",))), action="relabel")
    assert filter._result(Editable(("a",), labels=("news",)), Opinion(0.0, 0.9, (), ("sport",))) == Editable(
        ("a",), labels=("sport",)
    )


def test_copies_are_not_judged():
    saying = Saying(Opinion(0.0, 0.0, OTHER, ()))
    accepted, _ = maker(fitted(saying), Copying()).make(asked())
    assert accepted is not None and saying.asked == []


def test_many_candidates_are_judged_together():
    saying = Saying(Opinion(1.0, 1.0, TAGGED.spans, ()))
    made = maker(fitted(saying), Numbered())
    assert made.uses_model
    results = made.make_many([asked(number) for number in range(1, 6)])
    assert [len(batch) for batch in saying.asked] == [5]
    assert len({accepted.changed.edited.tokens for accepted, _ in results}) == 5


def test_a_task_that_cannot_be_relabelled_says_so():
    with pytest.raises(OptionError, match="relabelled") as caught:
        fitted(Saying(Opinion(1.0, 1.0, (), ()), relabels=False), action="relabel")
    assert (caught.value.code, caught.value.key) == ("C103", "action")


@pytest.mark.parametrize("keys", [{}, {"model": "runs/x", "cross_fit": 3}])
def test_it_needs_one_judge(keys):
    with pytest.raises(ValidationError, match="either `model` or `cross_fit`"):
        FidelityConfig(type="fidelity", **keys)


def test_each_part_is_judged_by_the_model_that_did_not_see_it():
    parts = [Saying(Opinion(0.0, part / 10, (), ())) for part in range(3)]
    examples = [Tagged(f"c{n}", Origin("f", n, None, f"s{n}"), ("a",), ()) for n in range(40)]
    folds = Folds(3)
    opinions = CrossFitted(parts, folds).opinions(examples)  # type: ignore[arg-type]
    sources = [Tagged(f"s{n}", Origin("f", n), ("a",), ()) for n in range(40)]
    assert [opinion.confidence for opinion in opinions] == [folds.fold_of(source) / 10 for source in sources]
    assert {folds.fold_of(source) for source in sources} == {0, 1, 2}
    assert sum(len(batch) for part in parts for batch in part.asked) == 40


def test_the_reason_is_counted_by_method():
    refused = maker(fitted(Saying(Opinion(0.0, 1.0, OTHER, ()))), Numbered()).make_many([asked()])[0][1]
    assert isinstance(refused[0], Refusal) and refused[0].method == "m"
