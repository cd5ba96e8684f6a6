"""The command line of the current command, for running it in another process."""

from __future__ import annotations

from typing import Any

import typer


def of(context: typer.Context, **changed: Any) -> list[str]:
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
