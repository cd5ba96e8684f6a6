"""The parts of a run's report that are read from one file each: curves, config, texts of claims."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.config.yaml import Source, read
from halluc.core.errors import HallucError
from halluc.reporting.collect.claim_selection import Smallest, window
from halluc.reporting.collect.curves import curves, thin_points
from halluc.reporting.collect.outcomes import classification
from halluc.reporting.collect.reproducing import choice, config_lines
from halluc.runs.directory import RunDir
from halluc.runs.schema import LedgerLine, RunFile
from halluc.wording.nouns import FigureLookup

RECORD = RunFile(name="x", command="train", status="done", config_sha256="0", halluc="0")


def event(kind, **facts):
    return json.dumps({"time": "2026-01-01T00:00:00.000+00:00", "event": kind, **facts}) + "\n"


def step(number, loss):
    return event("step", step=number, loss=loss, features=4, seconds=0.5)


STARTED = event("started", steps=4, epochs=2, resumed_step=0)


def drawn(tmp_path, *lines):
    (tmp_path / "events.jsonl").write_text("".join(lines))
    return curves(tmp_path / "events.jsonl", RECORD)


def test_steps_that_a_resumed_training_reports_again_count_once(tmp_path):
    evaluated = event("evaluated", step=3, metrics={"entity_f1": 0.1, "broken": None}, best=True)
    again = event("evaluated", step=2, metrics={"entity_f1": 0.5}, best=True)
    found, notes = drawn(
        tmp_path, STARTED, step(1, 3.0), step(2, 2.0), step(3, 9.0), evaluated,
        event("started", steps=4, epochs=2, resumed_step=1), step(2, 1.0), again, step(4, None),
        event("stopped", reason="all epochs done", step=4),
    )  # fmt: skip
    assert found.loss == [(1, 3.0), (2, 1.0)]  # a loss that was infinite is null
    assert found.dev == {"entity_f1": [(2, 0.5)]}
    assert (found.best_step, found.steps, found.epochs, found.features, found.seconds) == (2, 4, 2, 12, 1.5)
    assert (found.stopped, notes) == ("all epochs done", [])


def test_a_last_line_cut_short_is_reported_and_one_within_is_refused(tmp_path):
    found, notes = drawn(tmp_path, STARTED, step(1, 3.0), step(2, 2.0)[:40])
    assert (found.loss, found.stopped) == ([(1, 3.0)], None)
    assert notes == ["Line 3 of events.jsonl is truncated: training was killed while it was written."]
    with pytest.raises(HallucError) as caught:
        drawn(tmp_path, STARTED, step(1, 3.0)[:40] + "\n", step(2, 2.0))
    assert (caught.value.code, caught.value.where.line) == ("R101", 2)
    with pytest.raises(HallucError):
        drawn(tmp_path, STARTED, event("step", loss=1.0))


def test_events_after_an_incomplete_line_are_read(tmp_path):
    found, notes = drawn(tmp_path, STARTED, step(1, 3.0), step(2, 2.0)[:50] + step(2, 1.5))
    assert found.loss == [(1, 3.0), (2, 1.5)]
    assert len(notes) == 1


def test_an_empty_log_has_no_curves(tmp_path):
    assert drawn(tmp_path) == (None, ["events.jsonl has no training steps."])


@given(st.lists(st.floats(-10, 10), max_size=1000))
def test_thinned_losses_keep_their_mean(losses):
    points = list(enumerate(losses, 1))
    found = thin_points(points)
    assert len(found) <= 200
    if points:
        assert found[-1][0] == len(points)
    if len(points) <= 200:
        assert found == points
    steps = [0, *(step for step, _ in found)]
    told = sum(mean * (end - start) for start, end, (_, mean) in zip(steps, steps[1:], found, strict=False))
    assert told == pytest.approx(sum(losses), abs=1e-6)


@pytest.mark.parametrize(
    ("span", "size", "expected"),
    [
        ((2, 4), 50, (0, 50)),
        ((2, 4), 200, (0, 60)),
        ((100, 104), 200, (72, 132)),
        ((198, 200), 200, (140, 200)),
        ((50, 150), 200, (50, 110)),
        ((None, None), 200, (0, 60)),
    ],
)
def test_a_claim_is_shown_among_sixty_tokens(span, size, expected):
    assert window(*span, size) == expected


@given(st.lists(st.integers(0, 5)), st.integers(0, 8))
def test_the_worst_are_the_first_of_a_stable_sort(keys, most):
    lines = [
        LedgerLine(id=str(n), record="claim", kind="span", text="", start=0, end=1, label="X") for n in range(len(keys))
    ]
    worst = Smallest(most)
    for key, line in zip(keys, lines, strict=True):
        worst.add(key, line)
    expected = [line for _, line in sorted(zip(keys, lines, strict=True), key=lambda pair: pair[0])][:most]
    assert worst.items() == expected
    assert worst.total == len(keys)


@pytest.mark.parametrize(
    ("line", "text", "origin"),
    [
        ("name: x    # configs/x.yaml:3", "name: x", "configs/x.yaml:3"),
        ("data:", "data:", None),
        ('  path: "a  # b \\" # c"  # --set data.path="a # b"', '  path: "a  # b \\" # c"', '--set data.path="a # b"'),
        ('  "odd  # key": 1  # default', '  "odd  # key": 1', "default"),
    ],
)
def test_a_config_line_is_parted_from_its_origin(tmp_path, line, text, origin):
    (tmp_path / "config.yaml").write_text(line + "\n")
    (found,) = config_lines(RunDir(tmp_path))
    assert (found.text, found.origin) == (text, origin)
    assert read(Source("a", line)).value == read(Source("b", text)).value


def test_the_choice_of_a_cell_is_in_its_name():
    assert choice("arm=mix,seed=1") == ["arm=mix", "seed=1"]
    assert choice("20260101-000000-abcdef") == []
    assert choice("arm=odd~12345678,seed=1") is None


def test_averages_are_separate_in_a_classification_report(tmp_path):
    row = {"precision": 1.0, "recall": 0.5, "f1-score": 2 / 3, "support": 4}
    file = tmp_path / "r.json"
    file.write_text(json.dumps({"entity": {"PER": row, "micro avg": row}, "confusion": {"O": {"O": 1}}}))
    (table,), _ = classification(file, FigureLookup([]))
    assert (table.title, [r.name for r in table.rows], [r.name for r in table.averages]) == (
        "entity",
        ["PER"],
        ["micro avg"],
    )
    assert table.rows[0].f1 == 2 / 3
