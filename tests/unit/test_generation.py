"""Decoding: sampling by inversion, greedy and beam search, for causal and encoder-decoder models."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, GPT2Config, LlamaConfig, T5Config

from halluc.core.errors import HallucError
from halluc.core.rng import Draws
from halluc.engine import generation
from halluc.engine.generation import Decoding, SpecialTokens, choose, generate

SPECIAL = SpecialTokens(end=1, pad=0, forbidden=(0,))
PROMPTS = [[5, 6, 7], [8], [9, 10, 11, 12, 13], [5, 6]]


def streams(count, seed=3):
    return [Draws.of(seed, number) for number in range(count)]


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def causal(request):
    torch.manual_seed(1)
    if request.param == "gpt2":
        config = GPT2Config(vocab_size=30, n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=2)
    else:
        config = LlamaConfig(
            vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
        )
    config.initializer_range = 0.4  # so that the distribution is no uniform one
    return AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()


@pytest.fixture(scope="module", params=["causal", "seq2seq"])
def any_model(request):
    if request.param == "seq2seq":
        return small_t5()
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=30, n_embd=16, n_layer=2, n_head=2, n_positions=64, initializer_range=0.4)
    return AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()


@pytest.fixture(scope="module")
def seq2seq():
    return small_t5()


def small_t5():
    torch.manual_seed(2)
    config = T5Config(
        vocab_size=30, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=0, eos_token_id=1
    )
    config.initializer_factor = 5.0
    return AutoModelForSeq2SeqLM.from_config(config).eval()


def by_hand(model, prompt, draws, decoding):
    """Sampling of one row without padding or cache."""
    ids, new = list(prompt), []
    while len(new) < decoding.max_new_tokens:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].double()
            logits[0] = -math.inf
        sums = torch.softmax(logits / decoding.temperature, 0).cumsum(0)
        token = int(torch.searchsorted(sums, draws.uniform() * float(sums[-1]), right=True))
        ids.append(token)
        new.append(token)
        if token == 1:
            break
    return new


def test_sampling_is_that_of_each_row_alone(causal):
    decoding = Decoding(max_new_tokens=12, temperature=0.7)
    made = generate(causal, PROMPTS, decoding, SPECIAL, streams(4))
    assert made == [by_hand(causal, prompt, draws, decoding) for prompt, draws in zip(PROMPTS, streams(4), strict=True)]
    assert 0 not in {token for row in made for token in row}


def test_finished_rows_are_removed_from_the_batch(causal, monkeypatch):
    many = [[5 + number % 20] for number in range(40)]
    decoding = Decoding(max_new_tokens=30, temperature=1.0)
    expected = [by_hand(causal, prompt, draws, decoding) for prompt, draws in zip(many, streams(40), strict=True)]
    widths = []
    monkeypatch.setattr(generation, "choose", lambda *given: widths.append(len(given[0])) or choose(*given))
    assert generate(causal, many, decoding, SPECIAL, streams(40)) == expected
    assert min(widths) < 40


def test_the_end_stays_and_nothing_comes_after_it(causal):
    made = generate(causal, PROMPTS * 5, Decoding(max_new_tokens=40, temperature=2.0), SPECIAL, streams(20))
    assert any(row[-1] == 1 for row in made)
    assert all(1 not in row[:-1] and len(row) <= 40 for row in made)


def test_batches_do_not_change_rows(causal):
    large = Decoding(max_new_tokens=10)
    small = Decoding(max_new_tokens=10, batch_tokens=30)
    assert generate(causal, PROMPTS, large, SPECIAL, streams(4)) == generate(
        causal, PROMPTS, small, SPECIAL, streams(4)
    )  # fmt: skip


def test_greedy_is_the_argmax(causal):
    made = generate(causal, PROMPTS, Decoding(max_new_tokens=6, strategy="greedy"), SPECIAL)
    for prompt, new in zip(PROMPTS, made, strict=True):
        ids = list(prompt)
        for token in new:
            logits = causal(input_ids=torch.tensor([ids])).logits[0, -1].clone()
            logits[0] = -math.inf
            assert token == int(logits.argmax())
            ids.append(token)


def test_a_low_temperature_is_greedy(causal):
    greedy = generate(causal, PROMPTS, Decoding(max_new_tokens=6, strategy="greedy"), SPECIAL)
    assert generate(causal, PROMPTS, Decoding(6, temperature=1e-3), SPECIAL, streams(4)) == greedy
    assert generate(causal, PROMPTS, Decoding(6, top_k=1), SPECIAL, streams(4)) == greedy
    assert generate(causal, PROMPTS, Decoding(6, top_p=1e-6), SPECIAL, streams(4)) == greedy


def score(model, prompt, new, encodes):
    """Summed log-probability of what was written."""
    if encodes:
        logits = model(input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([[0, *new[:-1]]])).logits[0]
    else:
        logits = model(input_ids=torch.tensor([[*prompt, *new[:-1]]])).logits[0, len(prompt) - 1 :]
    return float(logits.detach().log_softmax(1)[range(len(new)), new].sum())


def test_beams_find_no_worse_than_greedy(any_model):
    model, encodes = any_model, any_model.config.is_encoder_decoder
    special = SpecialTokens(end=1, pad=0)
    greedy = generate(model, PROMPTS, Decoding(5, "greedy"), special)
    beam = generate(model, PROMPTS, Decoding(5, "beam", beams=6, length_penalty=0.0), special)
    better = [
        score(model, prompt, b, encodes) - score(model, prompt, a, encodes)
        for prompt, a, b in zip(PROMPTS, greedy, beam, strict=True)
    ]
    assert sum(better) > -1e-4
    assert any(one > 1e-4 for one in better)


@pytest.mark.parametrize("strategy", ["greedy", "beam"])
def test_no_ngram_is_repeated(strategy, any_model):
    made = generate(any_model, PROMPTS, Decoding(20, strategy, no_repeat_ngrams=2), SpecialTokens(end=1, pad=0))
    for row in made:
        pairs = list(pairwise(row))
        assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize("strategy", ["greedy", "beam"])
def test_ngrams_of_the_prompt_may_occur_in_the_output(causal, strategy):
    prompts = [list(range(2, 30)) * 2, [7, 8, 9, 7, 8, 9]]
    decoding = Decoding(6, strategy, beams=1, no_repeat_ngrams=1)
    outputs = generate(causal, prompts, decoding, SpecialTokens(end=1, pad=0))
    for prompt, output in zip(prompts, outputs, strict=True):
        ids = list(prompt)
        for token in output:
            earlier = torch.tensor(ids[len(prompt) :], dtype=torch.long)
            logits = causal(torch.tensor([ids])).logits[0, -1].index_fill(0, earlier, -torch.inf)
            assert token == int(logits.argmax())
            ids.append(token)


def test_an_encoder_decoder_samples_by_its_own_draws(seq2seq):
    decoding = Decoding(max_new_tokens=8)
    together = generate(seq2seq, PROMPTS, decoding, SpecialTokens(1, 0), streams(4))
    for number, prompt in enumerate(PROMPTS):
        alone = generate(seq2seq, [prompt], decoding, SpecialTokens(1, 0), [streams(4)[number]])
        assert alone == [together[number]]
    ids, draws = [0], streams(4)[1]
    for token in together[1]:
        logits = seq2seq(input_ids=torch.tensor([PROMPTS[1]]), decoder_input_ids=torch.tensor([ids])).logits[0, -1]
        logits = logits.detach()
        sums = logits.double().softmax(0).cumsum(0)
        assert token == int(torch.searchsorted(sums, draws.uniform() * float(sums[-1]), right=True))
        ids.append(token)


def test_an_encoder_decoder_begins_with_the_first_token(seq2seq):
    made = generate(seq2seq, PROMPTS, Decoding(5, "beam"), SpecialTokens(1, 0, first=17))
    assert {row[0] for row in made} == {17}


def test_tokens_come_as_often_as_they_are_probable():
    weights = torch.tensor([0.5, 0.0, 0.25, 0.125, 0.125])
    uniforms = (torch.arange(8000, dtype=torch.float64) + 0.5) / 8000
    logits = weights.log().expand(8000, 5)
    assert choose(logits, uniforms, Decoding(1)).bincount(minlength=5).tolist() == [4000, 0, 2000, 1000, 1000]
    two = choose(logits, uniforms, Decoding(1, top_k=2)).bincount(minlength=5).tolist()
    assert two == [pytest.approx(8000 * 2 / 3, abs=1), 0, pytest.approx(8000 / 3, abs=1), 0, 0]
    half = choose(logits, uniforms, Decoding(1, top_p=0.5)).bincount(minlength=5).tolist()
    assert half == [8000, 0, 0, 0, 0]
    more = choose(logits, uniforms, Decoding(1, top_p=0.6)).bincount(minlength=5).tolist()
    assert more == two
    hot = choose(logits, uniforms, Decoding(1, temperature=2.0)).bincount(minlength=5)
    expected = weights.sqrt() / weights.sqrt().sum() * 8000
    assert torch.allclose(hot.double(), expected.double(), atol=1.5)


def test_the_ends_of_the_range_choose_what_has_a_weight():
    logits = torch.tensor([[-math.inf, 1.0, 2.0, -math.inf]]).expand(2, 4)
    uniforms = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert choose(logits, uniforms, Decoding(1)).tolist() == [1, 2]


def test_sampling_without_draws_is_refused(causal):
    with pytest.raises(ValueError, match="stream of draws"):
        generate(causal, PROMPTS, Decoding(4), SPECIAL)


def test_out_of_memory_is_reported(causal, monkeypatch):
    def fail(*_, **__):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(generation, "_sampled", fail)
    with pytest.raises(HallucError) as error:
        generate(causal, PROMPTS, Decoding(4), SPECIAL, streams(4))
    assert error.value.code == "T102"


def test_progress_is_reported_and_the_mode_comes_back(causal):
    told = []
    causal.train()
    generate(causal, PROMPTS, Decoding(4, batch_tokens=20), SPECIAL, streams(4), done=told.append)
    assert causal.training
    causal.eval()
    assert told[-1] == 4 and told == sorted(told)


class Wrapped:
    """As models with adapters of PEFT: ``forward`` names one of its arguments only."""

    def __init__(self, base):
        self._base = base

    def __getattr__(self, name):
        return getattr(self._base, name)

    def __call__(self, **given):
        return self._base(**given)

    def forward(self, attention_mask=None, **given):
        raise AssertionError("only looked at")

    def get_base_model(self):
        return self._base


def test_a_model_with_adapters_samples_with_its_context(causal):
    decoding = Decoding(max_new_tokens=8)
    expected = generate(causal, PROMPTS, decoding, SPECIAL, streams(4))
    assert generate(Wrapped(causal), PROMPTS, decoding, SPECIAL, streams(4)) == expected


def test_the_generation_config_of_a_model_decides_nothing_that_was_not_asked_for(any_model, monkeypatch):
    greedy = Decoding(12, "greedy")
    expected = generate(any_model, PROMPTS, greedy, SpecialTokens(end=1, pad=0))
    assert any(len(set(pairwise(row))) < len(row) - 1 for row in expected), "nothing is repeated"
    own = any_model.generation_config
    for name, value in (("no_repeat_ngram_size", 2), ("min_new_tokens", 12), ("suppress_tokens", [expected[0][0]])):
        monkeypatch.setattr(own, name, value)
    assert generate(any_model, PROMPTS, greedy, SpecialTokens(end=1, pad=0)) == expected
    assert any_model.generation_config is own


@pytest.mark.parametrize("strategy", ["sampling", "greedy"])
def test_each_of_several_end_tokens_ends_a_sequence(strategy, any_model):
    decoding = Decoding(10, strategy)
    (whole,) = generate(any_model, PROMPTS[:1], decoding, SpecialTokens(1, 0), streams(1))
    ends = SpecialTokens(1, 0, more_ends=(whole[2],))
    (cut,) = generate(any_model, PROMPTS[:1], decoding, ends, streams(1))
    assert cut == whole[: whole.index(whole[2]) + 1]


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_a_bias_favours_tokens_of_the_prompt_and_keeps_probabilities(any_model, strategy):
    plain = Decoding(8, strategy, beams=3, temperature=0.7)

    def copied(bias):
        asked = replace(plain, copy_bias=bias)
        made = generate(any_model, PROMPTS, asked, SPECIAL, streams(4) if strategy == "sampling" else None)
        return made, [
            token in {*prompt, SPECIAL.end} for prompt, own in zip(PROMPTS, made, strict=True) for token in own
        ]

    assert copied(0.0)[0] == generate(any_model, PROMPTS, plain, SPECIAL, streams(4))
    assert all(copied(100.0)[1])
    assert sum(copied(2.0)[1]) / len(copied(2.0)[1]) >= sum(copied(0.0)[1]) / len(copied(0.0)[1])
    assert not all(copied(0.0)[1])
    scores = torch.randn(4, 30).log_softmax(-1)
    biased = generation._CopyBias(PROMPTS, replace(plain, copy_bias=1.5), SPECIAL)(torch.zeros(4, 1), scores)
    odds = scores.exp()
    for row, prompt in enumerate(PROMPTS):
        odds[row, [*prompt, SPECIAL.end]] *= math.exp(1.5)
    torch.testing.assert_close(biased.exp(), odds / odds.sum(-1, keepdim=True))
