"""What `train:` and `model:` can ask for, on a tiny encoder."""

from __future__ import annotations

import copy
import gc
import json
import weakref
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.config.models import ModelConfig
from halluc.config.training import TrainConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.data.corpora import read_corpora
from halluc.engine import loop, runtime, shortcuts
from halluc.engine.progress import Progress
from halluc.runs.events import Evaluated, Step, Stopped
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.task import TokenClassification
from tests.conftest import write_corpus


@pytest.fixture
def corpus(corpus_files) -> Corpus:
    return read_corpora(SpansConfig(format="conll", train=str(corpus_files["train"])), TABLE).splits["train"]


def prepared(corpus: Corpus, tiny_encoder: Path, dropout: float | None = None, freeze: int | None = None,
             task_keys: dict | None = None, **keys):  # fmt: skip
    keys = {"epochs": 2, "learning_rate": 1e-3, "batch_tokens": 64, "precision": "fp32", **keys}
    config = TrainConfig(**keys)
    task = TokenClassification(TokenClassificationConfig(type="token_classification", **(task_keys or {})))
    engine = runtime.start(config.precision, 1)
    model = ModelConfig(name=str(tiny_encoder), dropout=dropout, freeze=freeze)
    encoder = task.model.build(model, task.examples.labels(corpus), "eager")
    return loop.prepare(encoder.model, task.model.encode(corpus.examples, encoder), config, engine, 1)


def run(training, evaluate=None) -> list:
    return list(loop.fit(training, evaluate=evaluate, choose_by="entity_f1"))


def losses(events) -> list[float]:
    return [event.loss for event in events if isinstance(event, Step)]


def test_the_first_losses_are_the_known_ones(plain_losses):
    # Fresh weights over nine tags start near log 9 = 2.197; these figures change only where the loop's meaning does.
    assert plain_losses[:3] == pytest.approx([2.2620, 2.2330, 2.1958], abs=2e-3)


def test_accumulation_changes_no_loss(corpus, tiny_encoder, plain_losses):
    split = losses(run(prepared(corpus, tiny_encoder, dropout=0.0, accumulation=3)))
    assert split == pytest.approx(plain_losses, abs=1e-5)


@pytest.fixture(scope="module")
def plain_losses(tmp_path_factory, tiny_encoder) -> list[float]:
    """The losses of a training without dropout and without other keys."""
    files = write_corpus(tmp_path_factory.mktemp("plain"))
    corpus = read_corpora(SpansConfig(format="conll", train=str(files["train"])), TABLE).splits["train"]
    return losses(run(prepared(corpus, tiny_encoder, dropout=0.0)))


@pytest.mark.parametrize(
    "task_keys", [{"class_weights": "balanced"}, {"class_weights": {"O": 0.5, "PER": 2}}, {"loss": "focal"}]
)
def test_weights_and_focus_are_the_same_however_a_step_is_split(corpus, tiny_encoder, plain_losses, task_keys):
    whole = losses(run(prepared(corpus, tiny_encoder, dropout=0.0, task_keys=task_keys)))
    split = losses(run(prepared(corpus, tiny_encoder, dropout=0.0, task_keys=task_keys, accumulation=3)))
    assert split == pytest.approx(whole, abs=1e-5)
    assert whole[0] != pytest.approx(plain_losses[0], rel=1e-2)


def test_weights_are_no_part_of_what_the_loss_is_divided_by(corpus, tiny_encoder):
    """Twice the weight of every class is twice the loss: torch's weighted mean would not change."""
    labels = ("O", *sorted({span.label for example in corpus for span in example.spans}))
    twice = {"class_weights": dict.fromkeys(labels, 2.0)}
    plain = losses(run(prepared(corpus, tiny_encoder, dropout=0.0, steps=1)))
    assert losses(run(prepared(corpus, tiny_encoder, dropout=0.0, steps=1, task_keys=twice))) == pytest.approx(
        [2 * loss for loss in plain], rel=1e-5
    )


def test_dropout_and_seed_decide_the_losses(corpus, tiny_encoder, plain_losses):
    dropped = losses(run(prepared(corpus, tiny_encoder)))
    assert dropped == losses(run(prepared(corpus, tiny_encoder)))
    assert dropped != plain_losses


def test_training_on_touched_rows_resumes_to_the_bit(corpus, tiny_encoder, plain_losses, monkeypatch):
    monkeypatch.setattr(shortcuts, "LARGE_EMBEDDING", 1)
    whole = prepared(corpus, tiny_encoder)
    assert losses(run(prepared(corpus, tiny_encoder, dropout=0.0))) == pytest.approx(plain_losses, abs=1e-4)

    begun, resumed = prepared(corpus, tiny_encoder), prepared(corpus, tiny_encoder)
    stop = iter([False, False, True])
    list(loop.fit(begun, evaluate=None, choose_by="entity_f1", interrupted=lambda: next(stop)))
    resumed.model.load_state_dict(copy.deepcopy(begun.model.state_dict()))
    resumed.optimizer.load_state_dict(copy.deepcopy(begun.optimizer.state_dict()))
    resumed.progress.step = begun.progress.step
    assert losses(run(whole))[3:] == losses(run(resumed))
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name


def test_the_next_experiment_frees_the_model_of_the_one_before(corpus, tiny_encoder):
    gc.disable()  # else chance would decide
    try:
        training = prepared(corpus, tiny_encoder, precision="bf16", steps=1)
        run(training)
        model = weakref.ref(training.model)
        del training
        assert model() is not None  # accelerate's cycle: with it gone, so may be the collection in `runtime.start`
        runtime.start("bf16", 1)
        assert model() is None
    finally:
        gc.enable()


def test_the_loss_is_divided_by_the_labelled_tokens_of_the_batch(corpus, tiny_encoder):
    training = prepared(corpus, tiny_encoder, dropout=0.0, batch_tokens=100_000, epochs=1)
    batch = training.features.collate(range(len(training.features.lengths)))
    training.model.eval()
    with torch.no_grad():
        logits = training.model(**batch.inputs).logits
        mean = torch.nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), batch.labels.view(-1))
    (loss,) = losses(run(training))
    assert loss == pytest.approx(mean.item(), rel=1e-5)


def test_a_figure_that_has_not_varied_yet_ends_no_training(corpus, tiny_encoder):
    figures = iter([0.0, 0.0, 0.0, 0.4, 0.3, 0.3])
    training = prepared(corpus, tiny_encoder, epochs=6, patience=2)
    events = run(training, evaluate=lambda model: {"entity_f1": next(figures)})
    assert [event.best for event in events if isinstance(event, Evaluated)] == [True, False, False, True, False, False]
    assert events[-1].reason == "entity_f1 did not improve for 2 evaluations"
    assert training.progress.is_chosen


def test_without_a_figure_to_choose_by_every_epoch_is_trained(corpus, tiny_encoder):
    figures = iter([0.9, 0.1, 0.2])
    training = prepared(corpus, tiny_encoder, epochs=3, patience=1)
    evaluate = lambda model: {"entity_f1": next(figures)}  # noqa: E731
    events = list(loop.fit(training, evaluate=evaluate, choose_by=None))
    assert [event.best for event in events if isinstance(event, Evaluated)] == [False, False, False]
    assert events[-1].reason == "all epochs done"
    assert not training.progress.is_chosen


@given(figures=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=8))
def test_dev_chooses_by_a_figure_that_varies_or_was_counted_once(figures):
    progress = Progress()
    for step, value in enumerate(figures, 1):
        progress.step = step
        assert loop._choose(progress, value, {"f": value}) == (value > max(figures[: step - 1], default=-1.0))
        progress.evaluations += 1
    assert (progress.best, progress.best_step) == (max(figures), figures.index(max(figures)) + 1)
    assert progress.stale == len(figures) - progress.best_step
    assert progress.is_chosen == (len(figures) == 1 or len(set(figures)) > 1)


def test_training_stops_where_nothing_gets_better(corpus, tiny_encoder):
    figures = iter([0.5, 0.6, 0.6, 0.55, 0.9])
    events = run(
        prepared(corpus, tiny_encoder, epochs=5, patience=2), evaluate=lambda model: {"entity_f1": next(figures)}
    )
    assert [event.best for event in events if isinstance(event, Evaluated)] == [True, True, False, False]
    last = events[-1]
    assert isinstance(last, Stopped)
    assert last.reason == "entity_f1 did not improve for 2 evaluations"


def test_steps_are_exact_however_many_epochs_they_take(corpus, tiny_encoder):
    an_epoch = sum(isinstance(event, Step) for event in run(prepared(corpus, tiny_encoder, epochs=1)))
    for steps in (1, an_epoch, 2 * an_epoch + 1):
        events = run(prepared(corpus, tiny_encoder, epochs=7, steps=steps), evaluate=lambda model: {"entity_f1": 0.5})
        made = [event for event in events if isinstance(event, Step)]
        assert [event.step for event in made] == list(range(1, steps + 1))
        assert (events[0].steps, events[0].epochs) == (steps, -(-steps // an_epoch))
        assert [e.step for e in events if isinstance(e, Evaluated)] == [*range(an_epoch, steps, an_epoch), steps]
        assert [e.step for e in made if e.ends_epoch] == [*range(an_epoch, steps, an_epoch), steps]
        assert (events[-1].reason, events[-1].step) == ("all steps done", steps)


def test_the_schedule_runs_over_the_steps(corpus, tiny_encoder):
    events = run(prepared(corpus, tiny_encoder, steps=13, warmup=0.5))
    rates = [event.learning_rate for event in events if isinstance(event, Step)]
    assert len(rates) == 13
    assert max(rates) == pytest.approx(1e-3) == rates[6]
    assert rates[-1] == pytest.approx(1e-3 / 6)  # the next one would be nought


@pytest.mark.parametrize(("every", "expected"), [(4, [4, 8, 11]), (11, [11]), (100, [11]), (5, [5, 10, 11])])
def test_dev_is_evaluated_every_so_many_steps_and_at_the_last(corpus, tiny_encoder, every, expected):
    training = prepared(corpus, tiny_encoder, steps=11, evaluate_steps=every)
    events = run(training, evaluate=lambda model: {"entity_f1": 0.5})
    assert [event.step for event in events if isinstance(event, Evaluated)] == expected
    assert [event.step for event in events if isinstance(event, Step) and event.evaluates] == expected
    assert training.progress.evaluations == len(expected)
    kinds = [type(event) for event in events]
    assert all(kinds[at - 1] is Step for at, kind in enumerate(kinds) if kind is Evaluated)


def test_patience_counts_evaluations_not_epochs(corpus, tiny_encoder):
    training = prepared(corpus, tiny_encoder, steps=40, evaluate_steps=3, patience=2)
    figures = iter([0.5, 0.4, 0.4, 0.4])  # one that never varies stops nothing
    events = run(training, evaluate=lambda model: {"entity_f1": next(figures)})
    assert (events[-1].step, events[-1].reason) == (9, "entity_f1 did not improve for 2 evaluations")


def test_frozen_layers_keep_their_weights(corpus, tiny_encoder):
    training = prepared(corpus, tiny_encoder, freeze=1)
    before = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    run(training)
    moved = {name for name, tensor in training.model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert not [name for name in moved if "embeddings" in name or "layer.0." in name]
    assert [name for name in moved if "layer.1." in name]
    assert "classifier.weight" in moved


def test_more_layers_than_there_are_cannot_be_frozen(corpus, tiny_encoder):
    with pytest.raises(HallucError, match="more than the 2 layers"):
        prepared(corpus, tiny_encoder, freeze=3)


def test_a_loss_that_is_not_finite_stops_with_step_and_examples(corpus, tiny_encoder):
    training = prepared(corpus, tiny_encoder)
    whole = training.features.loss
    calls = iter(range(100))
    training.features.loss = lambda outputs, batch: whole(outputs, batch) * (float("nan") if next(calls) == 2 else 1)
    with pytest.raises(HallucError) as caught:
        run(training)
    assert caught.value.code == "T101"
    assert "the loss is nan in step 3" in caught.value.message
    assert "train-" in caught.value.message


def test_out_of_memory_names_the_batch_and_a_budget_to_try(corpus, tiny_encoder):
    training = prepared(corpus, tiny_encoder)

    def full(outputs, batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    training.features.loss = full
    with pytest.raises(HallucError) as caught:
        run(training)
    assert (caught.value.code, caught.value.exit_code) == ("T102", 4)
    assert "a batch of 1 by" in caught.value.message
    assert "gradient_checkpointing" in caught.value.help


def test_a_step_that_memory_does_not_suffice_for_is_repeated_in_more_passes(corpus, tiny_encoder, capsys):
    """The gradient of a step is a sum over its examples: in how many passes it is added up changes nothing."""
    plain = prepared(corpus, tiny_encoder, dropout=0.0)
    expected = losses(run(plain))
    training = prepared(corpus, tiny_encoder, dropout=0.0)
    whole = training.features.loss

    def limited(outputs, batch):
        if len(batch.indexes) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(outputs, batch)

    training.features.loss = limited
    found = losses(run(training))
    assert training.parts > 1
    assert found == pytest.approx(expected, rel=1e-3)
    for mine, peer in zip(training.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.allclose(mine, peer, atol=1e-4)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_activations_may_be_computed_again(corpus, tiny_encoder, dropout):
    plain = losses(run(prepared(corpus, tiny_encoder, dropout=dropout)))
    again = losses(run(prepared(corpus, tiny_encoder, dropout=dropout, gradient_checkpointing=True)))
    # Dropout masks come from another source, so that only without dropout the losses are the same.
    assert again == pytest.approx(plain, rel=0.5 if dropout else 1e-3)
    assert again[-1] < again[0]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_rate_follows_its_schedule(corpus, tiny_encoder, schedule):
    events = run(prepared(corpus, tiny_encoder, schedule=schedule, warmup=0.5))
    rates = [event.learning_rate for event in events if isinstance(event, Step)]
    assert rates[0] < max(rates) == pytest.approx(1e-3)
    assert (rates[-1] == pytest.approx(1e-3)) is (schedule == "constant")


def test_random_batches_train_too(halluc, experiment):
    assert halluc("train", experiment, "-q", "--set", "train.batching=random", "--set", "train.epochs=1").code == 0


def test_a_compiled_model_trains_and_is_saved_as_any_other(halluc, experiment):
    from transformers import AutoModelForTokenClassification

    outcome = halluc("train", experiment, "--set", "train.compile=true", "--set", "train.epochs=1", "--json")
    assert outcome.code == 0, outcome.err
    model, told = AutoModelForTokenClassification.from_pretrained(
        json.loads(outcome.out)["model"], output_loading_info=True
    )
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    assert model.config.id2label[0] == "O"


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_training_and_evaluation_on_cuda(halluc, experiment, precision):
    outcome = halluc("train", experiment, "--set", f"train.precision={precision}")
    assert outcome.code == 0, outcome.err
    assert f"training on cuda in {precision}" in outcome.err
    assert halluc("eval", experiment, "--set", f"train.precision={precision}").code == 0


# --- check --deep ----------------------------------------------------------------------------------------------


def test_the_deep_check_reports_windows_batch_and_learning_rate_and_writes_nothing(halluc, experiment, corpus_files):
    corpus_files["test"].write_text("".join(f"w{i} O\n" for i in range(100)) + "\n")
    outcome = halluc("check", experiment, "--deep", "--json")
    assert outcome.code == 0, outcome.err
    model = json.loads(outcome.out)["model"]
    assert model["encoding"]["test"]["windowed_sentences"] == 1
    assert model["encoding"]["test"]["words"] == 100
    assert model["encoding"]["train"]["windows"] == 20
    assert model["dry_batch"]["loss"] > 0
    assert model["trainable"] == model["parameters"] > model["without_embeddings"] > 0
    assert model["usual_learning_rates"] == [2e-4, 3e-4]
    assert "0.01` is outside" in model["warnings"][0]
    assert not (experiment.parent / "runs").exists()
    told = halluc("check", experiment, "--deep").err
    assert "learning rate: 0.0002 to 0.0003" in told
    scratch = "model={name: null, scratch: {layers: 1, width: 16, heads: 2, vocabulary: 300}}"
    model = json.loads(halluc("check", experiment, "--deep", "--json", "--set", scratch).out)["model"]
    assert (model["usual_learning_rates"], model["warnings"]) == (None, [])


@pytest.mark.parametrize(
    ("parameters", "rates"), [(10_600_000, (2e-4, 3e-4)), (85_000_000, (2e-5, 5e-5)), (303_000_000, (1e-5, 3e-5))]
)
def test_the_proposed_rate_suits_the_size(parameters, rates):
    from halluc.engine.optimizer import usual_learning_rates

    assert usual_learning_rates(parameters) == rates


def test_check_reports_a_model_that_is_not_installed(halluc, experiment):
    outcome = halluc("check", experiment, "--set", "model.name=package:no_such/model")
    assert outcome.code == 0
    assert "no Python package `no_such` is installed" in outcome.err
    assert halluc("check", experiment, "--set", "train.best=f1").code == 2
