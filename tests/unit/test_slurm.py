"""The job array of a study: its scripts, how they are submitted to a stand-in for sbatch, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from halluc.components import TABLE
from halluc.config import loading
from halluc.core.errors import HallucError, render
from halluc.launch.slurm import Array

CONFIG = """\
name: x
runs_dir: {runs}
task: {{type: token_classification}}
data: {{format: conll, train: {folder}/t.txt, dev: {folder}/t.txt}}
model: {{name: m}}
matrix: {{seed: [1, 2, 3, 4, 5]}}
launch:
  slurm: {{partition: gpu, time: "1-04:00:00", gpus: 1, cpus: 4, memory: 8G, concurrency: 2,
          options: [--constraint=a100]}}
"""


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study of mine.yaml"
    path.write_text(CONFIG.format(runs=tmp_path / "runs", folder=tmp_path))
    return path


@pytest.fixture
def calls(tmp_path, monkeypatch) -> Path:
    """sbatch and scontrol that note how they are called; the first job has number 41."""
    folder = tmp_path / "bin"
    folder.mkdir()
    note = f'echo "$(basename "$0") $*" >> {tmp_path}/calls; n=$(grep -c ^sbatch {tmp_path}/calls)'
    (folder / "sbatch").write_text(f'#!/bin/bash\n{note}; echo "$((40 + n));cluster"\n')
    (folder / "scontrol").write_text(f'#!/bin/bash\n{note}; echo "MaxArraySize            = 4"\n')
    for program in folder.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tmp_path / "calls"


def scripts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "runs" / "x" / "slurm").glob("*.sh")}


def test_a_study_is_submitted_as_an_array_and_a_report_after_it(halluc, config, calls, tmp_path):
    outcome = halluc("run", config, "--on", "slurm", "--set", "matrix.seed=[1, 2, 3]")
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "runs" / "x" / "slurm"
    assert calls.read_text().splitlines() == [
        "scontrol show config",
        f"sbatch --parsable {folder}/array.sh",
        f"sbatch --parsable --dependency=afterany:41 {folder}/report.sh",
    ]
    assert outcome.err.splitlines() == [
        "job 41: 3 tasks for 3 cells; job 42 writes the report",
        f"logs and scripts: {folder}",
    ]
    array = scripts(tmp_path)["array.sh"]
    for line in (
        "job-name=x", "array=1-3%2", f"output={folder}/%A_%a.log", "cpus-per-task=4", "gpus=1", "time=1-04:00:00",
        "mem=8G", "partition=gpu", "requeue", "constraint=a100", "signal=B:USR1@120",
    ):  # fmt: skip
        assert f"\n#SBATCH --{line}\n" in array
    assert f"""run '{config}' --set 'matrix.seed=[1, 2, 3]' --shard "$SLURM_ARRAY_TASK_ID/3" &""" in array
    assert (tmp_path / "runs" / "x" / "matrix.json").is_file()


def test_an_array_has_no_more_tasks_than_slurm_allows(halluc, config, calls, tmp_path):
    outcome = halluc("run", config, "--on", "slurm", "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out) == {"study": f"{tmp_path}/runs/x", "tasks": 3, "array": "41", "report": "42"}
    assert "#SBATCH --array=1-3%2\n" in scripts(tmp_path)["array.sh"]  # MaxArraySize is 4: its numbers are 0 to 3
    assert '"$SLURM_ARRAY_TASK_ID/3"' in scripts(tmp_path)["array.sh"]


def test_tasks_are_those_that_have_work():
    assert Array((1, 2, 3, 5, 8, 9), 9).spec(None) == "1-3,5,8-9"
    assert Array((4,), 9).spec(7) == "4%7"


def test_a_dry_run_shows_the_scripts_and_writes_none(halluc, config, calls, tmp_path):
    (tmp_path / "runs" / "x" / "old").mkdir(parents=True)
    options = ("--only", "seed=1", "--allow-commands", "--fresh")
    outcome = halluc("run", config, "--on", "slurm", "--dry-run", *options)
    assert outcome.code == 0, outcome.err
    assert "--only seed=1 --allow-commands --shard" in outcome.err
    assert "halluc report" in outcome.err
    assert "sbatch" not in calls.read_text()
    assert [path.name for path in (tmp_path / "runs" / "x").iterdir()] == ["old"]


def test_scripts_are_valid_and_quote_what_a_shell_would_run(halluc, config, calls, tmp_path):
    evil = "name: a'; touch EVIL; '$(touch EVIL)`touch EVIL`\n"
    outcome = halluc(
        "run", config, "--on", "slurm", "--set", f"data.text_field={json.dumps(evil)}", "--set", "data.format=jsonl"
    )
    assert outcome.code == 0, outcome.err
    python = tmp_path / "python"
    python.write_text(f'#!/bin/bash\nprintf "%s\\0" "$@" > {tmp_path}/given\n')
    python.chmod(0o755)
    script = tmp_path / "array.sh"
    script.write_text(
        re.sub(r"^\S+ -m halluc", f"{python} -m halluc", scripts(tmp_path)["array.sh"], flags=re.MULTILINE)
    )
    environ = {"SLURM_ARRAY_TASK_ID": "2", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", script], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    given = (tmp_path / "given").read_text().split("\0")
    assert f"data.text_field={json.dumps(evil)}" in given
    assert given[-3:-1] == ["--shard", "2/3"]
    assert not list(tmp_path.rglob("EVIL"))


@pytest.mark.parametrize(
    ("signal", "code", "requeues"), [("USR1", 130, True), ("TERM", 130, False), ("USR1", 0, False)]
)  # fmt: skip
def test_a_task_is_queued_again_where_its_time_is_over_and_not_where_it_is_cancelled(
    halluc, config, calls, tmp_path, signal, code, requeues
):
    assert halluc("run", config, "--on", "slurm").code == 0
    python = tmp_path / "python"
    python.write_text(f"#!/bin/bash\ntrap 'exit {code}' TERM\necho ready\nwhile :; do sleep 0.05; done\n")
    python.chmod(0o755)
    script = tmp_path / "array.sh"
    script.write_text(
        re.sub(r"^\S+ -m halluc", f"{python} -m halluc", scripts(tmp_path)["array.sh"], flags=re.MULTILINE)
    )
    environ = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_JOB_ID": "41", "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    process = subprocess.Popen(["bash", script], env=environ, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    subprocess.run(["kill", f"-{signal}", str(process.pid)], check=True)
    assert process.wait(timeout=30) == code
    assert ("scontrol requeue 41_2" in calls.read_text()) == requeues


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--shard", "1/2"], "C020", "--shard cannot be combined with --on slurm"),
        (["--set", "matrix=null"], "C020", "this config has no `matrix`"),
        (["--jobs", "2"], "C020", "--jobs cannot be combined with --on"),
        (["--set", "matrix={arm: {a: {}, b: {model: {name: '{runs}/x/arm=a'}}}}"], "C020", "use the run of arm=a"),
        (["--set", "runs_dir=a b"], "C020", "not allowed in #SBATCH lines"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_array_is_refused(halluc, config, calls, tmp_path, arguments, code, told):
    given = [one.replace("{runs}", str(tmp_path / "runs")) for one in arguments]
    outcome = halluc("run", config, "--on", "slurm", *given)
    assert outcome.code == 2, outcome.err
    assert f"error[{code}]" in outcome.err and told in outcome.err
    assert not calls.exists() or "sbatch" not in calls.read_text()


def test_a_machine_without_slurm_is_reported(halluc, config, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = halluc("run", config, "--on", "slurm")
    assert outcome.code == 4
    assert "error[E482]: the program sbatch is not installed here" in outcome.err


def test_what_sbatch_refuses_is_reported(halluc, config, calls):
    (calls.parent / "bin" / "sbatch").write_text("#!/bin/bash\necho 'sbatch: error: invalid partition' >&2; exit 1\n")
    outcome = halluc("run", config, "--on", "slurm")
    assert outcome.code == 4
    assert "error[E482]: sbatch failed: sbatch: error: invalid partition" in outcome.err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("partition", "a b"),
        ("partition", "a\n#SBATCH --wrap=x"),
        ("time", "1:00; touch x"),
        ("memory", "8 G"),
        ("account", "-x"),
        ("qos", "$(x)"),
        ("options", ["--wrap=x"]),
        ("options", ["--arr=1-2"]),
        ("options", ["--comment=a b"]),
        ("options", ["-p main"]),
        ("options", ["--comment='x'"]),
        ("options", ["--comment=x\n"]),
        ("cpus", 0),
        ("gpus", 65),
        ("concurrency", 1_001),
    ],
)
def test_values_that_are_no_plain_words_are_refused(config, key, value):
    with pytest.raises(HallucError) as caught:
        loading.load(
            config, ["matrix=null", f"launch={{slurm: {{{key}: {json.dumps(value)}}}}}"], table=TABLE, environ={}
        )
    assert {"C104", "C105", "C106"} >= {caught.value.code}
    assert "launch" in render(caught.value)


def test_launch_is_no_part_of_the_hash(config):
    with_it, without = (
        loading.load(config, ["matrix=null", *more], table=TABLE, environ={}) for more in ([], ["launch=null"])
    )
    assert with_it.sha256 == without.sha256
