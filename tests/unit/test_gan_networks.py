"""The networks of a sequence GAN, and the steps of both variants, on vocabularies so small that values are known."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from halluc.augmentation.models.gan.adversaries import (
    Adversaries,
    NotFinite,
    RelativisticGan,
    SequenceGan,
    _conditional_noise,
    _fill_unknown,
    _subtract_baseline,
    descend,
)
from halluc.augmentation.models.gan.collapse import perplexity
from halluc.augmentation.models.gan.discriminator import ConvDiscriminator, realness
from halluc.augmentation.models.gan.generator import LstmGenerator, LstmState, complete, sample, sample_pieces
from halluc.augmentation.models.gan.sequences import Pieces, Sequences
from halluc.core.rng import Draws

# pad, end, two conditions that are never generated, three words
PIECES = Pieces(7, 0, 1, (0, 2, 3))
LONGEST = 8
ROWS = Sequences.of([[2, 4, 5, 1], [3, 2, 6, 6, 6, 1], [2, 1]], [1, 2, 1], 0)


def generator(seed: int = 0) -> LstmGenerator:
    torch.manual_seed(seed)
    made = LstmGenerator(PIECES, 6, 10)
    with torch.no_grad():
        for one in made.parameters():
            one.mul_(3)  # probabilities that are far from equal
    return made


def discriminator(seed: int = 1) -> ConvDiscriminator:
    torch.manual_seed(seed)
    return ConvDiscriminator(PIECES, 6, 5)


def players(lr: float = 0.05) -> Adversaries:
    one, other = generator(), discriminator()
    return Adversaries(one, other, torch.optim.Adam(one.parameters(), lr), torch.optim.Adam(other.parameters(), lr))


def draws(count: int, key: str = "") -> list[Draws]:
    return [Draws.of(key, number) for number in range(count)]


# --- sequences and generator -----------------------------------------------------------------------------------


def test_conditions_and_padding_are_not_generated() -> None:
    assert ROWS.generated_mask().tolist() == [
        [False, True, True, True, False, False],
        [False, False, True, True, True, True],
        [False, True, False, False, False, False],
    ]


def test_rows_are_cut_to_the_longest_of_them() -> None:
    assert ROWS.rows(torch.tensor([2, 0])).ids.tolist() == [[2, 1, 0, 0], [2, 4, 5, 1]]


def test_step_by_step_gives_what_a_whole_row_gives() -> None:
    model = generator()
    whole = model.logits(model.features(ROWS))
    state, condition = model.start(3), model.condition(ROWS)
    for place in range(5):
        scores, state = model.step(ROWS.ids[:, place], condition, state)
        allowed = [number for number in range(7) if number not in PIECES.never]
        torch.testing.assert_close(scores[:, allowed], whole[:, place][:, allowed])


def test_the_likelihood_is_that_of_generated_pieces_alone() -> None:
    model = generator()
    found = model.log_likelihood(ROWS).detach()
    assert found.shape == (8,)
    scores = torch.log_softmax(model.logits(model.features(ROWS)), -1)
    wanted = [scores[0, 0, 4], scores[0, 1, 5], scores[0, 2, 1], scores[1, 1, 6]]
    torch.testing.assert_close(found[:4], torch.stack(wanted))
    assert perplexity(model, ROWS) == pytest.approx(float(torch.exp(-found.mean())), rel=1e-5)


def test_the_condition_changes_what_is_predicted_after_it_is_long_past() -> None:
    model = generator()
    rows = Sequences.of([[2, 4, 5, 6, 4, 1], [3, 4, 5, 6, 4, 1]], [1, 1], 0)
    one, other = torch.softmax(model.logits(model.features(rows))[:, -1], -1)
    assert float((one - other).abs().max().detach()) > 0.01


def test_what_is_never_to_be_generated_is_not() -> None:
    made = sample(generator(), ROWS.rows(torch.zeros(200, dtype=torch.long)), LONGEST, 5.0, draws(200))
    assert {*made.ids[made.generated_mask()].tolist()} == {1, 4, 5, 6}


def test_samples_keep_their_condition_and_stop_at_the_end() -> None:
    made = sample(generator(), ROWS.rows(torch.arange(3).repeat(50)), LONGEST, 1.0, draws(150))
    for row, prefix, length, number in zip(made.ids.tolist(), made.prefixes, made.lengths, range(150), strict=True):
        assert row[:prefix] == ROWS.ids[number % 3, :prefix].tolist()
        assert 1 not in row[: length - 1] and set(row[length:]) <= {0}
        assert (row[length - 1] == 1) or length == LONGEST


def test_a_row_depends_on_its_own_draws_alone() -> None:
    model = generator()
    together = sample(model, ROWS, LONGEST, 1.0, draws(3))
    for number in range(3):
        alone = sample(model, ROWS.rows(torch.tensor([number])), LONGEST, 1.0, [draws(3)[number]])
        assert alone.ids[0].tolist() == together.ids[number].tolist()


def test_pieces_are_drawn_as_often_as_they_are_probable() -> None:
    scores = torch.log(torch.tensor([[0.1, 0.0, 0.6, 0.3]]))
    uniform = (torch.arange(1000) + 0.5) / 1000
    counts = torch.bincount(sample_pieces(scores.expand(1000, -1), uniform, 1.0), minlength=4)
    assert counts.tolist() == pytest.approx([100, 0, 600, 300], abs=1)
    sharper = torch.bincount(sample_pieces(scores.expand(1000, -1), uniform, 0.5), minlength=4)
    assert sharper.tolist() == pytest.approx([1000 * p / 0.46 for p in (0.01, 0, 0.36, 0.09)], abs=1)


def test_a_beginning_is_completed_as_if_it_had_been_written_at_once() -> None:
    cold, compared = 0.01, 0
    for seed in range(6):
        model = generator(seed)
        shape = (3, LONGEST, model.width)
        record = LstmState(torch.zeros(shape), torch.zeros(shape))
        made = sample(model, ROWS, LONGEST, cold, draws(3), record)
        begun = (made.lengths > made.prefixes + 2).nonzero()[:, 0]
        if not len(begun):
            continue
        at = made.prefixes[begun] + 2
        before = LstmState(record.hidden[begun, at - 2], record.cell[begun, at - 2])
        wanted = Sequences(made.ids[begun], made.prefixes[begun], made.lengths[begun])
        damaged = torch.where(torch.arange(LONGEST) < at[:, None], wanted.ids, 6)
        start = Sequences(damaged, wanted.prefixes, wanted.lengths)
        again = complete(model, start, at, before, cold, draws(3, "other"))
        assert again.ids.tolist() == wanted.ids.tolist()
        assert again.lengths.tolist() == wanted.lengths.tolist()
        compared += len(begun)
    assert compared > 3


# --- discriminator ---------------------------------------------------------------------------------------------


def test_certain_distributions_are_judged_as_pieces_are() -> None:
    model = discriminator()
    certain = torch.nn.functional.one_hot(ROWS.ids[ROWS.generated_mask()], 7).float()
    torch.testing.assert_close(model(ROWS, certain), model(ROWS))


def test_padding_changes_no_judgement() -> None:
    model = discriminator()
    wider = Sequences(torch.nn.functional.pad(ROWS.ids, (0, 9)), ROWS.prefixes, ROWS.lengths)
    torch.testing.assert_close(model(wider), model(ROWS))


def test_the_discriminator_learns_which_words_belong_to_a_condition() -> None:
    model = discriminator()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    fitting = Sequences.of([[2, 4, 4, 1], [3, 5, 5, 1]], [1, 1], 0)
    swapped = Sequences.of([[2, 5, 5, 1], [3, 4, 4, 1]], [1, 1], 0)
    for _ in range(100):
        loss = (
            torch.nn.functional.softplus(-model(fitting)).mean() + torch.nn.functional.softplus(model(swapped)).mean()
        )
        descend(loss, model, optimizer)
    assert realness(model, fitting).min() > 0.9
    assert realness(model, swapped).max() < 0.1


def test_a_loss_that_is_no_number_changes_nothing() -> None:
    model = discriminator()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    with pytest.raises(NotFinite):
        descend(model(ROWS).mean() * torch.nan, model, torch.optim.Adam(model.parameters()))
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


# --- SeqGAN ----------------------------------------------------------------------------------------------------


def test_a_piece_has_the_value_of_the_next_beginning_after_it() -> None:
    values = torch.tensor([[torch.nan, torch.nan, 0.5, torch.nan, 0.8, torch.nan]])
    assert _fill_unknown(values).tolist() == [[0.5, 0.5, 0.5, pytest.approx(0.8), pytest.approx(0.8), 0.0]]


def test_the_baseline_is_the_mean_over_rows_that_are_that_long() -> None:
    values = torch.tensor([[0.2, 0.4], [0.6, 0.9]])
    generated = torch.tensor([[True, True], [True, False]])
    torch.testing.assert_close(_subtract_baseline(values, generated), torch.tensor([[-0.2, 0.0], [0.2, 0.0]]))


def _expected(model: LstmGenerator, judge: ConvDiscriminator, beginning: list[int], longest: int) -> float:
    """The expected judgement of the completions of a beginning, over all of them."""
    total = 0.0
    words = (4, 5, 6)
    room = longest - len(beginning)
    endings = [(*some, 1) for size in range(room) for some in itertools.product(words, repeat=size)]
    endings += list(itertools.product(words, repeat=room))
    for ending in endings:
        row = Sequences.of([[*beginning, *ending]], [1], 0)
        scores = torch.log_softmax(model.policy(model.features(row)), -1)[0]
        places = range(len(beginning) - 1, row.ids.shape[1] - 1)
        chance = float(
            torch.exp(sum((scores[place, row.ids[0, place + 1]] for place in places), torch.tensor(0.0))).detach()
        )
        total += chance * float(realness(judge, row))
    return total


def test_the_value_of_a_beginning_is_the_expected_judgement_of_its_completions() -> None:
    gan, longest = SequenceGan(5, rollouts=3000, stride=1), 5
    both = players()
    with torch.no_grad():
        for one in both.discriminator.parameters():
            one.mul_(3)
    torch.manual_seed(4)
    made, values = gan.sample_with_values(both, Sequences.of([[2, 1], [2, 1], [3, 1]], [1, 1, 1], 0))
    compared = 0
    for row in range(len(made)):
        for place in range(1, int(made.lengths[row]) - 1):
            wanted = _expected(both.generator, both.discriminator, made.ids[row, : place + 1].tolist(), longest)
            assert float(values[row, place]) == pytest.approx(wanted, abs=0.02)
            compared += 1
        last = int(made.lengths[row]) - 1
        alone = realness(both.discriminator, made.rows(torch.tensor([row])))
        assert float(values[row, last]) == pytest.approx(float(alone), abs=1e-5)
    assert compared >= 2


class FondOf(ConvDiscriminator):
    """Finds rows the more real the more of their words are one word."""

    def forward(self, batch: Sequences, distributions: Tensor | None = None, dropout: float = 0.0) -> Tensor:
        mask = batch.generated_mask()
        shares = torch.zeros(*batch.ids.shape, 7)
        shares[mask] = (
            torch.nn.functional.one_hot(batch.ids[mask], 7).float() if distributions is None else distributions
        )
        return 4 * shares[..., 5].sum(1) / batch.lengths + 0 * self.score.bias.sum()


def share_of_words(model: LstmGenerator, word: int) -> float:
    torch.manual_seed(9)
    made = sample(model, ROWS.rows(torch.zeros(500, dtype=torch.long)), LONGEST)
    return float((made.ids == word).sum() / made.generated_mask().sum())


@pytest.mark.parametrize("gan", [SequenceGan(LONGEST, 4, 2), RelativisticGan(LONGEST, 5.0)], ids=["seqgan", "relgan"])
def test_the_generator_learns_what_the_discriminator_finds_real(gan: SequenceGan | RelativisticGan) -> None:
    both = players()
    both.discriminator = FondOf(PIECES, 6, 5)
    before = share_of_words(both.generator, 5)
    torch.manual_seed(3)
    for step in range(40):
        descend(gan.generator_loss(both, ROWS, step / 40), both.generator, both.generator_optimizer)
    assert share_of_words(both.generator, 5) > before + 0.3


@pytest.mark.parametrize("gan", [SequenceGan(LONGEST, 4, 2), RelativisticGan(LONGEST, 5.0)], ids=["seqgan", "relgan"])
def test_the_discriminator_learns_to_recognise_generated_rows(gan: SequenceGan | RelativisticGan) -> None:
    both = players(0.01)
    real = Sequences.of([[2, 4, 5, 6, 4, 5, 6, 1]] * 32, [1] * 32, 0)
    torch.manual_seed(3)
    for _ in range(60):
        descend(gan.discriminator_loss(both, real, 0.5), both.discriminator, both.discriminator_optimizer)
    made = sample(both.generator, real, LONGEST)
    false = both.discriminator(made)[(made.ids != real.ids).any(1)]
    assert float((both.discriminator(real)[0] - false.mean()).detach()) > 2


# --- RelGAN ----------------------------------------------------------------------------------------------------


def test_noise_given_a_piece_makes_it_the_most_probable_one() -> None:
    torch.manual_seed(0)
    logits = torch.log_softmax(torch.randn(2000, 6) * 3, -1)
    chosen = torch.randint(6, (2000,))
    assert torch.equal((logits + _conditional_noise(logits, chosen)).argmax(-1), chosen)


def test_noise_given_sampled_pieces_is_gumbel_noise() -> None:
    torch.manual_seed(0)
    logits = torch.log_softmax(torch.tensor([[0.0, 1.0, -1.0, 2.0]]), -1).expand(200_000, -1)
    chosen = torch.multinomial(logits[:1].exp()[0], 200_000, replacement=True)
    noise = _conditional_noise(logits, chosen)
    for column in noise.T:  # Euler's constant, and pi squared over 6
        assert float(column.mean()) == pytest.approx(0.5772, abs=0.02)
        assert float(column.var()) == pytest.approx(1.6449, abs=0.04)


def test_relaxed_samples_are_annealed_from_soft_to_sharp() -> None:
    gan = RelativisticGan(LONGEST, 100.0)
    assert [gan.inverse_temperature(done) for done in (0, 0.5, 1)] == [1, pytest.approx(10), 100]
    model = generator()
    sharpness = []
    for done in (0.0, 1.0):
        torch.manual_seed(5)
        made, relaxed = gan.sample_relaxed(model, ROWS.rows(torch.arange(3).repeat(40)), done)
        inside = made.generated_mask()
        assert torch.equal(relaxed.argmax(-1), made.ids[inside])
        torch.testing.assert_close(relaxed.sum(-1), torch.ones(int(inside.sum())))
        sharpness.append(float(relaxed.max(-1).values.mean()))
    assert sharpness[0] < 0.9 < sharpness[1]
