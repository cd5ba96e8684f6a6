"""Time and memory of each command by the size of the corpus: a table, log-log slopes and a chart.

python benchmarks/scale.py [--out DIR] [--sizes 10000 --sizes 50000 …] [--commands check --commands train …]
                           [--most-seconds 900] [--keep DIR] [--seed 1]

The corpus has sentences of about 12 tokens with named entities in CoNLL columns, generated from a seed
(`benchmarks/check.py`). augment: `noise`, to 1.2 times the size. train: 200 steps of a model with one layer from
scratch. predict and eval: this model on all sentences. Each command runs in a separate process; its memory is the peak
resident memory (VmHWM). The time for the next size is extrapolated from the last two: a command that would take longer
than --most-seconds is left out with a message.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy
import typer
from check import Sentences, columns, measured

SIZES = [10_000, 50_000, 200_000, 1_000_000, 5_000_000]
LENGTHS = range(5, 20)  # 12 tokens on average
DEV = 2_000
CONFIG = """\
name: scale
runs_dir: {folder}/runs-{size}
task: {{type: token_classification}}
data: {{format: conll, train: {folder}/{size}.conll, dev: {folder}/dev.conll}}
model: {{name: null, scratch: {{layers: 1, width: 32, heads: 2, vocabulary: 2000}}}}
train: {{steps: 200, batch_tokens: 1024, precision: fp32}}
"""
AUGMENT = "augment={size: 1.2x, methods: [{type: noise}], workers: 1}"
COMMANDS = ["check", "augment", "train", "predict", "eval"]
_FIGURES = ("seconds", "processor", "memory")


def make(path: Path, sentences: int, seed: int) -> Path:
    """Write ``sentences`` sentences as columns, unless the file exists."""
    if not path.is_file():
        drawn = Sentences(seed, lengths=LENGTHS)
        with path.open("w", encoding="utf-8") as file:
            file.writelines(columns(drawn.sentence() for _ in range(sentences)))
    return path


def arguments(command: str, size: int, folder: Path, trained: int) -> list[str]:
    """The arguments of `halluc`; predict and eval use the run that was trained on the smallest corpus."""
    config, runs = str(folder / f"{size}.yaml"), folder / "runs"
    texts, model = str(folder / f"{size}.conll"), str(runs / f"train-{trained}")
    of_command = {
        "check": ["check", config, "--quiet"],
        "augment": ["augment", config, "--set", AUGMENT, "--run", str(runs / f"augment-{size}"), "--quiet"],
        "train": ["train", config, "--run", str(runs / f"train-{size}"), "--quiet"],
        "predict": [
            "predict", model, "-i", texts, "--format", "conll", "-o", str(runs / f"{size}.jsonl"), "--quiet",
        ],
        "eval": ["eval", "--run", model, "--set", f"data.test={texts}", "--split", "test", "--quiet"],
    }  # fmt: skip
    return of_command[command]


def slope(sizes: Iterable[float], values: Iterable[float]) -> float:
    """The slope of log(value) over log(size), by least squares."""
    return float(numpy.polyfit(numpy.log(list(sizes)), numpy.log(list(values)), 1)[0])


def expected(rows: Sequence[dict[str, float]], size: int) -> float:
    """The seconds for a larger size, extrapolated from the last two sizes; at least proportional to the size."""
    if len(rows) < 2:
        return 0.0
    before, last = rows[-2:]
    steep = max(1.0, slope((before["size"], last["size"]), (before["seconds"], last["seconds"])))
    return float(last["seconds"] * (size / last["size"]) ** steep)


def table(found: dict[str, list[dict[str, float]]]) -> str:
    lines = ["| command | sentences | seconds | processor | peak memory |", "|---|---|---|---|---|"]
    for command, rows in found.items():
        for row in rows:
            memory = f"{row['memory'] / 1e6:,.0f} MB"
            lines.append(f"| {command} | {row['size']:,} | {row['seconds']:.1f} | {row['processor']:.1f} | {memory} |")
    lines += [
        "",
        "| command | slope of seconds | of processor | of memory | bytes per sentence |",
        "|---|---|---|---|---|",
    ]
    for command, rows in found.items():
        if len(rows) > 1:
            slopes = [slope((row["size"] for row in rows), (row[name] for row in rows)) for name in _FIGURES]
            per_sentence = numpy.polyfit([row["size"] for row in rows], [row["memory"] for row in rows], 1)[0]
            lines.append(f"| {command} | {' | '.join(f'{one:.2f}' for one in slopes)} | {per_sentence:,.0f} |")
    return "\n".join(lines)


def draw(found: dict[str, list[dict[str, float]]], folder: Path) -> None:
    """Draw processor time and memory over the size, as SVG files."""
    from halluc.reporting.charts import svg
    from halluc.reporting.charts.plots import Curve, plot

    for name, unit, scale in (("processor", "seconds of processors", 1), ("memory", "peak memory, MB", 1e6)):
        curves = [
            Curve(command, [row["size"] for row in rows], [row[name] / scale for row in rows])
            for command, rows in found.items()
        ]
        with svg.drawing():
            drawn = plot(curves, name=name, below="sentences", above=unit, is_log=True, x_is_log=True)
            drawn.savefig(folder / f"scale-{name}.svg")


def main(
    sizes: list[int] = SIZES,
    commands: list[str] = COMMANDS,
    out: Path = Path("scale"),
    most_seconds: float = 900,
    keep: Path | None = None,
    seed: int = 1,
) -> None:
    """``keep``: a folder for corpora and runs, which are used again."""
    if unknown := sorted(set(commands) - set(COMMANDS)):
        raise typer.BadParameter(f"no such command: {', '.join(unknown)}")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(keep or Path(folder), sorted(sizes), commands, seed, most_seconds)
    (out / "scale.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (out / "scale.md").write_text(table(found) + "\n", encoding="utf-8")
    draw(found, out)
    print(table(found))


def measure(
    folder: Path, sizes: Sequence[int], commands: Sequence[str], seed: int, most_seconds: float
) -> dict[str, list[dict[str, float]]]:
    """A row for each size, by command."""
    found: dict[str, list[dict[str, float]]] = {command: [] for command in COMMANDS if command in commands}
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    make(folder / "dev.conll", DEV, seed + 1)
    trained = sizes[0]
    for size in sizes:
        make(folder / f"{size}.conll", size, seed)
        (folder / f"{size}.yaml").write_text(CONFIG.format(folder=folder, size=size), encoding="utf-8")
        if {"predict", "eval"} & found.keys() and not (folder / "runs" / f"train-{trained}").is_dir():
            measured(arguments("train", trained, folder, trained), folder)
        for command, rows in found.items():
            if (longest := expected(rows, size)) > most_seconds:
                print(f"{command} of {size:,} sentences would take {longest:,.0f} s: left out", flush=True)
                continue
            if command in ("train", "augment"):
                shutil.rmtree(folder / "runs" / f"{command}-{size}", ignore_errors=True)
            row = {"size": size, **measured(arguments(command, size, folder, trained), folder)}
            rows.append(row)
            numbers = f"{row['seconds']:.1f} s, processor {row['processor']:.1f} s, {row['memory'] / 1e6:,.0f} MB"
            print(f"{command} of {size:,} sentences: {numbers}", flush=True)
    return found


if __name__ == "__main__":
    typer.run(main)
