"""Cloze prompts: each candidate has the probability that the model itself gives it."""

from __future__ import annotations

import json
import math

import numpy
import pytest
import torch

from halluc.core.errors import HallucError
from halluc.engine import cloze
from halluc.engine.cloze import grouped
from halluc.engine.references import ModelSource
from tests.tiny_masked import write_causal, write_masked

TEXTS = [
    text.split() for text in ("anna lives in oslo .", "acme corp is based in paris .", "berg left new york for oslo .")
]
PLACES = ["oslo", "paris", "new york", "new oslo", "unheard of"]


@pytest.fixture(scope="module")
def causal(tmp_path_factory):
    return cloze.load(ModelSource(str(write_causal(tmp_path_factory.mktemp("causal"), TEXTS))))


@pytest.fixture(scope="module")
def masked_folder(tmp_path_factory):
    return write_masked(tmp_path_factory.mktemp("masked"), TEXTS)


def scored(model, prompts, pieces):
    found = numpy.full((len(prompts), len(pieces)), numpy.nan)
    for indexes, scores in model.scores(prompts, pieces):
        found[indexes] = scores
    return found


def test_candidates_of_several_pieces_have_the_mean_of_their_log_probabilities(causal):
    assert causal.kind == "causal"
    prompts = [causal.prompt(f"{name} lives in ", ".") for name in ("anna", "acme corp of oslo", "berg")]
    pieces = causal.pieces(" lives in ", PLACES)
    assert [len(one) for one in pieces][:3] == [1, 1, 2]
    assert len(pieces[4]) > 3
    found = scored(causal, prompts, pieces)
    for prompt, row in zip(prompts, found, strict=True):
        for candidate, score in zip(pieces, row, strict=True):
            logits = causal.model.model(input_ids=torch.tensor([[*prompt, *candidate]])).logits[0]
            steps = logits.detach().log_softmax(-1)[len(prompt) - 1 :]
            told = [float(steps[at, piece]) for at, piece in enumerate(candidate)]
            assert score == pytest.approx(sum(told) / len(told), abs=1e-5)


def test_many_candidates_are_read_in_groups_with_the_same_scores(causal, monkeypatch):
    prompts = [causal.prompt(f"{name} lives in ", ".") for name in ("anna", "acme corp of oslo", "berg")]
    pieces = causal.pieces(" lives in ", PLACES)
    whole = scored(causal, prompts, pieces)
    widths = []
    with_tree = cloze._with_tree
    monkeypatch.setattr(cloze, "_with_tree", lambda prompts, tree: widths.append(len(tree)) or with_tree(prompts, tree))
    monkeypatch.setattr(cloze, "grouped", lambda candidates: grouped(candidates, 3))
    assert scored(causal, prompts, pieces) == pytest.approx(whole, abs=1e-5)
    assert len(widths) > 1
    assert sorted(one for group in grouped(pieces, 3) for one in group) == list(range(len(pieces)))


def without_blank(folder):
    """The model with a tokenizer that puts no blank before a text, as those of RoBERTa and GPT-2."""
    settings = json.loads((folder / "tokenizer.json").read_text())
    settings["pre_tokenizer"]["add_prefix_space"] = False
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    return folder


def test_the_prompt_of_a_causal_model_does_not_begin_with_a_blank(tmp_path):
    model = cloze.load(ModelSource(str(without_blank(write_causal(tmp_path, TEXTS)))))
    assert model.tokenizer.decode(model.prompt("anna lives in ", ".")) == "anna lives in"
    assert [model.tokenizer.decode(one) for one in model.pieces(" lives in ", ["oslo"])] == [" oslo"]


def test_a_candidate_that_begins_the_text_has_no_blank(tmp_path):
    folder = without_blank(write_masked(tmp_path, TEXTS, "roberta"))
    model = cloze.load(ModelSource(str(folder)))
    [first], [inside] = (cloze.ClozeModel.pieces(model, context, ["oslo"]) for context in (None, " lives in "))
    assert [model.tokenizer.decode(one) for one in (first, inside)] == ["oslo", " oslo"]
    assert model.prompt("oslo is", "")[: len(first)] == list(first)


def test_a_tree_reads_what_candidates_begin_with_once():
    tree = cloze.CandidateTree.of([(1,), (2, 3), (2, 4), (2, 3, 5)])
    assert tree.pieces == [2, 3]
    assert tree.parents == [0, 1]
    assert tree.depths == [0, 1]
    assert tree.seen().tolist() == [[True, False], [True, True]]
    assert tree.queries == [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5)]
    assert tree.shares[:, 3].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 0, 1 / 3])


def test_a_masked_model_fills_one_piece(masked_folder):
    model = cloze.load(ModelSource(str(masked_folder)))
    assert model.kind == "masked"
    pieces = model.pieces(" lives in ", PLACES)
    assert [one is None for one in pieces] == [False, False, True, True, True]
    prompts = [model.prompt("anna lives in ", " ."), model.prompt("the corp of anna berg left ", " for acme .")]
    found = scored(model, prompts, pieces[:2])
    for prompt, row in zip(prompts, found, strict=True):
        logits = model.model.model(input_ids=torch.tensor([prompt])).logits[0].detach().log_softmax(-1)
        at = prompt.index(model.tokenizer.mask_token_id)
        assert row.tolist() == pytest.approx([float(logits[at, piece]) for (piece,) in pieces[:2]], abs=1e-5)


def test_prompts_that_cannot_be_read_are_reported(causal, masked_folder):
    model = cloze.load(ModelSource(str(masked_folder)))
    assert model.prompt("[MASK] lives in ", ".") is None
    assert model.prompt("very " * 100, ".") is None
    assert causal.prompt("very " * 100, ".") is None
    assert causal.fits(" . ") and not causal.fits(" is where [X] lives.")
    assert model.fits(" is where [X] lives.")


def test_a_body_answers_under_the_head_of_its_base(masked_folder, tmp_path):
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    tuned = AutoModelForTokenClassification.from_pretrained(masked_folder)
    with torch.no_grad():
        tuned.base_model.encoder.layer[0].output.dense.weight.mul_(3)
    tuned.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(masked_folder).save_pretrained(tmp_path)
    base, own = ModelSource(str(masked_folder)), ModelSource(str(tmp_path))
    assert cloze.has_head(base) and not cloze.has_head(own)
    model = cloze.load(base, own)
    prompt, pieces = model.prompt("anna lives in ", " ."), model.pieces(" lives in ", PLACES[:2])
    ids = torch.tensor([prompt])
    hidden = tuned.base_model(ids).last_hidden_state.detach()
    logits = (
        cloze.load(base)
        .model.model.cls(hidden)[0, prompt.index(model.tokenizer.mask_token_id)]
        .detach()
        .log_softmax(-1)
    )
    assert scored(model, [prompt], pieces)[0].tolist() == pytest.approx([float(logits[p]) for (p,) in pieces], abs=1e-5)
    assert scored(cloze.load(base), [prompt], pieces)[0, 0] != pytest.approx(float(logits[pieces[0][0]]), abs=1e-3)


def test_models_that_cannot_be_probed_are_refused(tmp_path, masked_folder, causal):
    bare = write_masked(tmp_path / "bare", TEXTS, head=False)
    with pytest.raises(HallucError, match="has no trained masked language-model head") as caught:
        cloze.load(ModelSource(str(bare)))
    assert caught.value.code == "E411"
    with pytest.raises(HallucError, match="not a fine-tuned model of the same base"):
        cloze.load(ModelSource(str(masked_folder)), ModelSource(str(write_masked(tmp_path / "r", TEXTS, "roberta"))))
    other = write_masked(tmp_path / "seq2seq", TEXTS)
    settings = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**settings, "is_encoder_decoder": True}))
    with pytest.raises(HallucError, match="is an encoder-decoder"):
        cloze.load(ModelSource(str(other)))


def test_attention_that_ignores_the_mask_of_candidates_is_noticed(causal, monkeypatch):
    read = causal.model.model.forward

    def without(attention_mask=None, **inputs):
        return read(**inputs)

    monkeypatch.setattr(causal.model.model, "forward", without)
    with pytest.raises(HallucError, match="attention does not support custom masks"):
        cloze._refuse_ignored_mask(causal, ModelSource("blind"))
    assert math.isfinite(scored(causal, [[3, 4]], [(5,)])[0, 0])
