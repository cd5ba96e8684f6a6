"""Commands on trained models, and on corpora."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from halluc.cli.app import app
from halluc.commands import model_options, options
from halluc.commands.options import Json, Quiet, Set
from halluc.commands.terminal import Terminal
from halluc.core.files import TO_OUTPUT, elsewhere
from halluc.core.messages import listening


# Extra arguments are a mistake that gets a hint: texts are given with --input.
@app.command(context_settings={"allow_extra_args": True})
def predict(
    context: typer.Context,
    model: model_options.PredictModel,
    input_: model_options.PredictInput = (Path("-")),
    output: model_options.PredictOutput = Path("-"),
    format_: model_options.TextFormat = "auto",
    encoding: model_options.PredictEncoding = None,
    text_field: model_options.TextField = None,
    second_field: model_options.PredictSecondField = None,
    delimiter: model_options.PredictDelimiter = None,
    header: model_options.Header = None,
    quoting: model_options.Quoting = None,
    tokenize: model_options.PredictTokenize = None,
    look_ahead: model_options.PredictLookAhead = 512,
    jobs: model_options.PredictJobs = "1",
    shard: model_options.ShardOfTexts = None,
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
    from halluc.launch.ray_commands import Sharing
    from halluc.workflows.input_reading import Reading
    from halluc.workflows.prediction import InputJob

    if context.args:
        predict.refuse_second(model, context.args[0])
    source, target = (None if str(path) == "-" else path for path in (input_, output))
    keys = {
        "encoding": encoding, "text_field": text_field, "second_field": second_field, "delimiter": delimiter,
        "header": header, "quoting": quoting, "tokenize": tokenize,
    }  # fmt: skip
    reading = Reading(keys, None if format_ == "auto" else format_, look_ahead)
    with elsewhere(TO_OUTPUT), listening(Terminal(quiet=quiet)):
        job = InputJob(model, source, reading, with_ or (), set_ or ())
        sharing = Sharing(shard, on, address, shards)
        line = functools.partial(command_lines.of, context, on=None, address=None, shards=None)
        count = predict.processes(jobs)
        sink = functools.partial(predict.written, target)
        predictions.predict(job, target, sink, sharing, lambda one: line(shard=one), count)


@app.command()
def serve(
    model: model_options.PredictModel,
    host: model_options.ServeHost = "127.0.0.1",
    port: model_options.ServePort = 8000,
    max_body: model_options.ServeMaxBody = 1 << 20,
    max_text: model_options.ServeMaxText = 50_000,
    max_queue: model_options.ServeMaxQueue = 64,
    batch_tokens: model_options.ServeBatchTokens = 4096,
    wait: model_options.ServeWait = 5.0,
    with_: options.Members = None,
    set_: Set = None,
    quiet: Quiet = False,
) -> None:
    """Serve predictions over HTTP, in the format of Hugging Face's inference tasks. SIGTERM and Ctrl-C stop it."""
    from halluc.workflows import serving
    from halluc.workflows.serving.limits import Limits

    limits = Limits(max_body, max_text, max_queue, batch_tokens, wait / 1000)
    with listening(Terminal(quiet=quiet)):
        serving.serve(model, host, port, limits, with_ or (), set_ or ())


@app.command()
def probe(
    target: model_options.Probed,
    patterns: model_options.Patterns,
    facts: model_options.Facts,
    set_: Set = None,
    checkpoint: model_options.ProbedModel = None,
    relation: model_options.Relations = None,
    sample: model_options.Sample = None,
    most_patterns: model_options.MostPatterns = None,
    threshold: model_options.Threshold = 0.5,
    top: model_options.Top = 5,
    name: model_options.ProbeName = "facts",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Probe the factual knowledge of a language model, also about names that its training split never mentions."""
    from halluc.commands import results
    from halluc.workflows import probing

    wanted = probing.ProbeOptions(patterns, facts, tuple(relation or ()), sample, most_patterns, threshold, top, name)
    with listening(Terminal(results.show_probe, quiet=quiet, json=json)):
        probing.probe(target, set_ or [], wanted, checkpoint)


@app.command()
def export(
    run: model_options.Exported,
    format_: model_options.ExportFormat = "onnx",
    quantize: model_options.Quantize = None,
    tolerance: model_options.Tolerance = 0.005,
    output: model_options.ExportOutput = None,
    force: model_options.Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Export a model to ONNX or torch.export, and compare it with the run on dev. Exit code 5 if it is worse."""
    from halluc.workflows import exporting

    wanted = exporting.ExportOptions(format_, quantize, tolerance, output, force)
    with listening(Terminal(quiet=quiet, json=json)):
        exporting.export(run, wanted)


@app.command()
def push(
    run: model_options.PushedRun,
    name: model_options.Repository,
    with_report: model_options.WithReport = False,
    private: model_options.Private = False,
    yes: model_options.Yes = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Publish a model with its card and config on the Hugging Face Hub. Without --yes, only list the files."""
    from halluc.workflows import publishing

    with listening(Terminal(quiet=quiet, json=json)):
        publishing.push(run, name, private=private, with_report=with_report, yes=yes)


@app.command()
def convert(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="The corpus: a path, demo:NAME, hub:NAME@REVISION, or a config (.yaml).")
    ],
    target: model_options.Converted,
    set_: options.SetData = None,
    task: options.Task = None,
    split: model_options.Splits = None,
    to: model_options.To = None,
    scheme: model_options.Scheme = None,
    separator: model_options.Separator = None,
    join: model_options.Join = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Convert a corpus to another format. Exit code 3 if it cannot be read, or the format cannot represent it."""
    from halluc.workflows import conversion

    wanted = conversion.ConversionOptions(task, tuple(split or ()), to, scheme, separator, join)
    with listening(Terminal(quiet=quiet, json=json)):
        conversion.convert(source, target, set_ or [], wanted)
