"""Arguments and options that several commands share, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment, a YAML file.")]
ConfigOrNone = Annotated[
    Path | None, typer.Argument(metavar="[CONFIG]", help="The experiment, a YAML file; not needed with --run.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a config value, such as --set train.epochs=1; repeatable."
    ),
]
Run = Annotated[
    Path | None,
    typer.Option("--run", "--run-dir", metavar="DIR", help="Use this run directory. With torchrun, write --run-dir."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="AXIS=VALUE", help="In a study, only the cells with this value; repeatable."),
]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="In a study, every N-th cell, starting at the I-th; for job arrays."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Rename the folder of the old study and start again.")]
AllowCommands = Annotated[
    bool, typer.Option("--allow-commands", help="Let the config start the programs that it names.")
]
TextField = Annotated[
    str | None,
    typer.Option(
        "--text-field", metavar="NAME", help="The field or column of the text (default: that of the run's data)."
    ),
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="For CSV: whether the first row has column names (default: detect it)."),
]
Quoting = Annotated[
    bool | None,
    typer.Option("--quoting/--no-quoting", help="For CSV: whether double quotes enclose cells (default: detect it)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the last line.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every logged step and messages of libraries.")]
Preview = Annotated[
    int | None,
    typer.Option(
        "--preview", metavar="N", min=1, help="Print N examples before and after augmentation; write nothing."
    ),
]
Replay = Annotated[
    str | None,
    typer.Option("--replay", metavar="ID", help="Recreate one augmented example and compare it; write nothing."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the newest interrupted training of this config, if there is one.")
]
ShardOfExamples = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="The I-th of N parts: of the cells of a study, or of the examples of --run."
    ),
]
