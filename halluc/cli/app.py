"""The application, to which the other modules add their commands, and the command line of a command."""

from __future__ import annotations

from typing import Annotated, Any

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


def command_line(context: typer.Context, **changed: Any) -> list[str]:
    """The command, its options and arguments, as arguments of ``python -m halluc``.

    Args:
        changed: replacement values, by the names of parameters; None: remove the option.
    """
    values = {**context.params, **changed}
    words = [str(context.info_name)]
    for parameter in context.command.params:
        value = values[str(parameter.name)]
        if parameter.param_type_name == "argument" or value is None or value == parameter.get_default(context):
            continue
        name = max(parameter.opts, key=len)  # a short option would treat the separator as part of the value
        if isinstance(value, bool):
            words.append(name if value else (*parameter.secondary_opts, name)[0])
        else:
            words += [f"{name}={one}" for one in (value if isinstance(value, (list, tuple)) else [value])]
    arguments = [values[str(one.name)] for one in context.command.params if one.param_type_name == "argument"]
    positional = [one for value in arguments for one in (value if isinstance(value, (list, tuple)) else [value])]
    return [*words, "--", *(str(one) for one in positional if one is not None)]
