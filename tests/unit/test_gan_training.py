"""The training of a sequence GAN: killed and resumed, collapsed and restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from halluc.augmentation.models.gan import training as module
from halluc.augmentation.models.gan.adversaries import (
    AdversarialStep,
    Adversaries,
    NotFinite,
    RelativisticGan,
    SequenceGan,
)
from halluc.augmentation.models.gan.collapse import Health, perplexity
from halluc.augmentation.models.gan.config import (
    AdversarialConfig,
    CollapseConfig,
    GanSynthesisConfig,
    LikelihoodConfig,
)
from halluc.augmentation.models.gan.discriminator import ConvDiscriminator
from halluc.augmentation.models.gan.generator import LstmGenerator, sample
from halluc.augmentation.models.gan.sequences import GanPlan, Pieces, Sequences
from halluc.augmentation.models.gan.training import DamagedTraining, GanTraining
from halluc.core.errors import HallucError

PIECES = Pieces(9, 0, 1, (0, 2, 3))
LONGEST = 8
SEQGAN, RELGAN = SequenceGan(LONGEST, 4, 2, 0.2), RelativisticGan(LONGEST, 10.0, 0.2)


def rows(count: int) -> Sequences:
    """After condition 2 the words go up, after condition 3 down."""
    up, down = [4, 5, 6, 7, 8], [8, 7, 6, 5, 4]
    cut = [(number % 3, 3 + number % 2) for number in range(count)]
    made = [[2 + n % 2, *(down if n % 2 else up)[first : first + size], 1] for n, (first, size) in enumerate(cut)]
    return Sequences.of(made, [1] * count, 0)


def words(ids: Sequence[int], number: int) -> tuple[str, ...] | None:
    return tuple(map(str, ids[:-1])) if 1 in ids and len(ids) > 1 else None


def plan(steps: int = 8, epochs: int = 4, seed: int = 1, **collapse: float) -> GanPlan:
    return GanPlan(
        rows(64),
        rows(20),
        words,
        GanSynthesisConfig(
            type="gan_synthesis",
            longest=LONGEST,
            likelihood=LikelihoodConfig(epochs=epochs, batch=8, learning_rate=0.02, dropout=0.1),
            adversarial=AdversarialConfig(steps=steps, batch=8, warmup_steps=3, learning_rate=0.002),
            collapse=CollapseConfig(every=2, samples=32, **collapse),
        ),
        seed,
    )


def training(file: Path, variant: AdversarialStep = SEQGAN, asked: GanPlan | None = None) -> GanTraining:
    torch.manual_seed(0)
    return GanTraining(
        asked or plan(), variant, LstmGenerator(PIECES, 6, 12), ConvDiscriminator(PIECES, 4, 4), file / "training.pt"
    )


def finished(file: Path, variant: AdversarialStep = SEQGAN, asked: GanPlan | None = None) -> GanTraining:
    made = training(file, variant, asked)
    made.run()
    return made


def same(one: GanTraining, other: GanTraining) -> bool:
    return all(
        torch.equal(tensor, other.kept[name][key])
        for name in ("good", "likelihood")
        for key, tensor in one.kept[name].items()
    )


class Killed(BaseException):
    pass


def kill_at(monkeypatch: pytest.MonkeyPatch, made: GanTraining, count: int) -> None:
    """Ends the training at its ``count``-th step of any kind."""
    left = [count]
    real = module.descend

    def descend(*arguments: object) -> float:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(module, "descend", descend)
        with pytest.raises(Killed):
            made.run()


@pytest.fixture(scope="module", params=[SEQGAN, RELGAN], ids=["seqgan", "relgan"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GanTraining:
    """A training that was not killed."""
    return finished(tmp_path_factory.mktemp("whole"), request.param)


@pytest.mark.parametrize("count", [1, 20, 33, 36, 44, 51, 67, 70])
def test_a_training_that_was_killed_ends_as_if_it_had_not_been(
    whole: GanTraining, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHECKPOINT_EVERY", 2)
    variant = whole.variant
    kill_at(monkeypatch, training(tmp_path / "killed", variant), count)
    torch.manual_seed(count)  # what else the next process draws must not matter
    again = training(tmp_path / "killed", variant)
    again.run()
    assert same(again, whole)
    assert vars(again.progress) == vars(whole.progress)


def test_the_seed_decides_what_comes_out(tmp_path: Path) -> None:
    one = finished(tmp_path / "a")
    torch.rand(7)
    assert same(one, finished(tmp_path / "b"))
    assert not same(one, finished(tmp_path / "c", asked=plan(seed=2)))


def test_the_callers_random_numbers_are_left_alone(tmp_path: Path) -> None:
    made = training(tmp_path)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    made.run()
    assert torch.equal(torch.rand(3), expected)


def test_likelihood_training_teaches_what_follows_what(tmp_path: Path) -> None:
    made = finished(tmp_path, asked=plan(steps=0, epochs=30))
    assert min(made.progress.perplexities) < 3 < made.progress.perplexities[0]
    asked = rows(20)
    torch.manual_seed(0)
    after_up = sample(made.generator, asked.rows(torch.zeros(60, dtype=torch.long)), LONGEST).ids[:, 1:3]
    rising = float((after_up[:, 1] == after_up[:, 0] + 1).float().mean())
    assert rising > 0.4  # by chance 1 in 6


def test_the_generator_is_that_of_the_epoch_that_predicts_best(tmp_path: Path) -> None:
    made = finished(tmp_path, asked=plan(steps=0, epochs=12))
    assert perplexity(made.generator, rows(20)) == pytest.approx(min(made.progress.perplexities), rel=1e-5)


def test_likelihood_training_ends_once_nothing_gets_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    rising = iter([5.0, 4.0, 4.5, 4.2, 4.1, 3.0])
    monkeypatch.setattr(module, "perplexity", lambda *_: next(rising, 9.0))
    made = finished(tmp_path, asked=plan(steps=0, epochs=50))
    assert made.progress.perplexities == [5.0, 4.0, 4.5, 4.2, 4.1]


# --- collapse --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ruinous:
    """A variant under which the generator unlearns all, from ``after`` steps on; before it does nothing."""

    after: int
    to: float = -3.0
    taken: list[int] = field(default_factory=list)

    def generator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        self.taken.append(1)
        nothing = 0 * sum(one.sum() for one in players.generator.parameters())
        if len(self.taken) <= self.after:
            return torch.as_tensor(nothing)
        for group in players.generator_optimizer.param_groups:
            group["lr"] = 0.5
        return -self.to * players.generator.log_likelihood(real).mean() + nothing

    def discriminator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        return SEQGAN.discriminator_loss(players, real, done)


def test_a_collapsed_generator_is_the_last_good_one_again(tmp_path: Path) -> None:
    asked = plan(steps=20, epochs=15)
    made = finished(tmp_path, Ruinous(5), asked)
    stopped = made.progress.stopped
    assert stopped is not None
    assert stopped["step"] == 6 and stopped["restored"] == 4
    assert "perplexity rose" in stopped["reason"]
    good = next(one for one in made.progress.checks if one["step"] == 4)
    assert perplexity(made.generator, rows(20)) == pytest.approx(good["perplexity"], rel=1e-3)
    assert made.progress.checks[-1]["step"] == 6


def test_a_generator_that_collapses_at_once_is_the_pre_trained_one(tmp_path: Path) -> None:
    asked = plan(steps=20, epochs=15)
    made = finished(tmp_path, Ruinous(0), asked)
    assert made.progress.stopped is not None and made.progress.stopped["restored"] == 0
    assert perplexity(made.generator, rows(20)) == pytest.approx(min(made.progress.perplexities), rel=1e-5)


def test_a_loss_that_is_no_number_stops_the_gan_and_not_the_program(tmp_path: Path) -> None:
    made = finished(tmp_path, Ruinous(3, torch.nan), plan(steps=20))
    assert made.progress.stopped == {"step": 4, "restored": 2, "reason": "a loss is not finite"}
    assert all(bool(torch.isfinite(one).all()) for one in made.kept["good"].values())


def test_likelihood_that_diverges_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LstmGenerator, "log_likelihood", lambda self, *_: self.bias.sum() * torch.nan)
    with pytest.raises(NotFinite):
        finished(tmp_path)


BEFORE = Health(distinct_2=0.8, valid_rate=0.9, perplexity=20.0)


@pytest.mark.parametrize(
    ("now", "fault"),
    [
        (Health(0.8, 0.9, 20.0), None),
        (Health(0.69, 0.78, 22.9), None),
        (Health(0.8, 0.9, 23.1), "perplexity rose from 20.0 to 23.1"),
        (Health(0.8, 0.9, float("nan")), "perplexity rose from 20.0 to nan"),
        (Health(0.8, 0.76, 20.0), "the share of valid samples fell from 0.900 to 0.760"),
        (Health(0.67, 0.9, 20.0), "distinct-2 fell from 0.800 to 0.670"),
    ],
)
def test_what_counts_as_a_collapse(now: Health, fault: str | None) -> None:
    assert now.fault(BEFORE, CollapseConfig()) == fault


# --- the baseline ----------------------------------------------------------------------------------------------


def test_likelihood_alone_gets_as_many_further_steps_as_the_gan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    counts: dict[str, int] = {}
    seen: dict[str, list[list[int]]] = {}
    real = GanTraining._likelihood_step

    def counted(self: GanTraining, optimizer: str, numbers: Tensor) -> None:
        stage = f"{self.progress.stage}"
        counts[stage] = counts.get(stage, 0) + 1
        seen.setdefault(stage, []).append(numbers.tolist())
        real(self, optimizer, numbers)

    monkeypatch.setattr(GanTraining, "_likelihood_step", counted)
    made = finished(tmp_path, asked=plan(distinct_2=0.0, valid_rate=0.0, perplexity=100.0))
    assert made.progress.stopped is None
    assert counts["2"] == counts["3"] == 8
    assert seen["2"] == seen["3"]


def test_the_baseline_never_predicts_worse_than_before_its_further_steps(tmp_path: Path) -> None:
    made = finished(tmp_path, asked=plan(steps=10, epochs=15))
    best = LstmGenerator(PIECES, 6, 12)
    best.load_state_dict(made.kept["likelihood"])
    assert perplexity(best, rows(20)) <= min(made.progress.perplexities) * (1 + 1e-6)


# --- checkpoints -----------------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_an_error(tmp_path: Path) -> None:
    finished(tmp_path)
    file = tmp_path / "training.pt"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DamagedTraining):
        finished(tmp_path)


def test_a_checkpoint_of_another_shape_is_an_error(tmp_path: Path) -> None:
    finished(tmp_path)
    wider, file = LstmGenerator(PIECES, 7, 12), tmp_path / "training.pt"
    other = GanTraining(plan(), SEQGAN, wider, ConvDiscriminator(PIECES, 4, 4), file)
    with pytest.raises(DamagedTraining):
        other.run()


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = training(tmp_path)
    kill_at(monkeypatch, made, 40)
    before = (tmp_path / "training.pt").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("halluc.core.files.os.fsync", full)
        with pytest.raises(HallucError) as caught:
            finished(tmp_path)
    assert caught.value.code == "E401"
    assert "training.pt" in caught.value.message
    assert (tmp_path / "training.pt").read_bytes() == before
    assert same(finished(tmp_path), finished(tmp_path / "other"))
