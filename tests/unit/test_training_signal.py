"""Mention masking, R-Drop, adversarial training and border smoothing against calculations by hand."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.config.models import ModelConfig
from halluc.config.training import TrainConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.core.labels import write_tags
from halluc.core.rng import keyed_generator
from halluc.engine import loop, runtime, shortcuts
from halluc.engine.batching import Batch
from halluc.engine.regularisation import ComparableFeatures, refuse_unsupported
from halluc.runs.events import Step
from halluc.tasks.losses import Loss, divergence
from halluc.tasks.question_answering.encoding import MASKED, EncodedQuestions
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.relation_extraction.task import RelationExtraction
from halluc.tasks.text_classification.encoding import EncodedTexts, TextWindow
from halluc.tasks.text_generation.encoding import EncodedSequences, SequenceFraming
from halluc.tasks.token_classification.border_smoothing import border_tags
from halluc.tasks.token_classification.config import GazetteerConfig, TokenClassificationConfig
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification


def tagged(text: str, *spans: tuple[int, int, str]) -> Tagged:
    return Tagged(text, Origin("f", 1), tuple(text.split()), tuple(Span(*span) for span in spans))


EXAMPLES = [
    tagged("Anna Bergen visited Oslo", (0, 2, "PER"), (3, 4, "LOC")),
    tagged("the bank in Paris won", (3, 4, "LOC")),
    tagged("said the bank"),
] * 3


def encoded_by(tiny_encoder: Path, examples=EXAMPLES, dropout: float | None = None, **keys):
    task = TokenClassification(TokenClassificationConfig(type="token_classification", **keys))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder), dropout=dropout), ("LOC", "PER"), "eager")
    return encoder, task.model.encode(examples, encoder)


def prepared(tiny_encoder: Path, task_keys: dict | None = None, dropout: float | None = None, **keys):
    config = TrainConfig(**{"epochs": 2, "learning_rate": 1e-3, "batch_tokens": 40, "precision": "fp32", **keys})
    engine = runtime.start(config.precision, 1)
    encoder, features = encoded_by(tiny_encoder, dropout=dropout, **(task_keys or {}))
    return loop.prepare(encoder.model, features, config, engine, 1)


def losses(training) -> list[float]:
    return [event.loss for event in loop.fit(training, evaluate=None, choose_by=None) if isinstance(event, Step)]


# --- mention masking --------------------------------------------------------------------------------------------


def words_of(encoder, pieces) -> str:
    return " ".join(encoder.tokenizer.convert_ids_to_tokens(pieces)).replace(" ##", "")


def test_masking_replaces_all_pieces_of_words_of_mentions_and_nothing_else(tiny_encoder):
    encoder, features = encoded_by(tiny_encoder, mention_masking=1.0)
    batch = features.varied(features.collate([0, 1, 2]), keyed_generator(1))
    shown = [words_of(encoder, row) for row in batch.inputs["input_ids"].tolist()]
    pieces = encoder.tokenizer.tokenize("bergen")
    assert len(pieces) > 1
    assert shown[0] == " ".join(["[CLS]", "[MASK]", *["[MASK]"] * len(pieces), "visited", "[MASK]", "[SEP]"])
    assert shown[1].startswith("[CLS] the bank in [MASK] won [SEP]")
    assert "[MASK]" not in shown[2]
    assert torch.equal(batch.labels, features.collate([0, 1, 2]).labels)


def test_the_share_of_words_is_masked_as_the_generator_says(tiny_encoder):
    encoder, features = encoded_by(tiny_encoder, [tagged("Oslo Paris " * 20, (0, 40, "LOC"))] * 50, mention_masking=0.3)
    plain = features.collate(range(50))
    one, again, other = (features.varied(plain, keyed_generator(key)).inputs["input_ids"] for key in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert (one == encoder.tokenizer.mask_token_id).sum().item() / 2000 == pytest.approx(0.3, abs=0.04)
    assert encoder.tokenizer.mask_token_id not in plain.inputs["input_ids"]


def test_head_and_tail_of_a_relation_are_masked_between_their_markers(tiny_encoder):
    task = RelationExtraction(RelationExtraction.Config(type="relation_extraction", mention_masking=1.0))
    words = ("Acme", "Corp", "met", "Bergen")
    example = Related("1", Origin("f", 1), words, Span(3, 4, ""), Span(0, 2, ""), "met")
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("met", "no_relation"), "eager")
    features = task.model.encode([example], encoder)
    batch = features.varied(features.collate([0]), keyed_generator(1))
    masks = " ".join(["[MASK]"] * len(encoder.tokenizer.tokenize("bergen")))
    assert words_of(encoder, batch.inputs["input_ids"][0].tolist()) == (
        f"[CLS] [TAIL] [MASK] [MASK] [/TAIL] met [HEAD] {masks} [/HEAD] [SEP]"
    )


def test_a_tokenizer_without_a_mask_token_is_an_error(tiny_encoder):
    task = TokenClassification(TokenClassificationConfig(type="token_classification", mention_masking=0.1))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("LOC",), "eager")
    encoder.tokenizer.mask_token = None
    with pytest.raises(HallucError, match="needs a tokenizer with a mask token") as caught:
        task.model.encode(EXAMPLES, encoder)
    assert caught.value.code == "C220"


@pytest.mark.parametrize(
    ("keys", "task_keys"),
    [
        ({}, {"mention_masking": 0.5, "gazetteer": ["PER\tAnna Bergen\n", "LOC\tParis\n"]}),
        ({"r_drop": 1.0, "adversarial": 0.5}, {}),
    ],
)
def test_training_resumes_to_the_bit(tiny_encoder, tmp_path, keys, task_keys):
    if names := task_keys.get("gazetteer"):
        (tmp_path / "names.tsv").write_text("".join(names))
        task_keys = {**task_keys, "gazetteer": GazetteerConfig(files=[str(tmp_path / "names.tsv")])}
    whole, begun, resumed = (prepared(tiny_encoder, task_keys, **keys) for _ in range(3))
    stop = iter([False, False, True])
    list(loop.fit(begun, evaluate=None, choose_by=None, interrupted=lambda: next(stop)))
    resumed.model.load_state_dict(copy.deepcopy(begun.model.state_dict()))
    resumed.optimizer.load_state_dict(copy.deepcopy(begun.optimizer.state_dict()))
    resumed.progress.step = begun.progress.step
    of_whole = losses(whole)
    assert of_whole[3:] == losses(resumed)
    assert of_whole != losses(prepared(tiny_encoder))
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name


# --- R-Drop and adversarial training ----------------------------------------------------------------------------


def gradients(training) -> dict[str, torch.Tensor]:
    """Those of the first step, before they are clipped; of embeddings whose rows alone are kept, too."""
    (share,) = next(iter(loop._plan(training, 0).steps))
    training.prepared.train()
    training.shortcuts.begin(0)
    with training.shortcuts:
        loop._accumulate(training, (share,), False)
    rows = training.shortcuts.rows.gradients
    for weight, (touched, sums) in rows.items():
        weight.grad = torch.zeros_like(weight)
        weight.grad[touched] = sums
    return {name: weight.grad for name, weight in training.model.named_parameters() if weight.grad is not None}


def first_batch(training):
    (share,) = next(iter(loop._plan(training, 0).steps))
    return training.features.collate(share)


def mean_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


def test_r_drop_is_the_papers_loss(tiny_encoder):
    training = prepared(tiny_encoder, dropout=0.3, r_drop=2.0)
    batch, seen = first_batch(training), []
    training.model.register_forward_hook(lambda module, args, output: seen.append(output.logits.detach()))
    told = losses(training)[0]
    one, other = seen[0].split(len(batch.indexes))
    assert not torch.equal(one, other)
    labels = batch.labels
    p, q = (logits[labels != -100].double().softmax(-1) for logits in (one, other))
    divergences = [(a * (a / b).log()).sum(-1).mean().item() for a, b in ((p, q), (q, p))]
    entropies = [mean_loss(logits, labels).item() for logits in (one, other)]
    assert told == pytest.approx(sum(entropies) / 2 + 2.0 * sum(divergences) / 2, rel=1e-5)
    assert min(divergences) > 1e-3


def test_r_drop_without_dropout_is_the_plain_loss(tiny_encoder):
    plain = losses(prepared(tiny_encoder, dropout=0.0))
    assert losses(prepared(tiny_encoder, dropout=0.0, r_drop=2.0)) == pytest.approx(plain, abs=1e-5)
    assert losses(prepared(tiny_encoder, dropout=0.0, r_drop=2.0, accumulation=2)) == pytest.approx(plain, abs=1e-5)


@pytest.mark.parametrize("large", [1, 1 << 20])
def test_adversarial_gradients_are_those_of_the_clean_and_of_the_moved_embeddings(tiny_encoder, monkeypatch, large):
    monkeypatch.setattr(shortcuts, "LARGE_EMBEDDING", large)
    training = prepared(tiny_encoder, dropout=0.0, adversarial=0.5)
    model, batch = copy.deepcopy(training.model), first_batch(training)
    ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
    embedded = model.get_input_embeddings()(ids)
    clean = mean_loss(model(inputs_embeds=embedded, attention_mask=mask).logits, batch.labels)
    (gradient,) = torch.autograd.grad(clean, embedded, retain_graph=True)
    noise = torch.stack([0.5 * of_row / of_row.square().sum().sqrt() for of_row in gradient])
    moved = mean_loss(model(inputs_embeds=embedded + noise, attention_mask=mask).logits, batch.labels)
    assert moved.item() > clean.item()
    (clean + moved).backward()
    found = gradients(training)
    for name, weight in model.named_parameters():
        assert torch.allclose(found[name], weight.grad, atol=1e-5), name


@pytest.mark.parametrize("keys", [{"accumulation": 2}, {"r_drop": 1.0}])
def test_noise_is_the_same_however_a_step_is_split(tiny_encoder, keys):
    plain = losses(prepared(tiny_encoder, dropout=0.0))
    noisy = losses(prepared(tiny_encoder, dropout=0.0, adversarial=0.5))
    assert noisy[0] == pytest.approx(plain[0], abs=1e-6)  # what is told is the loss without noise
    assert noisy[-1] != pytest.approx(plain[-1], abs=1e-3)
    assert losses(prepared(tiny_encoder, dropout=0.0, adversarial=0.5, **keys)) == pytest.approx(noisy, abs=1e-4)


def test_noise_reaches_an_encoder_with_frozen_embeddings(tiny_encoder):
    training = prepared(tiny_encoder, dropout=0.0, adversarial=0.5)
    training.model.get_input_embeddings().requires_grad_(False)
    noisy = gradients(training)
    training = prepared(tiny_encoder, dropout=0.0)
    plain = gradients(training)
    assert noisy.keys() == plain.keys() - {"bert.embeddings.word_embeddings.weight"}
    name = "classifier.bias"
    assert not torch.allclose(noisy[name], 2 * plain[name], atol=1e-4)


def test_divergence_of_several_labels_a_text_and_of_answers(tiny_encoder):
    logits, others = torch.tensor([[0.3, -1.0]]), torch.tensor([[1.0, 2.0]])
    features = EncodedTexts([], [TextWindow(0, (1,))], [(0,)], ("x", "y"), 0, {}, Loss(multi_label=True))
    batch = Batch({}, torch.tensor([[1.0, 0.0]]), (0,), 1)
    p, q = logits.sigmoid(), others.sigmoid()
    by_hand = ((p - q) * (p.log() - q.log()) + (q - p) * ((1 - p).log() - (1 - q).log())) / 2
    found = features.divergence(SimpleNamespace(logits=logits), SimpleNamespace(logits=others), batch)
    assert found.item() == pytest.approx(by_hand.mean().item(), rel=1e-5)
    masked = torch.tensor([[0.5, MASKED, 0.0]]), torch.tensor([[2.0, MASKED, -1.0]])
    assert divergence(*masked).item() == pytest.approx(divergence(*(of[:, [0, 2]] for of in masked)).item())
    assert isinstance(EncodedQuestions([], [], None, False, 0, {}), ComparableFeatures)


def test_a_task_that_writes_text_has_neither(tiny_encoder):
    config = TrainConfig(r_drop=1.0)
    with pytest.raises(HallucError, match=r"`train.r_drop` cannot be used with text generation") as caught:
        refuse_unsupported(config, EncodedSequences([], [], [], SequenceFraming(True, 0, 1, 0), None, {}))
    assert caught.value.code == "C221"
    with pytest.raises(ValidationError, match="cannot be combined with `compile: true`"):
        TrainConfig(adversarial=0.1, compile=True)


# --- smoothing at the borders of mentions -----------------------------------------------------------------------


def test_the_other_tags_of_words_at_borders():
    example = tagged("said Anna Berg left", (1, 3, "PER"))
    assert border_tags(4, example.spans) == {
        0: ["B-PER"], 1: ["I-PER", "O"], 2: ["B-PER", "O"], 3: ["I-PER"],
    }  # fmt: skip
    assert border_tags(2, (Span(0, 1, "A"), Span(1, 2, "B"))) == {}  # no room to move, and no word to lose
    assert border_tags(3, (Span(0, 1, "A"), Span(2, 3, "B"))) == {1: ["I-A", "B-B"], 2: ["I-B"]}


@given(st.data())
def test_they_are_those_of_all_sentences_with_one_border_moved(data):
    length = data.draw(st.integers(1, 9))
    cuts = sorted(data.draw(st.sets(st.integers(0, length), max_size=6)))
    spans = [Span(a, b, data.draw(st.sampled_from("XY"))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    gold, expected = write_tags(length, spans), [set() for _ in range(length)]
    for number, span in enumerate(spans):
        for begin, end in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            moved = [*spans]
            moved[number] = Span(span.start + begin, span.end + end, span.label)
            held = [at for one in moved for at in range(one.start, one.end)]
            is_apart = len(set(held)) == len(held) and set(held) <= set(range(length))
            if moved[number].start < moved[number].end and is_apart:
                for at, tag in enumerate(write_tags(length, moved)):
                    expected[at] |= {tag} - {gold[at]}
    found = border_tags(length, spans)
    assert [set(found.get(at, ())) for at in range(length)] == expected


@pytest.mark.parametrize("keys", [{}, {"class_weights": {"O": 0.5, "PER": 3}}, {"loss": "focal"}])
def test_the_smoothed_loss_is_the_expected_loss_under_the_smoothed_target(tiny_encoder, keys):
    _, features = encoded_by(tiny_encoder, EXAMPLES[:3], border_smoothing=0.2, **keys)
    batch = features.collate([2, 0])
    logits = torch.randn(2, batch.labels.shape[1], len(features.outputs))
    number = {tag: at for at, tag in enumerate(features.outputs)}
    # Anna Bergen visited Oslo: B-PER I-PER O B-LOC
    targets = [
        {"B-PER": 0.8, "O": 0.2},
        {"I-PER": 0.8, "B-PER": 0.1, "O": 0.1},
        {"O": 0.8, "I-PER": 0.1, "B-LOC": 0.1},
        {"B-LOC": 0.8, "I-LOC": 0.2},
    ]
    words = [*zip(logits[1][list(features.windows[0].first)], targets, strict=True)]
    words += [(of_word, {"O": 1.0}) for of_word in logits[0][list(features.windows[2].first)]]
    expected = sum(
        share * features.token_loss(of_word[None], torch.tensor([number[tag]])).item()
        for of_word, target in words
        for tag, share in target.items()
    )
    assert features.loss(SimpleNamespace(logits=logits), batch).item() == pytest.approx(expected, rel=1e-5)


def test_words_in_other_windows_and_words_without_target_are_left_alone(tiny_encoder):
    example = tagged("Oslo Paris " * 60, *((at, at + 1, "LOC") for at in range(0, 120, 2)))
    encoder, features = encoded_by(tiny_encoder, [example], border_smoothing=0.2)
    assert len(features.windows) > 1
    batch = features.collate(range(len(features.windows)))
    moved = features._batch_alternatives(batch)
    assert all(batch.labels.flatten()[token] not in (-100, tag) for token, tag, _ in moved)
    assert len(moved) > len(features.alternatives[0])  # windows overlap
    unknown = TokenClassification(TokenClassificationConfig(type="token_classification", border_smoothing=0.2))
    (of_example,) = unknown.model.encode([tagged("in Oslo", (1, 2, "GPE"))], encoder).alternatives
    assert of_example == []
