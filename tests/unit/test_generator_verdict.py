"""The report and the terminal say whether a generator is better than what it is compared with."""

from __future__ import annotations

from typing import Any

from halluc.components import TABLE
from halluc.core import registry
from halluc.reporting.views import run
from halluc.runs.schema import AugmentFile
from halluc.workflows import augmentation

ROWS = [
    {"generator": "gan", "temperature": 0.8, "valid": 0.75, "quality": 0.125},
    {"generator": "training split", "temperature": None, "valid": 1.0, "quality": 0.25},
]
VERDICT = "the GAN is no better than the generator that was trained by likelihood alone"


def manifest(**methods: dict[str, Any]) -> AugmentFile:
    part = {"entity_free_share": 0.5, "new_mention_share": 0.5, "distinct_2": 0.5}
    counts = {"wanted": 1, "made": 1, "originals": 1, "unchangeable": 0, "given_up": 0}
    return AugmentFile(
        fingerprint="a", sha256="b", kept={}, refused={}, refused_examples={}, before=part, new=part, after=part,
        methods=methods, seconds=1.0, **counts,
    )  # fmt: skip


def test_the_report_has_the_table_and_the_verdict() -> None:
    made = manifest(one={"rejected": {}}, gan_synthesis={"quality_diversity": ROWS, "verdict": VERDICT})
    (shown,) = run.augmentation_tables(made)[2:]
    assert shown.title == "Quality and diversity of gan_synthesis"
    assert [column.heading for column in shown.columns] == ["generator", "temperature", "valid", "quality"]
    assert [[cell.text for cell in row] for row in shown.rows] == [
        ["gan", "0.800", "0.750", "0.125"],
        ["training split", "–", "1.000", "0.250"],
    ]
    assert list(shown.notes) == [VERDICT[0].upper() + VERDICT[1:] + "."]


def test_the_terminal_has_the_verdict() -> None:
    task = registry.load(TABLE, "task", "token_classification")
    ready = task(task.Config(type="token_classification"))
    assert f"gan_synthesis: {VERDICT}" in list(augmentation._notes(manifest(gan_synthesis={"verdict": VERDICT}), ready))
    assert not any("likelihood" in line for line in augmentation._notes(manifest(one={}), ready))
