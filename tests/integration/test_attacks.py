"""The benchmark of attacks in small: what holds passes, and what does not hold is seen."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def importable():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


def inherited_mb() -> float:
    """What a forked child begins with: what the tests before have left in memory."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    return os.wait4(child, 0)[2].ru_maxrss / 1024


@pytest.fixture
def perform(tmp_path, monkeypatch):
    from attacking import calls, results

    own = inherited_mb()
    monkeypatch.setattr(results, "MOST_MB", results.MOST_MB + own)
    monkeypatch.setattr(calls, "_LARGEST_MB", calls._LARGEST_MB + own)
    return lambda run, seconds=10.0: results.perform(results.Attack("group", "name", run, seconds), tmp_path / "bench")


def halluc_ends(monkeypatch, act):
    """In the place of halluc's main function."""
    import halluc.__main__

    monkeypatch.setattr(halluc.__main__, "main", act)


def test_an_attack_is_passed_if_the_config_is_refused(perform):
    from attacking.by_hand import refused

    result = perform(lambda bench: refused(bench, "check", bench.put("c.yaml", "name: x\nnonsense: 1\n")))
    assert result.outcome == "clear error"
    assert "error[C" in result.shows


def test_a_sound_call_that_should_be_refused_is_silent(perform):
    from attacking.by_hand import refused

    assert perform(lambda bench: refused(bench, "list", "tasks")).outcome == "SILENT"


@pytest.mark.parametrize(
    ("act", "outcome", "shows"),
    [
        (lambda: Path("left").touch(), "other fault", "wrote into the working directory: ['left']"),
        (lambda: Path("../given/x").write_text("changed"), "other fault", "changed an input: ['x']"),
        (lambda: print("\x1b[31m\u202e"), "other fault", "raw control characters on stdout: U+001B, U+202E"),
        (lambda: sys.exit(1), "traceback or exit 1", ""),
        (lambda: sys.exit(7), "other fault", "exit code 7"),
        (lambda: 1 / 0, "traceback or exit 1", "ZeroDivisionError"),
        (lambda: sum(range(6_000_000)), "over 10 s", "s of processor"),
        (lambda: len(b"x" * (1100 << 20)), "over 1 GB", "MB"),
        (lambda: None, "equal result", ""),
    ],
)
def test_what_no_call_may_do(perform, monkeypatch, act, outcome, shows):
    from attacking.results import EQUAL, Verdict

    halluc_ends(monkeypatch, act)

    def run(bench):
        bench.put("x", "as it was")
        bench.halluc()
        return Verdict(EQUAL)

    result = perform(run, 0.05 if outcome == "over 10 s" else 10.0)
    assert (result.outcome, shows in result.shows) == (outcome, True), result


def test_a_fault_of_the_benchmark_is_reported(perform):
    result = perform(lambda bench: bench.nothing_of_this_name)
    assert result.outcome == "other fault"
    assert "AttributeError" in result.shows


def test_every_damage_changes_the_file(tmp_path):
    from attacking import damage

    for kind, spoil in damage.KINDS.items():
        file = tmp_path / f"{kind.replace('/', '')}.json"
        file.write_text('{"a": 1.5, "b": [2, 3]}')
        before = file.read_bytes()
        spoil(file, random.Random(1))
        assert not file.is_file() or file.read_bytes() != before, kind


def test_a_result_is_judged_by_what_was_written(tmp_path):
    from attacking import damage
    from attacking.calls import Call

    def judged(code: int, told: str, written: bytes) -> str:
        call = Call(("report",), code, "", told, 0.1, 0.1, 100, False)
        control = ({"report/report.json": b"1"}, {"report: HERE/report"})
        return damage.judge(call, {"report/report.json": written}, control, "eval/test.json", tmp_path).outcome

    assert judged(0, "", b"1") == "equal result"
    assert judged(0, "", b"2") == "SILENT"
    assert judged(0, "warning: eval/test.json is damaged", b"2") == "reported fallback"
    assert judged(0, f"report: {tmp_path}/report", b"2") == "SILENT"
    assert judged(2, "error[R101]: eval/test.json is not there", b"") == "clear error"
    assert judged(1, "Traceback (most recent call last)", b"1") == "traceback or exit 1"


def test_times_and_places_are_no_difference(tmp_path):
    from attacking.damage import masked

    one = f'{{"at": "2026-01-02T03:04:05.678+00:00", "seconds": 1.5, "run": "{tmp_path}/x"}}'
    assert masked(one.encode(), tmp_path) == b'{"at": "TIME", "seconds": TIME, "run": "HERE/x"}'
    assert masked(b'{"f1": 0.5}', tmp_path) == b'{"f1": 0.5}'


def test_the_table_counts_every_attack_once():
    from attacking.results import Result, not_held, table

    results = [
        Result("kills", "train", "equal result", "", 1.5, 2, 500, count=8),
        Result("configs", "1 = a", "SILENT", "accepted", 0.5, 1, 400),
    ]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(results).splitlines()]
    rows = {name: cells for name, *cells in lines}
    assert rows["kills"][:4] == ["8", "0", "0", "8"]
    assert rows["all"] == ["9", "0", "0", "8", "1", "0", "0", "0", "0", "1.5", "500"]
    assert not_held(results) == "- configs: SILENT: 1 = a\n    accepted"
