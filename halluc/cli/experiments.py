"""Commands on experiments: a config, its runs and its studies."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Literal

import typer

from halluc.cli import options
from halluc.cli.app import app, command_line
from halluc.cli.options import AllowCommands, Config, Fresh, Json, Only, Quiet, Run, Set, Shard, Verbose
from halluc.commands import completion
from halluc.commands.terminal import Terminal
from halluc.core.messages import listening
from halluc.core.processes import allowing_commands


@app.command()
def init(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A file, a folder with a file for each split, or demo:NAME.")
    ] = "demo:ner",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The config to write.")] = Path(
        "experiment.yaml"
    ),
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model: small, base, multilingual, scratch, …")
    ] = None,
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
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Only the I-th of N parts: of the cells of a study, or of the examples of --run."
        ),
    ] = None,
    on: options.OnRay = None,
    address: options.Address = None,
    shards: options.ShardCount = None,
    fresh: Fresh = False,
    preview: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Print N examples before and after augmentation; write nothing."),
    ] = None,
    replay: Annotated[
        str | None, typer.Option(metavar="ID", help="Recreate one augmented example and compare it; write nothing.")
    ] = None,
    allow_commands: AllowCommands = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Create a larger training split by data augmentation. Every edit is recorded."""
    from halluc.commands import augment
    from halluc.launch import augmentations
    from halluc.launch.ray_commands import Sharing
    from halluc.workflows import augmentation_runs
    from halluc.workflows.cell_selection import Selection

    selection, previewed = Selection(tuple(only or ()), shard, fresh), augmentation_runs.PreviewOptions(preview, replay)
    with allowing_commands(allow_commands), listening(Terminal(augment.show, quiet=quiet, verbose=verbose, json=json)):
        line = functools.partial(command_line, context, on=None, address=None, shards=None)
        sharing = Sharing(shard, on, address, shards)
        augmentations.augment(config, set_ or [], run, selection, previewed, sharing, lambda one: line(shard=one))


@app.command()
def train(
    context: typer.Context,
    config: Config,
    set_: Set = None,
    run: Run = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest interrupted training of this config, if there is one.")
    ] = False,
    only: Only = None,
    shard: Shard = None,
    fresh: Fresh = False,
    processes: Annotated[
        str,
        typer.Option(
            metavar="auto|N", help="Train with N processes on this machine, like torchrun; auto: one per GPU."
        ),
    ] = "1",
    allow_commands: AllowCommands = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Fine-tune a model and save the best checkpoint on dev."""
    from halluc.commands import results
    from halluc.launch import local
    from halluc.workflows import training
    from halluc.workflows.cell_selection import Selection

    if (count := local.training_processes(processes)) > 1:
        from halluc.engine import elastic

        raise typer.Exit(elastic.run(command_line(context, processes="1"), count))

    selection = Selection(tuple(only or ()), shard, fresh)
    terminal = Terminal(results.show_training, quiet=quiet, verbose=verbose, json=json)
    with allowing_commands(allow_commands), listening(terminal):
        training.train(config, set_ or [], run=run, resume=resume, selection=selection)


@app.command("eval")
def evaluate(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG|RUN]",
            autocompletion=completion.targets,
            help="The experiment, a YAML file, or a run directory (like --run).",
        ),
    ] = None,
    set_: Set = None,
    split: Annotated[
        list[str] | None,
        typer.Option(autocompletion=completion.splits, help="The split: train, dev or test; repeatable."),
    ] = None,
    run: Run = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Evaluate this model: a folder, hub:NAME or package:NAME/FOLDER."),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Evaluate the predictions of another tool; no model is loaded.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="With --predictions: the name of the tool (default: the name of FILE)."),
    ] = None,
    with_: options.Members = None,
    gold: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Evaluate the run against this annotation of the split, such as a corrected copy."
        ),
    ] = None,
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
    jobs: Annotated[
        str | None,
        typer.Option(
            metavar="auto|N", help="In a study, run N cells at once; auto: one per GPU, or one per core without GPUs."
        ),
    ] = None,
    on: Annotated[
        Literal["slurm", "ray"] | None,
        typer.Option(help="In a study, run the cells on a cluster; set resources in the section `launch`."),
    ] = None,
    address: options.Address = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --on slurm: print the scripts without submitting them.")
    ] = False,
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
    trial: Annotated[int | None, typer.Option(help="Run this trial, which was chosen.", min=0, hidden=True)] = None,
    allow_commands: AllowCommands = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Hyperparameter search on dev, configured in the section `tune`. Run it again to continue, or to add trials."""
    from halluc.commands import results
    from halluc.launch import tunings
    from halluc.launch.studies import LaunchOptions
    from halluc.workflows import tuning

    terminal = Terminal(results.show_tuning, quiet=quiet, verbose=verbose, json=json)
    with allowing_commands(allow_commands), listening(terminal):
        if trial is not None:
            tuning.run_trial(config, set_ or [], trial)
            return
        line = functools.partial(command_line, context, on=None, address=None, fresh=False)
        where = LaunchOptions(on=on, address=address)
        tunings.tune(config, set_ or [], fresh, where, lambda number: line(trial=number))
