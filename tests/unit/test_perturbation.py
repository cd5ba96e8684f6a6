"""The perturbation test of Lee et al. 2018: adjusted BLEU, the tokens that are inserted, and what is counted."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from halluc.analysis.scoring import results
from halluc.core.exact_intervals import clopper_pearson
from halluc.core.examples import Origin
from halluc.core.significance import LEVEL, Sheet
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.source_text import Sourced, WrittenText, cut_parts
from halluc.tasks.translation.config import TranslationConfig
from halluc.tasks.translation.figures import TranslationFigures, bleu_of
from halluc.tasks.translation.perturbation import (
    PerturbationConfig,
    TokenPools,
    adjusted_bleu,
    insert_token,
    perturbations,
    sample_examples,
)
from halluc.tasks.translation.task import Translation


def pair(number: int, source: str, *targets: str) -> Sourced:
    return Sourced(f"e{number}", Origin("f", number), *cut_parts([("source", source)], Tokenizer()), targets)


@pytest.mark.parametrize(
    ("output", "references", "value"),
    [
        ("a b c d", ["a b c d"], 1.0),
        ("a b x y", ["a b c d"], (2 / 4) * (1 / 3) ** 0.8),
        ("a b", ["a b c d"], 2.718281828**-1),  # the brevity penalty alone
        ("a x b", ["a b c", "x b"], 1.0 * (1 / 2) ** 0.8),  # of several references
        ("d c b a", ["a b c d"], 0.0),  # no pair in common
        ("a", ["a b c d"], 0.0),
        ("", ["a b c d"], 0.0),
    ],
)
def test_adjusted_bleu_by_hand(output, references, value):
    metric = bleu_of([pair(1, "x", *references)], max_ngram_order=2)
    assert adjusted_bleu(metric, output, references) == pytest.approx(value)


@pytest.mark.parametrize(
    ("position", "text"),
    [("start", "so Well, he ran."), ("second", "Well so , he ran."), ("last", "Well, he ran. so")],
)
def test_a_token_is_inserted_between_blanks(position, text):
    made = insert_token(pair(1, "Well, he ran.", "x"), "so", position)
    assert (made.full_text, len(made.tokens)) == (text, 6)
    assert made.text(made.parts[0]) == text


@pytest.mark.parametrize("position", ["start", "second", "last"])
def test_a_source_of_one_token_gets_another(position):
    assert sorted(insert_token(pair(1, "Stop", "x"), "so", position).full_text.split()) == ["Stop", "so"]


TRAINING = [pair(number, f"the common word w{number} ." + " , !" * (number % 2), "x") for number in range(400)]


def test_tokens_have_the_frequency_of_their_kind():
    pools = TokenPools.from_sources(TRAINING, 1)
    assert set(pools.by_kind["frequent"][:3]) == {"the", "common", "word"}
    assert set(pools.by_kind["punctuation"]) == {".", ",", "!"}
    sizes = {kind: len(pool) for kind, pool in pools.by_kind.items()}
    assert sizes == {"frequent": 100, "medium": 100, "rare": 100, "punctuation": 3}
    words = [word for kind in ("frequent", "medium", "rare") for word in pools.by_kind[kind]]
    assert len(set(words)) == 300


def test_the_same_seed_draws_the_same_sources_and_tokens():
    config = PerturbationConfig(sources=20, tokens=2)
    pools = TokenPools.from_sources(TRAINING, 1)
    first = [told[:3] for told in perturbations(TRAINING[0], pools, config, 1)]
    assert first == [told[:3] for told in perturbations(TRAINING[0], pools, config, 1)]
    assert first != [told[:3] for told in perturbations(TRAINING[0], pools, config, 2)]
    assert len(first) == 4 * 3 * 2
    assert len(sample_examples(TRAINING, config, 1)) == 20
    assert (
        sample_examples(TRAINING, config, 1)
        == sample_examples(TRAINING, config, 1)
        != sample_examples(TRAINING, config, 2)
    )


TEST = [
    pair(1, "one two three four", "eins zwei drei vier"),  # is lost with punctuation
    pair(2, "two three", "zwei drei"),  # stays
    pair(3, "five six", "sechs fünf"),  # its output is not good enough
    pair(4, "seven", ""),
]
SAID = ["eins zwei drei vier", "zwei drei", "acht neun", "acht"]


class FakeWriter:
    """Stands for decoding: a source that has both `one` and punctuation is lost."""

    def __init__(self, monkeypatch, model):
        self.sources: list[Sourced] = []
        monkeypatch.setattr(model, "encode", lambda examples, loaded: self.sources.extend(examples) or examples)
        monkeypatch.setattr(model, "predict", lambda _, examples, *rest: [self.said(one) for one in examples])

    def said(self, source: Sourced) -> WrittenText:
        is_lost = "one" in source.tokens and {".", ",", "!"} & set(source.tokens)
        return WrittenText(source.id, "ganz etwas anderes" if is_lost else source.targets[0], ())


def test_what_is_lost_is_counted_by_kind_with_exact_intervals(monkeypatch):
    task = Translation(TranslationConfig(type="translation", perturbation={}))
    writer = FakeWriter(monkeypatch, task.model)
    examples = [one if one.targets[0] else pair(4, "seven") for one in TEST]
    said = [WrittenText(one.id, text, ()) for one, text in zip(examples, SAID, strict=True)]
    made = task.model.tested(SimpleNamespace(model=None), examples, said, TRAINING, 100, None, 1)
    assert [None if one.perturbed is None else len(one.perturbed) for one in made] == [12, 12, 0, None]
    assert len(writer.sources) == 24
    sheet = Sheet(len(made))
    found = {tuple(one.by.values()): one for one in results(TranslationFigures().figures(examples, made, sheet), sheet)
             if one.name == "perturbation_rate"}  # fmt: skip
    assert {by: (one.value, one.n) for by, one in found.items()} == {
        (): (0.5, 2), ("frequent",): (0.0, 2), ("medium",): (0.0, 2), ("rare",): (0.0, 2), ("punctuation",): (0.5, 2),
    }  # fmt: skip
    assert found["rare",].interval == pytest.approx(clopper_pearson(0, 2, LEVEL))
    report = TranslationFigures().report(examples, made)
    assert report["perturbation"]["by_token"]["punctuation"] == {"outputs": 6, "hallucinations": 3}
    assert {one["id"] for one in report["perturbation"]["hallucinations"]} == {"e1"}
    assert "2 of 3 outputs were good enough" in TranslationFigures().text(report)


def test_without_the_key_nothing_is_tested():
    assert not Translation(TranslationConfig(type="translation")).model.asks_training
    said = [WrittenText(one.id, text, ()) for one, text in zip(TEST[:3], SAID, strict=False)]
    figures = TranslationFigures().figures(TEST[:3], said, Sheet(3))
    assert not {"perturbation_rate", "perturbed_outputs"} & {one.name for one in figures}
    assert "perturbation" not in TranslationFigures().report(TEST[:3], said)
