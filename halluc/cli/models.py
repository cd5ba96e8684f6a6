"""Commands on trained models, and on corpora."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Literal

import typer

from halluc.cli import options
from halluc.cli.app import app, command_line
from halluc.cli.options import Json, Quiet, Set
from halluc.commands import completion
from halluc.commands.terminal import Terminal
from halluc.core.files import TO_OUTPUT, elsewhere
from halluc.core.messages import listening

# How the texts of `predict` are read; None: detected, or as in the data of the run.
_Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="The encoding (default: that of the run's data, else utf-8).")
]
_TextField = Annotated[
    str | None, typer.Option(metavar="NAME", help="The field or column of the text (default: that of the run's data).")
]
_SecondField = Annotated[
    str | None, typer.Option(metavar="NAME", help="For pairs, the field or column of the second text.")
]
_Delimiter = Annotated[
    str | None, typer.Option(metavar="CHAR", help="For CSV: one character or `tab` (default: detect it).")
]
_Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="For CSV: whether the first row has column names (default: detect it)."),
]
_Quoting = Annotated[
    bool | None,
    typer.Option("--quoting/--no-quoting", help="For CSV: whether double quotes enclose cells (default: detect it)."),
]
_Tokenize = Annotated[
    Literal["words", "whitespace", "characters"] | None,
    typer.Option(help="How texts are split into tokens (default: as in the run's data)."),
]


# Extra arguments are a mistake that gets a hint: texts are given with --input.
@app.command(context_settings={"allow_extra_args": True})
def predict(
    context: typer.Context,
    model: options.PredictModel,
    input_: Annotated[
        Path, typer.Option("--input", "-i", metavar="FILE", help="The texts, or - for standard input.")
    ] = Path("-"),
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The output file, or - for standard output.")
    ] = Path("-"),
    format_: Annotated[
        Literal["auto", "text", "jsonl", "json", "csv", "conll"],
        typer.Option("--format", help="text: one text per line; csv: also TSV; auto: detect the format."),
    ] = "auto",
    encoding: _Encoding = None,
    text_field: _TextField = None,
    second_field: _SecondField = None,
    delimiter: _Delimiter = None,
    header: _Header = None,
    quoting: _Quoting = None,
    tokenize: _Tokenize = None,
    look_ahead: Annotated[
        int, typer.Option(metavar="N", min=1, help="The number of texts that are read and predicted together.")
    ] = 512,
    jobs: Annotated[
        str, typer.Option(metavar="auto|N", help="Number of processes; auto: one per core, or one with a GPU.")
    ] = "1",
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Only predict the I-th of N parts; without --shard, the parts are merged."),
    ] = None,
    on: options.OnRay = None,
    address: options.Address = None,
    shards: options.ShardCount = None,
    with_: options.Members = None,
    set_: Set = None,
    quiet: Quiet = False,
) -> None:
    """Predict on new texts; write one JSON object per text. Exit code 3 if some texts cannot be read."""
    from halluc.commands import predict
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
        line = functools.partial(command_line, context, on=None, address=None, shards=None)
        count = predict.processes(jobs)
        sink = functools.partial(predict.written, target)
        predictions.predict(job, target, sink, sharing, lambda one: line(shard=one), count)


@app.command()
def serve(
    model: options.PredictModel,
    host: Annotated[
        str, typer.Option(help="The address. Other addresses than loopback need a token in HALLUC_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: any free port.")] = 8000,
    max_body: Annotated[
        int, typer.Option(metavar="BYTES", min=1024, max=1 << 30, help="Maximum size of a request body.")
    ] = 1 << 20,
    max_text: Annotated[
        int, typer.Option(metavar="N", min=1, max=1 << 28, help="Maximum number of characters of a text.")
    ] = 50_000,
    max_queue: Annotated[
        int, typer.Option(metavar="N", min=1, max=100_000, help="Maximum number of waiting requests.")
    ] = 64,
    batch_tokens: Annotated[
        int, typer.Option(metavar="N", min=1, max=1 << 24, help="A batch with this many tokens takes no more requests.")
    ] = 4096,
    wait: Annotated[
        float,
        typer.Option(metavar="MS", min=0, max=1000, help="How many milliseconds a batch waits for more requests."),
    ] = 5.0,
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
    target: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG_OR_RUN",
            autocompletion=completion.targets,
            help="A run, or a config (its newest trained run is used).",
        ),
    ],
    patterns: Annotated[
        Path, typer.Option(metavar="DIR", help="Cloze patterns: a folder of RELATION.jsonl files, or one file.")
    ],
    facts: Annotated[
        Path, typer.Option(metavar="DIR", help="Facts: a folder of files with the same names, or one file.")
    ],
    set_: Set = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Probe this model: a folder, a .gguf file, hub:NAME or package:NAME/FOLDER."
        ),
    ] = None,
    relation: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this relation; repeatable.")] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="From each relation, sample N facts whose subject is in the training data, "
            "and N others (default: all).",
        ),
    ] = None,
    most_patterns: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only use the first N patterns of each relation (default: all)."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(metavar="P", min=0, max=1, help="Minimum confidence of an asserted answer.")
    ] = 0.5,
    top: Annotated[
        int, typer.Option(metavar="N", min=1, max=1_000, help="Number of candidates that are written for each answer.")
    ] = 5,
    name: Annotated[str, typer.Option(metavar="NAME", help="The name of the files in probe/ of the run.")] = "facts",
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
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run directory of a trained model.")],
    format_: Annotated[
        Literal["onnx", "torch"],
        typer.Option("--format", help="onnx: a model for onnxruntime; torch: a torch.export program."),
    ] = "onnx",
    quantize: Annotated[
        Literal["int8"] | None, typer.Option(help="Store the weights as 8-bit integers; ONNX only.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="X", help="Maximum decrease of the primary figure on dev, from 0 to 1.")
    ] = 0.005,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="The folder (default: export/ in the run).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
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
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run directory of a trained model.")],
    name: Annotated[str, typer.Argument(metavar="hub:NAME", help="The repository: NAME or ORGANISATION/NAME.")],
    with_report: Annotated[
        bool, typer.Option("--with-report", help="Also publish the report, which quotes texts of the corpus.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Create a private repository; fail if it exists and is public.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Publish. Without this option, nothing is uploaded.")] = False,
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
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="A file, or a folder for several splits. It is overwritten.")
    ],
    set_: options.SetData = None,
    task: options.Task = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            autocompletion=completion.splits, help="The split; repeatable (default: all of a config, else train)."
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="The format, such as spacy (default: by the extension of OUT).")
    ] = None,
    scheme: Annotated[
        Literal["iob1", "iob2", "bioes", "bmes", "bilou", "io"] | None,
        typer.Option(help="The tag scheme in conll, csv and table (default: iob2)."),
    ] = None,
    separator: Annotated[
        Literal["tab", "space"] | None, typer.Option(help="The column separator in conll (default: tab).")
    ] = None,
    join: Annotated[
        Literal["blank", "none"] | None,
        typer.Option(help="Join tokens to texts, with or without spaces (default: keep texts)."),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Convert a corpus to another format. Exit code 3 if it cannot be read, or the format cannot represent it."""
    from halluc.workflows import conversion

    wanted = conversion.ConversionOptions(task, tuple(split or ()), to, scheme, separator, join)
    with listening(Terminal(quiet=quiet, json=json)):
        conversion.convert(source, target, set_ or [], wanted)
