"""Models that write texts: exact tokens, the loss, decoding, prompts, and what an edit keeps of an input."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from halluc.config.models import ModelConfig, ScratchConfig
from halluc.core.edits import Replace, apply
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin
from halluc.core.significance import Sheet
from halluc.data.predictions import ExternalPrediction
from halluc.data.tokenization import Tokenizer
from halluc.engine import runtime
from halluc.engine.scratch import make_encoder_decoder, make_text_tokenizer
from halluc.reporting.collect.claim_selection import Texts
from halluc.tasks.summarisation.figures import SummaryFigures
from halluc.tasks.text_generation.confidence import shares
from halluc.tasks.text_generation.encoding import EncodedSequences, SequenceFraming
from halluc.tasks.text_generation.judge import EvidenceRule, GenerationJudge
from halluc.tasks.text_generation.loading import load_writer
from halluc.tasks.text_generation.model import GenerationModel, decode_pieces
from halluc.tasks.text_generation.prompts import ChatFrame, Prompt
from halluc.tasks.text_generation.source_text import Sourced, WrittenText, cut_parts
from halluc.tasks.translation.config import TranslationConfig
from halluc.tasks.translation.examples import TranslationExamples
from halluc.tasks.translation.task import Translation
from tests.tiny_masked import write_causal

HARD = [
    "", " ", "  two  blanks ", "line\nbreak\ttab", "Grüße, Straße!", "naïve café — “quoted”", "</s> and <pad>",
    "भारत में", "👩‍👩‍👧 🇩🇪", "e\u0301 \u200b\ufeff", "中文字符。", "\u0000x", "don't  stop ...", "\r\n",
]  # fmt: skip


def sourced(text: str, *targets: str, number: int = 1, **parts: str) -> Sourced:
    made = cut_parts([("source", text), *parts.items()], Tokenizer())
    return Sourced(f"e{number}", Origin("f", number), *made, targets)


def writing(**keys) -> GenerationModel:
    config = TranslationConfig(type="translation", **keys)
    return GenerationModel(config, GenerationJudge(), ("source", "knowledge"), "{source}\n")


@pytest.fixture(scope="module")
def tokenizer():
    made = make_text_tokenizer([*HARD, "the small house", "das kleine Haus"] * 2, 300)
    made.split_special_tokens = True
    return made


@pytest.mark.parametrize("text", HARD)
def test_a_text_decodes_to_exactly_what_was_encoded(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert ids[-1] == tokenizer.eos_token_id
    assert decode_pieces(tokenizer, ids, True) == text


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_decodes_to_exactly_what_was_encoded(tokenizer, text):
    assert decode_pieces(tokenizer, tokenizer(text)["input_ids"], True) == text


def test_the_same_texts_give_the_same_pieces():
    texts = [f"wort{number} haus{number % 7} der Hund" for number in range(300)]
    first, second = (make_text_tokenizer(texts, 400).get_vocab() for _ in range(2))
    assert first == second
    assert 258 < len(first) <= 400


@pytest.mark.parametrize(
    ("has_encoder", "smoothing", "selects"),
    [(True, 0.0, False), (True, 0.1, False), (False, 0.0, False), (False, 0.1, True)],
)
def test_the_loss_is_the_cross_entropy_of_target_pieces_alone(has_encoder, smoothing, selects):
    framing = SequenceFraming(has_encoder, pad=0, end=1, start=0, label_smoothing=smoothing, selects_logits=selects)
    sources, targets = [[5, 6, 7], [8]], [[3, 1], [4, 9, 4, 1]]
    encoded = EncodedSequences([], sources, targets, framing, None, {})
    batch = encoded.collate([0, 1])
    assert batch.weight == 6
    logits = torch.randn(2, 4 if has_encoder else 5, 12, generator=torch.Generator().manual_seed(1))
    wanted = 0.0
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        for place, piece in enumerate(target):
            at = place if has_encoder else len(source) + place - 1
            p = functional.log_softmax(logits[row, at], -1)
            wanted -= (1 - smoothing) * p[piece].item() + smoothing * p.mean().item()
    computed = logits[:, batch.inputs["logits_to_keep"]] if selects else logits
    assert encoded.loss(SimpleNamespace(logits=computed), batch).item() == pytest.approx(wanted, rel=1e-5)
    if has_encoder:
        assert batch.inputs["decoder_input_ids"].tolist() == [[0, 3, 0, 0], [0, 4, 9, 4]]
    else:
        assert batch.inputs["input_ids"].tolist() == [[5, 6, 7, 3, 1], [8, 4, 9, 4, 1]]
        labels = [[-100, -100, 3, 1], [4, 9, 4, 1]]
        assert batch.labels.tolist() == labels


def test_only_positions_that_predict_a_piece_have_logits():
    framing = SequenceFraming(False, pad=0, end=1, start=0, selects_logits=True)
    encoded = EncodedSequences([], [[5, 6, 7], [8, 6]], [[3, 1], [1]], framing, None, {})
    batch = encoded.collate([0, 1])
    assert batch.inputs["logits_to_keep"].tolist() == [1, 2, 3]
    assert batch.labels.tolist() == [[-100, 3, 1], [1, -100, -100]]


def test_selected_logits_give_the_same_gradients(tmp_path):
    folder = write_causal(tmp_path, [["she", "lives", "in", "Oslo"], ["yes", "he", "does"]])
    loaded = load_writer(ModelConfig(name=str(folder)), "eager")
    assert loaded.framing.selects_logits
    loaded.model.eval()
    losses, gradients = [], []
    for selects in (True, False):
        framing = replace(loaded.framing, selects_logits=selects)
        encoded = EncodedSequences([], [[5, 6, 7], [8, 6]], [[3, 9, 2], [9]], framing, None, {})
        batch = encoded.collate([0, 1])
        losses.append(encoded.loss(loaded.model(**batch.inputs), batch))
        gradients.append(torch.autograd.grad(losses[-1], list(loaded.model.parameters())))
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-6)
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second)


def test_confidence_is_the_mean_probability_of_the_pieces_that_were_written(tiny_writer):
    engine = runtime.start("fp32", 1)
    model = writing(decoding={"beams": 2, "max_new_tokens": 6})
    loaded = model.restore(ModelConfig(name=str(tiny_writer)), {}, "eager")
    encoded = model.encode([sourced("he lives in Oslo", "x"), sourced("yes", "y", number=2)], loaded)
    first, second = model.predict(loaded.model, encoded, 512, engine, None)
    written = model._generate(loaded.model, encoded, 512, engine, model.config.decoding)[0]
    inputs = torch.tensor([encoded.sources[0]]), torch.tensor([[encoded.framing.start, *written[:-1]]])
    with torch.no_grad():
        logits = loaded.model(input_ids=inputs[0], decoder_input_ids=inputs[1]).logits[0]
    chosen = functional.log_softmax(logits, -1)[range(len(written)), written]
    assert first.logprob == pytest.approx(chosen.mean().item(), abs=1e-5)
    assert first.confidences == (math.exp(first.logprob),) * len(first.scores)
    assert first.tokens == len(written) <= 6
    assert encoded.notes["unended_outputs"] == (not first.ended) + (not second.ended)


def test_a_model_that_computes_nan_is_reported(tiny_writer):
    model = writing(decoding={"strategy": "greedy", "max_new_tokens": 3})
    loaded = model.restore(ModelConfig(name=str(tiny_writer)), {}, "eager")
    encoded = model.encode([sourced("he lives in Oslo", "x")], loaded)
    with torch.no_grad():
        for weights in loaded.model.parameters():
            weights.fill_(math.nan)
    with pytest.raises(HallucError, match="computes NaN") as caught:
        model.predict(loaded.model, encoded, 512, runtime.start("fp32", 1), None)
    assert caught.value.code == "T101"


def test_a_prompt_is_cut_in_its_longest_field_and_counted(tiny_writer):
    model = writing(prompt="{knowledge} | {source} >", max_source=30)
    loaded = model.restore(ModelConfig(name=str(tiny_writer)), {}, "eager")
    encoded = model.encode([sourced("she lives there " * 9, "x", knowledge="in Oslo")], loaded)
    text = decode_pieces(loaded.tokenizer, encoded.sources[0], True)
    assert len(encoded.sources[0]) == 30
    assert text.startswith("in Oslo | she lives")
    assert text.endswith(" >")
    assert encoded.notes["cut_sources"] == 1


@pytest.mark.parametrize("prompt", ["Facts: {knowledge}\n{source}\nReply:", "{input}\nReply:"])
def test_a_prompt_that_is_too_long_keeps_its_last_words_and_the_frame(tiny_writer, prompt):
    config = TranslationConfig(type="translation", prompt=prompt, max_source=60)
    model = GenerationModel(config, GenerationJudge(), ("source", "knowledge"), "", cut_at_start=("source",))
    loaded = model.restore(ModelConfig(name=str(tiny_writer)), {}, "eager")
    example = sourced("she lives there. " * 20 + "he lives in Oslo", knowledge="yes yes " * 60)
    if prompt.startswith("{input}"):  # the history comes last
        made = cut_parts([("knowledge", "yes yes " * 60), ("source", example.text(example.parts[0]))], Tokenizer())
        example = Sourced("e1", Origin("f", 1), *made)
    notes = dict.fromkeys(model.notes, 0)
    ids = model._source(example, loaded, ChatFrame((3, 3), (4, 4)), 60, notes)
    assert (len(ids), ids[:2], ids[-2:], notes["cut_sources"]) == (60, [3, 3], [4, 4], 1)
    text = decode_pieces(loaded.tokenizer, ids[2:-2], True)
    assert text.endswith("in Oslo\nReply:")
    assert prompt.startswith("{input}") or text.startswith("Facts: yes yes")


@pytest.mark.parametrize("template", ["{text}", "{source!r}", "{source", "{}"])
def test_a_prompt_that_names_no_part_is_refused(template):
    with pytest.raises(HallucError) as error:
        Prompt.of(template, ("source",))
    assert error.value.code == "C205"


def test_a_part_with_a_conversion_is_refused_with_what_to_write():
    with pytest.raises(HallucError, match="has a format or a conversion") as error:
        Prompt.of("{source!r:>9}", ("source",))
    assert error.value.help == "write `{source}`"


def test_a_tokenizer_without_an_end_token_is_refused(tiny_writer, tmp_path):
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_writer)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path)
    AutoModelForSeq2SeqLM.from_pretrained(tiny_writer).save_pretrained(tmp_path)
    with pytest.raises(HallucError, match="no end token") as error:
        load_writer(ModelConfig(name=str(tmp_path)), "eager")
    assert error.value.code == "E411"


def test_a_causal_model_continues_its_prompt(tmp_path):
    from halluc.engine.pretrained import save
    from halluc.engine.scratch import make_causal_model

    tokenizer = make_text_tokenizer(["he lives in Oslo", "er lebt in Oslo"] * 3, 270)
    torch.manual_seed(0)
    network = make_causal_model(len(tokenizer), 64, layers=1, width=16, heads=2, dropout=0.0)
    network.config.eos_token_id, network.config.pad_token_id = 1, 0
    save(network, tokenizer, tmp_path)
    model = writing(decoding={"strategy": "sampling", "max_new_tokens": 5}, max_source=40, max_target=20)
    loaded = model.build(ModelConfig(name=str(tmp_path)), (), "eager")
    encoded = model.encode([sourced("he lives in Oslo", "er lebt in Oslo")], loaded)
    assert not loaded.framing.has_encoder
    assert decode_pieces(loaded.tokenizer, encoded.sources[0], True) == "he lives in Oslo\n"
    assert encoded.sources[0][-1] != loaded.framing.end == encoded.targets[0][-1]
    engine = runtime.start("fp32", 1)
    first, again = (model.predict(loaded.model, encoded, 512, engine, None)[0] for _ in range(2))
    assert (first.text, first.logprob) == (again.text, again.logprob)
    assert 1 <= first.tokens <= 5


def test_adapters_do_not_go_with_a_model_from_scratch():
    scratch = ModelConfig(scratch=ScratchConfig(layers=1, width=16, heads=2, vocabulary=270))
    with pytest.raises(HallucError) as error:
        writing(lora={}).build(scratch, (), "eager", [("a text",)])
    assert error.value.code == "C206"


def test_adapters_of_encoders_are_refused(tiny_writer):
    with pytest.raises(HallucError, match=r"use `task\.lora`") as error:
        writing().build(ModelConfig(name=str(tiny_writer), lora={}), (), "eager")
    assert error.value.code == "C206"


def test_outputs_that_are_empty_shared_or_cut_are_reported():
    model = writing()
    examples = [
        sourced(text, "x", number=n)
        for n, text in enumerate(["Oslo lies far away", "a cat sleeps", "my old car broke", "we left"])
    ]
    said = [
        ExternalPrediction(sourced("", text), (0.5,)) for text in ["Das ist es, was wir sagen."] * 2 + ["", "Anna kam."]
    ]
    made = model.imported(examples, said)
    assert [one.repeated for one in made] == [True, True, False, False]
    for outputs, is_known in ((made, False), ([replace(one, logprob=-1.0) for one in made], True)):
        figures = SummaryFigures().figures(examples, outputs, Sheet(len(examples)))
        assert ("unended_outputs" in {one.name for one in figures}) == is_known, "a limit of another tool is unknown"
    notes = dict.fromkeys(model.notes, 0) | {"words": 9, "without_claims": 1, "most_equal": 4}
    lines = list(model.findings(Corpus("dev", tuple(examples), "f"), notes, ()))
    assert "25.0% of the outputs have no claim" in lines
    assert any(line.startswith("all outputs are the same") for line in lines)


def test_agreement_is_the_share_of_samples_that_state_a_claim():
    claims = GenerationJudge().statements("Anna paid 20 euros.", sourced("Anna pays"))
    samples = ["Anna paid 20 euros.", "Then Anna paid 20 euros to Bo.", "She paid 21 euros.", "Anna left."]
    found = dict(zip([one.kind for one in claims], shares(claims, samples, "en"), strict=True))
    assert (found["number"], found["sentence"]) == (0.5, 0.5)
    assert found.get("name", 0.75) == 0.75


def test_an_edit_keeps_spaces_parts_and_targets():
    example = sourced("Anna sees  3 dogs , today", "Anna sieht 3 Hunde", knowledge="dogs bark.")
    part = TranslationExamples(GenerationJudge())
    editable = part.editable(example)
    stated = [editable.tokens[start:end] for start, end in editable.locked]
    assert ("3",) in stated
    edited = apply(editable, [Replace(1, 2, ("really", "sees"), ""), Replace(5, 6, ("cats",), "")])
    made = part.rebuild(example, edited, "e2", example.origin)
    assert [made.text(one) for one in made.parts] == ["Anna really sees  3 dogs , cats", "dogs bark."]
    assert made.targets == example.targets


def test_the_text_of_a_long_input_takes_linear_time():
    words = "a  b\tc " * 100_000
    example = Sourced("a", Origin("f", 1), *cut_parts([("source", words)], Tokenizer()))
    clock = time.process_time()
    assert example.full_text == words.strip()
    assert time.process_time() - clock < 5  # quadratic: minutes


def test_a_model_from_scratch_decodes_as_it_is_trained():
    """Step by step with a key-value cache a decoder has the positions that it has in training."""
    model = make_encoder_decoder(50, layers=2, width=16, heads=2, dropout=0.0).eval()
    source, target = torch.tensor([[5, 6, 7, 1]]), torch.tensor([[model.config.decoder_start_token_id, 9, 10, 11]])
    with torch.no_grad():
        encoded, cache, steps = model.get_encoder()(input_ids=source), None, []
        for place in range(target.shape[1]):
            made = model(
                encoder_outputs=encoded, attention_mask=torch.ones_like(source),
                decoder_input_ids=target[:, place : place + 1], past_key_values=cache, use_cache=True,
            )  # fmt: skip
            cache = made.past_key_values
            steps.append(made.logits)
        torch.testing.assert_close(torch.cat(steps, 1), model(input_ids=source, decoder_input_ids=target).logits)


def test_a_report_does_not_recount_gold_that_depends_on_the_config():
    task = Translation.evaluated(())
    line = task.examples.line(
        sourced("Anna zahlte 20 Euro.", "Anna paid 20 euros."), WrittenText("e1", "Yes.", (None,))
    )
    texts = Texts({}, {"e1"}, task, None)
    assert [one.id for one in texts.collect([line])] == ["e1"]
    assert (texts.annotated, texts.examples, texts.missing) == (None, 1, set())


def test_of_several_texts_the_best_grounded_is_chosen_and_references_are_not_read(tiny_writer, monkeypatch):
    engine, made = runtime.start("fp32", 1), {0: ["He slept .", "No ."], -1: ["He lives in Oslo .", "Maybe ."]}
    model = writing(decoding={"rerank": "grounding", "candidates": 2, "max_new_tokens": 40})
    loaded = model.restore(ModelConfig(name=str(tiny_writer)), {}, "eager")
    examples = [sourced("he lives in Oslo", "He slept ."), sourced("nothing", "Maybe .", number=2)]
    encoded = model.encode(examples, loaded)

    def written(*arguments, sample=0):
        return [loaded.tokenizer(text)["input_ids"] for text in made[sample]]

    monkeypatch.setattr(model, "_generate", written)
    texts = [one.text for one in model.predict(loaded.model, encoded, 512, engine, None)]
    assert texts == ["He lives in Oslo .", "No ."]  # of equals the usual output
    with pytest.raises(HallucError) as caught:
        GenerationModel(model.config, GenerationJudge(rule=EvidenceRule(is_same_language=False)), (), "")
    assert caught.value.code == "C212"
