"""The model card: Hugging Face reads it back, it tells nothing that the run does not, and no text breaks out of it.

The whole file stands in tests/golden/report; see test_report_markdown.py.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from halluc.core.errors import HallucError
from halluc.reporting.markdown import card
from halluc.reporting.markdown.card import metadata, write_card
from halluc.runs.directory import RunDir
from halluc.runs.reports import Augmentation, ConfigLine, RunReport
from halluc.runs.schema import AugmentFile
from tests.hostile_texts import LABELS, SCRIPT, TOKENS
from tests.markdown_reading import assert_only_own_markup
from tests.report_records import bare_report, run_report

GOLDEN = Path(__file__).parent.parent / "golden" / "report" / "card.md"


def front_matter(told: str) -> dict:
    return yaml.safe_load(split(told)[0])


def split(told: str) -> tuple[str, str]:
    """The front matter and what follows it, told apart as Hugging Face does."""
    found = re.fullmatch(r"---\n(.*?)\n---\n\n(# .*)", told, re.DOTALL)
    assert found
    return found[1], found[2]


def of_model(base: str, /, **changes: object) -> RunReport:
    """The run, had its config named another model."""
    report = run_report()
    lines = [line.text.replace('"hub:example/tiny-encoder@3f2a9c1"', f'"{base}"') for line in report.config]
    config = [ConfigLine(text=line, origin=None) for line in lines]
    return report.model_copy(update={"config": config, "model": base, **changes})


def with_sources(report: RunReport, *sources: str) -> RunReport:
    rows = [row.model_copy(update={"source": source}) for row, source in zip(report.data.splits, sources, strict=True)]
    return report.model_copy(update={"data": report.data.model_copy(update={"splits": rows})})


def test_the_whole_card():
    told = card.card(run_report())
    if os.environ.get("HALLUC_UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")


def test_hugging_face_reads_the_same_values_back():
    hub = pytest.importorskip("huggingface_hub", reason="comes with transformers")
    report = run_report()
    read = hub.ModelCard(card.card(report))
    data = read.data
    assert (data.library_name, data.pipeline_tag, data.tags) == ("transformers", "token-classification", ["halluc"])
    assert data.base_model == "example/tiny-encoder"
    assert (data.license, data.language, data.datasets) == (None, None, None)
    name, results = hub.repocard_data.model_index_to_eval_results(metadata(report)["model-index"])
    assert (name, data.model_name) == ("letters", "letters")
    assert {one.unique_identifier for one in results} == {one.unique_identifier for one in data.eval_results}
    overall = {one.name: one.value for one in reversed(report.metrics) if not one.by}
    assert {one.metric_type: one.metric_value for one in data.eval_results} == {
        "f1": overall["entity_f1"],
        "precision": overall["entity_precision"],
        "recall": overall["entity_recall"],
        "hallucination_rate": overall["hallucination_rate"],
        "omission_rate": overall["omission_rate"],
        "ece": overall["ece"],
    }
    for one in data.eval_results:
        assert (one.task_type, one.task_name) == ("token-classification", "Token Classification")
        assert (one.dataset_type, one.dataset_name) == ("conll", "letters/test.txt")
        assert one.dataset_split == "test" and one.metric_name
    assert read.text.lstrip().startswith("# letters")


def test_a_figure_that_is_undefined_is_left_out():
    (index,) = metadata(run_report())["model-index"]
    assert "gap_ratio" not in [metric["type"] for metric in index["results"][0]["metrics"]]
    told = card.card(run_report())
    assert "| entity F1 |" in told and "| gap ratio |" not in told


@pytest.mark.parametrize(
    ("name", "base", "told"),
    [
        ("hub:org/name", "org/name", "from `hub:org/name`."),
        ("hub:name@main", "name", "from `hub:name@main`."),
        ("package:some_encoder/model", None, "`package:some_encoder/model`, a model from an installed Python package"),
        ("models/mine", None, "from `models/mine`."),
    ],
)
def test_the_base_model_is_named_where_the_hub_has_it(name, base, told):
    report = of_model(name)
    assert metadata(report).get("base_model") == base
    assert told in card.card(report)


def test_data_sets_of_the_hub_are_named():
    report = with_sources(run_report(), "hub:org/a@1f2#train", "hub:org/a@1f2#validation", "hub:org/b#test")
    found = metadata(report)
    assert found["datasets"] == ["org/a"]
    assert found["model-index"][0]["results"][0]["dataset"] == {"name": "org/b", "type": "org/b", "split": "test"}
    pinned = with_sources(run_report(), "a", "b", "hub:org/b@9c8#test")
    assert metadata(pinned)["model-index"][0]["results"][0]["dataset"]["revision"] == "9c8"
    assert "datasets" not in metadata(pinned)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/home/anna/data/ner/conll2003/test.txt", "conll2003/test.txt"),
        ("C:\\Users\\anna\\conll\\test.txt", "conll/test.txt"),
        ("test.txt", "test.txt"),
        ("demo:ner", "demo:ner"),
    ],
)
def test_the_index_names_no_place_on_a_machine(source, name):
    report = with_sources(of_model("m"), source, source, source)
    lines = [line.model_copy(update={"text": line.text.replace("conll", source)}) for line in report.config]
    for config, type_ in ((report.config, "conll"), (lines, name)):
        (index,) = metadata(report.model_copy(update={"config": config}))["model-index"]
        assert index["results"][0]["dataset"] == {"name": name, "type": type_, "split": "test"}


def test_a_task_that_the_hub_has_no_name_for_has_no_pipeline():
    told = card.card(run_report().model_copy(update={"task": "relation_extraction"}))
    assert "pipeline_tag" not in front_matter(told) and "from transformers import pipeline" not in told
    assert front_matter(told)["model-index"][0]["results"][0]["task"]["type"] == "relation-extraction"


def test_what_a_run_does_not_record_is_left_out():
    told = card.card(bare_report())
    assert front_matter(told) == {
        "library_name": "transformers",
        "pipeline_tag": "token-classification",
        "base_model": "example/tiny-encoder",
        "tags": ["halluc"],
    }
    for heading in ("## Data", "## Training", "## Figures", "## Where", "## Abstention", "## How to reproduce"):
        assert heading not in told
    assert "None" not in told and "license" not in told


def test_withheld_and_augmented_data_are_reported():
    report = run_report()
    data = report.data.model_copy(update={"withheld": {"fraction": 0.25}})
    made = AugmentFile(
        fingerprint="",
        sha256="",
        wanted=30,
        made=20,
        originals=120,
        kept={"mention_replacement": 12, "synonym": 8},
        refused={},
        refused_examples={},
        unchangeable=0,
        given_up=0,
        before={},
        new={},
        after={},
        seconds=1.0,
    )
    grown = {"data": data, "augmentation": Augmentation(manifest=made, pairs=[])}
    told = card.card(report.model_copy(update=grown))
    assert "was withheld intentionally" in told
    assert "augmented: 20 new examples" in told


def test_a_config_that_cannot_be_read_costs_only_its_facts():
    report = run_report().model_copy(update={"config": [ConfigLine(text="a: [", origin=None)]})
    told = card.card(report)
    assert "epochs" not in told and "| steps taken | 6 |" in told


@pytest.mark.parametrize(("decode", "says_so"), [("constrained", True), ("argmax", False)])
def test_a_pipeline_that_decodes_otherwise_than_the_run_is_reported(decode, says_so):
    config = [ConfigLine(text=text, origin=None) for text in ("eval:", f"  decode: {decode}")]
    told = card.card(run_report().model_copy(update={"config": config}))
    assert ("The figures of this card use the constrained decoding" in told) == says_so


def test_epochs_that_steps_take_the_place_of_are_not_reported():
    def procedure(*lines):
        config = [ConfigLine(text=text, origin=None) for text in ("train:", *lines)]
        return card.card(run_report().model_copy(update={"config": config}))

    assert "| epochs | 3 |" in procedure("  epochs: 3", "  steps: null")
    told = procedure("  epochs: 3", "  steps: 400")
    assert "epochs" not in told
    assert told.count("| steps |") == 1 and "| steps | 400 |" in told and "| steps taken | 6 |" in told


texts = st.one_of(
    st.text(st.characters(codec=None), min_size=1),
    st.text(st.sampled_from("-:#\"'{}[]&*!|>%@`\n\r\t .,?x1\\\u2028\x85"), min_size=1, max_size=30),
)


@given(texts)
@example("---")
@example("a\n---\nlicense: mit\n---\n")
@example("!!python/object/apply:os.system ['true']")
@example("\ud800")
@example(SCRIPT)
def test_no_name_breaks_out_of_the_front_matter(text):
    report = with_sources(of_model("m", name=text, split=text), text, text, text)
    rows = [row.model_copy(update={"name": text}) for row in report.data.splits]
    report = report.model_copy(update={"data": report.data.model_copy(update={"splits": rows})})
    told = card.card(report)
    found = front_matter(told)
    assert found == metadata(report)
    assert set(found) <= {"library_name", "pipeline_tag", "tags", "model-index", "datasets"}
    assert found["model-index"][0]["name"] == card._plain(text)
    told.encode("utf-8")


@pytest.mark.parametrize("text", [*LABELS, *TOKENS])
def test_no_text_breaks_out_of_the_card(text):
    report = with_sources(of_model("m", name=text, split=text, conclusion=[text], notes=[text]), text, text, text)
    rows = [row.model_copy(update={"labels": {text: 1}}) for row in report.data.splits]
    report = report.model_copy(update={"data": report.data.model_copy(update={"splits": rows, "warnings": [text]})})
    assert_only_own_markup(split(card.card(report))[1])


def test_the_card_is_written_beside_the_model(tmp_path):
    run = RunDir(tmp_path)
    with pytest.raises(HallucError, match="has no model") as raised:
        write_card(run, run_report())
    assert raised.value.code == "R105"
    run.model.mkdir()
    assert write_card(run, run_report()) == tmp_path / "model" / "README.md"
    assert [path.name for path in run.model.iterdir()] == ["README.md"]
    assert (run.model / "README.md").read_text(encoding="utf-8") == card.card(run_report())


def test_a_model_with_a_card_loads_as_before(tmp_path, tiny_encoder):
    """The command that the card shows works on the folder that it stands in."""
    import shutil

    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    model = tmp_path / "model"
    shutil.copytree(tiny_encoder, model)
    AutoModelForTokenClassification.from_pretrained(model).save_pretrained(model)
    AutoTokenizer.from_pretrained(model).save_pretrained(model)
    write_card(RunDir(tmp_path), run_report())
    told = (model / "README.md").read_text(encoding="utf-8")
    snippet = told.split("```python\n")[1].split("```")[0]
    code = snippet.replace('model = "."', f"model = {str(model)!r}")
    seen: list[object] = []
    exec(code, {"print": seen.append, "pipeline": pipeline})
    assert len(seen) == 1 and isinstance(seen[0], list)
