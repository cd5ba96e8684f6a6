from __future__ import annotations

import pytest

from halluc.augmentation.methods.base import Lexicon, OptionError, build
from halluc.augmentation.methods.non_mentions import NonMentionsConfig
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws


def example_of(text: str, *spans: tuple[int, int, str]) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans))


# Bridge is written in both ways; Summit has no lower case, Harbour is a name too, Results comes four times.
TRAINING = Lexicon.of(
    [
        example_of("Bridge over a harbour and one bridge results summits", (2, 3, "X")),
        example_of("Harbour Summit Results Results Results Results", (0, 1, "LOC")),
    ]
)
SENTENCE = example_of("today Anna Berg told reporters that tall towers lean over us", (1, 3, "PER"))


def changed(example=SENTENCE, training=TRAINING, **keys):
    method = build(NonMentionsConfig(type="non_mentions", rate=1.0, **keys), training)
    return method.change(example, Draws.of(1)).edited


def test_content_words_away_from_mentions_are_capitalised_and_labels_stay():
    found = changed(shapes={"capitalised": 1.0})
    assert " ".join(found.tokens) == "today Anna Berg told Reporters that Tall Towers Lean over us"
    assert found.spans == SENTENCE.spans


def test_words_in_capitals_and_rare_capitalised_common_words_of_training():
    assert changed(shapes={"upper": 1.0}).tokens[6:9] == ("TALL", "TOWERS", "LEAN")
    assert changed(shapes={"replaced": 1.0}).tokens[6:9] == ("Bridge",) * 3
    assert changed(shapes={"replaced": 1.0}, training=Lexicon.of([SENTENCE])) == SENTENCE


def test_a_phrase_has_at_most_so_many_words():
    sizes = set()
    for key in range(60):
        method = build(
            NonMentionsConfig(type="non_mentions", rate=0.01, at_most=1, longest=3, shapes={"upper": 1.0}), TRAINING
        )
        found = method.change(example_of("tall towers lean slowly"), Draws.of(key)).edited
        sizes.add(sum(token.isupper() for token in found.tokens))
    assert sizes == {1, 2, 3}


def test_locked_words_stay():
    found = changed(SENTENCE._replace(locked=((6, 8),)), shapes={"upper": 1.0})
    assert found.tokens[6:9] == ("tall", "towers", "LEAN")


def test_a_language_without_case_is_reported():
    with pytest.raises(OptionError, match="nothing can be changed") as caught:
        changed(training=Lexicon.of([example_of("他 在 北京", (2, 3, "LOC"))]))
    assert caught.value.code == "C147"
