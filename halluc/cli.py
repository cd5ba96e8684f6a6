"""The command line: signatures and help. Bodies import lazily, and call a workflow that the terminal listens to."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from halluc import __version__
from halluc.commands import completion, options
from halluc.commands.options import (
    AllowCommands,
    Config,
    ConfigOrNone,
    Fresh,
    Header,
    Json,
    Only,
    Preview,
    Quiet,
    Quoting,
    Replay,
    Resume,
    Run,
    Set,
    Shard,
    ShardOfExamples,
    TextField,
    Verbose,
)
from halluc.commands.terminal import Talk, Terminal
from halluc.core.files import TO_OUTPUT, elsewhere
from halluc.core.messages import listening
from halluc.core.permissions import allowing_commands

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
def init(
    data: options.InitialData = "demo:ner",
    output: options.NewConfig = Path("experiment.yaml"),
    preset: options.ModelPreset = None,
    task: options.Task = None,
    set_: options.SetData = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write a commented config for a corpus: task, fields, splits and a model are proposed."""
    from halluc.workflows import initialisation

    with listening(Terminal(Talk.of(quiet, False, json))):
        initialisation.initialise(data, output, task=task, preset=preset, overrides=set_ or [])


@app.command()
def check(
    config: Config,
    set_: Set = None,
    only: Only = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also load the model: long inputs, parameters, memory and time of a batch.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Validate a config and its data, and print warnings. Exit code 3 if the data cannot be read."""
    from halluc.commands import check
    from halluc.workflows import checking

    with listening(Terminal(Talk.of(quiet, False, json), check.show)):
        checking.check(config, set_ or [], only=only or [], deep=deep)


@app.command()
def augment(
    context: typer.Context,
    config: Config,
    set_: Set = None,
    run: Run = None,
    only: Only = None,
    shard: ShardOfExamples = None,
    on: options.OnRay = None,
    address: options.Address = None,
    shards: options.ShardCount = None,
    fresh: Fresh = False,
    preview: Preview = None,
    replay: Replay = None,
    allow_commands: AllowCommands = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Create a larger training split by data augmentation. Every edit is recorded."""
    from halluc.commands import augment, command_lines
    from halluc.launch import augmentations
    from halluc.launch.sharing import Sharing
    from halluc.workflows import augmentation_runs
    from halluc.workflows.cell_selection import Selection

    selection, look = Selection(tuple(only or ()), shard, fresh), augmentation_runs.Look(preview, replay)
    with allowing_commands(allow_commands), listening(Terminal(Talk.of(quiet, verbose, json), augment.show)):
        line = functools.partial(command_lines.of, context, on=None, address=None, shards=None)
        sharing = Sharing(shard, on, address, shards)
        augmentations.augment(config, set_ or [], run, selection, look, sharing, lambda one: line(shard=one))


@app.command()
def train(
    context: typer.Context,
    config: Config,
    set_: Set = None,
    run: Run = None,
    resume: Resume = False,
    only: Only = None,
    shard: Shard = None,
    fresh: Fresh = False,
    processes: options.Processes = "1",
    allow_commands: AllowCommands = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Fine-tune a model and save the checkpoint that is best on dev."""
    from halluc.commands import command_lines, results
    from halluc.launch import local
    from halluc.workflows import training
    from halluc.workflows.cell_selection import Selection

    if (count := local.training_processes(processes)) > 1:
        from halluc.engine import elastic

        raise typer.Exit(elastic.run(command_lines.of(context, processes="1"), count))

    selection = Selection(tuple(only or ()), shard, fresh)
    with allowing_commands(allow_commands), listening(Terminal(Talk.of(quiet, verbose, json), results.show_training)):
        training.train(config, set_ or [], run=run, resume=resume, selection=selection)


@app.command("eval")
def evaluate(
    config: ConfigOrNone = None,
    set_: Set = None,
    split: options.EvaluateSplit = None,
    run: Run = None,
    checkpoint: options.EvaluateCheckpoint = None,
    predictions: options.EvaluatePredictions = None,
    name: options.EvaluateName = None,
    with_: options.Members = None,
    gold: options.OtherGold = None,
    only: Only = None,
    shard: Shard = None,
    ci: options.Ci = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Evaluate a model. Writes predictions, figures and classification reports. Exit code 5 if a gate fails."""
    from halluc.commands import results
    from halluc.workflows import evaluation, gate_reports
    from halluc.workflows.cell_selection import Selection

    selection = Selection(tuple(only or ()), shard)
    with gate_reports.written_for(ci), listening(Terminal(Talk.of(quiet, verbose, json), results.show_evaluated)):
        evaluation.evaluate(
            config, set_ or [], splits=split, run=run, checkpoint=checkpoint, selection=selection,
            predictions=predictions, name=name, members=with_ or (), gold=gold,
        )  # fmt: skip


@app.command("run")
def run_(
    config: Config,
    set_: Set = None,
    only: Only = None,
    shard: Shard = None,
    fresh: Fresh = False,
    jobs: options.Jobs = None,
    on: options.On = None,
    address: options.Address = None,
    dry_run: options.DryRun = False,
    allow_commands: AllowCommands = False,
    ci: options.Ci = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Train, evaluate and report; in a study, every cell. Run it again to continue where it was stopped."""
    from halluc.commands import results
    from halluc.launch import studies
    from halluc.workflows import gate_reports
    from halluc.workflows.cell_selection import Selection

    selection = Selection(tuple(only or ()), shard, fresh)
    talk = Terminal(Talk.of(quiet, verbose, json), results.show_run)
    with allowing_commands(allow_commands), gate_reports.written_for(ci), listening(talk):
        where = studies.Where(jobs, on, address, dry_run)
        studies.run(config, set_ or [], selection=selection, where=where)


@app.command()
def tune(
    config: Config,
    set_: Set = None,
    fresh: Fresh = False,
    allow_commands: AllowCommands = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Search for the best config: trials on dev by the section `tune`. Run it again to continue, or to add trials."""
    from halluc.commands import tune
    from halluc.workflows import tuning

    with allowing_commands(allow_commands), listening(Terminal(Talk.of(quiet, verbose, json), tune.show)):
        tuning.tune(config, set_ or [], fresh=fresh)


@app.command()
def report(
    targets: options.ReportTargets,
    set_: Set = None,
    split: options.ReportSplit = None,
    reference: options.ReportReference = None,
    format_: options.ReportFormat = "html,md,json",
    output: options.ReportOutput = None,
    claims: options.ReportClaims = 200,
    open_: options.ReportOpen = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write the report of a run, several runs, or a study: a page, Markdown and JSON; tables and charts for a paper."""
    from halluc.commands import results
    from halluc.workflows import reports

    talk = Talk.of(quiet, False, json)
    wanted = reports.ReportOptions(split, reference, claims, reports.formats_of(format_), output)
    with elsewhere(TO_OUTPUT), listening(Terminal(talk, results.show_report)):
        pages = reports.report(targets, set_ or [], wanted).written.get("html", ())
    for page in pages if open_ else ():
        results.open_page(page)


app.command("compare", help="Compare runs with the first one; the same as `halluc report RUN RUN`.")(report)


# What stands behind the model is a mistake that is answered: texts are named by --input.
@app.command(context_settings={"allow_extra_args": True})
def predict(
    context: typer.Context,
    model: options.PredictModel,
    input_: options.PredictInput = (Path("-")),
    output: options.PredictOutput = Path("-"),
    format_: options.TextFormat = "auto",
    encoding: options.PredictEncoding = None,
    text_field: TextField = None,
    second_field: options.PredictSecondField = None,
    delimiter: options.PredictDelimiter = None,
    header: Header = None,
    quoting: Quoting = None,
    tokenize: options.PredictTokenize = None,
    look_ahead: options.PredictLookAhead = 512,
    jobs: options.PredictJobs = "1",
    shard: options.ShardOfTexts = None,
    on: options.OnRay = None,
    address: options.Address = None,
    shards: options.ShardCount = None,
    with_: options.Members = None,
    set_: Set = None,
    quiet: Quiet = False,
) -> None:
    """Predict on new texts; write one JSON object per text. Exit code 3 if some texts cannot be read."""
    from halluc.commands import command_lines, predict
    from halluc.launch import predictions
    from halluc.launch.sharing import Sharing
    from halluc.workflows.input_reading import Reading
    from halluc.workflows.prediction import InputJob

    if context.args:
        predict.refuse_second(model, context.args[0])
    source, target = (None if str(path) == "-" else path for path in (input_, output))
    asked = {
        "encoding": encoding, "text_field": text_field, "second_field": second_field, "delimiter": delimiter,
        "header": header, "quoting": quoting, "tokenize": tokenize,
    }  # fmt: skip
    reading = Reading(asked, None if format_ == "auto" else format_, look_ahead)
    with elsewhere(TO_OUTPUT), listening(Terminal(Talk.of(quiet, False, False))):
        job = InputJob(model, source, reading, with_ or (), set_ or ())
        sharing = Sharing(shard, on, address, shards)
        line = functools.partial(command_lines.of, context, on=None, address=None, shards=None)
        count = predict.processes(jobs)
        sink = functools.partial(predict.written, target)
        predictions.predict(job, target, sink, sharing, lambda one: line(shard=one), count)


@app.command()
def serve(
    model: options.PredictModel,
    host: options.ServeHost = "127.0.0.1",
    port: options.ServePort = 8000,
    max_body: options.ServeMaxBody = 1 << 20,
    max_text: options.ServeMaxText = 50_000,
    max_queue: options.ServeMaxQueue = 64,
    batch_tokens: options.ServeBatchTokens = 4096,
    wait: options.ServeWait = 5.0,
    with_: options.Members = None,
    set_: Set = None,
    quiet: Quiet = False,
) -> None:
    """Answer requests over HTTP, in the form of Hugging Face's inference tasks. SIGTERM and Ctrl-C stop it."""
    from halluc.workflows import serving
    from halluc.workflows.serving.limits import Limits

    limits = Limits(max_body, max_text, max_queue, batch_tokens, wait / 1000)
    with listening(Terminal(Talk.of(quiet, False, False))):
        serving.serve(model, host, port, limits, with_ or (), set_ or ())


@app.command()
def probe(
    target: options.Probed,
    patterns: options.Patterns,
    facts: options.Facts,
    set_: Set = None,
    checkpoint: options.ProbedModel = None,
    relation: options.Relations = None,
    sample: options.Sample = None,
    most_patterns: options.MostPatterns = None,
    threshold: options.Threshold = 0.5,
    top: options.Top = 5,
    name: options.ProbeName = "facts",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Ask a language model for facts: what does it assert about names that its training split never mentions?"""
    from halluc.commands import probe
    from halluc.workflows import probing

    asked = probing.ProbeOptions(patterns, facts, tuple(relation or ()), sample, most_patterns, threshold, top, name)
    with listening(Terminal(Talk.of(quiet, False, json), probe.show)):
        probing.probe(target, set_ or [], asked, checkpoint)


@app.command()
def advise(
    target: options.Advised,
    set_: Set = None,
    write: options.WrittenConfig = None,
    seeds: options.Seeds = 3,
    most: options.MostArms = 8,
    unlabelled: options.Unlabelled = None,
    gazetteer: options.GazetteerFile = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Say which errors a run makes on dev and which remedies address them; of a study, which remedy helped."""
    from halluc.commands import advise
    from halluc.workflows import advice

    wanted = advice.AdviceOptions(write, seeds, most, tuple(unlabelled or ()), gazetteer)
    with elsewhere(TO_OUTPUT), listening(Terminal(Talk.of(quiet, False, json), advise.show)):
        advice.advise(target, set_ or [], wanted)


@app.command()
def audit(
    target: options.AuditTarget,
    set_: Set = None,
    split: options.AuditSplits = None,
    folds: options.Folds = 5,
    most: options.PagedSuspects = 500,
    apply: options.Decisions = None,
    out: options.CorrectedCopy = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Find mistakes in the annotation. Writes a list and a page to decide on; --apply writes a corrected copy."""
    from halluc.commands import audit
    from halluc.workflows import audit as auditing
    from halluc.workflows import corrections

    with listening(Terminal(Talk.of(quiet, False, json), audit.show)):
        if apply is not None or out is not None:
            corrections.apply(target, set_ or [], apply, out)
        else:
            auditing.audit(target, set_ or [], auditing.AuditOptions(tuple(split or ()), folds, most))


@app.command()
def export(
    run: options.Exported,
    format_: options.ExportFormat = "onnx",
    quantize: options.Quantize = None,
    tolerance: options.Tolerance = 0.005,
    output: options.ExportOutput = None,
    force: options.Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Export a model, to predict without torch, and compare it with the run on dev. Exit code 5 if it is worse."""
    from halluc.workflows import exporting

    wanted = exporting.ExportOptions(format_, quantize, tolerance, output, force)
    with listening(Terminal(Talk.of(quiet, False, json))):
        exporting.export(run, wanted)


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(metavar="IN", help="The corpus: a path, demo:NAME, hub:NAME@REVISION, or a config (.yaml)."),
    ],
    target: options.Converted,
    set_: options.SetData = None,
    task: options.Task = None,
    split: options.Splits = None,
    to: options.To = None,
    scheme: options.Scheme = None,
    separator: options.Separator = None,
    join: options.Join = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Convert a corpus to another format. Exit code 3 if it cannot be read, or the format cannot hold it."""
    from halluc.workflows import conversion

    wanted = conversion.ConversionOptions(task, tuple(split or ()), to, scheme, separator, join)
    with listening(Terminal(Talk.of(quiet, False, json))):
        conversion.convert(source, target, set_ or [], wanted)


@app.command()
def push(
    run: options.PushedRun,
    name: options.Repository,
    with_report: options.WithReport = False,
    private: options.Private = False,
    yes: options.Yes = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Publish a model with its card and config on a Hugging Face hub. Without --yes, only list what would be."""
    from halluc.workflows import publishing

    with listening(Terminal(Talk.of(quiet, False, json))):
        publishing.push(run, name, private=private, with_report=with_report, yes=yes)


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
    from halluc.commands import clean

    clean.run(target, dry_run=dry_run, talk=Talk.of(quiet, False, json))


@app.command()
def runs(folder: options.RunsFolder = Path("runs"), json: Json = False) -> None:
    """List the runs and studies of a folder: task, state, main figures, size, age."""
    from halluc.commands import runs
    from halluc.workflows import run_listing

    with listening(Terminal(Talk.of(False, False, json), runs.show)):
        run_listing.list_runs(folder)


@app.command()
def doctor(json: Json = False) -> None:
    """Print versions, devices, threads, precision, and what each extra needs. Exit code 4 if a package is missing."""
    from halluc.commands import doctor
    from halluc.core.errors import EXIT_ENVIRONMENT
    from halluc.workflows import diagnosis

    with listening(Terminal(Talk.of(False, False, json), doctor.show)):
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
    from halluc.commands import listing

    listing.run(kind, as_json=json)


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
