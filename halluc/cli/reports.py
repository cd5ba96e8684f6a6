"""Commands on finished runs and annotations: report, compare, advise, audit."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from halluc.cli import options
from halluc.cli.app import app, command_line
from halluc.cli.options import Json, Quiet, Set
from halluc.commands import completion
from halluc.commands.terminal import Terminal
from halluc.core.files import TO_OUTPUT, elsewhere
from halluc.core.messages import listening


@app.command()
def report(
    targets: Annotated[
        list[Path],
        typer.Argument(
            metavar="TARGET...",
            autocompletion=completion.targets,
            help="A run, a config or a study. Several runs are compared with the first one.",
        ),
    ],
    set_: Set = None,
    split: Annotated[
        str | None,
        typer.Option(autocompletion=completion.splits, help="The split (default: test if all runs have it, else dev)."),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="ARM", help="In a study, the arm that others are compared with (default: the first)."),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="html,md,…",
            autocompletion=completion.formats,
            help="The files to write: html, md, json, csv, jsonl, tex, svg, pdf, png.",
        ),
    ] = "html,md,json",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="The output folder (default: report/ in the run)."),
    ] = None,
    claims: Annotated[int, typer.Option(metavar="N", min=1, help="Number of claims per verdict on the page.")] = 200,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write the report of a run, several runs, or a study: a page, Markdown and JSON; tables and charts for a paper."""
    from halluc.commands import results
    from halluc.workflows import reports

    wanted = reports.ReportOptions(split, reference, claims, reports.formats_of(format_), output)
    with elsewhere(TO_OUTPUT), listening(Terminal(results.show_report, quiet=quiet, json=json)):
        pages = reports.report(targets, set_ or [], wanted).written.get("html", ())
    for page in pages if open_ else ():
        results.open_page(page)


app.command("compare", help="Compare runs with the first one; the same as `halluc report RUN RUN`.")(report)


@app.command()
def advise(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|CONFIG|STUDY",
            autocompletion=completion.targets,
            help="An evaluated run, its config, or a study of remedies.",
        ),
    ],
    set_: Set = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a study of these remedies; for a study, write the best config."),
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", min=1, max=1_000, help="The seeds of the study, 1 to N.")] = 3,
    most: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="Maximum number of remedies that need training.")
    ] = 8,
    unlabelled: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Unlabelled texts, for remedies that use them; repeatable.")
    ] = None,
    gazetteer: Annotated[
        str | None, typer.Option(metavar="FILE", help="A gazetteer (list of names), for remedies that use one.")
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Analyse the errors of a run on dev and recommend remedies; for a study, show which remedy helped."""
    from halluc.commands import results
    from halluc.workflows import advice

    wanted = advice.AdviceOptions(write, seeds, most, tuple(unlabelled or ()), gazetteer)
    with elsewhere(TO_OUTPUT), listening(Terminal(results.show_advice, quiet=quiet, json=json)):
        advice.advise(target, set_ or [], wanted)


@app.command()
def audit(
    context: typer.Context,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG|RUN",
            autocompletion=completion.targets,
            help="The experiment, or a run directory with its model.",
        ),
    ],
    set_: Set = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            autocompletion=completion.splits,
            help="The split: train, dev or test; repeatable (default: all splits that can be audited).",
        ),
    ] = None,
    folds: Annotated[int, typer.Option(metavar="K", help="For train: the number of cross-fitting folds.")] = 5,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="The number of suspects on the page.")] = 500,
    apply: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Apply these decisions and write a corrected copy of the corpus."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="With --apply: the corrected copy; the file extension selects the format.",
        ),
    ] = None,
    on: options.OnRay = None,
    address: options.Address = None,
    part: Annotated[int | None, typer.Option(help="Train the model without this part of train.", hidden=True)] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Find annotation errors. Writes a list and a review page; --apply writes a corrected copy."""
    from halluc.commands import results
    from halluc.launch import audits
    from halluc.launch.studies import LaunchOptions
    from halluc.workflows import audit as auditing
    from halluc.workflows import corrections

    wanted = auditing.AuditOptions(tuple(split or ()), folds, most)
    with listening(Terminal(results.show_audit, quiet=quiet, json=json)):
        where = LaunchOptions(on=on, address=address)
        if apply is not None or out is not None:
            where.refuse_cluster("trains the models of an audit, and --apply and --out write a corrected copy")
            corrections.apply(target, set_ or [], apply, out)
        elif part is not None:
            auditing.fit(target, set_ or [], wanted, part)
        else:
            line = functools.partial(command_line, context, on=None, address=None, split=["train"])
            audits.audit(target, set_ or [], wanted, where, lambda one: line(part=one))
