"""The command line: signatures and help. Each body is one lazy import and one call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halluc import __version__

app = typer.Typer(
    name="halluc",
    help="Where does my model assert what my data never told it, and what makes that less?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(no_args_is_help=True, help="Look at configs: what one resolves to, what one may hold.")
app.add_typer(config_app, name="config")

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment, a YAML file.")]
ConfigOrNone = Annotated[
    Path | None, typer.Argument(metavar="[CONFIG]", help="The experiment, a YAML file; not needed with --run.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value, as in --set train.epochs=1; repeatable."),
]
Run = Annotated[
    Path | None,
    typer.Option("--run", "--run-dir", metavar="DIR", help="Name a run directory outright; torchrun wants --run-dir."),
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and the last line.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every logged step, and what libraries say.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"halluc {__version__}")
        raise typer.Exit()


@app.callback()
def halluc(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


@app.command()
def check(
    config: Config,
    set_: Set = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Load the model too: windows, parameters, a dry batch, a learning rate.")
    ] = False,
    json: Json = False,
) -> None:
    """Validate a config, read its data, and tell what is odd about it. Exit code 3 on broken data."""
    from halluc.commands import check

    check.run(config, set_ or [], deep=deep, as_json=json)


@app.command()
def train(
    config: Config,
    set_: Set = None,
    run: Run = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest training of this config that was interrupted, if any.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Fine-tune a model and keep the checkpoint that is best on dev."""
    from halluc.commands import train
    from halluc.commands.terminal import Talk

    train.run(config, set_ or [], run=run, resume=resume, talk=Talk.of(quiet, verbose, json))


@app.command("eval")
def evaluate(
    config: ConfigOrNone = None,
    set_: Set = None,
    split: Annotated[
        list[str] | None, typer.Option("--split", help="Which split: train, dev or test; repeatable.")
    ] = None,
    run: Run = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="MODEL", help="Evaluate this model instead: a folder, hub: or package:."),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Predict with a trained model and write predictions, metrics and classification reports."""
    from halluc.commands import evaluate
    from halluc.commands.terminal import Talk

    evaluate.run(config, set_ or [], splits=split, run=run, checkpoint=checkpoint, talk=Talk.of(quiet, verbose, json))


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="tasks, readers, …; all where left out.")] = None,
    json: Json = False,
) -> None:
    """List what can be named in a config, with one line each."""
    from halluc.commands import listing

    listing.run(kind, as_json=json)


@config_app.command("show")
def config_show(config: Config, set_: Set = None, json: Json = False) -> None:
    """Print the resolved config with the origin of each value."""
    from halluc.commands import config as command

    command.show(config, set_ or [], as_json=json)


@config_app.command("schema")
def config_schema(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it; - for standard output.")] = Path(
        "configs/halluc.schema.json"
    ),
) -> None:
    """Write the JSON Schema of configs, for editors."""
    from halluc.commands import config as command

    command.write_schema(output)
