"""Words filled in by a masked language model: whole words, in the places and with the labels that they should have."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
from pydantic import ValidationError

from halluc.augmentation.methods.base import Changed, Lexicon, OptionError, Workspace
from halluc.augmentation.methods.masked_infill import MaskedInfill
from halluc.augmentation.models.masked_config import MaskedInfillConfig
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.core.rng import Draws
from tests.interruptions import killed_after_a_checkpoint
from tests.tiny_masked import write_masked

NAMES = ("Ann", "Bob", "Cid", "Dora", "Eve")
PLACES = ("Oslo", "Rome", "Bonn", "Lima")
VERBS = ("lives", "works", "sleeps", "stays")
FIT = {"epochs": 12, "learning_rate": 1e-2, "batch_tokens": 256, "patience": 12}


def corpus(count: int = 240) -> list[Editable]:
    """A language that is learned in seconds."""
    made = []
    for number in range(count):
        name, place, verb = NAMES[number % 5], PLACES[number // 5 % 4], VERBS[number // 3 % 4]
        if number % 3 == 0:
            made.append(Editable(("Rain", "fell", "for", str(number % 7), "days", ".")))
        else:
            made.append(Editable((name, verb, "in", place, "."), (Span(0, 1, "PER"), Span(3, 4, "LOC"))))
    return made


WORDS = {word.lower() for example in corpus() for word in example.tokens}


def text_of(folder: Path, **keys) -> Path:
    extra = [("MOOD", "mood", "Slow", "slow", "rain", "REST")]
    return write_masked(folder, [*(one.tokens for one in corpus()), *extra * 3], **keys)


@pytest.fixture(scope="module")
def cased(tmp_path_factory) -> Path:
    return text_of(tmp_path_factory.mktemp("cased"))


@pytest.fixture(scope="module")
def uncased(tmp_path_factory) -> Path:
    return text_of(tmp_path_factory.mktemp("uncased"), uncased=True)


@pytest.fixture(scope="module")
def headless(tmp_path_factory) -> Path:
    return text_of(tmp_path_factory.mktemp("headless"), head=False)


def fitted(model: Path, folder: Path, examples=None, seed: int = 1, **keys) -> MaskedInfill:
    examples = corpus() if examples is None else examples
    made = MaskedInfill(MaskedInfillConfig(type="masked_infill", model=str(model), **keys), Lexicon.of(examples))
    made.fit(examples, Workspace(folder, seed))
    return made


def changed(made: MaskedInfill, example: Editable, count: int = 20) -> list[Editable]:
    found = made.change_many([example] * count, [Draws.of(number) for number in range(count)])
    assert all(isinstance(one, Changed) for one in found)
    return [one.edited for one in found if isinstance(one, Changed)]


@pytest.fixture(scope="module")
def both_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("both")


@pytest.fixture(scope="module")
def both(headless, both_folder) -> MaskedInfill:
    return fitted(headless, both_folder, fit=FIT, fill="both", rate=0.5)


# --- what is filled, and with what ---------------------------------------------------------------------------------


def test_words_outside_mentions_are_replaced_by_other_whole_words(cased, tmp_path):
    made = fitted(cased, tmp_path, rate=1.0)
    example = Editable(("Ann", "sleeps", "in", "Oslo", ",", "rain", "fell", "7", "days"), (Span(3, 4, "LOC"),))
    for after in changed(made, example):
        assert (after.tokens[2:5], after.tokens[7]) == (("in", "Oslo", ","), "7")
        for at in (1, 5, 6, 8):
            word = after.tokens[at]
            assert word != example.tokens[at]
            assert word.isalpha() and word.islower()
            assert word in WORDS | {"mood", "slow", "rain"}  # whole words, no pieces of them


def test_no_word_comes_that_only_mentions_have(uncased, tmp_path):
    made = fitted(uncased, tmp_path, rate=1.0, top_k=0, temperature=10)
    after = changed(made, corpus()[0], 200)
    new = {word.lower() for one in after for word in one.tokens} - {word.lower() for word in corpus()[0].tokens}
    assert len(new) > 3
    assert not new & {word.lower() for word in (*NAMES, *PLACES)}


@pytest.mark.parametrize(("word", "like"), [("Sleeps", str.istitle), ("SLEEPS", str.isupper), ("sleeps", str.islower)])
@pytest.mark.parametrize("model", ["cased", "uncased"])
def test_the_case_stays(model, word, like, request, tmp_path):
    made = fitted(request.getfixturevalue(model), tmp_path, rate=1.0)
    after = {one.tokens[0] for one in changed(made, Editable((word, ".")))}
    assert after - {word}
    assert all(like(one) and one.lower() != "sleeps" for one in after)


def test_a_capital_within_a_sentence_may_be_a_name_and_stays(cased, tmp_path):
    made = fitted(cased, tmp_path, rate=1.0)
    for after in changed(made, Editable(("rain", "fell", "Monday"))):
        assert after.tokens[2] == "Monday"
        assert after.tokens[0] != "rain"


def test_function_words_are_left_alone_unless_asked_for(cased, tmp_path):
    example = Editable(("slow", "in", "for", "."))
    for after in changed(fitted(cased, tmp_path, rate=1.0), example):
        assert after.tokens[1:] == example.tokens[1:]
    after = changed(fitted(cased, tmp_path, rate=1.0, function_words=True, top_k=0), example, 60)
    assert all(one.tokens[1] != "in" and one.tokens[2] != "for" for one in after)
    assert "for" in {one.tokens[0] for one in after}


def test_no_word_comes_twice(cased, tmp_path):
    made = fitted(cased, tmp_path, rate=0.1, at_most=1, top_k=0)
    for after in changed(made, Editable(("rain", "fell", "slow", "mood")), 100):
        assert all(one != other for one, other in zip(after.tokens, after.tokens[1:], strict=False))


def test_nothing_to_fill_is_no_change(cased, tmp_path):
    made = fitted(cased, tmp_path, rate=1.0)
    sentence = Editable(("rain", "fell"))
    for example in (
        Editable(()),
        Editable(("7", ".", "…", "😀", "x", "\ud800")),
        Editable(("Oslo",), (Span(0, 1, "LOC"),)),
        sentence._replace(locked=((0, 2),)),
        Editable(("дождь",)),  # the model has no word in this script
    ):
        assert made.change(example, Draws.of(1)) == Changed(example, ((),))
    for after in changed(made, sentence._replace(locked=((1, 2),))):
        assert after.tokens[0] != "rain"
        assert after.tokens[1] == "fell"


def test_the_rate_is_met_on_average(cased, tmp_path):
    example = Editable(("rain", "fell", "slow", "mood", "days") * 4)
    after = changed(fitted(cased, tmp_path, rate=0.2), example, 100)
    edits = [sum(a != b for a, b in zip(example.tokens, one.tokens, strict=True)) for one in after]
    assert sum(edits) / len(edits) == pytest.approx(4, abs=0.3)


def test_low_temperature_and_one_candidate_give_the_most_probable_word(cased, tmp_path):
    example = Editable(("rain", "fell", "slow"))
    greedy = {one.tokens for one in changed(fitted(cased, tmp_path, rate=1.0, top_k=1), example)}
    cold = {one.tokens for one in changed(fitted(cased, tmp_path, rate=1.0, top_k=0, temperature=0.05), example, 60)}
    assert len(greedy) == 1
    assert greedy < cold | greedy
    diverse = {one.tokens for one in changed(fitted(cased, tmp_path, rate=1.0, top_k=0, temperature=10), example, 60)}
    assert len(diverse) > len(greedy)


def test_long_texts_are_read_in_parts(cased, tmp_path):
    made = fitted(cased, tmp_path, rate=1.0)
    example = Editable(("rain", "fell", "x" * 3_000, "slow") * 60)
    (after,) = changed(made, example, 1)
    assert all(a != b for a, b in zip(example.tokens[::4], after.tokens[::4], strict=True))
    assert after.tokens[2::4] != example.tokens[2::4]  # a long word is one mask as well


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_models_of_several_makers(kind, tmp_path):
    made = fitted(text_of(tmp_path / "model", kind=kind), tmp_path, rate=1.0)
    assert set(WORDS) >= {"rain", "fell", "days"}
    for after in changed(made, Editable(("rain", "fell", "."))):
        assert after.tokens[2] == "."
        assert after.tokens[0] != "rain"
        assert after.tokens[0].isalpha()


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_the_head_at_selected_positions_gives_what_it_gives_at_all(kind, tmp_path):
    import torch

    from halluc.augmentation.models.masked_model import load
    from halluc.engine.language_modelling import SelectedPositions, padded
    from halluc.engine.references import ModelSource

    model = load(ModelSource(str(text_of(tmp_path, kind=kind)))).model.eval()
    inputs = padded([[5, 6, 7, 8], [9, 10, 11]], 0)
    with torch.inference_mode():
        whole = model(**inputs).logits.reshape(8, -1)
        some = SelectedPositions(model)(torch.tensor([1, 6, 0]), **inputs)
        after = model(**inputs).logits.reshape(8, -1)
    assert torch.allclose(whole[[1, 6, 0]], some, atol=1e-6)
    assert torch.equal(whole, after)


# --- what is learned -----------------------------------------------------------------------------------------------


def test_mentions_are_filled_as_their_labels_say(both):
    example = Editable(("Ann", "lives", "in", "Oslo", "."), (Span(0, 1, "PER"), Span(3, 4, "LOC")))
    after = changed(both, example, 60)
    names = [one.tokens[0] for one in after if one.tokens[0] != "Ann"]
    places = [one.tokens[3] for one in after if one.tokens[3] != "Oslo"]
    assert len(names) > 20
    assert len(places) > 10
    assert sum(name in NAMES for name in names) > 0.7 * len(names)
    assert sum(place in PLACES for place in places) > 0.7 * len(places)
    assert all(one.spans == example.spans for one in after)
    assert sum(one.tokens[1] in VERBS for one in after) > 50


def test_the_label_decides_and_not_the_place(headless, tmp_path):
    things = {"PER": NAMES, "LOC": PLACES}
    kinds = [("PER", "LOC"), ("LOC", "PER"), ("PER", "PER"), ("LOC", "LOC")]
    examples = []
    for number in range(240):
        first, second = kinds[number % 4]
        tokens = (things[first][number // 4 % 4], "fell", "in", things[second][number // 16 % 4])
        examples.append(Editable(tokens, (Span(0, 1, first), Span(3, 4, second))))
    made = fitted(headless, tmp_path, examples, fit=FIT | {"epochs": 40}, fill="mentions", top_k=4, mention_rate=1.0)
    for first, second in kinds:
        example = Editable(("Eve", "fell", "in", "Eve"), (Span(0, 1, first), Span(3, 4, second)))
        after = changed(made, example, 40)
        assert sum(one.tokens[0] in things[first] for one in after) > 30
        assert sum(one.tokens[3] in things[second] for one in after) > 30


def test_an_unknown_label_and_a_mention_locked_in_part_stay(both):
    strange = Editable(("Ann", "lives"), (Span(0, 1, "WATER"),))
    assert {one.tokens[0] for one in changed(both, strange)} == {"Ann"}
    partly = Editable(("Ann", "Bob", "lives"), (Span(0, 2, "PER"),), ((1, 2),))
    assert {one.tokens[:2] for one in changed(both, partly)} == {("Ann", "Bob")}
    whole = Editable(("Ann", "lives"), (Span(0, 1, "PER"),), ((0, 1),))
    after = changed(both, whole)
    assert {one.tokens[0] for one in after} - {"Ann"}
    assert all(one.locked == ((0, 1),) and one.spans == whole.spans for one in after)


def test_the_facts_say_what_was_learned_and_what_is_new(both):
    facts = both.facts()
    assert (facts["head"], facts["training_texts"], facts["held_out_texts"]) == ("random", 228, 12)
    for figures in facts["held_out_perplexity"].values():
        assert figures["after"] < figures["before"] / 2
    assert set(facts["held_out_perplexity"]) == {"context", "mentions"}
    trial = facts["trial"]
    assert (trial["examples"], len(trial["samples"])) == (240, 20)
    assert trial["changed_words"] >= trial["changed"] > 150
    assert set(trial["new_mentions"]) <= {"PER", "LOC"}
    for of_label in trial["new_mentions"].values():
        assert len(of_label["most_frequent"]) <= 20
        assert sum(of_label["most_frequent"].values()) >= of_label["distinct"] > 0
        assert not {*NAMES, *PLACES} >= set(of_label["most_frequent"])


def test_the_same_seed_gives_the_same_model_and_words(both, headless, tmp_path):
    again = fitted(headless, tmp_path, fit=FIT, fill="both", rate=0.5)
    assert again.facts() == both.facts()
    assert changed(again, corpus()[1]) == changed(both, corpus()[1])
    other = fitted(headless, tmp_path, fit=FIT, fill="both", rate=0.5, seed=2)
    assert other.facts()["held_out_perplexity"] != both.facts()["held_out_perplexity"]


def test_a_fitted_model_is_used_again(headless, tmp_path, monkeypatch):
    fitted(headless, tmp_path, fit={"epochs": 1})
    monkeypatch.setattr("halluc.augmentation.models.masked.fit_model", None)
    keys = {"temperature": 0.5, "rate": 0.9, "top_k": 3, "function_words": True, "share": 2.0}
    fitted(headless, tmp_path, fit={"epochs": 1}, **keys)  # they change the filling alone
    for other in ({"fit": {"epochs": 2}}, {"fit": {"epochs": 1}, "fill": "both"}):
        with pytest.raises(TypeError):
            fitted(headless, tmp_path, **other)


def test_unlabelled_files_are_learned_from(headless, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("Rain fell in Rome .\n" * 30)
    made = fitted(headless, tmp_path, fit={"epochs": 1, "texts": [str(lines)], "lines": 21})
    assert made.facts()["unlabelled_texts"] == 21
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(OptionError, match="has no texts") as error:
        fitted(headless, tmp_path, fit={"texts": [str(tmp_path / "empty.txt")]})
    assert (error.value.code, error.value.key) == ("D142", "fit")
    with pytest.raises(HallucError) as missing:
        fitted(headless, tmp_path, fit={"texts": [str(tmp_path / "nowhere.txt")]})
    assert missing.value.code == "D101"


def test_markers_begin_as_the_words_that_a_label_means(cased):
    import torch

    from halluc.augmentation.models.masked_model import load
    from halluc.augmentation.models.masked_training import label_meaning, prepare
    from halluc.engine.references import ModelSource

    assert label_meaning("PER", {}) == "person"
    assert label_meaning("head born_in", {}) == "head born in"
    assert label_meaning("PER", {"PER": "name of somebody"}) == "name of somebody"
    config = MaskedInfillConfig(
        type="masked_infill", model=str(cased), fill="mentions", fit={}, label_words={"A": "days", "B": "days fell"}
    )
    loaded = load(ModelSource(str(cased)))
    before = loaded.model.get_input_embeddings().weight.detach().clone()
    codec = prepare(config, loaded, ["A", "B"])
    after = loaded.model.get_input_embeddings().weight.detach()
    assert len(after) == len(before) + 4
    assert torch.equal(after[: len(before)], before)
    days, fell = loaded.tokenizer.convert_tokens_to_ids(["days", "fell"])
    assert days != loaded.tokenizer.unk_token_id
    assert torch.equal(after[-4], before[days])
    assert torch.allclose(after[-1], (before[days] + before[fell]) / 2)
    (row,) = codec.rows(Editable(("days", "fell"), (Span(0, 2, "B"),)))
    first = len(before) + 2
    assert row.pieces[1:-1] == [first, days, first, first + 1, fell, first + 1]


def test_every_epoch_masks_other_words():
    from halluc.augmentation.models.masked_model import PieceRow
    from halluc.augmentation.models.masked_training import MaskableRow, MaskedFeatures

    row = MaskableRow(PieceRow([1, 10, 11, 12, 13, 2], [(0, 1, 2), (1, 2, 3), (2, 3, 5)]), [0.5, 0.5, 0.0])
    features = MaskedFeatures([row], 60, 7, 99, 0)
    seen = set()
    for number in range(60):
        batch = features.collate([number])
        ids, selected = batch.inputs["input_ids"][0].tolist(), batch.inputs["selected"].tolist()
        assert batch.weight == features.weights[number] == ids.count(99) > 0
        assert [ids[at] for at in selected] == [99] * batch.weight
        assert [row.row.pieces[at] for at in selected] == batch.labels.tolist()
        assert features.collate([number]).labels.tolist() == batch.labels.tolist()
        seen.add(tuple(ids))
    assert seen == {(1, 99, 11, 12, 13, 2), (1, 10, 99, 12, 13, 2), (1, 99, 99, 12, 13, 2)}
    two = features.collate([0, 1])
    assert two.inputs["selected"].tolist()[-1] >= 6
    rare = MaskedFeatures([row._replace(shares=[0.0, 1e-9, 0.0])], 20, 7, 99, 0)
    assert all(rare.collate([number]).labels.tolist() == [11] for number in range(20))


def test_only_words_of_one_piece_are_learned(cased):
    from halluc.augmentation.models.masked_model import PieceCodec, load
    from halluc.augmentation.models.masked_training import _rows
    from halluc.engine.references import ModelSource

    codec = PieceCodec(load(ModelSource(str(cased))).tokenizer, 62)
    example = Editable(("rain", "moods", "€", "Ann", "fell"), (Span(3, 4, "PER"),))
    (row,) = _rows(codec, [example], 0.3, 0.7)
    assert row.shares == [0.3, 0.0, 0.0, 0.7, 0.3]
    assert _rows(codec, [Editable(("moods",))], 0.3, 0.7) == []
    assert _rows(codec, [Editable(("rain",))], 0.0, 0.7) == []


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_a_random_head_without_a_fit_is_an_error(headless, tmp_path):
    with pytest.raises(OptionError, match="no trained masked-LM head") as error:
        fitted(headless, tmp_path)
    assert (error.value.code, error.value.key) == ("E411", "model")
    assert "fit: {epochs" in error.value.help
    assert not list(tmp_path.iterdir())


def test_a_body_without_weights_is_an_error_with_a_fit_too(headless, tmp_path):
    from safetensors.torch import load_file, save_file

    model = text_of(tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    lost = next(name for name in weights if "encoder.layer.0" in name)
    save_file(
        {name: one for name, one in weights.items() if name != lost}, model / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(HallucError, match="not whole") as error:
        fitted(model, tmp_path, fit=FIT)
    assert error.value.code == "E411"


def test_a_model_without_a_mask_is_an_error(tmp_path):
    from transformers import AutoTokenizer

    model = text_of(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.mask_token = None
    tokenizer.save_pretrained(model)
    with pytest.raises(OptionError, match="no mask token") as error:
        fitted(model, tmp_path)
    assert (error.value.code, error.value.key) == ("E411", "model")


@pytest.mark.parametrize(
    ("model", "code"), [("nowhere/at/all", "E410"), ("package:no_such_package/model", "E410")]
)  # fmt: skip
def test_a_model_that_is_not_there(tmp_path, model, code):
    for keys in ({}, {"fit": FIT}):
        with pytest.raises(HallucError) as error:
            fitted(Path(model), tmp_path, **keys)
        assert error.value.code == code


def test_a_causal_model_is_no_masked_one(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    model = text_of(tmp_path / "model")
    (model / "config.json").unlink()
    GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=32, n_layer=1, n_head=2)).save_pretrained(model)
    with pytest.raises(HallucError) as error:
        fitted(model, tmp_path)
    assert error.value.code == "E411"


def test_mentions_need_a_fit_and_mentions(headless, tmp_path):
    with pytest.raises(ValidationError, match="needs `fit`"):
        MaskedInfillConfig(type="masked_infill", model="x", fill="mentions")
    with pytest.raises(ValidationError, match="at_least"):
        MaskedInfillConfig(type="masked_infill", model="x", at_least=3, at_most=1)
    without = [one for one in corpus() if not one.spans]
    with pytest.raises(OptionError, match="no mentions") as error:
        fitted(headless, tmp_path, without, fill="mentions", fit=FIT)
    assert (error.value.code, error.value.key) == ("C147", "fill")
    made = fitted(headless, tmp_path, without, fill="both", fit={"epochs": 1})
    assert made.facts()["trial"]["new_mentions"] == {}


def test_too_few_texts_to_train_on(headless, tmp_path):
    with pytest.raises(OptionError, match="19 training examples are too few") as error:
        fitted(headless, tmp_path, corpus(19), fit=FIT)
    assert (error.value.code, error.value.key) == ("D144", "fit")


def test_a_killed_fit_resumes_to_the_same_result(both, both_folder, headless, tmp_path):
    with killed_after_a_checkpoint():
        fitted(headless, tmp_path, fit=FIT, fill="both", rate=0.5)
    assert list(tmp_path.glob("*.checkpoints/step-*"))
    assert not list(tmp_path.rglob("fitted.json"))
    resumed = fitted(headless, tmp_path, fit=FIT, fill="both", rate=0.5)
    assert resumed.facts() == both.facts()
    weights = [next(folder.glob("*/model.safetensors")) for folder in (tmp_path, both_folder)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert not list(tmp_path.glob("*.checkpoints"))


def test_a_full_disk_is_reported(headless, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(HallucError) as error:
            fitted(headless, tmp_path, fit={"epochs": 1})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.code == "E401"
    assert not list(tmp_path.rglob("fitted.json"))
    assert fitted(headless, tmp_path, fit={"epochs": 1}).facts()["steps"] > 0
