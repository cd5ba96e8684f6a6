"""The application, to which the other modules add their commands."""

from __future__ import annotations

from typing import Annotated

import typer

from halluc import __version__

app = typer.Typer(
    name="halluc",
    help="Fine-tune language models and measure how much they hallucinate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(no_args_is_help=True, help="Show a resolved config, or write the JSON Schema of configs.")
app.add_typer(config_app, name="config")


def _version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"halluc {__version__}")
        raise typer.Exit()


@app.callback()
def halluc(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass
