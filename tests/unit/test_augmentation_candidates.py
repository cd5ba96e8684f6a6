"""One new example: which method makes it, what rejects it, when it is tried again, and the lines that it becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from halluc.augmentation.filters.filters import (
    DuplicateFilter,
    DuplicateFilterConfig,
    Leak,
    LeakConfig,
    Unchanged,
    UnchangedConfig,
)
from halluc.augmentation.methods.base import Augmenter, Changed, Lexicon, Rejected, Synthesizer
from halluc.augmentation.pipeline.candidates import (
    COPY,
    SAMPLED,
    UNCHANGEABLE,
    Accepted,
    CandidateMaker,
    CopyRequest,
    Method,
    Refusal,
)
from halluc.augmentation.pipeline.lines import LineMaker
from halluc.core.edits import Editable, Reorder, Replace, apply
from halluc.core.examples import Origin, Span
from halluc.core.rng import Draws
from halluc.tasks.token_classification.examples import SentenceExamples
from halluc.tasks.token_classification.tagged_sentence import Tagged

EXAMPLE = Editable(("Anna", "Berg", "left", "Oslo"), (Span(0, 2, "PER"), Span(3, 4, "LOC")))


class Proposing(Augmenter):
    """Proposes what a function of the draws gives."""

    def __init__(
        self, propose: Callable[[Editable, Draws], Any], form_only: bool = False, copies: bool = False
    ) -> None:
        self._propose = propose
        self.changes_form_only, self.makes_copies = form_only, copies  # type: ignore[misc]
        self.calls = 0

    def propose(self, example: Editable, draws: Draws) -> Any:
        self.calls += 1
        return self._propose(example, draws)


class Sampling(Synthesizer):
    def fit(self, examples: Any) -> None:
        pass

    def sample(self, like: Editable, draws: Draws) -> Editable:
        return Editable(("it", f"rained{draws.below(10**9)}"))


def numbered(example: Editable, draws: Draws) -> list[Replace]:
    """Something else for every stream of draws."""
    return [Replace(2, 3, (f"w{draws.below(10**9)}",), "number")]


def fixed(word: str) -> Callable[..., list[Replace]]:
    return lambda example, draws: [Replace(2, 3, (word,), "word")]


def nothing(example: Editable, draws: Draws) -> list[Replace]:
    return []


def rejecting(example: Editable, draws: Draws) -> list[Replace]:
    raise Rejected("too odd")


def method(propose: Callable[..., Any], name: str = "one", share: float = 1.0, **kind: bool) -> Method:
    return Method(name, (name,), share, Proposing(propose, **kind))


def maker(*methods: Method, filters=(), seed: int = 1, attempts: int = 5, copies: bool = False) -> CandidateMaker:
    return CandidateMaker(methods, filters, seed, attempts, copies)


def leak(*texts: str) -> Leak:
    made = Leak(LeakConfig(type="leak"))
    for text in texts:
        made.record_held_out(Editable(tuple(text.split())))
    return made


def text(made: Accepted | None) -> str:
    assert made is not None
    return " ".join(made.changed.edited.tokens)


# --- CandidateMaker ----------------------------------------------------------------------------------------------


def test_a_candidate_hangs_on_seed_id_copy_and_attempt_and_on_nothing_else():
    one = maker(method(numbered))
    first, refusals = one.make(CopyRequest(EXAMPLE, "a", 1))
    assert refusals == []
    assert one.make(CopyRequest(EXAMPLE, "b", 1))[0] != first
    assert maker(method(numbered)).make(CopyRequest(EXAMPLE, "a", 1))[0] == first
    others = [
        one.make(CopyRequest(EXAMPLE, "a", 2)),
        one.make(CopyRequest(EXAMPLE, "a", 1, 1)),
        maker(method(numbered), seed=2).make(CopyRequest(EXAMPLE, "a", 1)),
        maker(method(numbered, "other")).make(CopyRequest(EXAMPLE, "a", 1)),
    ]
    assert len({text(first), *(text(made) for made, _ in others)}) == 5


def test_a_key_cannot_be_read_as_that_of_another_example():
    one = maker(method(numbered))
    assert text(one.make(CopyRequest(EXAMPLE, "a1", 1))[0]) != text(one.make(CopyRequest(EXAMPLE, "a", 11))[0])


def test_methods_are_drawn_by_their_shares():
    one = maker(method(fixed("x"), "x", 3.0), method(fixed("y"), "y", 1.0))
    drawn = [one.make(CopyRequest(EXAMPLE, str(number), 1))[0].method for number in range(600)]
    assert 400 < drawn.count("x") < 500


def test_another_method_is_asked_where_one_finds_nothing():
    one = maker(method(nothing, "first", 1000.0), method(fixed("won"), "second"))
    made, refusals = one.make(CopyRequest(EXAMPLE, "a", 1))
    assert (made.method, made.attempt, refusals) == ("second", 0, [])


def test_what_a_filter_rejects_is_tried_again_with_other_draws():
    offered: list[str] = []

    class Picky(Unchanged):
        def refuses(self, candidate: Any) -> bool:
            offered.append(candidate.edited.tokens[2])
            return len(offered) < 3

    made, refusals = maker(method(numbered), filters=[Picky(UnchangedConfig(type="unchanged"))]).make(
        CopyRequest(EXAMPLE, "a", 1)
    )
    assert made.attempt == 2
    assert len(set(offered)) == 3
    assert [(refusal.reason, refusal.method, refusal.after) for refusal in refusals] == [
        ("unchanged", "one", f"Anna Berg {word} Oslo") for word in offered[:2]
    ]


def test_after_so_many_attempts_it_is_given_up():
    one = method(fixed("won"))
    made, refusals = maker(one, filters=[leak("anna berg won oslo")], attempts=4).make(CopyRequest(EXAMPLE, "a", 1))
    assert made is None
    assert [refusal.reason for refusal in refusals] == ["leak"] * 4
    assert one.component.calls == 4


def test_a_further_attempt_starts_where_it_is_asked_to():
    one = maker(method(numbered), attempts=3)
    assert one.make(CopyRequest(EXAMPLE, "a", 1, 2))[0].attempt == 2
    assert one.make(CopyRequest(EXAMPLE, "a", 1, 3)) == (None, [])


def test_what_a_method_itself_rejects_is_counted_without_a_text():
    made, refusals = maker(method(rejecting), attempts=2).make(CopyRequest(EXAMPLE, "a", 1))
    assert made is None
    assert refusals == [Refusal("too odd", "one", None)] * 2


def test_what_no_method_can_change_is_skipped_and_reported():
    assert maker(method(nothing)).make(CopyRequest(EXAMPLE, "a", 1)) == (None, [Refusal(UNCHANGEABLE, "", None)])


def test_what_no_method_can_change_is_copied_where_asked_for():
    made, refusals = maker(method(nothing), copies=True).make(CopyRequest(EXAMPLE, "a", 1))
    assert (made.method, made.steps, made.changed.edited, refusals) == (COPY, (COPY,), EXAMPLE, [])


def test_a_copy_that_would_leak_is_not_made():
    one = maker(method(nothing), filters=[leak("anna berg left oslo")], copies=True)
    assert one.make(CopyRequest(EXAMPLE, "a", 1)) == (None, [Refusal(UNCHANGEABLE, "", None)])


def test_a_changeable_example_is_never_copied_instead():
    one = maker(method(fixed("won")), filters=[leak("anna berg won oslo")], copies=True)
    made, refusals = one.make(CopyRequest(EXAMPLE, "a", 1))
    assert made is None
    assert UNCHANGEABLE not in {refusal.reason for refusal in refusals}


def test_an_equal_text_is_unchanged_unless_the_method_makes_copies():
    unchanged = [Unchanged(UnchangedConfig(type="unchanged"))]
    assert maker(method(fixed("left")), filters=unchanged).make(CopyRequest(EXAMPLE, "a", 1))[0] is None
    made, _ = maker(method(nothing, copies=True), filters=unchanged).make(CopyRequest(EXAMPLE, "a", 1))
    assert made.changed.edited == EXAMPLE


def test_a_candidate_carries_the_keys_of_every_filter():
    filters = [leak(), DuplicateFilter(DuplicateFilterConfig(type="duplicate"))]
    keys = maker(method(fixed("won")), filters=filters).make(CopyRequest(EXAMPLE, "a", 1))[0].keys
    assert [len(of_filter) for of_filter in keys] == [0, 2]
    form_only = maker(method(fixed("won"), form_only=True), filters=filters).make(CopyRequest(EXAMPLE, "a", 1))[0].keys
    assert [len(of_filter) for of_filter in form_only] == [0, 1]


def test_a_sampled_example_is_no_edit_of_the_one_whose_place_it_takes():
    made, _ = maker(Method("ngram", ("ngram",), 1.0, Sampling())).make(CopyRequest(EXAMPLE, "a", 1))
    assert made.sampled
    assert made.changed.steps == ((Replace(0, 0, made.changed.edited.tokens, SAMPLED),),)


# --- LineMaker -----------------------------------------------------------------------------------------------------

TAGGED = Tagged("train-7", Origin("t.txt", 12, 3), EXAMPLE.tokens, EXAMPLE.spans)
KNOWN = Lexicon.of([EXAMPLE])


def task() -> SentenceExamples:
    return SentenceExamples()


def press(*methods: Method, **keys: Any) -> LineMaker:
    return LineMaker(maker(*methods, **keys), task(), "~", 1, KNOWN)


def told(made: LineMaker, copy: int = 1) -> tuple[dict[str, Any], dict[str, Any]]:
    line = made.candidate(TAGGED, copy).line
    assert line is not None
    return json.loads(line.text), json.loads(line.provenance)


def test_a_line_has_the_edited_text_and_the_spans_where_they_moved():
    record, _ = told(press(method(lambda *_: [Replace(0, 2, ("Eva",), "mention")])))
    assert record == {"id": "train-7~1", "tokens": ["Eva", "left", "Oslo"], "spans": [[0, 1, "PER"], [2, 3, "LOC"]]}


def test_provenance_reports_where_it_came_from_and_every_edit():
    edits = [Replace(3, 4, ("New", "York"), "place"), Replace(0, 1, ("Eva",), "name")]
    _, provenance = told(press(method(lambda *_: edits)), copy=2)
    assert provenance == {
        "id": "train-7~2", "parent": "train-7", "source": "t.txt:12", "methods": ["one"], "seed": 1, "copy": 2,
        "attempt": 0, "edits": [
            {"step": 0, "start": 0, "end": 1, "before": ["Anna"], "after": ["Eva"], "why": "name"},
            {"step": 0, "start": 3, "end": 4, "before": ["Oslo"], "after": ["New", "York"], "why": "place"},
        ],
    }  # fmt: skip


def test_a_reordering_reports_its_cuts():
    _, provenance = told(press(method(lambda *_: [Reorder((0, 2, 3, 4), (2, 1, 0), "turned")])))
    (edit,) = provenance["edits"]
    assert (edit["before"], edit["after"]) == (["Anna", "Berg", "left", "Oslo"], ["Oslo", "left", "Anna", "Berg"])
    assert (edit["cuts"], edit["order"]) == ([0, 2, 3, 4], [2, 1, 0])


class TwoSteps(Augmenter):
    def change_many(self, examples: Any, draws: Any) -> Any:
        (example,) = examples
        steps = ((Replace(0, 2, ("Eva",), "first"),), (Replace(1, 2, ("won",), "second"),))
        for step in steps:
            example = apply(example, step)
        return [Changed(example, steps)]


def test_the_positions_of_a_step_are_those_that_the_step_before_left():
    _, provenance = told(press(Method("chain", ("a", "b"), 1.0, TwoSteps())))
    assert provenance["methods"] == ["a", "b"]
    assert [(edit["step"], edit["start"], edit["before"]) for edit in provenance["edits"]] == [
        (0, 0, ["Anna", "Berg"]),
        (1, 1, ["left"]),
    ]


def test_a_line_counts_tokens_labels_and_the_mentions_that_training_lacks():
    line = press(method(lambda *_: [Replace(0, 2, ("Eva",), "mention")])).candidate(TAGGED, 1).line
    assert (line.size, line.labels, line.new, line.shown) == (3, ("PER", "LOC"), 1, "Eva left Oslo")


def test_a_sampled_line_names_no_parent():
    record, provenance = told(press(Method("ngram", ("ngram",), 1.0, Sampling())))
    assert (provenance["parent"], provenance["source"]) == (None, None)
    (edit,) = provenance["edits"]
    assert (edit["start"], edit["end"], edit["before"], edit["after"]) == (0, 0, [], record["tokens"])


class Quoting(Sampling):
    def source_of(self, example: Editable) -> str | None:
        return f"raw.txt:{len(example.tokens)}"


def test_a_sampled_line_names_the_place_of_a_text_that_was_not_written_by_the_method():
    record, provenance = told(press(Method("ngram", ("ngram",), 1.0, Quoting())))
    assert (provenance["parent"], provenance["source"]) == (None, f"raw.txt:{len(record['tokens'])}")


def test_no_line_comes_of_what_was_given_up():
    tried = press(method(fixed("won")), filters=[leak("Anna Berg won Oslo")], attempts=2).candidate(TAGGED, 1)
    assert tried.line is None
    assert len(tried.refusals) == 2


def test_an_original_is_its_record():
    assert json.loads(press(method(nothing)).original(TAGGED)) == task().record(TAGGED) | {
        "spans": [[0, 2, "PER"], [3, 4, "LOC"]], "tokens": list(EXAMPLE.tokens)
    }  # fmt: skip


@pytest.mark.parametrize("token", ["\ud800", "\u2028", "北京", "שלום", "🙂"])
def test_odd_characters_survive_the_line(token):
    record, provenance = told(press(method(fixed(token))))
    assert record["tokens"][2] == provenance["edits"][0]["after"][0] == token
