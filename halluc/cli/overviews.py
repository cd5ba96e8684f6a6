"""Commands that list, explain and clean up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halluc.cli.app import app, config_app
from halluc.cli.options import Config, Json, Quiet, Set
from halluc.commands import completion
from halluc.commands.terminal import Terminal
from halluc.core.messages import listening


@app.command()
def clean(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|STUDY|DIR", autocompletion=completion.runs, help="A run, a study, or a folder of runs."
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Delete old checkpoints, temporary files and empty runs. Only files that no command needs are deleted."""
    from halluc.commands import overviews
    from halluc.core.messages import put
    from halluc.runs import cleaning

    with listening(Terminal(overviews.show_cleaned, quiet=quiet, json=json)):
        put(cleaning.clean(target, dry_run=dry_run))


@app.command()
def runs(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", autocompletion=completion.runs, help="The folder of runs, or a single run or study."
        ),
    ] = Path("runs"),
    json: Json = False,
) -> None:
    """List the runs and studies of a folder: task, state, main figures, size, age."""
    from halluc.commands import overviews
    from halluc.workflows import run_listing

    with listening(Terminal(overviews.show_listed, json=json)):
        run_listing.list_runs(folder)


@app.command()
def doctor(json: Json = False) -> None:
    """Print versions, devices, threads, precision, and what each extra needs. Exit code 4 if a package is missing."""
    from halluc.commands import overviews
    from halluc.core.errors import EXIT_ENVIRONMENT
    from halluc.workflows import diagnosis

    with listening(Terminal(overviews.show_installation, json=json)):
        if diagnosis.diagnose().missing:
            raise typer.Exit(EXIT_ENVIRONMENT)


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            autocompletion=completion.kinds,
            help="The kind, such as tasks or augmenters (default: all).",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the tasks, readers, augmentation methods and filters."""
    from halluc.commands import overviews

    overviews.list_components(kind, as_json=json)


@config_app.command("show")
def config_show(config: Config, set_: Set = None, json: Json = False) -> None:
    """Print the resolved config with the origin of each value."""
    from halluc.commands import config as command

    command.show(config, set_ or [], as_json=json)


@config_app.command("schema")
def config_schema(
    output: Annotated[Path, typer.Option("--output", "-o", help="The output file, or - for standard output.")] = Path(
        "configs/halluc.schema.json"
    ),
) -> None:
    """Write the JSON Schema of configs, for editors."""
    from halluc.commands import config as command

    command.write_schema(output)
