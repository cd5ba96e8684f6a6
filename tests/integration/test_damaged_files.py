"""Every kind of damage to every file of a finished run: a clear error, a named file, or an equal result."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halluc.analysis import study
from halluc.analysis.points import StudyCell
from halluc.core.errors import HallucError
from halluc.reporting.collect.comparison_reports import study_report
from halluc.reporting.collect.run_reports import run_report
from halluc.reporting.markdown import pages
from halluc.reporting.page import render
from halluc.runs import matrix
from halluc.runs.directory import RunDir
from halluc.runs.reports import RunReport
from halluc.workflows import evaluation
from halluc.workflows.job import load_run
from tests.integration.test_text_main_path import records
from tests.made_runs import Rates, made_examples, make_run, make_study

pytestmark = pytest.mark.usefixtures("without_charts")

EXTRA = """\
gap: {unit: mention, control: none, fraction: 0.1}
augment: {size: 20, methods: [{type: mention_replacement}], format: conll}
eval: {calibration: temperature, abstain: {threshold: 0.3}}
gates: {entity_f1: {min: 0.01}}
"""


def flipped(content: bytes) -> bytes:
    place = random.Random(content[:64]).randrange(len(content))
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def refigured(content: bytes, new: bytes = b"7") -> bytes:
    """Another figure in the place of one, where there is any."""
    found = list(re.finditer(rb"(?<=[ \[])\d+(\.\d+)?(?=[,\s}\]])", content)) or list(re.finditer(rb"\d", content))
    one = random.Random(3).choice(found)
    return content[: one.start()] + (b"8" if one[0] == new else new) + content[one.end() :]


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def by(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(change(path.read_bytes()))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": by(lambda _: b""),
    "truncated": by(lambda content: content[: len(content) // 2]),
    "a byte flipped": by(flipped),
    "garbage": by(lambda _: random.Random(5).randbytes(300)),
    "of another type": by(lambda _: b'[1, {"a": null}]\n'),
    "nested deeply": by(lambda _: b"[" * 50_000),
    "an edited figure": by(refigured),
    "an infinite figure": by(lambda content: refigured(content, b"1e999")),
    "a folder": as_folder,
}


def files(run: Path) -> list[str]:
    """Those that a report reads or that belong to what it reads; the model and earlier reports aside."""
    there = (str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    return sorted(name for name in there if not name.startswith((".", "model/", "report/", "source/", "checkpoints/")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> RunDir:
    rates = Rates(0.2, 0.1, 0.1)
    return make_run(
        tmp_path_factory.mktemp("whole"), made_examples(30, rates), dev=made_examples(20, rates, "dev"),
        config_extra=EXTRA,
    )  # fmt: skip


@pytest.fixture(scope="module")
def copied(whole, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("copy") / "run"
    shutil.copytree(whole.path, target)
    return target


@pytest.fixture
def copy(whole, copied) -> Iterator[Callable[[str], tuple[RunDir, Path]]]:
    """Gives a copy of the run in which one file may be spoilt, and that file, whole; afterwards it is whole again."""
    spoilt = set()

    def fresh(name: str) -> tuple[RunDir, Path]:
        spoilt.add(name)
        restore(copied / name, (whole.path / name).read_bytes())
        return RunDir(copied), copied / name

    yield fresh
    for name in spoilt:
        fresh(name)


def restore(path: Path, content: bytes) -> None:
    if path.is_dir():
        path.rmdir()
    path.write_bytes(content)


EVALUATION = [f"{folder}/{split}.{suffix}" for split in ("dev", "test")
              for folder, suffix in (("eval", "json"), ("ledger", "jsonl"), ("predictions", "jsonl"))]  # fmt: skip
REPORTS = [f"eval/{split}_classification_report.{suffix}" for split in ("dev", "test") for suffix in ("json", "txt")]
OF_RUN = ["confidence.json", "config.yaml", "coverage.json", "data.json", "events.jsonl", "run.json", "withheld.json"]
AUGMENTED = [f"augment/{name}" for name in ("manifest.json", "provenance.jsonl", "train.conll", "train.jsonl")]
ALL = sorted([*EVALUATION, *REPORTS, *OF_RUN, *AUGMENTED])


def test_these_are_all_files_of_a_run(whole):
    assert files(whole.path) == ALL
    found = run_report(whole)
    assert (found.integrity, found.augmentation.problems) == ([], [])
    assert found.augmentation.pairs and found.data.withheld and found.curves and found.abstention
    assert evaluation.is_done(load_run(whole.path, ())[0], whole, ["test"])


@pytest.mark.parametrize("name", ALL)
def test_a_report_names_what_is_damaged(whole, copy, name):
    before = run_report(whole)
    for kind, damage in DAMAGES.items():
        run, path = copy(name)
        damage(path)
        try:
            found = run_report(run)
        except HallucError as error:
            assert error.help, kind
            assert Path(name).name in f"{error.message} {error.where}", kind
            continue
        told = [one for one in [*found.integrity, *found.notes] if one.startswith(name)]
        if name == "config.yaml":  # what eval and gates are asked for may be edited: it decides no model
            assert told or found.config == before.config or kind == "an edited figure", kind
            continue
        assert told, kind
        if name.startswith("augment/"):
            assert told == found.augmentation.problems, kind
            assert found.augmentation.manifest == before.augmentation.manifest or "manifest" in name, kind
            assert not (found.augmentation.pairs and name.endswith(("provenance.jsonl", "train.jsonl"))), kind
        assert RunReport.model_validate_json(found.model_dump_json()) == found, kind


@pytest.mark.parametrize("name", [name for name in [*EVALUATION, *REPORTS] if "test" in name] + ["confidence.json"])
def test_no_gate_is_met_by_an_evaluation_that_was_changed(copy, name):
    for kind, damage in DAMAGES.items():
        run, path = copy(name)
        loaded = load_run(run.path, ())[0]
        assert evaluation.is_done(loaded, run, ["test"]), kind
        damage(path)
        assert not evaluation.is_done(loaded, run, ["test"]), kind
        if name == "eval/test.json" and kind in ("missing", "an edited figure", "a folder"):
            (gate,) = run_report(run).gates
            assert not gate.met
            assert gate.text.endswith("not verified, because eval/test.json does not match the evaluation")


def test_another_split_is_shown_only_with_a_notice(halluc, copy, tmp_path):
    run, path = copy("eval/test.json")
    path.unlink()
    outcome = halluc("report", run.path, "-q", "-o", tmp_path)
    assert outcome.code == 0
    report = RunReport.model_validate_json((tmp_path / "report.json").read_text())
    assert report.split == "dev"
    (told,) = report.integrity
    assert told.startswith("eval/test.json is missing: test was evaluated, and this report shows dev instead. ")
    assert f"warning: {told}" in outcome.err
    for name in ("report.md", "index.html"):
        assert "test was evaluated, and this report shows dev instead" in (tmp_path / name).read_text()
    asked = halluc("report", run.path, "-q", "--split", "test")
    assert (asked.code, "eval/test.json is missing, although run.json lists" in asked.err) == (2, True)


@pytest.mark.parametrize("removed", ["augment", "augment/manifest.json"])
def test_a_card_is_written_without_the_files_of_the_augmentation(halluc, whole, tmp_path, removed):
    shutil.copytree(whole.path, tmp_path / "run")
    run = RunDir(tmp_path / "run")
    if removed == "augment":
        shutil.rmtree(run.augment)
        told = "augment/ is missing: no pairs are shown; the manifest is shown as recorded in run.json. `halluc "
    else:
        (run.path / removed).unlink()
        told = f"{removed} is missing: it is shown as recorded in run.json. Remove …/run/augment, then `halluc "
    outcome = halluc("report", run.path)
    assert (outcome.code, (run.model / "README.md").is_file()) == (0, True), outcome.err
    (warning,) = (line for line in outcome.err.splitlines() if line.startswith("warning:"))
    assert warning.startswith(f"warning: {told}augment ") and warning.endswith("` makes it again.")
    assert run_report(run).augmentation.manifest == run_report(whole).augmentation.manifest


def test_an_edited_figure_is_named_at_the_top_and_no_card_is_written(halluc, copy, tmp_path):
    run, path = copy("eval/test.json")
    card = run.model / "README.md"
    card.unlink(missing_ok=True)
    by(refigured)(path)
    outcome = halluc("report", run.path)
    assert (outcome.code, card.exists()) == (0, False)
    assert "model card: not written" in outcome.err
    told = "eval/test.json was changed after the evaluation of test: its content may be wrong."
    assert f"warning: {told}" in outcome.err
    page = (run.path / "report" / "index.html").read_text()
    assert page.index(told) < page.index('class="answer"')
    text = (run.path / "report" / "report.md").read_text()
    assert text.index(told) < text.index("| figure |")
    copy("eval/test.json")
    halluc("report", run.path)
    assert card.is_file()


def test_a_damaged_manifest_shows_what_run_json_recorded(whole, copy):
    run, path = copy("augment/manifest.json")
    path.write_text("{")
    found = run_report(run)
    before = run_report(whole).augmentation
    assert found.augmentation.pairs == before.pairs
    assert found.augmentation.manifest == before.manifest.model_copy(update={"refused_examples": {}})
    assert "it is shown as recorded in run.json" in found.integrity[0]
    (run.path / "run.json").write_text((run.path / "run.json").read_text().replace('"manifest_sha256"', '"x"'))
    found = run_report(run)
    assert found.augmentation.manifest is None
    assert found.integrity[1] in render.page(found, ())
    assert "Augmentation" in render.page(found, ())


def test_a_run_of_an_earlier_version_warns_once_that_it_has_no_record(copy):
    run, path = copy("run.json")
    record = json.loads(path.read_text())
    for stage in record["stages"].values():
        stage["detail"].pop("files")
    del record["sha256"], record["augment"]["manifest_sha256"]
    path.write_text(json.dumps(record))
    found = run_report(run)
    assert found.integrity == []
    assert sum("were recorded" in note for note in found.notes) == 1


@given(name=st.sampled_from(ALL), place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte_may_be_another(copy, name, place, mask):
    run, path = copy(name)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= mask
    path.write_bytes(content)
    try:
        found = run_report(run)
        pages.page(found)
        if name != "config.yaml":
            assert any(one.startswith(name) for one in found.integrity)
    except HallucError as error:
        assert error.help
    finally:
        copy(name)


# --- a study of two cells -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return make_study(tmp_path_factory.mktemp("study"), arms={}, fractions=(0.0, 0.5), seeds=(1,), sentences=20)


def shown(home: Path):
    places = [StudyCell(cell.slug, cell.choice, RunDir(home / cell.slug)) for cell in matrix.read(home).cells]
    return study_report("study", home, study.current("study", home, places, None), [])


def test_a_study_names_the_cells_whose_files_do_not_match(home, capsys):
    before = shown(home)
    slug = "seed=1,gap.fraction=0.5"
    assert (before.integrity, before.figures.missing) == ([], {})
    counted = {f"{folder}/test.{suffix}" for folder, suffix in
               (("eval", "json"), ("ledger", "jsonl"), ("predictions", "jsonl"))}  # fmt: skip
    for name in sorted({*counted, "events.jsonl", "run.json", "eval/test_classification_report.json"}):
        path = home / slug / name
        content = path.read_bytes()
        for kind, damage in DAMAGES.items():
            damage(path)
            found = shown(home)
            told = [*found.integrity, *(f"{one}: {why}" for one, why in found.figures.missing.items())]
            assert any(one.startswith(f"{slug}: ") and path.name in one for one in told) or name == "run.json", kind
            if name == "run.json":
                assert told, kind
            if name in counted:
                assert slug in found.figures.missing, (name, kind)
            restore(path, content)
    assert shown(home).figures == before.figures
    capsys.readouterr()


def test_damaged_cached_figures_of_a_study_are_computed_again(home):
    before = shown(home)
    path = home / "study.json"
    for kind, damage in DAMAGES.items():
        damage(path)
        assert shown(home).figures == before.figures, kind
        if path.is_dir():
            path.rmdir()


# --- evaluated again, by a real model -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def texts(tmp_path_factory, tiny_encoder) -> Path:
    """A trained and evaluated run of text classification, with a gate."""
    from halluc.__main__ import exit_code_of

    folder = tmp_path_factory.mktemp("texts")
    for split, copies in (("train", 3), ("test", 1)):
        lines = [json.dumps(row) + "\n" for row in records() * copies]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    config = folder / "texts.yaml"
    config.write_text(
        f"name: texts\nruns_dir: {folder / 'runs'}\ntask: {{type: text_classification}}\n"
        f"data: {{format: texts, out_of_scope_label: oos, train: {folder}/train.jsonl, test: {folder}/test.jsonl}}\n"
        f"model: {{name: {tiny_encoder}}}\ntrain: {{epochs: 1, batch_tokens: 64}}\ngates: {{accuracy: {{min: 0.0}}}}\n",
        encoding="utf-8",
    )
    assert exit_code_of(["run", str(config), "-q"]) == 0
    return next(path for path in (folder / "runs" / "texts").iterdir() if path.is_dir() and not path.is_symlink())


@pytest.mark.parametrize("kind", ["missing", "garbage", "of another type", "an edited figure", "a folder"])
def test_an_evaluation_is_written_again_byte_for_byte(halluc, texts, kind):
    config = texts.parent.parent.parent / "texts.yaml"
    written = [name for name in files(texts) if name.startswith(("eval/", "ledger/", "predictions/", "confidence"))]
    before = {name: (texts / name).read_bytes() for name in written}
    for name in written:
        DAMAGES[kind](texts / name)
    outcome = halluc("run", config, "-q")
    if kind == "a folder":
        assert outcome.code == 4
        assert "is a folder where a file should be: move it away" in outcome.err
        for name in written:
            (texts / name).rmdir()
        outcome = halluc("run", config, "-q")
    assert outcome.code == 0, outcome.err
    assert {name: (texts / name).read_bytes() for name in written} == before
    assert kind == "a folder" or all(f"warning: {texts / name} " in outcome.err for name in written)
    assert run_report(RunDir(texts)).integrity == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_changed_coverage_file_is_not_used(halluc, texts, kind):
    path = texts / "coverage.json"
    content, ledger = path.read_bytes(), (texts / "ledger" / "test.jsonl").read_bytes()
    try:
        DAMAGES[kind](path)
        outcome = halluc("eval", "--run", texts, "-q")
        if kind == "missing":  # made again from the training split
            assert outcome.code == 0, outcome.err
        else:
            assert (outcome.code, "coverage.json" in outcome.err) == (2, True), outcome.err
    finally:
        restore(path, content)
    assert (texts / "ledger" / "test.jsonl").read_bytes() == ledger


def test_an_edit_of_run_json_stays_on_record_when_it_is_written_again(copy):
    run, file = copy("run.json")
    content = json.loads(file.read_text())
    content["name"] = "another"
    file.write_text(json.dumps(content))
    for _ in range(2):
        run.write(run.read())
        assert run.is_record_changed()
        assert any(told.startswith("run.json was changed") for told in run_report(run).integrity)
