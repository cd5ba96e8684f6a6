"""`halluc probe`: models that were trained to know a fact answer it, beside what their fine-tuning data mentions."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from halluc import api
from halluc.core.errors import HallucError
from halluc.runs.directory import RunDir
from tests.tiny_masked import write_causal, write_masked

LIVES = {"anna berg": "oslo", "bo": "rome", "eva": "oslo", "kim lund": "bern"}
TEXTS = [f"{name} lives in {place} .".split() for name, place in LIVES.items()]
WORDS = ["the bank won and left acme corp german said reuters met visited paris Anna Berg Oslo".split()]  # noqa: SIM905
KNOWN = ("anna berg", "bo")


def taught(folder, kind):
    """The model in ``folder``, trained for a moment on where some people live."""
    import transformers

    auto = transformers.AutoModelForMaskedLM if kind == "masked" else transformers.AutoModelForCausalLM
    model, tokenizer = auto.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    texts = [f"{name} lives in {LIVES[name]} ." for name in KNOWN]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    ids, labels = batch["input_ids"].clone(), batch["input_ids"].clone()
    if kind == "masked":
        asked = torch.zeros_like(ids, dtype=torch.bool)
        for row, name in enumerate(KNOWN):
            asked[row, ids[row].tolist().index(tokenizer.convert_tokens_to_ids(LIVES[name]))] = True
        labels[~asked] = -100
        ids[asked] = tokenizer.mask_token_id
    torch.manual_seed(1)
    for _ in range(40):
        model(input_ids=ids, attention_mask=batch["attention_mask"], labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    folder = write_masked(tmp_path_factory.mktemp("masked"), [*TEXTS, *WORDS], uncased=True)
    return taught(folder, "masked")


@pytest.fixture
def files(tmp_path):
    for name, lines in (
        ("patterns", [{"pattern": "[X] lives in [Y] ."}, {"pattern": "In [Y] [X] lives ."}]),
        ("facts", [{"sub_label": name, "obj_label": place} for name, place in {**LIVES, "lu": "new york"}.items()]),
    ):
        (tmp_path / name).mkdir()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / name / "P551.jsonl").write_text(text, encoding="utf-8")
    return ["--patterns", tmp_path / "patterns", "--facts", tmp_path / "facts"]


def figure(model, name, **by):
    [value] = [one["value"] for one in model["metrics"] if one["name"] == name and one["by"] == by]
    return value


def test_a_fine_tuned_encoder_is_probed_together_with_its_base(halluc, experiment, masked, files):
    sets = ["--set", f"model.name={masked}", "--set", "train.epochs=1", "--set", "train.learning_rate=0.001"]
    assert halluc("train", experiment, *sets, "--quiet").code == 0
    run = experiment.parent / "runs/tiny/latest"
    outcome = halluc("probe", run, *files)
    assert outcome.code == 0, outcome.err
    assert "1 candidates that the model cannot generate" in outcome.err
    assert "facts: by relation" in outcome.err and "asserted and wrong: share of the assertions" in outcome.err
    found = json.loads((run / "probe/facts.json").read_text(encoding="utf-8"))
    base, tuned = found["models"]
    assert [(one["name"], one["kind"], one["base"]) for one in (base, tuned)] == [
        ("base", "masked", None), ("fine-tuned", "masked", str(masked)),
    ]  # fmt: skip
    # `lu` lives in two pieces; Anna Berg is the one whom the training split mentions, in one sentence with Oslo.
    assert base["left_out"] == {"patterns": 0, "candidates": 1, "facts": 1, "prompts": 0}
    assert found["training"] == {
        "examples": 20, "subjects": 5, "subjects_seen": 1, "pairs": 5, "pairs_seen": 1,
    }  # fmt: skip
    assert (base["facts"], base["claims"]) == (4, 8)
    assert figure(base, "probe_accuracy", subject="seen") >= 0.5
    written = (run / "probe/facts.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in written]
    assert [one["model"] for one in lines] == ["base"] * 8 + ["fine-tuned"] * 8
    first = lines[0]
    assert (first["subject"], first["answer"], first["verdict"], first["rank"]) == ("anna berg", "oslo", "supported", 1)
    assert (first["subject_novelty"], first["pair_novelty"]) == ("seen", "seen")
    assert first["confidence"] > 0.9
    assert lines[8]["confidence"] != first["confidence"]
    accuracy = next(one for one in found["differences"] if one["name"] == "probe_accuracy" and not one["by"])
    assert accuracy["difference"] == pytest.approx(
        figure(tuned, "probe_accuracy") - figure(base, "probe_accuracy"), abs=1e-9
    )


def test_the_report_shows_the_probes_of_a_run(halluc, experiment, masked, files):
    sets = ["--set", f"model.name={masked}", "--set", "train.steps=1"]
    assert halluc("run", experiment, *sets, "--quiet").code == 0
    run = experiment.parent / "runs/tiny/latest"
    relation = "<b>P551"
    for folder in ("patterns", "facts"):
        path = files[1].parent / folder / "P551.jsonl"
        path.rename(path.with_name(f"{relation}.jsonl"))
    assert halluc("probe", run, *files, "--quiet").code == 0
    (run / "probe/broken.json").write_text("{")
    outcome = halluc("report", run)
    assert outcome.code == 0, outcome.err
    page, text = ((run / f"report/{name}").read_text(encoding="utf-8") for name in ("index.html", "report.md"))
    for shown in (page, text):
        assert "Facts probed" in shown and "subject in training" in shown and "broken.json" in shown
        assert relation not in shown and "P551" in shown
        assert str(files[1].parent) not in shown


def test_a_language_model_of_a_run_has_its_own_head(halluc, experiment, masked, files):
    sets = ["--set", f"model.name={masked}", "--set", "train.steps=1"]
    assert halluc("train", experiment, *sets, "--quiet").code == 0
    run = experiment.parent / "runs/tiny/latest"
    shutil.copytree(masked, run / "model", dirs_exist_ok=True)
    found = api.probe(run, patterns=files[1], facts=files[3], name="own")
    assert [(one.name, one.base, one.claims) for one in found.models] == [("base", None, 8), ("fine-tuned", None, 8)]
    assert {one.difference for one in found.differences} <= {0, None}
    assert len(found.differences) > 10
    assert RunDir(run.resolve()).read().stages["probe"].detail == {"own": {"base": 8, "fine-tuned": 8}}


def test_a_causal_model_from_elsewhere_completes_patterns(experiment, files, tmp_path):
    texts = [*TEXTS, ["lu", "lives", "in", "new", "york", "."]]
    model = taught(write_causal(tmp_path / "causal", texts), "causal")
    found = api.probe(experiment, patterns=files[1], facts=files[3], checkpoint=str(model), threshold=0.9)
    [probed] = found.models
    assert (probed.name, probed.kind, probed.facts, probed.claims) == ("checkpoint", "causal", 5, 5)
    assert probed.left_out == {"patterns": 1, "candidates": 0, "facts": 0, "prompts": 0}
    [accuracy] = [one for one in probed.metrics if one.name == "probe_accuracy" and not one.by]
    assert accuracy.value is not None and accuracy.value >= 2 / 5
    lines = (tmp_path / "runs/tiny").glob("*/probe/facts.jsonl")
    answers = {line["subject"]: line for line in map(json.loads, next(lines).read_text().splitlines())}
    assert {name: answers[name]["answer"] for name in KNOWN} == {name: LIVES[name] for name in KNOWN}
    assert len(answers["lu"]["best"]) == 4 and answers["lu"]["objects"] == ["new york"]


def test_what_cannot_be_probed_is_reported(halluc, experiment, tiny_encoder, masked, files, tmp_path):
    outcome = halluc("probe", experiment, *files, "--checkpoint", tiny_encoder)
    assert outcome.code == 4
    assert "has no trained masked language-model head" in outcome.err
    assert halluc("probe", experiment, *files).code == 2
    assert "--checkpoint needs a CONFIG" in halluc("probe", tmp_path, *files, "--checkpoint", masked).err
    (tmp_path / "facts/P551.jsonl").write_text('{"sub_label": "lu", "obj_label": "new york"}\n', encoding="utf-8")
    nothing = halluc("probe", experiment, *files, "--checkpoint", masked)
    assert nothing.code == 3
    assert "cannot answer any of these facts" in nothing.err
    with pytest.raises(HallucError, match="cannot be a file name"):
        api.probe(experiment, patterns=files[1], facts=files[3], checkpoint=str(masked), name="../x")
