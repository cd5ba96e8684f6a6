"""Exports: the same predictions without torch, compared on dev, whole or absent."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy
import pytest
import torch

import halluc as api
from halluc.config.models import ModelConfig
from halluc.core import errors
from halluc.core.errors import EXIT_GATE, HallucError
from halluc.core.examples import Corpus
from halluc.engine import exported, exporting, runtime
from halluc.engine.inference import forward
from halluc.runs import exports
from halluc.workflows import exporting as workflow
from halluc.workflows import job
from halluc.workflows.trained_models import Trained
from tests.conftest import REPOSITORY, SENTENCES, write_corpus, write_experiment
from tests.contracts.test_tasks import EXAMPLES, make

HAS_ONNX = all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason='needs pip install "halluc[onnx]"')
TEXTS = ["Anna Berg visited Oslo .", "Acme Corp said the bank left Paris ."]
# Runs a command where torch and transformers cannot be imported.
WITHOUT_TORCH = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "accelerate", "onnx"):
            raise ImportError(name)
sys.meta_path.insert(0, Refused())
from halluc.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder) -> Path:
    """A tagger with a CRF that reads documents, trained for a few steps and evaluated."""
    folder = tmp_path_factory.mktemp("exported")
    files = write_corpus(folder)
    for path in files.values():
        path.write_text("\n".join([f"-DOCSTART- O\n\n{SENTENCES}"] * 3), encoding="utf-8")
    config = write_experiment(folder, tiny_encoder, files, "steps: 12, learning_rate: 0.01, precision: fp32")
    task = "{type: token_classification, head: crf, context: 32}"
    config.write_text(
        config.read_text().replace("{type: token_classification}", task) + "eval: {calibration: temperature}\n"
    )
    (trained,) = api.train(config)
    api.evaluate(run=trained.run, splits=["dev"])
    return Path(trained.run)


@pytest.fixture(scope="module")
def made(run):
    """What exporting returned: to ONNX where its packages are installed, else to a program of torch."""
    return api.export(run, format="onnx" if HAS_ONNX else "torch")


def as_told(records: Sequence[object]) -> list[dict]:
    """Records, with confidences to five digits."""
    found = [record.model_dump(mode="json") for record in records]
    for span in (span for record in found for span in record["spans"]):
        span["confidence"] = round(span["confidence"], 5)
    return found


def test_an_export_predicts_as_its_run_does(run, made):
    assert (made.comparison.differing, made.comparison.difference) == (0, 0.0)
    assert made.comparison.claims > 0
    assert made.comparison.largest_change < 1e-5
    one, other = api.load(run), api.load(made.export)
    assert as_told(other.predict(TEXTS)) == as_told(one.predict(TEXTS))
    assert (one.temperature, one.threshold) == (other.temperature, other.threshold)
    assert other.model.engine.precision == f"{made.format} fp32"


@needs_onnx
def test_an_export_predicts_elsewhere_without_torch_and_transformers(run, made, tmp_path):
    moved, told = tmp_path / "moved", tmp_path / "told.jsonl"
    shutil.copytree(made.export, moved)
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    command = ["predict", str(moved), "--input", str(tmp_path / "texts.txt"), "--output", str(told)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *command], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    assert [[span["text"] for span in line["spans"]] for line in found] == [
        [span.text for span in line.spans] for line in api.load(run).predict(TEXTS)
    ]


def test_an_export_is_evaluated_as_a_run_is(run, made, tmp_path, halluc):
    copy = tmp_path / "copy"
    shutil.copytree(made.export, copy)
    own = api.evaluate(run=run, splits=["dev"])[0].metrics
    done = halluc("eval", copy, "--split", "dev", "--json")
    assert done.code == 0, done.err
    assert "warning" not in done.err
    figures = {m["name"]: m["value"] for m in json.loads(done.out)["metrics"] if not m["by"]}
    assert figures["entity_f1"] == pytest.approx(next(m.value for m in own if m.name == "entity_f1" and not m.by))
    assert halluc("predict", copy, "--input", REPOSITORY / "LICENSE", "--output", tmp_path / "out").code == 0


@pytest.mark.parametrize("damage", ["model/config.json", "model/tokenizer.json", "coverage.json", "export.json"])
def test_a_damaged_export_is_refused(made, tmp_path, halluc, damage):
    copy = tmp_path / "copy"
    shutil.copytree(made.export, copy)
    if damage == "export.json":
        (copy / damage).unlink()
    else:
        (copy / damage).write_bytes((copy / damage).read_bytes() + b"\n")
    done = halluc("predict", copy, "--input", REPOSITORY / "LICENSE")
    assert done.code == 2
    assert "error[R140]" in done.err
    assert damage in done.err


@needs_onnx
def test_weights_in_8_bits_are_smaller_and_close(made, tmp_path):
    path = tmp_path / "model.onnx"
    shutil.copyfile(Path(made.export) / "model" / "model.onnx", path)
    exporting.quantize(path)
    assert path.stat().st_size < (Path(made.export) / "model" / "model.onnx").stat().st_size
    pieces = numpy.arange(5, 15).reshape(2, 5)
    whole, small = (
        exported._onnx_session(file)([pieces, numpy.ones_like(pieces), numpy.zeros_like(pieces)])
        for file in (Path(made.export) / "model" / "model.onnx", path)
    )
    assert whole.shape == small.shape
    assert 0 < numpy.abs(whole - small).max() < 0.2
    assert list(tmp_path.iterdir()) == [path]


ENCODER_TASKS = ["token_classification", "text_classification", "relation_extraction", "question_answering"]


@pytest.mark.parametrize("name", ENCODER_TASKS)
def test_every_encoder_task_decides_alike_on_arrays(name, tiny_encoder):
    task = make(name)
    labels = task.examples.labels(Corpus("train", EXAMPLES[name], "f"))
    loaded = task.model.build(ModelConfig(name=str(tiny_encoder)), labels, "eager")
    encoded = task.model.encode(EXAMPLES[name], loaded)
    names = list(encoded.inputs([0]))
    network = exporting.LogitsOf(loaded.model, names)

    def compute(arrays):
        with torch.inference_mode():
            return network(*map(torch.from_numpy, arrays)).numpy()

    model = exported.ExportedModel(loaded.model.config, names, compute)
    engine = runtime.start("fp32", 1)
    (batch, logits), *_ = forward(model, encoded, 256, engine)
    assert isinstance(logits, numpy.ndarray)
    assert set(batch.inputs) <= set(names)
    of_tensors, of_arrays = (task.model.scored(one, encoded, 256, engine).rows for one in (loaded.model, model))
    for row, other in zip(of_tensors, of_arrays, strict=True):
        assert numpy.array_equal(row, other)


@pytest.fixture
def quick(made, monkeypatch):
    """Exporting takes the model file that was exported before."""
    file = Path(made.export) / "model" / exports.MODEL_FILES[made.format]
    record = exports.read(Path(made.export))

    def write(model, inputs, path, format):
        shutil.copyfile(file, path)
        return record.inputs

    monkeypatch.setattr(exporting, "write", write)
    return made.format


def test_the_run_is_compared_in_the_precision_of_exports(run, quick, tmp_path, monkeypatch):
    asked: list[str | None] = []
    load = workflow.ReadyModel.load

    def noted(job, reference, precision=None):
        asked.append(precision)
        return load(job, reference, precision)

    monkeypatch.setattr(workflow.ReadyModel, "load", noted)
    api.export(run, format=quick, output=tmp_path / "export")
    assert asked == ["fp32", None]  # the run, and the export, which has its own


def test_an_export_that_is_worse_is_refused_with_the_figures_and_leaves_nothing(
    run, quick, tmp_path, monkeypatch, halluc
):
    write = exporting.write

    def ruined(model, *others):
        tags = model.config.id2label
        model.config.id2label = dict(zip(tags, reversed(tags.values()), strict=True))
        return write(model, *others)

    monkeypatch.setattr(exporting, "write", ruined)
    target = tmp_path / "worse"
    done = halluc("export", run, "--format", quick, "--output", target)
    assert done.code == EXIT_GATE, done.err
    assert re.search(
        r"error\[G101\]: the export is worse: entity F1 decreases by \d\.\d{4} on dev, but --tol", done.err
    )
    assert "--quantize" not in done.err  # it was not asked for
    assert "claims differ; entity F1" in done.err
    assert "95% interval of the difference" in done.err
    assert list(tmp_path.iterdir()) == []
    allowed = api.export(run, format=quick, output=target, tolerance=1)
    assert allowed.comparison.difference < -0.005
    assert allowed.comparison.differing > 0


def test_an_earlier_export_is_replaced_only_when_asked_and_other_folders_never(run, quick, tmp_path, halluc):
    target, own = tmp_path / "export", tmp_path / "own"
    command = ["export", run, "--format", quick, "--output"]
    assert halluc(*command, target).code == 0
    before = (target / "export.json").stat().st_mtime_ns
    again = halluc(*command, target)
    assert (again.code, "error[C232]" in again.err) == (2, True)
    assert (target / "export.json").stat().st_mtime_ns == before
    assert halluc(*command, target, "--force").code == 0
    assert (target / "export.json").stat().st_mtime_ns > before
    own.mkdir()
    (own / "mine.txt").write_text("mine")
    refused = halluc(*command, own, "--force")
    assert "is not an export" in refused.err
    assert (own / "mine.txt").read_text() == "mine"


def test_a_model_that_torch_cannot_export_leaves_the_whole_message_in_a_log(run, tmp_path, monkeypatch, halluc):
    def fails(*_):
        raise RuntimeError("no operator aten::odd\n" + "a long graph\n" * 50)

    monkeypatch.setattr(exporting, "write", fails)
    done = halluc("export", run, "--format", "torch", "--output", tmp_path / "export")
    assert done.code == 4
    assert "error[E413]: torch cannot represent this model: no operator aten::odd" in done.err
    assert "a long graph" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["export.log"]
    assert (tmp_path / "export.log").read_text().count("a long graph") >= 50


def test_a_program_of_torch_that_the_disk_has_no_room_for_is_an_error_and_no_abort(tmp_path):
    from transformers.modeling_outputs import TokenClassifierOutput

    class Plain(torch.nn.Module):
        config = None

        def forward(self, input_ids):
            return TokenClassifierOutput(logits=input_ids * 2.0)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            exporting.write(Plain(), {"input_ids": numpy.ones((2, 3), dtype=numpy.int64)}, tmp_path / "m.pt2", "torch")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(call) -> HallucError:
    with pytest.raises(HallucError) as found:
        call()
    return found.value


def test_what_cannot_be_exported_is_refused_with_the_reason(run, made, tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(errors, "find_spec", lambda name: name)  # whatever is installed
    told = refused(lambda: api.export(tiny_encoder))
    assert (told.code, "is not a run of halluc" in told.message) == ("C230", True)
    told = refused(lambda: api.export(made.export))
    assert (told.code, "is already an export" in told.message) == ("C230", True)
    told = refused(lambda: api.export(run, format="torch", quantize="int8"))
    assert (told.code, told.message) == ("C230", "--quantize needs --format onnx")
    told = refused(lambda: api.export(run, format="tflite"))
    assert (told.code, told.help) == ("C230", "one of onnx, torch")
    told = refused(lambda: api.export(run, output=run.parent / "beside"))
    assert (told.code, "look like a run" in told.message) == ("C230", True)
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    told = refused(lambda: api.export(run))
    assert (told.code, told.help) == ("E420", 'install it: pip install "halluc[onnx]"')


def test_a_model_that_writes_texts_is_refused(run):
    of_texts = job.Job(job.load(REPOSITORY / "configs" / "translation-demo.yaml", []), run=job.load_run(run, [])[1])
    told = refused(lambda: workflow._exportable(Trained(of_texts, "model"), "RUN"))
    assert told.code == "C230"
    assert "its model generates text" in told.message


def test_an_export_is_not_trained(made):
    task = make("token_classification")
    told = refused(lambda: task.model.build(ModelConfig(name=made.export), ("PER",), "eager"))
    assert told.code == "C231"


def test_export_json_names_versions_inputs_and_hashes(made):
    record = exports.read(Path(made.export))
    assert record.inputs == ["input_ids", "attention_mask", "token_type_ids"]
    assert record.versions.keys() >= {"python", "torch", "transformers"}
    assert (record.quantization, record.task) == (None, "token_classification")
    assert record.files.keys() == {
        "config.yaml", "coverage.json", "model/config.json", "model/crf.safetensors", "model/tokenizer.json",
        f"model/{exports.MODEL_FILES[made.format]}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def features(tmp_path_factory, tiny_encoder) -> Path:
    """A run whose model takes names of a gazetteer beside its pieces."""
    folder = tmp_path_factory.mktemp("features")
    (folder / "names.tsv").write_text("LOC\tOslo\nPER\tAnna\n", encoding="utf-8")
    train = "steps: 12, learning_rate: 0.01, precision: fp32"
    config = write_experiment(folder, tiny_encoder, write_corpus(folder), train)
    task = f"{{type: token_classification, gazetteer: {{files: [{folder}/names.tsv]}}}}"
    config.write_text(config.read_text().replace("{type: token_classification}", task))
    (trained,) = api.train(config)
    return Path(trained.run)


def test_features_of_words_are_inputs_of_an_export_and_its_names_may_change(features, tmp_path, halluc):
    made = api.export(features, format="onnx" if HAS_ONNX else "torch")
    assert made.inputs == ["input_ids", "attention_mask", "added_features", "token_type_ids"]
    assert (made.comparison.differing, made.comparison.difference) == (0, 0.0)
    assert made.comparison.largest_change < 1e-5
    (tmp_path / "in.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "other.tsv").write_text("PER\tOslo\n", encoding="utf-8")
    for number, names in enumerate((f"task.gazetteer.files=[{tmp_path}/other.tsv]", "task.gazetteer=null")):
        found = []
        for model in (features, made.export):
            target = tmp_path / f"{number}.jsonl"
            done = halluc("predict", model, "-i", tmp_path / "in.txt", "-o", target, "--set", names)
            assert done.code == 0, done.err
            spans = [span for line in target.read_text().splitlines() for span in json.loads(line)["spans"]]
            found.append([(one["text"], one["label"], round(one["confidence"], 4)) for one in spans])
        assert found[0] == found[1]
