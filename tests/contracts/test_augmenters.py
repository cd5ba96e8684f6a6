"""What every augmentation method must do, on a corpus, on odd examples, and on a task of another shape."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from halluc.augmentation.methods.base import Augmenter, Lexicon, PseudoLabelled, Rejected, Synthesizer, Workspace, build
from halluc.augmentation.methods.delete import DeleteConfig
from halluc.augmentation.methods.label_wise_replacement import LabelWiseReplacementConfig
from halluc.augmentation.methods.mention_replacement import MentionReplacement, MentionReplacementConfig
from halluc.components import TABLE
from halluc.core import registry
from halluc.core.edits import Editable, Range, Reorder, apply
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.data.corpora import read_corpora
from halluc.tasks.token_classification.reading.reader import SpansReader
from tests.endpoint_server import sentence_of, serving
from tests.tiny_masked import write_masked

# Nothing in English text is for `chinese_noise`: see tests/unit/test_chinese.py. `synthetic_source` needs target texts:
# see tests/unit/test_synthetic_source.py.
AUGMENTERS = sorted(set(TABLE["augmenter"]) - {"chinese_noise"})
SYNTHESIZERS = sorted(set(TABLE["synthesizer"]) - {"synthetic_source"})

# What a method cannot do without, beside its type.
REQUIRED = {
    "sequence": {"methods": [DeleteConfig(type="delete"), LabelWiseReplacementConfig(type="label_wise_replacement")]},
    "nlpaug": {"augmenter": "char.KeyboardAug"},
    "back_translation": {
        "engine": {"type": "command", "forward": ["tr", "a-z", "A-Z"], "backward": ["sed", "s/E/e e/g"]},
        "quality": {"chrf_min": 0.0, "length_max": 10, "pivot_words": False},
        "strategy": "segments",
        "rate": 0.5,
        "min_words": 1,
    },
}
# Other ways of the same methods.
VARIANTS = {
    "mention_replacement": [{"source": "recombined"}, {"weighting": "uniform"}],
    "label_wise_replacement": [{"entities": False}],
    "sentence_reorder": [{"unit": "clause"}],
    "case": [{"to": ["damaged"]}, {"to": ["upper"], "mentions": False}],
    "delete": [{"mentions": True}],
    "masked_infill": [{"fill": "mentions", "fit": {"epochs": 1}}, {"fill": "both", "fit": {"epochs": 1}}],
    "sequence": [{"methods": [MentionReplacementConfig(type="mention_replacement"), DeleteConfig(type="delete")]}],
}
CASES = [
    pytest.param(name, keys, id="-".join([name, *(str(value) for value in keys.values() if isinstance(value, str))]))
    for name in AUGMENTERS
    for keys in [{}, *VARIANTS.get(name, [])]
]
every_augmenter = pytest.mark.parametrize(("name", "keys"), CASES)
every_synthesizer = pytest.mark.parametrize("name", SYNTHESIZERS)


@cache
def corpus() -> tuple[Editable, ...]:
    config = SpansReader.Config(format="conll", train="demo:ner")
    examples = read_corpora(config, TABLE).splits["train"].examples
    return tuple(Editable(example.tokens, example.spans) for example in examples)


@cache
def training() -> Lexicon:
    return Lexicon.of(corpus())


def joined(examples: Sequence[Editable]) -> Editable:
    """Several sentences as one document, so that every method finds something to do."""
    tokens: list[str] = []
    spans: list[Span] = []
    for example in examples:
        spans += [Span(start + len(tokens), end + len(tokens), label) for start, end, label in example.spans]
        tokens += example.tokens
    return Editable(tuple(tokens), tuple(spans))


def longest() -> list[Editable]:
    return [joined(corpus()[number : number + 3]) for number in range(0, 36, 3)]


@cache
def workspace() -> Workspace:
    """Where models are kept as long as the tests run."""
    folder = tempfile.mkdtemp(prefix="halluc-fitted-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Workspace(Path(folder), 1)


@cache
def masked_model() -> str:
    """The folder of a tiny masked language model with random weights."""
    return str(write_masked(workspace().folder / "model", [example.tokens for example in corpus()]))


def config_of(name: str, **keys):
    keys = REQUIRED.get(name, {}) | ({"model": masked_model()} if name == "masked_infill" else {}) | keys
    return registry.load(TABLE, "augmenter", name).Config(type=name, **keys)


def ready(config, learned: Lexicon) -> Augmenter:
    """A method after its fit, in a process that may start programs."""
    made = build(config, learned)
    made.fit(corpus(), replace(workspace(), allow_commands=True))
    return made


def augmenter(name: str, **keys) -> Augmenter:
    return ready(config_of(name, **keys), training())


def outcome(method: Augmenter, example: Editable, key: object):
    """What comes of an example, a rejection among it."""
    try:
        return method.change(example, Draws.of(key))
    except Rejected as rejected:
        return rejected.reason


def edited(method: Augmenter, example: Editable, keys: int = 4):
    """What comes of an example under a few keys, rejections left out."""
    found = (outcome(method, example, key) for key in range(keys))
    return [changed for changed in found if not isinstance(changed, str)]


def check_labels(before: Editable, after: Editable, moved: bool) -> None:
    done = 0
    for start, end, _ in after.spans:
        assert done <= start < end <= len(after.tokens)
        done = end
    was, is_ = [span.label for span in before.spans], [span.label for span in after.spans]
    assert is_ == was if not moved else sorted(is_) == sorted(was)
    assert all(isinstance(token, str) and token for token in after.tokens)
    assert bool(after.tokens) == bool(before.tokens)


def check_locks(before: Editable, after: Editable, replaces: bool = False) -> None:
    """Locked tokens stay; one that is a whole span may be another whole span, where the method ``replaces`` those."""
    assert len(after.locked) == len(before.locked)
    for was, now in zip(before.locked, after.locked, strict=True):
        if replaces and was in [span[:2] for span in before.spans]:
            assert now in [span[:2] for span in after.spans]
        else:
            assert after.tokens[slice(*now)] == before.tokens[slice(*was)]


def replaces_mentions(method: Augmenter) -> bool:
    return any(
        isinstance(one, MentionReplacement) or getattr(one.config, "fill", "context") != "context"
        for one in (method, *getattr(method, "steps", ()))
        if not hasattr(one, "steps")
    )


def check(method: Augmenter, example: Editable, keys: int = 4) -> None:
    untouched = Editable(tuple(example.tokens), tuple(example.spans), tuple(example.locked))
    for changed in edited(method, example, keys):
        assert example == untouched
        moved = any(isinstance(edit, Reorder) for step in changed.steps for edit in step)
        check_labels(example, changed.edited, moved)
        check_locks(example, changed.edited, replaces_mentions(method))
        followed = example
        for step in changed.steps:
            followed = apply(followed, step)
        assert followed == changed.edited
        assert all(edit.why for step in changed.steps for edit in step)


# --- augmenters ------------------------------------------------------------------------------------------------


@every_augmenter
def test_the_same_key_makes_the_same_whoever_makes_it(name, keys):
    one, two = augmenter(name, **keys), augmenter(name, **keys)
    examples = longest()
    first = [outcome(one, example, number) for number, example in enumerate(examples)]
    again = [outcome(one, example, number) for number, example in reversed(list(enumerate(examples)))]
    assert again[::-1] == first
    assert [outcome(two, example, number) for number, example in enumerate(examples)] == first


@every_augmenter
def test_another_key_makes_another(name, keys):
    method = augmenter(name, **keys)
    found = {changed.edited for example in longest()[:4] for changed in edited(method, example, 10)}
    if method.makes_copies:
        assert found == set(longest()[:4])
    elif (name, keys.get("to")) == ("case", ["upper"]):
        assert len(found) == 4  # there is but one way
    else:
        assert len(found) > 4


@pytest.mark.parametrize("name", AUGMENTERS)
def test_a_rate_of_0_changes_nothing(name):
    config = registry.load(TABLE, "augmenter", name).Config
    if "rate" not in config.model_fields:
        return
    method = augmenter(name, rate=0.0)
    assert all(outcome(method, example, 1).edited == example for example in longest())


@every_augmenter
def test_labels_stay_and_every_edit_is_reported(name, keys):
    method = augmenter(name, **keys)
    for example in [*corpus()[:40], *longest()]:
        check(method, example)


def locks(example: Editable, step: int) -> tuple[Range, ...]:
    """Locks here and there: within mentions, on whole ones and beside them."""
    size = len(example.tokens)
    return tuple((at, min(at + 1 + at % 2, size)) for at in range(step % 4, size, 4))


@every_augmenter
def test_locked_tokens_are_never_touched(name, keys):
    method = augmenter(name, **{"rate": 1.0, **keys} if "rate" in type(config_of(name)).model_fields else keys)
    for number, example in enumerate([*corpus()[:24], *longest()]):
        check(method, example._replace(locked=locks(example, number)))
        check(method, example._replace(locked=((0, len(example.tokens)),)), 1)


@every_augmenter
def test_a_locked_span_is_replaced_as_a_whole_by_another_mention_or_not_at_all(name, keys):
    method = augmenter(name, **{"rate": 1.0, **keys} if "rate" in type(config_of(name)).model_fields else keys)
    touched = 0
    for example in [*corpus()[:40], *longest()]:
        locked = example._replace(locked=tuple(span[:2] for span in example.spans))
        check(method, locked)
        for changed in edited(method, locked):
            after = changed.edited
            assert after.locked == tuple(span[:2] for span in after.spans)
            touched += [after.tokens[a:b] for a, b in after.locked] != [locked.tokens[a:b] for a, b in locked.locked]
    assert bool(touched) is replaces_mentions(method)


def example_of(text: str, *spans: tuple[int, int, str]) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans))


LONG = joined([example_of("Anna Berg saw Oslo .", (0, 2, "PER"), (3, 4, "LOC"))] * 80)
DEGENERATE = {
    "empty": Editable(()),
    "one token": example_of("word"),
    "one mark": example_of("."),
    "one letter": example_of("a"),
    "one mention": example_of("Oslo", (0, 1, "LOC")),
    "only mentions": example_of("Anna Berg Oslo", (0, 2, "PER"), (2, 3, "LOC")),
    "unknown label": example_of("the Bosphorus is deep", (1, 2, "WATER")),
    "400 tokens": LONG,
    "emoji": example_of("😀 👩‍👩‍👧 Oslo 🇳🇴 !", (2, 3, "LOC")),
    "only emoji": example_of("😀"),
    "Chinese": example_of("我昨天在北京大学见到了王小明。"),
    "Chinese characters": example_of("我 在 北 京 见 到 他 。 他 好 。", (2, 4, "LOC")),
    "right to left": example_of("ביקר דוד כהן בתל אביב .", (1, 3, "PER"), (3, 5, "LOC")),
    "combining": example_of("e\u0301 \u0301 न्यूयॉर्क", (2, 3, "LOC")),
    "the same": example_of("a a a a", (1, 3, "LOC")),
    "long token": example_of("x" * 3000),
    "case": example_of("İ ß ŉ ǆ ﬁ ᾳ"),
    "surrogate": Editable(("a", "\ud800", "b")),
    "blanks": Editable(("a b", "\u00a0", "Oslo\u3000city"), (Span(2, 3, "LOC"),)),
}


@every_augmenter
@pytest.mark.parametrize("example", DEGENERATE.values(), ids=DEGENERATE)
def test_odd_examples_are_survived(name, keys, example):
    check(augmenter(name, **keys), example, 6)
    if "rate" in type(config_of(name)).model_fields:
        check(augmenter(name, **{"rate": 1.0, **keys}), example, 6)


@pytest.mark.parametrize("name", AUGMENTERS)
def test_a_training_split_without_anything_is_survived(name):
    method = ready(config_of(name), Lexicon())
    check(method, example_of("Anna Berg saw Oslo .", (0, 2, "PER"), (3, 4, "LOC")))


# --- a task of two texts ---------------------------------------------------------------------------------------

BORDER = "|||"


@dataclass(frozen=True)
class Pair:
    """An example of the toy task: does the hypothesis follow from the premise?"""

    premise: tuple[str, ...]
    hypothesis: tuple[str, ...]
    label: str


def editable(pair: Pair) -> Editable:
    """Both texts in one, and between them a border that nothing may cross."""
    at = len(pair.premise)
    return Editable((*pair.premise, BORDER, *pair.hypothesis), (), ((at, at + 1),))


def rebuild(pair: Pair, after: Editable) -> Pair:
    ((start, end),) = after.locked
    assert after.tokens[start:end] == (BORDER,)
    return Pair(after.tokens[:start], after.tokens[end:], pair.label)


PAIRS = [
    Pair(tuple(premise.split()), tuple(hypothesis.split()), "entailment")
    for premise, hypothesis in [
        ("Two men in Oslo play cards . A dog sleeps .", "Some men play , and a dog sleeps . It is day . Oslo is far ."),
        ("Sleeping", "Awake ."),
        ("a", "b"),
        ("", "Nothing was said ."),
        ("", ""),
    ]
]


@every_augmenter
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{len(pair.premise)}+{len(pair.hypothesis)}")
def test_a_pair_of_texts_stays_a_pair(name, keys, pair):
    rates = {"rate": 1.0} if "rate" in type(config_of(name)).model_fields else {}
    for method in (augmenter(name, **keys), augmenter(name, **{**rates, **keys})):
        check(method, editable(pair), 10)
        for changed in edited(method, editable(pair), 10):
            made = rebuild(pair, changed.edited)
            assert bool(made.premise) == bool(pair.premise)
            assert bool(made.hypothesis) == bool(pair.hypothesis)


def test_both_texts_of_a_pair_are_augmented():
    for name in ("delete", "case", "sentence_reorder", "label_wise_replacement", "shuffle_within_segments"):
        made = [rebuild(PAIRS[0], changed.edited) for changed in edited(augmenter(name), editable(PAIRS[0]), 20)]
        assert any(one.premise != PAIRS[0].premise for one in made), name
        assert any(one.hypothesis != PAIRS[0].hypothesis for one in made), name


# --- synthesizers ----------------------------------------------------------------------------------------------


# Sizes at which a model is trained in a few seconds.
SMALL = {
    "lm_synthesis": {
        "epochs": 3, "longest": 64, "learning_rate": 5e-3, "scratch": {"layers": 1, "width": 64, "heads": 2},
    },
    "gan_synthesis": {
        "vocabulary": 300, "longest": 64, "embedding": 24, "width": 48, "filters": 4, "temperatures": [0.7],
        "likelihood": {"epochs": 10, "batch": 16, "learning_rate": 0.02}, "collapse": {"samples": 16},
        "adversarial": {"steps": 2, "batch": 8, "warmup_steps": 1},
    },
}  # fmt: skip


@cache
def endpoint() -> str:
    """The URL of a server that lasts as long as the tests."""
    running = ExitStack()
    atexit.register(running.close)
    return running.enter_context(serving(sentence_of)).url


FOLDER = Path(mkdtemp(prefix="halluc-fitted-"))


class Knowing:
    """Predicts the labels that the corpus has."""

    fingerprint = "knowing"

    def answers(self, texts: Sequence[str]) -> list[PseudoLabelled]:
        known = {example.tokens: example for example in held_out()}
        return [PseudoLabelled(known[tuple(text.split())], 1.0) for text in texts]


@cache
def held_out() -> tuple[Editable, ...]:
    examples = read_corpora(SpansReader.Config(format="conll", dev="demo:ner"), TABLE, ("dev",)).splits["dev"].examples
    return tuple(Editable(example.tokens, example.spans) for example in examples)


def required(name: str) -> dict[str, Any]:
    """What a synthesizer cannot do without, beside its type, and sizes at which it is fitted in a few seconds."""
    if name == "self_training":
        file = FOLDER / "raw.txt"
        file.write_text("".join(" ".join(example.tokens) + "\n" for example in held_out()), encoding="utf-8")
        return {"model": "runs/x", "unlabelled": [str(file)]}
    return {"url": endpoint()} if name == "llm_synthesis" else SMALL.get(name, {})


@cache
def fitted(name: str, copy: int = 0) -> Synthesizer:
    component = registry.load(TABLE, "synthesizer", name)
    made: Synthesizer = component(component.Config(type=name, **required(name)))
    folder = Path(mkdtemp(prefix="halluc-fitted-"))
    made.fit(corpus(), Workspace(folder, 1, text_labeller=lambda reference: Knowing()))
    return made


def sampled(method: Synthesizer, like: Editable, key: object) -> Editable | str:
    return sampled_many(method, [(key, like)])[0]


def sampled_many(method: Synthesizer, asked: Sequence[tuple[object, Editable]]) -> list[Editable | str]:
    """What comes of each key, the reason where it is rejected."""
    made = method.sample_many([like for _, like in asked], [Draws.of(key) for key, _ in asked])
    return [one.reason if isinstance(one, Rejected) else one for one in made]


@every_synthesizer
def test_the_same_key_samples_the_same_from_any_fit(name):
    examples = list(enumerate(corpus()[:40]))
    first = sampled_many(fitted(name), examples)
    assert sampled_many(fitted(name), examples[::-1])[::-1] == first
    assert [sampled(fitted(name), like, key) for key, like in examples[:5]] == first[:5]
    assert sampled_many(fitted(name, copy=1), examples) == first


@every_synthesizer
def test_samples_differ_and_are_valid_examples_of_known_labels(name):
    found = sampled_many(fitted(name), [(key, corpus()[key % 40]) for key in range(200)])
    made = [example for example in found if isinstance(example, Editable)]
    assert len(set(made)) > 20
    assert any(example.spans for example in made)
    for example in made:
        check_labels(example, example, moved=False)
        assert example.tokens
        assert {span.label for span in example.spans} <= set(training().labels)


@every_synthesizer
def test_sampling_does_not_change_the_example_it_replaces(name):
    for like in DEGENERATE.values():
        before = Editable(tuple(like.tokens), tuple(like.spans), tuple(like.locked))
        sampled(fitted(name), like, 1)
        assert like == before


@every_synthesizer
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{len(pair.premise)}+{len(pair.hypothesis)}")
def test_locked_tokens_are_rejected_or_kept(name, pair):
    made = sampled(fitted(name), editable(pair), 1)
    if isinstance(made, Editable):
        check_locks(editable(pair), made)
