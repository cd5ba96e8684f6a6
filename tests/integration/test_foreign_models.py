"""`halluc eval --checkpoint`: any token classifier, whatever its label names and scheme."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from halluc.core.examples import Span
from halluc.core.labels import illegal, write_tags


@pytest.fixture
def classifier(tiny_encoder: Path, tmp_path: Path):
    """Saves a token classifier with the given output names, whose head answers by the word alone."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    def save(outputs: list[str], answers: dict[str, int], nothing: str = "O") -> Path:
        tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
        names = {"id2label": dict(enumerate(outputs)), "label2id": {name: i for i, name in enumerate(outputs)}}
        model = AutoModelForTokenClassification.from_pretrained(tiny_encoder, **names)
        # Fit the head in closed form: a word's embedding passes almost unchanged, so least squares separates words.
        ids = torch.tensor([[tokenizer.cls_token_id, i, tokenizer.sep_token_id] for i in range(len(tokenizer))])
        with torch.no_grad():
            hidden = model.base_model(ids).last_hidden_state[:, 1]
            wanted = torch.zeros(len(tokenizer), len(outputs))
            wanted[:, outputs.index(nothing)] = 1
            for word, output in answers.items():
                row = tokenizer.convert_tokens_to_ids(word)
                wanted[row] = 0
                wanted[row, output] = 1
            weight = torch.tensor([5.0 if tokenizer.decode([i]) in answers else 1.0 for i in range(len(tokenizer))])
            solution = torch.linalg.lstsq(hidden * weight[:, None], wanted * weight[:, None]).solution
            model.classifier.weight.copy_(solution.T * 8)
            model.classifier.bias.zero_()
        folder = tmp_path / "classifier"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return save


def metrics(outcome) -> dict[str, float]:
    file = json.loads(outcome.out)
    return {m["name"]: m["value"] for m in file["metrics"] if not m["by"] and "strict" not in m["protocol"]}


def test_its_labels_are_renamed_and_dropped_by_the_config(halluc, experiment, classifier):
    folder = classifier(["O", "B-LOCATION", "B-DATE"], {"oslo": 1, "paris": 1, "bank": 2})
    plain = halluc("eval", experiment, "--checkpoint", folder, "--split", "test", "--json")
    assert plain.code == 0, plain.err
    labels = {"LOCATION": "LOC", "DATE": None}
    text = experiment.read_text() + f"eval: {{labels: {json.dumps(labels)}}}\n"
    experiment.write_text(text)
    renamed = halluc("eval", experiment, "--checkpoint", folder, "--split", "test", "--json")
    assert renamed.code == 0, renamed.err
    assert metrics(renamed)["entity_f1"] > metrics(plain)["entity_f1"]
    run = next(
        path for path in (experiment.parent / "runs" / "tiny").iterdir() if path.is_dir() and not path.is_symlink()
    )
    predicted = {
        label for line in (run / "predictions/test.jsonl").open() for *_, label, _ in json.loads(line)["predicted"]
    }
    assert predicted == {"LOC"}
    assert json.loads(renamed.out)["checkpoint"] == str(folder)


def test_labels_that_the_data_lacks_are_reported(halluc, experiment, classifier):
    folder = classifier(["O", "B-LOCATION"], {"oslo": 1})
    outcome = halluc("eval", experiment, "--checkpoint", folder, "--split", "test")
    assert "the model has labels that do not occur in this split: LOCATION" in outcome.err


def test_a_name_for_a_label_it_does_not_have_is_refused(halluc, experiment, classifier):
    folder = classifier(["O", "B-LOCATION"], {"oslo": 1})
    outcome = halluc("eval", experiment, "--checkpoint", folder, "--set", "eval.labels={LOCATON: LOC}")
    assert outcome.code == 2
    assert "did you mean `LOCATION`?" in outcome.err


@pytest.mark.parametrize(
    "outputs", [["O", "S-LOC", "S-PER"], ["O", "U-LOC", "U-PER"], ["O", "LOC", "PER"], ["O", "I-LOC", "I-PER"]]
)
def test_any_scheme_and_plain_labels_are_read(halluc, experiment, classifier, outputs):
    folder = classifier(outputs, {"oslo": 1, "paris": 1, "anna": 2})
    outcome = halluc("eval", experiment, "--checkpoint", folder, "--split", "test", "--json")
    assert outcome.code == 0, outcome.err
    run = next(
        path for path in (experiment.parent / "runs" / "tiny").iterdir() if path.is_dir() and not path.is_symlink()
    )
    for line in map(json.loads, (run / "predictions/test.jsonl").open()):
        spans = [span[:3] for span in line["predicted"]]
        assert {label for *_, label in spans} <= {"LOC", "PER"}
        assert line["predicted_tags"] == write_tags(len(line["tokens"]), [Span(*span) for span in spans])


def predicted(experiment: Path) -> list[dict]:
    (run,) = (path for path in (experiment.parent / "runs" / "tiny").iterdir() if path.is_dir())
    return [json.loads(line) for line in (run / "predictions/test.jsonl").open()]


TAGS = {"LABEL_0": "O", "LABEL_1": "B-PER", "LABEL_2": "I-PER", "LABEL_3": "B-LOC", "LABEL_4": None}


def test_outputs_without_names_are_mapped_to_tags(halluc, experiment, classifier):
    answers = {"anna": 1, "berg": 2, "oslo": 3, "paris": 3, "bank": 4}
    folder = classifier([*TAGS], answers, nothing="LABEL_0")
    asked = ["eval", experiment, "--checkpoint", folder, "--split", "test", "--json"]
    outcome = halluc(*asked, "--set", f"eval.labels={json.dumps(TAGS)}")
    assert outcome.code == 0, outcome.err
    assert {label for line in predicted(experiment) for *_, label, _ in line["predicted"]} == {"PER", "LOC"}
    assert predicted(experiment)[0]["predicted_tags"] == ["B-PER", "I-PER", "O", "B-LOC", "O"]
    assert json.loads(outcome.out)["decoding"] == "constrained"
    # "met Berg": the model says I-PER behind O, which the scheme does not allow.
    assert json.loads(outcome.out)["encoding"]["constrained_words"] >= 1
    assert not any(illegal(line["predicted_tags"], "iob2") for line in predicted(experiment))
    plain = halluc(*asked, "--set", f"eval.labels={json.dumps(TAGS)}", "--set", "eval.decode=argmax")
    assert plain.code == 0, plain.err
    assert json.loads(plain.out)["decoding"] == "argmax"
    assert illegal(predicted(experiment)[3]["predicted_tags"], "iob2") == [4]


def test_predict_warns_of_labels_without_names(halluc, classifier, tmp_path):
    (tmp_path / "in.txt").write_text("Anna met Oslo\n")
    asked = (
        "predict",
        classifier([*TAGS], {"anna": 1}, nothing="LABEL_0"),
        "-i",
        tmp_path / "in.txt",
        "-o",
        tmp_path / "out",
    )
    unnamed = halluc(*asked)
    assert (unnamed.code, "warning: the model has no names for its labels" in unnamed.err) == (0, True), unnamed.err
    config = tmp_path / "classifier/config.json"
    config.write_text(config.read_text().replace('"LABEL_0"', '"O"'))
    assert "no names" not in halluc(*asked).err


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({**TAGS, "LABEL_5": "I-LOC"}, "has no label `LABEL_5`"),
        ({"LABEL_1": "B-PER", "LABEL_2": "I-PER"}, "has no entry for LABEL_0, LABEL_3, LABEL_4"),
        ({"LABEL_1": "PER"}, "has no entry for LABEL_0, LABEL_2, LABEL_3, LABEL_4"),
        ({**TAGS, "LABEL_3": "LOC"}, "but `LABEL_3` to `LOC`, which is not a tag"),
        ({**TAGS, "LABEL_3": ""}, "eval.labels.LABEL_3"),
    ],
)
def test_a_mapping_of_outputs_that_makes_no_sense_is_refused(halluc, experiment, classifier, labels, told):
    folder = classifier([*TAGS], {"anna": 1}, nothing="LABEL_0")
    outcome = halluc("eval", experiment, "--checkpoint", folder, "--set", f"eval.labels={json.dumps(labels)}")
    assert outcome.code == 2
    assert told in outcome.err


def test_labels_are_not_mapped_to_tags(halluc, experiment, classifier):
    folder = classifier(["O", "B-PERSON", "I-PERSON"], {"anna": 1})
    outcome = halluc("eval", experiment, "--checkpoint", folder, "--set", "eval.labels={PERSON: B-PER}")
    assert outcome.code == 2
    assert "`PERSON` is a label: its outputs are B-PERSON, I-PERSON" in outcome.err


def test_tags_of_no_scheme_are_reported(halluc, experiment, classifier):
    folder = classifier(["O", "B-LOC", "I-PER"], {"oslo": 1, "anna": 2})
    outcome = halluc("eval", experiment, "--checkpoint", folder, "--split", "test", "--json")
    assert outcome.code == 0, outcome.err
    assert "the model's tags fit no scheme" in outcome.err
    assert json.loads(outcome.out)["decoding"] == "argmax"
    assert "the model's tags fit no scheme" in halluc("predict", folder, "--input", experiment).err
    asked = ["--split", "test", "-q", "--set", "eval.decode=argmax"]
    assert "no scheme" not in halluc("eval", experiment, "--checkpoint", folder, *asked).err


def test_it_does_not_prevent_a_training(halluc, experiment, classifier):
    folder = classifier(["O", "B-LOC"], {"oslo": 1})
    assert halluc("eval", experiment, "--checkpoint", folder, "-q").code == 0
    assert halluc("eval", experiment, "-q").code == 2  # nothing is trained yet
    assert halluc("train", experiment, "-q", "--set", "train.epochs=1").code == 0


def test_it_goes_with_a_config_alone(halluc, experiment, classifier):
    assert halluc("eval", "--checkpoint", "x").code == 2
    outcome = halluc("eval", experiment, "--checkpoint", "no/such/model", "--split", "test")
    assert outcome.code == 4
    assert not (experiment.parent / "runs").exists() or "there is no folder" in outcome.err


def test_an_encoder_without_a_trained_head_is_refused(halluc, experiment, tiny_encoder):
    outcome = halluc("eval", experiment, "--checkpoint", tiny_encoder, "--split", "test")
    assert outcome.code == 4
    assert "without a trained head" in outcome.err
    assert halluc("eval", experiment, "--checkpoint", "", "--split", "test").code == 2


def test_an_encoder_that_is_not_whole_is_not_trained(halluc, experiment, tiny_encoder, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(tiny_encoder, broken)
    weights = load_file(broken / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layer.1." not in name}
    save_file(kept, broken / "model.safetensors", metadata={"format": "pt"})
    outcome = halluc("train", experiment, "--set", f"model.name={broken}")
    assert outcome.code == 4
    assert "not whole" in outcome.err


def test_a_model_of_other_labels_gets_a_fresh_head(halluc, experiment, classifier):
    folder = classifier(["O", "B-LOCATION"], {"oslo": 1})
    assert halluc("train", experiment, "-q", "--set", f"model.name={folder}", "--set", "train.epochs=1").code == 0


def test_a_model_without_its_tokenizer_is_refused(halluc, experiment, classifier):
    folder = classifier(["O", "B-LOC"], {"oslo": 1})
    for file in folder.glob("*token*"):
        file.unlink()
    outcome = halluc("eval", experiment, "--checkpoint", folder, "--split", "test")
    assert outcome.code == 4, outcome.err
    assert "E411" in outcome.err
