"""How pairs become model input, and what the model says of them, on a tiny real encoder."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin, Span
from halluc.engine import runtime
from halluc.engine.inference import forward
from halluc.tasks.relation_extraction.encoding import PairFraming
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.relation_extraction.task import RelationExtraction
from halluc.tasks.token_classification.task import TokenClassification

HEAD, END_HEAD, TAIL, END_TAIL = 1, 2, 3, 4


def related(number: int, text: str, head: tuple, tail: tuple, relation: str | None) -> Related:
    spans = (Span(*(*place, "")[:3]) for place in (head, tail))
    return Related(f"e{number}", Origin("f", number), tuple(text.split()), *spans, relation)


EXAMPLES = (
    related(1, "Anna Berg left Acme Corp in Oslo", (0, 2, "PER"), (3, 5, "ORG"), "left"),
    related(2, "the bank of Paris won", (1, 2, "ORG"), (3, 4, "LOC"), "of"),
    related(3, "in Oslo Berg met Anna", (4, 5, "PER"), (2, 3, "PER"), None),
)


def make(**keys) -> RelationExtraction:
    return RelationExtraction(RelationExtraction.Config(type="relation_extraction", **keys))


def built(task, tiny_encoder, examples=EXAMPLES):
    labels = task.examples.labels(Corpus("train", examples, "f"))
    loaded = task.model.build(ModelConfig(name=str(tiny_encoder)), labels, "eager")
    return loaded, task.model.encode(examples, loaded)


def pieces_of(loaded, encoded, number):
    return loaded.tokenizer.convert_ids_to_tokens(list(encoded.windows[number].pieces))


@pytest.fixture(scope="module")
def engine():
    return runtime.start("fp32", 1)


# --- windows ----------------------------------------------------------------------------------------------------


def framing(space: int, types=None) -> PairFraming:
    return PairFraming((101,), (102,), space, (HEAD, END_HEAD, TAIL, END_TAIL), types or {})


def words(size: int) -> list[list[int]]:
    return [[1000 + number] for number in range(size)]


def long(size: int, head: tuple, tail: tuple) -> Related:
    return related(1, " ".join(f"w{n}" for n in range(size)), head, tail, "x")


def test_a_short_sentence_is_read_whole_with_markers_around_head_and_tail():
    window, is_cut = framing(20).window(long(5, (0, 1), (3, 5)), words(5), "start")
    assert window.pieces == (101, HEAD, 1000, END_HEAD, 1001, 1002, TAIL, 1003, 1004, END_TAIL, 102)
    assert (window.head, window.tail, is_cut) == ((1, 2), (6, 7), False)


def test_the_head_may_be_after_the_tail():
    window, _ = framing(20).window(long(3, (2, 3), (0, 1)), words(3), "start")
    assert window.pieces == (101, TAIL, 1000, END_TAIL, 1001, HEAD, 1002, END_HEAD, 102)
    assert (window.head, window.tail) == ((5, 6), (1, 2))


@pytest.mark.parametrize(
    ("representation", "head", "tail"), [("start", (1, 2), (6, 7)), ("mean", (2, 3), (7, 9)), ("cls", (0, 1), (0, 1))]
)
def test_the_representation_says_which_states_are_read(representation, head, tail):
    window, _ = framing(20).window(long(5, (0, 1), (3, 5)), words(5), representation)
    assert (window.head, window.tail) == (head, tail)


def test_types_follow_the_opening_markers():
    example = replace(long(3, (0, 1, "PER"), (2, 3, "ORG")))
    window, _ = framing(20, {"PER": (7, 9), "ORG": (8, 9)}).window(example, words(3), "mean")
    assert window.pieces == (101, HEAD, 7, 9, 1000, END_HEAD, 1001, TAIL, 8, 9, 1002, END_TAIL, 102)
    assert (window.head, window.tail) == ((4, 5), (10, 11))


def test_a_long_sentence_is_cut_to_a_window_around_the_pair():
    window, is_cut = framing(14).window(long(100, (50, 51), (52, 53)), words(100), "start")
    assert window.pieces == (
        101, 1047, 1048, 1049, HEAD, 1050, END_HEAD, 1051, TAIL, 1052, END_TAIL, 1053, 1054, 1055, 1056, 102,
    )  # fmt: skip
    assert is_cut


def test_if_head_and_tail_are_far_apart_the_middle_is_cut():
    window, is_cut = framing(10).window(long(100, (0, 1), (99, 100)), words(100), "start")
    assert window.pieces == (101, HEAD, 1000, END_HEAD, 1001, 1002, 1097, 1098, TAIL, 1099, END_TAIL, 102)
    assert is_cut


@given(st.data())
def test_no_window_is_too_long_nor_without_head_and_tail(data):
    size = data.draw(st.integers(2, 60))
    cuts = sorted(data.draw(st.sets(st.integers(0, size), min_size=4, max_size=4)) if size > 3 else {0, 1, 2})
    first, second = (cuts[0], cuts[1]), (cuts[-2], cuts[-1]) if len(cuts) > 3 else (cuts[1], cuts[2])
    head, tail = (first, second) if data.draw(st.booleans()) else (second, first)
    space = data.draw(st.integers(6, 40))
    representation = data.draw(st.sampled_from(["start", "mean", "cls"]))
    of_words = [[1000 + n] * data.draw(st.integers(1, 3)) for n in range(size)]
    window, is_cut = framing(space).window(long(size, head, tail), of_words, representation)
    assert len(window.pieces) <= space + 2
    assert (window.pieces[0], window.pieces[-1]) == (101, 102)
    for marker in (HEAD, END_HEAD, TAIL, END_TAIL):
        assert window.pieces.count(marker) == 1
    inside = window.pieces[window.pieces.index(HEAD) + 1 : window.pieces.index(END_HEAD)]
    assert inside
    assert set(inside) <= {1000 + n for n in range(*head)}
    read = [piece for piece in window.pieces if piece >= 1000]
    assert read == sorted(read), "words keep their order"
    assert is_cut is (len(read) < sum(map(len, of_words)))
    if representation == "start":
        assert window.pieces[window.head[0]] == HEAD
        assert window.pieces[window.tail[0]] == TAIL
    if representation == "mean":
        assert window.pieces[window.head[0] : window.head[1]] == inside


# --- the model --------------------------------------------------------------------------------------------------


def test_markers_are_pieces_of_their_own(tiny_encoder):
    loaded, encoded = built(make(), tiny_encoder)
    assert " ".join(pieces_of(loaded, encoded, 0)) == (
        "[CLS] [HEAD] anna berg [/HEAD] left [TAIL] acme corp [/TAIL] in oslo [SEP]"
    )
    assert pieces_of(loaded, encoded, 2) == [
        "[CLS]",
        "in",
        "oslo",
        "[TAIL]",
        "berg",
        "[/TAIL]",
        "met",
        "[HEAD]",
        "anna",
        "[/HEAD]",
        "[SEP]",
    ]
    assert loaded.model.get_input_embeddings().num_embeddings == len(loaded.tokenizer)
    assert loaded.outputs == ("left", "of", "no_relation")
    assert encoded.targets == [0, 1, 2]


def test_typed_markers_name_the_type_in_words(tiny_encoder):
    loaded, encoded = built(make(markers="typed"), tiny_encoder)
    told = " ".join(pieces_of(loaded, encoded, 1))
    assert told.startswith("[CLS] the [HEAD] o ##r ##g")
    assert "bank [/HEAD] of [TAIL] l ##o ##c" in told


def test_a_marker_in_the_text_is_a_word_like_others(tiny_encoder):
    example = related(1, "Anna [HEAD] met [/TAIL] Berg", (0, 1), (4, 5), "of")
    loaded, _ = built(make(), tiny_encoder)
    pieces = loaded.tokenizer.convert_ids_to_tokens(list(make().model.encode([example], loaded).windows[0].pieces))
    assert [pieces.count(marker) for marker in ("[HEAD]", "[/HEAD]", "[TAIL]", "[/TAIL]")] == [1, 1, 1, 1]


def test_a_relation_that_the_model_does_not_know_is_left_out_of_the_loss_and_counted(tiny_encoder):
    loaded, _ = built(make(), tiny_encoder)
    encoded = make().model.encode([replace(EXAMPLES[0], relation="other")], loaded)
    assert (encoded.notes["unknown_label_pairs"], encoded.weights) == (1, [0])


def test_a_sentence_longer_than_the_model_is_counted(tiny_encoder):
    loaded, _ = built(make(), tiny_encoder)
    example = related(1, " ".join(["Anna", "met", "Oslo", "."] * 60), (100, 101), (102, 103), "of")
    encoded = make().model.encode([example], loaded)
    assert encoded.notes["windowed_sentences"] == 1
    assert encoded.lengths == [64]


@pytest.mark.parametrize("representation", ["start", "mean", "cls"])
def test_padding_changes_no_logits(tiny_encoder, engine, representation):
    task = make(representation=representation)
    loaded, encoded = built(task, tiny_encoder)
    loaded.model.eval()
    together = encoded.collate([0, 1, 2])
    with torch.no_grad():
        logits = encoded.pair_logits(loaded.model(**together.inputs).logits, [0, 1, 2])
        for index in range(3):
            alone = encoded.pair_logits(loaded.model(**encoded.collate([index]).inputs).logits, [index])
            assert torch.allclose(alone[0], logits[index], atol=1e-5)
    said = task.model.predict(loaded.model, encoded, 1_000, engine, None)
    assert [one.id for one in said] == ["e1", "e2", "e3"]
    for one, row in zip(said, logits, strict=True):
        best = loaded.outputs[int(row.argmax())]
        assert one.labels == (() if best == "no_relation" else (best,))
        assert one.confidences == pytest.approx([float(row.softmax(0).max())] * len(one.labels), abs=1e-5)


def test_the_logits_are_one_linear_layer_over_head_and_tail(tiny_encoder):
    """The first half of the outputs reads the head, the second one the tail."""
    _, encoded = built(make(), tiny_encoder)
    window = encoded.windows[0]
    logits = torch.zeros(1, len(window.pieces), 6)
    logits[0, window.head[0], :3] = torch.tensor([1.0, 2.0, 3.0])
    logits[0, window.tail[0], 3:] = torch.tensor([10.0, 20.0, 30.0])
    assert encoded.pair_logits(logits, [0]).tolist() == [[11.0, 22.0, 33.0]]


@pytest.mark.parametrize("keys", [{}, {"markers": "typed", "representation": "mean"}])
def test_a_saved_model_predicts_the_same(tiny_encoder, engine, tmp_path, keys):
    task = make(**keys)
    loaded, encoded = built(task, tiny_encoder)
    torch.nn.init.normal_(loaded.model.classifier.weight)
    loaded.model.eval()
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    assert settings["id2label"]["0"] == "head:left"
    again = RelationExtraction.settings_of(settings)
    assert again == {"markers": "plain", "representation": "start", **keys}
    restored = make(**again).model.restore(ModelConfig(name=str(tmp_path)), {}, "eager")
    assert restored.outputs == loaded.outputs
    before, after = (
        one.model.predict(model.model, one.model.encode(EXAMPLES, model), 1_000, engine, None)
        for one, model in ((task, loaded), (make(**again), restored))
    )
    assert [(one.labels, one.confidences) for one in before] == [(one.labels, one.confidences) for one in after]
    assert encoded.lengths == make(**again).model.encode(EXAMPLES, restored).lengths


def test_names_of_labels_may_be_mapped_and_other_models_are_refused(tiny_encoder, tmp_path):
    loaded, _ = built(make(), tiny_encoder)
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    named = make().model.restore(ModelConfig(name=str(tmp_path)), {"left": "quit", "of": None}, "eager")
    assert named.outputs == ("quit", "no_relation", "no_relation")
    tagger = TokenClassification(TokenClassification.Config(type="token_classification")).model
    other = tagger.build(ModelConfig(name=str(tiny_encoder)), ("PER",), "eager")
    other.model.save_pretrained(tmp_path / "other")
    other.tokenizer.save_pretrained(tmp_path / "other")
    with pytest.raises(HallucError, match="was not trained for relation extraction") as caught:
        make().model.restore(ModelConfig(name=str(tmp_path / "other")), {}, "eager")
    assert caught.value.code == "C204"


def test_every_weight_that_is_trained_gets_a_gradient(tiny_encoder):
    loaded, encoded = built(make(), tiny_encoder)
    batch = encoded.collate([0, 1, 2])
    encoded.loss(loaded.model(**batch.inputs), batch).backward()
    assert loaded.model.classifier.weight.grad.abs().sum(1).min() > 0
    assert batch.weight == 3


def test_forward_gives_batches_that_predict_reads(tiny_encoder, engine):
    loaded, encoded = built(make(), tiny_encoder)
    shapes = [(len(batch.indexes), logits.shape[-1]) for batch, logits in forward(loaded.model, encoded, 16, engine)]
    assert sum(count for count, _ in shapes) == 3
    assert {width for _, width in shapes} == {6}
