"""The command line: signatures and help. Each body is one lazy import and one call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="AXIS=VALUE", help="Of a study, the cells with this value alone; repeatable."),
]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Of a study, every N-th cell, from the I-th; for job arrays."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Move the old study aside and start anew.")]
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
    only: Only = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Load the model too: windows, parameters, a dry batch, a learning rate.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Validate a config, read its data, and tell what is odd about it. Exit code 3 on broken data."""
    from halluc.commands import check
    from halluc.commands.terminal import Talk

    check.run(config, set_ or [], only=only or [], deep=deep, talk=Talk.of(quiet, False, json))


@app.command()
def augment(
    config: Config,
    set_: Set = None,
    run: Run = None,
    only: Only = None,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard", metavar="I/N", help="The I-th of N shares: of a study its cells, else (with --run) its examples."
        ),
    ] = None,
    fresh: Fresh = False,
    preview: Annotated[
        int | None,
        typer.Option("--preview", metavar="N", min=1, help="Print N pairs before and after, and write nothing."),
    ] = None,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="ID", help="Make one line anew and compare it; write nothing.")
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Make the training split larger, labels kept exact, with a record of every edit."""
    from halluc.commands import augment
    from halluc.commands.terminal import Talk
    from halluc.workflows.augmentation_runs import Look
    from halluc.workflows.cell_selection import Selection

    selection = Selection(tuple(only or ()), shard, fresh)
    look, talk = Look(preview, replay), Talk.of(quiet, verbose, json)
    augment.run(config, set_ or [], run=run, selection=selection, look=look, talk=talk)


@app.command()
def train(
    config: Config,
    set_: Set = None,
    run: Run = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest training of this config that was interrupted, if any.")
    ] = False,
    only: Only = None,
    shard: Shard = None,
    fresh: Fresh = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Fine-tune a model and keep the checkpoint that is best on dev."""
    from halluc.commands import train
    from halluc.commands.terminal import Talk
    from halluc.workflows.cell_selection import Selection

    selection = Selection(tuple(only or ()), shard, fresh)
    train.run(config, set_ or [], run=run, resume=resume, talk=Talk.of(quiet, verbose, json), selection=selection)


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
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions", metavar="FILE", help="Judge these predictions of another tool; no model is used."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEXT", help="With --predictions, the name of the tool; else FILE's."),
    ] = None,
    only: Only = None,
    shard: Shard = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Predict with a trained model and write predictions, metrics and classification reports."""
    from halluc.commands import evaluate
    from halluc.commands.terminal import Talk
    from halluc.workflows.cell_selection import Selection

    selection, talk = Selection(tuple(only or ()), shard), Talk.of(quiet, verbose, json)
    evaluate.run(
        config, set_ or [], splits=split, run=run, checkpoint=checkpoint, talk=talk, selection=selection,
        predictions=predictions, name=name,
    )  # fmt: skip


@app.command("run")
def run_(
    config: Config,
    set_: Set = None,
    only: Only = None,
    shard: Shard = None,
    fresh: Fresh = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Train and evaluate; of a study every cell. The same command goes on where it was stopped."""
    from halluc.commands import run
    from halluc.commands.terminal import Talk
    from halluc.workflows.cell_selection import Selection

    selection = Selection(tuple(only or ()), shard, fresh)
    run.run(config, set_ or [], selection=selection, talk=Talk.of(quiet, verbose, json))


@app.command()
def report(
    targets: Annotated[
        list[Path],
        typer.Argument(metavar="TARGET...", help="A run directory, a config, or a study; several: against the first."),
    ],
    set_: Set = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Which split: test where all have it, where left out.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", metavar="ARM", help="Of a study, the arm that others are compared with; else the first."
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="html,md,json", help="Which files to write; all where left out.")
    ] = "html,md,json",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where the files go; report/ in the run where left out."),
    ] = None,
    claims: Annotated[
        int, typer.Option("--claims", metavar="N", min=1, help="How many claims of each verdict the page shows.")
    ] = 200,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write what runs say as a page: one run, several against the first, or a study. Reads files only."""
    from halluc.commands import report
    from halluc.commands.terminal import Talk
    from halluc.workflows.reports import Wanted, formats_of

    talk = Talk.of(quiet, False, json)
    wanted = Wanted(split, reference, claims, formats_of(format_), output)
    report.run(targets, set_ or [], wanted, talk, opens=open_)


# What stands behind the model is a mistake that is answered: texts are named by --input.
@app.command(context_settings={"allow_extra_args": True})
def predict(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_MODEL", help="A run directory, its model/, or a model: a folder, hub: or package:."
        ),
    ],
    input_: Annotated[Path, typer.Option("--input", "-i", metavar="FILE", help="The texts; - for standard input.")] = (
        Path("-")
    ),
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where claims go; - for standard output.")
    ] = Path("-"),
    format_: Annotated[
        Literal["auto", "text", "jsonl", "json", "csv", "conll"],
        typer.Option("--format", help="text: one a line; csv: TSV too; auto looks at the name and the first lines."),
    ] = "auto",
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", metavar="NAME", help="As latin-1; left out: as the run's data, else utf-8."),
    ] = None,
    text_field: Annotated[
        str | None,
        typer.Option(
            "--text-field", metavar="NAME", help="Field or column of the text, or its number; left out: as the data's."
        ),
    ] = None,
    second_field: Annotated[
        str | None, typer.Option("--second-field", metavar="NAME", help="Of pairs, that of the second text.")
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", metavar="CHAR", help="Of columns: one character, or `tab`; else told apart."),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether the first row names the columns; else as they are named."),
    ] = None,
    quoting: Annotated[
        bool | None,
        typer.Option("--quoting/--no-quoting", help="Whether cells in double quotes may hold delimiters and lines."),
    ] = None,
    tokenize: Annotated[
        Literal["words", "whitespace", "characters"] | None,
        typer.Option("--tokenize", help="How a text becomes tokens; left out: as the run's data, else words."),
    ] = None,
    look_ahead: Annotated[
        int, typer.Option("--look-ahead", metavar="N", min=1, help="Texts read, predicted and written at a time.")
    ] = 512,
    quiet: Quiet = False,
) -> None:
    """Predict on texts of any number and write the claims, a JSON object a text. Exit code 3 if some are unreadable."""
    from halluc.commands import predict
    from halluc.commands.terminal import Talk
    from halluc.workflows.input_reading import Reading

    if context.args:
        predict.refuse_second(model, context.args[0])
    source, target = (None if str(path) == "-" else path for path in (input_, output))
    options = {
        "encoding": encoding, "text_field": text_field, "second_field": second_field, "delimiter": delimiter,
        "header": header, "quoting": quoting, "tokenize": tokenize,
    }  # fmt: skip
    reading = Reading(options, None if format_ == "auto" else format_, look_ahead)
    predict.run(model, source, target, reading, Talk.QUIET if quiet else Talk.NORMAL)


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(metavar="IN", help="The corpus: a path, demo:NAME, hub:NAME@REVISION, or a config (.yaml)."),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="A file; a folder for several splits. It is overwritten.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="data.KEY=VALUE", help="How to read IN, as in --set data.separator=tab."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="TASK", help="A name of `halluc list task`; else by what IN holds."),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option("--split", help="train, dev or test; repeatable. Left out: all of a config, else train."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORMAT", help="As spacy or doccano; left out: by the name of OUT.")
    ] = None,
    scheme: Annotated[
        Literal["iob1", "iob2", "bioes", "bmes", "bilou", "io"] | None,
        typer.Option("--scheme", help="Of tags (conll, csv, table): iob2 where left out."),
    ] = None,
    separator: Annotated[
        Literal["tab", "space"] | None, typer.Option("--separator", help="Of conll: tab where left out.")
    ] = None,
    join: Annotated[
        Literal["blank", "none"] | None,
        typer.Option("--join", help="Make texts of tokens, with or without blanks; left out: keep texts, else blank."),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write a corpus in another format. Exit code 3 on broken data, or on what the format cannot hold."""
    from halluc.commands import convert
    from halluc.commands.terminal import Talk
    from halluc.workflows.conversion import Wanted

    wanted = Wanted(task, tuple(split or ()), to, scheme, separator, join)
    convert.run(source, target, set_ or [], wanted, Talk.of(quiet, False, json))


@app.command()
def clean(
    target: Annotated[Path, typer.Argument(metavar="RUN|STUDY|DIR", help="A run, a study, or the folder of runs.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing; list what would be deleted.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Delete what nothing needs: checkpoints of finished trainings, leftovers of killed processes, empty runs."""
    from halluc.commands import clean
    from halluc.commands.terminal import Talk

    clean.run(target, dry_run=dry_run, talk=Talk.of(quiet, False, json))


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
