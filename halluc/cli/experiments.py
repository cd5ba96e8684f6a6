"""Commands on experiments: a config, its runs and its studies."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from halluc.cli.app import app
from halluc.commands import options
from halluc.commands.options import (
    AllowCommands,
    Config,
    ConfigOrNone,
    Fresh,
    Json,
    Only,
    Preview,
    Quiet,
    Replay,
    Resume,
    Run,
    Set,
    Shard,
    ShardOfExamples,
    Verbose,
)
from halluc.commands.terminal import Terminal
from halluc.core.files import TO_OUTPUT, elsewhere
from halluc.core.messages import listening
from halluc.core.permissions import allowing_commands


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
    """Write a commented config for a corpus, with a proposed task, fields, splits and model."""
    from halluc.workflows import initialisation

    with listening(Terminal(quiet=quiet, json=json)):
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

    with listening(Terminal(check.show, quiet=quiet, json=json)):
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
    from halluc.launch.ray_commands import Sharing
    from halluc.workflows import augmentation_runs
    from halluc.workflows.cell_selection import Selection

    selection, previewed = Selection(tuple(only or ()), shard, fresh), augmentation_runs.PreviewOptions(preview, replay)
    with allowing_commands(allow_commands), listening(Terminal(augment.show, quiet=quiet, verbose=verbose, json=json)):
        line = functools.partial(command_lines.of, context, on=None, address=None, shards=None)
        sharing = Sharing(shard, on, address, shards)
        augmentations.augment(config, set_ or [], run, selection, previewed, sharing, lambda one: line(shard=one))


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
    """Fine-tune a model and save the best checkpoint on dev."""
    from halluc.commands import command_lines, results
    from halluc.launch import local
    from halluc.workflows import training
    from halluc.workflows.cell_selection import Selection

    if (count := local.training_processes(processes)) > 1:
        from halluc.engine import elastic

        raise typer.Exit(elastic.run(command_lines.of(context, processes="1"), count))

    selection = Selection(tuple(only or ()), shard, fresh)
    terminal = Terminal(results.show_training, quiet=quiet, verbose=verbose, json=json)
    with allowing_commands(allow_commands), listening(terminal):
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
    on: options.OnRay = None,
    address: options.Address = None,
    ci: options.Ci = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Evaluate a model. Writes predictions, figures and classification reports. Exit code 5 if a gate fails."""
    from halluc.commands import results
    from halluc.launch import evaluations
    from halluc.launch.studies import LaunchOptions
    from halluc.workflows import gate_reports
    from halluc.workflows.cell_selection import Selection

    selection = Selection(tuple(only or ()), shard)
    terminal = Terminal(results.show_evaluated, quiet=quiet, verbose=verbose, json=json)
    with gate_reports.use_format(ci), listening(terminal):
        evaluations.evaluate(
            config, set_ or [], LaunchOptions(on=on, address=address), splits=split, run=run, checkpoint=checkpoint,
            selection=selection, predictions=predictions, name=name, members=with_ or (), gold=gold,
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
    """Train, evaluate and report; in a study, all cells. Run it again to continue an interrupted run or study."""
    from halluc.commands import results
    from halluc.launch import studies
    from halluc.workflows import gate_reports
    from halluc.workflows.cell_selection import Selection

    selection = Selection(tuple(only or ()), shard, fresh)
    terminal = Terminal(results.show_run, quiet=quiet, verbose=verbose, json=json)
    with allowing_commands(allow_commands), gate_reports.use_format(ci), listening(terminal):
        where = studies.LaunchOptions(jobs, on, address, dry_run)
        studies.run(config, set_ or [], selection=selection, where=where)


@app.command()
def tune(
    context: typer.Context,
    config: Config,
    set_: Set = None,
    fresh: Fresh = False,
    on: options.OnRay = None,
    address: options.Address = None,
    trial: options.Trial = None,
    allow_commands: AllowCommands = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Hyperparameter search on dev, configured in the section `tune`. Run it again to continue, or to add trials."""
    from halluc.commands import command_lines, results
    from halluc.launch import tunings
    from halluc.launch.studies import LaunchOptions
    from halluc.workflows import tuning

    terminal = Terminal(results.show_tuning, quiet=quiet, verbose=verbose, json=json)
    with allowing_commands(allow_commands), listening(terminal):
        if trial is not None:
            tuning.run_trial(config, set_ or [], trial)
            return
        line = functools.partial(command_lines.of, context, on=None, address=None, fresh=False)
        where = LaunchOptions(on=on, address=address)
        tunings.tune(config, set_ or [], fresh, where, lambda number: line(trial=number))


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

    wanted = reports.ReportOptions(split, reference, claims, reports.formats_of(format_), output)
    with elsewhere(TO_OUTPUT), listening(Terminal(results.show_report, quiet=quiet, json=json)):
        pages = reports.report(targets, set_ or [], wanted).written.get("html", ())
    for page in pages if open_ else ():
        results.open_page(page)


app.command("compare", help="Compare runs with the first one; the same as `halluc report RUN RUN`.")(report)


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
    """Analyse the errors of a run on dev and recommend remedies; for a study, show which remedy helped."""
    from halluc.commands import results
    from halluc.workflows import advice

    wanted = advice.AdviceOptions(write, seeds, most, tuple(unlabelled or ()), gazetteer)
    with elsewhere(TO_OUTPUT), listening(Terminal(results.show_advice, quiet=quiet, json=json)):
        advice.advise(target, set_ or [], wanted)


@app.command()
def audit(
    context: typer.Context,
    target: options.AuditTarget,
    set_: Set = None,
    split: options.AuditSplits = None,
    folds: options.Folds = 5,
    most: options.PagedSuspects = 500,
    apply: options.Decisions = None,
    out: options.CorrectedCopy = None,
    on: options.OnRay = None,
    address: options.Address = None,
    part: options.Part = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Find annotation errors. Writes a list and a review page; --apply writes a corrected copy."""
    from halluc.commands import command_lines, results
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
            line = functools.partial(command_lines.of, context, on=None, address=None, split=["train"])
            audits.audit(target, set_ or [], wanted, where, lambda one: line(part=one))
