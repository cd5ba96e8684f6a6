"""Arguments and options that several commands have, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from halluc.commands import completion

Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", autocompletion=completion.configs, help="The experiment, a YAML file.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        autocompletion=completion.overrides,
        help="Override a config value, such as --set train.epochs=1; repeatable.",
    ),
]
Run = Annotated[
    Path | None,
    typer.Option(
        "--run",
        "--run-dir",
        metavar="DIR",
        autocompletion=completion.runs,
        help="Use this run directory. With torchrun, write --run-dir.",
    ),
]
Members = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="RUN_OR_MODEL",
        autocompletion=completion.runs,
        help="Average the probabilities with this model; repeatable.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="AXIS=VALUE", help="In a study, only run the cells with this value; repeatable."),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="In a study, run every N-th cell, starting at the I-th; for job arrays."
    ),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Rename the folder of the old study and start from the beginning.")
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address", metavar="HOST:PORT", help="With --on ray: the address of the cluster (default: $RAY_ADDRESS)."
    ),
]
OnRay = Annotated[
    Literal["ray"] | None,
    typer.Option("--on", help="Run on a Ray cluster; set resources in the section `launch` of the config."),
]
ShardCount = Annotated[
    int | None,
    typer.Option(
        "--shards",
        metavar="N",
        min=1,
        max=100_000,
        help="With --on ray: number of shards (default: twice the number that runs at once).",
    ),
]
AllowCommands = Annotated[bool, typer.Option("--allow-commands", help="Allow the config to start external programs.")]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only print errors and the last line.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print all logged steps and messages of libraries.")]
Ci = Annotated[
    Literal["github", "junit"] | None,
    typer.Option("--ci", help="Write gates for CI. github: workflow annotations; junit: gates.junit.xml in the run."),
]
SetData = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="data.KEY=VALUE",
        autocompletion=completion.overrides,
        help="How to read the data, such as --set data.separator=tab; repeatable.",
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="TASK",
        autocompletion=completion.tasks,
        help="The task of the data, see `halluc list tasks` (default: detect it).",
    ),
]
PredictModel = Annotated[
    str,
    typer.Argument(
        metavar="RUN_OR_MODEL",
        autocompletion=completion.runs,
        help="A run, or a model: a folder, hub:NAME or package:NAME/FOLDER.",
    ),
]
