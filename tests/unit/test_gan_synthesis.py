"""The method ``gan_synthesis`` on a small language: what it learns, keeps, says of itself, and refuses."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from halluc.augmentation.methods.base import OptionError, Rejected, Workspace
from halluc.augmentation.methods.gan_synthesis import GanSynthesis
from halluc.augmentation.models.gan import synthesis
from halluc.augmentation.models.gan.config import GanSynthesisConfig
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.core.messages import Listener, listening
from halluc.core.rng import Draws

PEOPLE, PLACES = ("anna", "bo", "carl", "dora"), ("oslo", "paris", "rome")
SMALL: dict[str, Any] = {
    "vocabulary": 100,
    "longest": 24,
    "embedding": 16,
    "width": 48,
    "filters": 4,
    "likelihood": {"epochs": 12, "batch": 16, "learning_rate": 0.02, "dropout": 0.0},
    "adversarial": {"steps": 4, "batch": 16, "warmup_steps": 2},
    "collapse": {"every": 2, "samples": 40},
    "temperatures": [0.7, 1.0],
}


def examples(count: int = 220) -> list[Editable]:
    made = []
    for number in range(count):
        draws = Draws.of("corpus", number)
        one, other, place = draws.choice(PEOPLE), draws.choice(PEOPLE), draws.choice(PLACES)
        if number % 3 == 0:
            made.append(Editable((one, "met", other, "."), (Span(0, 1, "PER"), Span(2, 3, "PER"))))
        elif number % 3 == 1:
            made.append(Editable((one, "went", "to", place, "."), (Span(0, 1, "PER"), Span(3, 4, "LOC"))))
        else:
            made.append(Editable(("it", "rained", draws.choice(("today", "again", "here")), ".")))
    return made


def config(**keys: Any) -> GanSynthesisConfig:
    return GanSynthesisConfig.model_validate({"type": "gan_synthesis", **SMALL, **keys})


def made(folder: Path, corpus: list[Editable] | None = None, seed: int = 1, **keys: Any) -> GanSynthesis:
    method = GanSynthesis(config(**keys))
    method.fit(examples() if corpus is None else corpus, Workspace(folder, seed))
    return method


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fitted")


def samples(method: GanSynthesis, count: int = 60) -> list[Editable | Rejected]:
    return method.sample_many(examples()[:count], [Draws.of(number) for number in range(count)])


def as_values(found: list[Editable | Rejected]) -> list[Any]:
    return [one.reason if isinstance(one, Rejected) else one for one in found]


@pytest.mark.parametrize("variant", ["seqgan", "relgan"])
def test_samples_have_the_labels_that_were_asked_for(variant: str, folder: Path) -> None:
    found = samples(made(folder, variant=variant))
    valid = [(like, one) for like, one in zip(examples(), found, strict=False) if isinstance(one, Editable)]
    assert len(valid) > 30
    for like, one in valid:
        assert {span.label for span in one.spans} == {span.label for span in like.spans}
    named = [one.tokens[start] for _, one in valid for start, _, label in one.spans if label == "LOC"]
    assert sum(word in PLACES for word in named) > 0.8 * len(named) > 0
    assert len({one.tokens for _, one in valid}) > 10


def test_a_sample_is_the_same_one_by_one_and_in_other_company(folder: Path) -> None:
    method = made(folder)
    together = as_values(samples(method))
    alone = []
    for number, like in enumerate(examples()[:20]):
        try:
            alone.append(method.sample(like, Draws.of(number)))
        except Rejected as rejected:
            alone.append(rejected.reason)
    assert alone == together[:20]


@pytest.mark.parametrize("variant", ["seqgan", "relgan"])
def test_fits_of_the_same_seed_are_the_same_to_the_byte(variant: str, folder: Path, tmp_path: Path) -> None:
    one, other = made(folder, variant=variant), made(tmp_path, variant=variant)
    assert one.facts() == other.facts()
    assert as_values(samples(one)) == as_values(samples(other))
    (name,) = [path.name for path in tmp_path.iterdir() if path.is_dir()]
    weights = (tmp_path / name / "weights.safetensors").read_bytes()
    assert weights == (folder / name / "weights.safetensors").read_bytes()


def test_what_was_fitted_is_not_fitted_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(folder)

    def never(*_: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(synthesis, "_train", never)
    assert as_values(samples(made(folder, temperature=first.facts()["sampled_at"]))) == as_values(samples(first))
    with pytest.raises(AssertionError, match="fitted again"):
        made(folder, seed=2)
    with pytest.raises(AssertionError, match="fitted again"):
        made(folder, corpus=examples(221))


def test_the_facts_have_the_table_and_the_verdict(folder: Path) -> None:
    facts = made(folder).facts()
    table = facts["quality_diversity"]
    assert [(row["generator"], row["temperature"]) for row in table] == [
        ("gan", 0.7), ("gan", 1.0), ("likelihood", 0.7), ("likelihood", 1.0), ("training split", None)
    ]  # fmt: skip
    assert all(0 < row["quality"] <= 1 and 0 < row["coverage"] <= 1 for row in table)
    assert facts["held_out"] == 22 and facts["examples"] == 198
    assert re.match("the GAN is (better|no better|worse) than the generator that was trained by", facts["verdict"])
    assert facts["is_better"] is ("is better" in facts["verdict"])
    assert [check["step"] for check in facts["checks"]] == [0, 2, 4]
    assert facts["samples_are_like"]["sampled"] == 220


def test_the_generator_that_is_sampled_from_can_be_chosen(folder: Path) -> None:
    gan, likelihood, better = (made(folder, sample_from=one) for one in ("gan", "likelihood", "better"))
    assert likelihood.facts()["sampled_from"] == "likelihood"
    wanted = "gan" if gan.facts()["is_better"] else "likelihood"
    assert better.facts()["sampled_from"] == wanted
    other = {"gan": gan, "likelihood": likelihood}[wanted]
    assert as_values(samples(better)) == as_values(samples(other))
    assert as_values(samples(gan)) != as_values(samples(likelihood))


def test_a_temperature_that_is_given_is_used(folder: Path) -> None:
    assert made(folder, temperature=2.5).facts()["sampled_at"] == 2.5
    assert made(folder).facts()["sampled_at"] == made(folder).facts()["temperatures"]["gan"]


def test_whole_texts_keep_their_label(tmp_path: Path) -> None:
    corpus = [
        Editable((Draws.of(number).choice(words), "it", "is"), labels=(label,))
        for number in range(120)
        for label, words in (("good", ("great", "fine", "nice")), ("bad", ("awful", "poor", "grim")))
    ]
    method = made(tmp_path, corpus=corpus)
    found = method.sample_many(corpus[:40], [Draws.of(number) for number in range(40)])
    valid = [one for one in found if isinstance(one, Editable)]
    assert len(valid) > 25
    right = sum((one.labels == ("good",)) == (one.tokens[0] in ("great", "fine", "nice")) for one in valid)
    assert right > 0.85 * len(valid)


# --- what it refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("corpus", "keys", "code", "words"),
    [
        (examples(60), {}, "D144", "60 training examples are too few for a GAN, which needs 100"),
        ([], {}, "D144", "0 training examples"),
        (examples(120), {"longest": 6}, "D144", "longer than `longest: 6`"),
        ([Editable(("a", "b"), locked=((0, 1),))] * 120, {}, "C147", "locked words"),
    ],
)
def test_too_little_to_learn_from_is_an_error(
    corpus: list[Editable], keys: dict[str, Any], code: str, words: str, tmp_path: Path
) -> None:  # fmt: skip
    with pytest.raises(OptionError) as caught:
        made(tmp_path, corpus=corpus, **keys)
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.help


def test_what_cannot_be_sampled_is_rejected(folder: Path) -> None:
    method = made(folder)
    for like, reason in [
        (Editable(("a", "b"), locked=((0, 1),)), "locked"),
        (Editable(("a",), (Span(0, 1, "GPE"),)), "unknown label"),
    ]:
        with pytest.raises(Rejected, match=reason):
            method.sample(like, Draws.of(1))


@pytest.mark.parametrize(
    "keys",
    [{"adversarial": {"rollouts": 3}}, {"variant": "leakgan"}, {"temperatures": []}, {"sample_from": "best"}],
)
def test_a_config_that_asks_for_what_there_is_not_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**keys)


def test_likelihood_that_diverges_is_reported(tmp_path: Path) -> None:
    keys = {"likelihood": {"epochs": 30, "batch": 16, "learning_rate": 1.0, "dropout": 0.0}}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(synthesis.LstmGenerator, "log_likelihood", lambda self, *_: self.bias.sum() * float("nan"))
        with pytest.raises(OptionError) as caught:
            made(tmp_path, **keys)
    assert (caught.value.code, caught.value.key) == ("D145", "likelihood")


# --- kills, damage, a full disk --------------------------------------------------------------------------------


class Heard(Listener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str, style: str | None = None) -> None:
        self.lines.append(text)


def test_a_damaged_checkpoint_is_reported_and_the_training_starts_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = synthesis.compare

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(synthesis, "compare", killed)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path)
    (checkpoint,) = tmp_path.glob("*/training.pt")
    checkpoint.write_bytes(b"nonsense")
    monkeypatch.setattr(synthesis, "compare", real)
    heard = Heard()
    with listening(heard):
        found = made(tmp_path)
    assert any("is damaged" in line and "starts again" in line for line in heard.lines)
    assert as_values(samples(found)) == as_values(samples(made(folder)))
    assert not list(tmp_path.glob("*/training.pt"))


@cache
def _program() -> str:
    return (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from tests.unit.test_gan_synthesis import made\n"
        "from halluc.augmentation.models.gan import training\n"
        "training._CHECKPOINT_EVERY = 3\n"
        "made(Path(sys.argv[1]))\n"
    )


def test_a_killed_fit_resumes_to_the_same_result(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _program(), str(tmp_path), str(Path(__file__).parents[2])]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("*/training.pt")):
            assert process.poll() is None, "it ended before it wrote a checkpoint"
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not list(tmp_path.glob("*/fitted.json"))
    assert as_values(samples(made(tmp_path))) == as_values(samples(made(folder)))


def test_a_full_disk_is_an_error_and_nothing_half_written_is_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(weights: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise HallucError("E401", f"cannot write {path}: No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(synthesis, "_write_weights", full)
        with pytest.raises(HallucError, match="No space left"):
            made(tmp_path)
    assert not list(tmp_path.glob("*/weights.safetensors"))
    assert as_values(samples(made(tmp_path))) == as_values(samples(made(folder)))
