"""Translation models of transformers: real Marian, T5 and M2M100 models that know four sentences by heart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from transformers import MBartTokenizer

from halluc.augmentation.methods.base import OptionError
from halluc.augmentation.translation.config import TransformersConfig
from halluc.augmentation.translation.engine import RoundTrip, open_engine
from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Origin
from halluc.core.rng import Draws
from halluc.data.tokenization import Tokenizer
from halluc.engine import runtime
from halluc.engine.language_codes import tokenizer_code
from halluc.tasks.text_generation.encoding import SequenceFraming
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.loading import TextWriter
from halluc.tasks.text_generation.model import GenerationModel
from halluc.tasks.text_generation.multilingual import LanguageMarks
from halluc.tasks.text_generation.source_text import Sourced, cut_parts
from halluc.tasks.translation.config import TranslationConfig
from tests.tiny_translation import BACK, CODES, ENGLISH, GERMAN, save_m2m100, save_marian, save_t5

THERE, HOME = dict(zip(ENGLISH, GERMAN, strict=True)), dict(zip(GERMAN, BACK, strict=True))
TRIPS = [RoundTrip(*trip) for trip in zip(GERMAN, BACK, strict=True)]


@pytest.fixture(scope="module")
def marian(tmp_path_factory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("marian")
    return str(save_marian(folder / "there", THERE)), str(save_marian(folder / "back", HOME))


@pytest.fixture(scope="module")
def m2m100(tmp_path_factory) -> str:
    return str(save_m2m100(tmp_path_factory.mktemp("m2m100"), THERE, HOME))


def trips(lines=ENGLISH, keys=range(100), **config) -> list[RoundTrip]:
    engine = open_engine(TransformersConfig(type="transformers", **config), allow_commands=False)
    return engine.round_trips(lines, [Draws.of(key) for key, _ in zip(keys, lines, strict=False)])


@pytest.mark.parametrize("decoding", ["beam", "greedy", "sampling"])
def test_two_models_translate_there_and_back(marian, decoding):
    forward, backward = marian
    found = trips(forward=forward, backward=backward, decoding=decoding, temperature=0.2)
    assert found == TRIPS


def test_batches_of_other_sizes_translate_alike(marian):
    forward, backward = marian
    lines = ENGLISH * 20
    assert trips(lines, forward=forward, backward=backward, batch_tokens=64) == TRIPS * 20


def test_sampling_depends_on_the_draws_of_a_line_alone(marian):
    forward, backward = marian
    hot = {"forward": forward, "backward": backward, "decoding": "sampling", "temperature": 4.0, "top_p": 1.0}
    first = trips(**hot)
    assert first == trips(**hot)
    assert first != trips(keys=range(7, 11), **hot)
    assert trips(ENGLISH[2:], keys=[2, 3], **hot) == first[2:]


def test_a_translation_that_does_not_end_is_none(marian):
    forward, backward = marian
    found = trips(forward=forward, backward=backward, max_new_tokens=4)
    assert [trip.pivot for trip in found] == ["", "", "", ""]


def test_a_line_longer_than_a_model_reads_has_no_translation(marian):
    forward, backward = marian
    found = trips([ENGLISH[0], "bank " * 40], forward=forward, backward=backward)
    assert found == [TRIPS[0], RoundTrip("", "")]


def test_one_model_with_language_codes_translates_in_both_directions(m2m100):
    assert trips(forward=m2m100, source=CODES[0], pivot=CODES[1]) == TRIPS


def test_a_model_that_is_reported_in_words_is_reported_both_directions(tmp_path):
    folder = str(save_t5(tmp_path, THERE, HOME))
    assert trips(forward=folder, source="English", pivot="German") == TRIPS


def refused(**config) -> OptionError:
    with pytest.raises(OptionError) as raised:
        open_engine(TransformersConfig(type="transformers", **config), allow_commands=False)
    assert (raised.value.key, raised.value.exit_code) == ("engine", 4)
    return raised.value


def test_a_language_that_a_model_does_not_have_is_named(marian, m2m100):
    error = refused(forward=m2m100, source=CODES[0], pivot="xyz_Latn")
    assert error.code == "E441"
    assert "xyz_Latn" in error.message
    assert "deu_Latn" in str(error.help)
    forward, backward = marian
    assert (
        "does not support the language `de`"
        in refused(forward=forward, backward=backward, source="en", pivot="de").message
    )


def test_a_model_that_is_not_there_or_does_not_translate_is_named(marian, tiny_encoder, tmp_path):
    forward, _ = marian
    assert refused(forward=forward, backward=str(tmp_path / "none")).code == "E410"
    assert refused(forward=forward, backward="hub:some/model").code == "E412"
    assert refused(forward=forward, backward=str(tiny_encoder)).code == "E411"
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in Path(forward).iterdir():
        (damaged / file.name).write_bytes(file.read_bytes()[: 100 if file.suffix == ".safetensors" else None])
    assert refused(forward=str(damaged), backward=forward).code == "E411"


def test_a_gpu_that_is_not_there_is_an_error(marian, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    forward, backward = marian
    assert refused(forward=forward, backward=backward, device="cuda").code == "E441"


def test_a_task_gives_a_model_of_many_languages_those_of_each_example(m2m100):
    model = GenerationModel(
        TranslationConfig(type="translation", decoding={"beams": 1, "max_new_tokens": 40}), GenerationJudge(),
        ("source",), "{source}\n",
    )  # fmt: skip
    loaded = model.restore(ModelConfig(name=m2m100), {}, "eager")
    loaded.tokenizer.tgt_lang = None

    def example(text: str, target: str, source: str, language: str) -> Sourced:
        return Sourced(text, Origin("f", 1), *cut_parts([("source", text)], Tokenizer()), (target,), language, source)

    examples = [example(ENGLISH[0], GERMAN[0], "en", "de-AT"), example(GERMAN[1], BACK[1], "deu_Latn", "en")]
    encoded = model.encode(examples, loaded)
    english, german = loaded.tokenizer.convert_tokens_to_ids(list(CODES))
    assert [encoded.sources[row][0] for row in (0, 1)] == [english, german]
    assert [encoded.targets[row][0] for row in (0, 1)] == [german, english]
    written = model.predict(loaded.model, encoded, 512, runtime.start("fp32", 1), None)
    assert [one.text for one in written] == [GERMAN[0], BACK[1]]
    for source, language, problem in (
        ("en", "", "target language .* unknown"),
        ("es", "de", "does not support the language `es`"),
    ):
        with pytest.raises(HallucError, match=problem) as error:
            model.encode([example("a", "b", source, language)], loaded)
        assert error.value.code == "C209"


@pytest.mark.parametrize(
    ("language", "code"),
    [("es", "spa_Latn"), ("et-EE", "est_Latn"), ("zh_CN", "zho_Hans"), ("zh-TW", "zho_Hant"), ("spa_Latn", "spa_Latn"),
     ("xx", None)],
)  # fmt: skip
def test_a_language_in_any_form_has_the_code_of_the_tokenizer(language, code):
    known = ["est_Latn", "spa_Latn", "zho_Hans", "zho_Hant"]
    assert tokenizer_code(SimpleNamespace(extra_special_tokens=known), language) == code


def test_a_mark_at_the_end_is_that_with_which_the_model_begins():
    tokenizer = MBartTokenizer()
    german = tokenizer.convert_tokens_to_ids("de_DE")
    for start, is_known in ((german, True), (german + 1, False)):
        loaded = TextWriter(None, tokenizer, None, SequenceFraming(True, 1, 2, start))
        example = Sourced("a", Origin("f", 1), ("a",), ("", ""), (), ("b",), "de", "en")
        if is_known:
            assert LanguageMarks(loaded).of(example) == (german, True)
            assert (tokenizer.src_lang, tokenizer.tgt_lang) == ("en_XX", "de_DE")
        else:
            with pytest.raises(HallucError, match="starts outputs with another token"):
                LanguageMarks(loaded).of(example)
