"""Quality and diversity of generated texts: BLEU worked out by hand, and what it says of two generators."""

from __future__ import annotations

import math

import pytest

from halluc.augmentation.models.gan.comparison import PARTS, GeneratorFigures, References, Verdict, best, measure


def texts(*lines: str) -> list[tuple[str, ...]]:
    return [tuple(line.split()) for line in lines]


def test_a_text_that_is_a_reference_has_a_bleu_of_1() -> None:
    references = References(texts("a b c d e", "f g h i"))
    assert references.bleu(texts("a b c d e")) == pytest.approx(1)


def test_bleu_clips_counts_at_the_most_of_one_reference() -> None:
    # 1-grams: 2 of 4 (the third and fourth "a" are too many); 2-grams: 1 of 3; 3-grams: 0, counts as half, of 2. The
    # closest reference has 4 words, so there is no brevity penalty.
    found = References(texts("a a b c", "a x y z")).bleu(texts("a a a a"))
    assert found == pytest.approx((2 / 4 * 1 / 3 * 0.5 / 2) ** (1 / 3))


def test_short_texts_are_punished() -> None:
    found = References(texts("a b c d e f")).bleu(texts("a b c d"))
    assert found == pytest.approx(math.exp(1 - 6 / 4))


def test_bleu_of_no_text_is_unknown() -> None:
    assert References(texts("a b")).bleu([]) is None
    assert References(texts("a b")).bleu([()]) is None


def test_a_text_is_not_compared_with_itself_in_self_bleu() -> None:
    different, alike = texts("a b c d", "e f g h"), texts("a b c d", "a b c d")
    of_different = References(different).bleu(different, but_itself=True)
    assert of_different == pytest.approx((0.5 / 8 * 0.5 / 6 * 0.5 / 4) ** (1 / 3))
    assert References(alike).bleu(alike, but_itself=True) == pytest.approx(1)


def test_samples_that_repeat_one_text_have_quality_without_coverage() -> None:
    held_out = texts(*(["a b c d"] * PARTS), *(["e f g h"] * PARTS))  # each part has both
    real = measure("real", None, held_out, held_out)
    repeated = measure("repeated", 1.0, [held_out[0]] * 10, held_out)
    assert real.quality == pytest.approx(1) and real.coverage == pytest.approx(1)
    assert repeated.coverage < 0.6 < repeated.quality
    assert repeated.self_bleu == pytest.approx(1)
    assert repeated.harmonic == pytest.approx(sum(repeated.parts) / PARTS)


def test_invalid_samples_lower_the_valid_rate_and_nothing_else() -> None:
    held_out = texts(*("a b c d" for _ in range(10)))
    found = measure("some", 1.0, [*held_out[:5], *[None] * 5], held_out)
    assert found.valid == 0.5
    assert found.quality == pytest.approx(1)


def test_without_any_valid_sample_the_figures_say_so() -> None:
    found = measure("none", 1.0, [None] * 10, texts(*("a b c d" for _ in range(10))))
    assert (found.valid, found.quality, found.coverage, found.harmonic, found.self_bleu) == (0, 0, 0, 0, 1)


def row(*parts: float, temperature: float = 1.0) -> GeneratorFigures:
    mean = sum(parts) / len(parts)
    return GeneratorFigures("one", temperature, 1.0, mean, mean, mean, 0.5, 0.5, parts)


def test_a_generator_is_better_only_if_the_difference_exceeds_its_error() -> None:
    base = row(0.30, 0.32, 0.34, 0.36, 0.38)
    assert Verdict.of(row(0.40, 0.42, 0.44, 0.46, 0.48), base).outcome == "better"
    assert Verdict.of(base, row(0.40, 0.42, 0.44, 0.46, 0.48)).outcome == "worse"
    noisy = Verdict.of(row(0.10, 0.52, 0.14, 0.56, 0.48), base)
    assert noisy.difference > 0
    assert noisy.outcome == "no better"
    assert Verdict.of(base, base).outcome == "no better"


def test_the_error_is_student_s_over_paired_parts() -> None:
    found = Verdict.of(row(1.0, 2.0, 3.0, 4.0, 5.0), row(0.0, 0.0, 0.0, 0.0, 0.0))
    assert found.difference == 3
    assert found.error == pytest.approx(2.776 * math.sqrt(2.5 / 5))


def test_of_equal_temperatures_the_one_closest_to_1_is_best() -> None:
    rows = [row(0.2, 0.2, temperature=0.5), row(0.2, 0.2, temperature=0.9), row(0.1, 0.1, temperature=1.0)]
    assert best(rows).temperature == 0.9
