"""Arguments and options of commands on trained models and corpora, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from halluc.commands import completion

TextFormat = Annotated[
    Literal["auto", "text", "jsonl", "json", "csv", "conll"],
    typer.Option("--format", help="text: one text per line; csv: also TSV; auto: detect the format."),
]
ShardOfTexts = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="Only predict the I-th of N parts; without --shard, the parts are merged."
    ),
]
TextField = Annotated[
    str | None,
    typer.Option(
        "--text-field", metavar="NAME", help="The field or column of the text (default: that of the run's data)."
    ),
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="For CSV: whether the first row has column names (default: detect it)."),
]
Quoting = Annotated[
    bool | None,
    typer.Option("--quoting/--no-quoting", help="For CSV: whether double quotes enclose cells (default: detect it)."),
]
Converted = Annotated[
    Path, typer.Argument(metavar="OUT", help="A file, or a folder for several splits. It is overwritten.")
]
Splits = Annotated[
    list[str] | None,
    typer.Option(
        "--split",
        autocompletion=completion.splits,
        help="The split; repeatable (default: all of a config, else train).",
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="FORMAT", help="The format, such as spacy (default: by the extension of OUT)."),
]
Scheme = Annotated[
    Literal["iob1", "iob2", "bioes", "bmes", "bilou", "io"] | None,
    typer.Option("--scheme", help="The tag scheme in conll, csv and table (default: iob2)."),
]
Separator = Annotated[
    Literal["tab", "space"] | None, typer.Option("--separator", help="The column separator in conll (default: tab).")
]
Join = Annotated[
    Literal["blank", "none"] | None,
    typer.Option("--join", help="Join tokens to texts, with or without spaces (default: keep texts)."),
]

Exported = Annotated[str, typer.Argument(metavar="RUN", help="The run directory of a trained model.")]
ExportFormat = Annotated[
    Literal["onnx", "torch"],
    typer.Option("--format", help="onnx: a model for onnxruntime; torch: a torch.export program."),
]
Quantize = Annotated[
    Literal["int8"] | None, typer.Option("--quantize", help="Store the weights as 8-bit integers; ONNX only.")
]
Tolerance = Annotated[
    float, typer.Option("--tolerance", metavar="X", help="Maximum decrease of the primary figure on dev, from 0 to 1.")
]
ExportOutput = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="The folder (default: export/ in the run).")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier export.")]

Probed = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG_OR_RUN",
        autocompletion=completion.targets,
        help="A run, or a config (its newest trained run is used).",
    ),
]
Patterns = Annotated[
    Path,
    typer.Option("--patterns", metavar="DIR", help="Cloze patterns: a folder of RELATION.jsonl files, or one file."),
]
Facts = Annotated[
    Path, typer.Option("--facts", metavar="DIR", help="Facts: a folder of files with the same names, or one file.")
]
Relations = Annotated[
    list[str] | None, typer.Option("--relation", metavar="NAME", help="Only this relation; repeatable.")
]
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample", metavar="N", min=1,
        help="From each relation, sample N facts whose subject is in the training data, and N others (default: all).",
    ),
]  # fmt: skip
MostPatterns = Annotated[
    int | None,
    typer.Option(
        "--most-patterns", metavar="N", min=1, help="Only use the first N patterns of each relation (default: all)."
    ),
]
Threshold = Annotated[
    float, typer.Option("--threshold", metavar="P", min=0, max=1, help="Minimum confidence of an asserted answer.")
]
Top = Annotated[
    int,
    typer.Option("--top", metavar="N", min=1, max=1_000, help="Number of candidates that are written for each answer."),
]
ProbeName = Annotated[str, typer.Option("--name", metavar="NAME", help="The name of the files in probe/ of the run.")]
ProbedModel = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="MODEL",
        help="Probe this model: a folder, a .gguf file, hub:NAME or package:NAME/FOLDER.",
    ),
]

PredictModel = Annotated[
    str,
    typer.Argument(
        metavar="RUN_OR_MODEL",
        autocompletion=completion.runs,
        help="A run, or a model: a folder, hub:NAME or package:NAME/FOLDER.",
    ),
]
PredictInput = Annotated[
    Path, typer.Option("--input", "-i", metavar="FILE", help="The texts, or - for standard input.")
]
PredictOutput = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The output file, or - for standard output.")
]
PredictEncoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="The encoding (default: that of the run's data, else utf-8)."),
]
PredictSecondField = Annotated[
    str | None,
    typer.Option("--second-field", metavar="NAME", help="For pairs, the field or column of the second text."),
]
PredictDelimiter = Annotated[
    str | None,
    typer.Option("--delimiter", metavar="CHAR", help="For CSV: one character or `tab` (default: detect it)."),
]
PredictTokenize = Annotated[
    Literal["words", "whitespace", "characters"] | None,
    typer.Option("--tokenize", help="How texts are split into tokens (default: as in the run's data)."),
]
PredictLookAhead = Annotated[
    int,
    typer.Option("--look-ahead", metavar="N", min=1, help="The number of texts that are read and predicted together."),
]
PredictJobs = Annotated[
    str, typer.Option("--jobs", metavar="auto|N", help="Number of processes; auto: one per core, or one with a GPU.")
]
ServeHost = Annotated[
    str, typer.Option("--host", help="The address. Other addresses than loopback need a token in HALLUC_TOKEN.")
]
ServePort = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0: any free port.")]
ServeMaxBody = Annotated[
    int, typer.Option("--max-body", metavar="BYTES", min=1024, max=1 << 30, help="Maximum size of a request body.")
]
ServeMaxText = Annotated[
    int, typer.Option("--max-text", metavar="N", min=1, max=1 << 28, help="Maximum number of characters of a text.")
]
ServeMaxQueue = Annotated[
    int, typer.Option("--max-queue", metavar="N", min=1, max=100_000, help="Maximum number of waiting requests.")
]
ServeBatchTokens = Annotated[
    int,
    typer.Option(
        "--batch-tokens", metavar="N", min=1, max=1 << 24, help="A batch with this many tokens takes no more requests."
    ),
]
ServeWait = Annotated[
    float,
    typer.Option(
        "--wait", metavar="MS", min=0, max=1000, help="How many milliseconds a batch waits for more requests."
    ),
]
PushedRun = Annotated[Path, typer.Argument(metavar="RUN", help="The run directory of a trained model.")]
Repository = Annotated[str, typer.Argument(metavar="hub:NAME", help="The repository: NAME or ORGANISATION/NAME.")]
WithReport = Annotated[
    bool, typer.Option("--with-report", help="Also publish the report, which quotes texts of the corpus.")
]
Private = Annotated[
    bool, typer.Option("--private", help="Create a private repository; fail if it exists and is public.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Publish. Without this option, nothing is uploaded.")]
