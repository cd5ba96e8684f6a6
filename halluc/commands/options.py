"""Arguments and options that several commands share, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from halluc.commands import completion

Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", autocompletion=completion.configs, help="The experiment, a YAML file.")
]
ConfigOrNone = Annotated[
    Path | None,
    typer.Argument(
        metavar="[CONFIG|RUN]",
        autocompletion=completion.targets,
        help="The experiment, a YAML file, or a run directory, as --run.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        autocompletion=completion.overrides,
        help="Override a config value, such as --set train.epochs=1; repeatable.",
    ),
]
Run = Annotated[
    Path | None,
    typer.Option(
        "--run",
        "--run-dir",
        metavar="DIR",
        autocompletion=completion.runs,
        help="Use this run directory. With torchrun, write --run-dir.",
    ),
]
Members = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="RUN_OR_MODEL",
        autocompletion=completion.runs,
        help="Average the probabilities with those of this model; repeatable.",
    ),
]
TextFormat = Annotated[
    Literal["auto", "text", "jsonl", "json", "csv", "conll"],
    typer.Option("--format", help="text: one text per line; csv: also TSV; auto: detect it."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="AXIS=VALUE", help="In a study, only the cells with this value; repeatable."),
]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="In a study, every N-th cell, starting at the I-th; for job arrays."),
]
Processes = Annotated[
    str,
    typer.Option(
        "--processes",
        metavar="auto|N",
        help="Train with N processes on this machine, as torchrun does; auto: one for each GPU.",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Rename the folder of the old study and start again.")]
Jobs = Annotated[
    str | None,
    typer.Option(
        "--jobs",
        metavar="auto|N",
        help="In a study, N cells at once; auto: one for each GPU, or for each core without one.",
    ),
]
On = Annotated[
    Literal["slurm", "ray"] | None,
    typer.Option("--on", help="In a study, run the cells on a cluster; resources are in the section `launch`."),
]
Address = Annotated[
    str | None,
    typer.Option("--address", metavar="HOST:PORT", help="With --on ray: the cluster (default: $RAY_ADDRESS)."),
]
OnRay = Annotated[
    Literal["ray"] | None,
    typer.Option("--on", help="By shards on a Ray cluster; resources are in the section `launch` of the config."),
]
ShardOfTexts = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only the I-th of N parts; without --shard, parts are put together."),
]
ShardCount = Annotated[
    int | None,
    typer.Option(
        "--shards", metavar="N", min=1, max=100_000, help="With --on ray: N parts (default: twice what runs at once)."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --on slurm: show the scripts and submit nothing.")]
AllowCommands = Annotated[
    bool, typer.Option("--allow-commands", help="Let the config start the programs that it names.")
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
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the last line.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every logged step and messages of libraries.")]
Preview = Annotated[
    int | None,
    typer.Option(
        "--preview", metavar="N", min=1, help="Print N examples before and after augmentation; write nothing."
    ),
]
Replay = Annotated[
    str | None,
    typer.Option("--replay", metavar="ID", help="Recreate one augmented example and compare it; write nothing."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the newest interrupted training of this config, if there is one.")
]
ShardOfExamples = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="The I-th of N parts: of the cells of a study, or of the examples of --run."
    ),
]

Ci = Annotated[
    Literal["github", "junit"] | None,
    typer.Option("--ci", help="Write gates for CI. github: workflow annotations; junit: gates.junit.xml in the run."),
]

# Of `convert`.
Converted = Annotated[
    Path, typer.Argument(metavar="OUT", help="A file, or a folder for several splits. It is overwritten.")
]
SetData = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="data.KEY=VALUE",
        autocompletion=completion.overrides,
        help="How to read IN, such as --set data.separator=tab; repeatable.",
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="TASK",
        autocompletion=completion.tasks,
        help="The task of the data, see `halluc list tasks` (default: detect it).",
    ),
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
    Literal["tab", "space"] | None,
    typer.Option("--separator", help="The column separator in conll (default: tab)."),
]
Join = Annotated[
    Literal["blank", "none"] | None,
    typer.Option("--join", help="Join tokens to texts, with or without blanks (default: keep texts)."),
]

# Of `export`.
Exported = Annotated[str, typer.Argument(metavar="RUN", help="The run directory of a trained model.")]
ExportFormat = Annotated[
    Literal["onnx", "torch"],
    typer.Option("--format", help="onnx: a model for onnxruntime; torch: a program of torch.export."),
]
Quantize = Annotated[
    Literal["int8"] | None, typer.Option("--quantize", help="Store the weights as 8-bit integers; ONNX only.")
]
Tolerance = Annotated[
    float,
    typer.Option("--tolerance", metavar="X", help="How much the primary figure may fall on dev, from 0 to 1."),
]
ExportOutput = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="The folder (default: export/ in the run).")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier export.")]

# Of `probe`.
Probed = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG_OR_RUN",
        autocompletion=completion.targets,
        help="A run, or a config, of which the newest trained run is taken.",
    ),
]
Patterns = Annotated[
    Path, typer.Option("--patterns", metavar="DIR", help="Cloze patterns: RELATION.jsonl files, or one such file.")
]
Facts = Annotated[
    Path,
    typer.Option("--facts", metavar="DIR", help="Facts: files of the same names, or one such file."),
]
Relations = Annotated[
    list[str] | None, typer.Option("--relation", metavar="NAME", help="Only this relation; repeatable.")
]
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample", metavar="N", min=1,
        help="Of each relation N facts whose subject training mentions, and N others, at random (default: all).",
    ),
]  # fmt: skip
MostPatterns = Annotated[
    int | None,
    typer.Option("--most-patterns", metavar="N", min=1, help="The first N patterns of each relation (default: all)."),
]
Threshold = Annotated[
    float,
    typer.Option("--threshold", metavar="P", min=0, max=1, help="The confidence from which an answer is asserted."),
]
Top = Annotated[
    int, typer.Option("--top", metavar="N", min=1, max=1_000, help="How many candidates of each answer are written.")
]
ProbeName = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The name of the files that are written to probe/ in the run.")
]
ProbedModel = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="MODEL",
        help="Probe this model: a folder, a .gguf file, hub:NAME or package:NAME/FOLDER.",
    ),
]

RunsFolder = Annotated[
    Path, typer.Argument(metavar="DIR", autocompletion=completion.runs, help="The folder of runs, or one run or study.")
]

InitialData = Annotated[
    str, typer.Argument(metavar="DATA", help="A file, a folder with a file for each split, or demo:NAME.")
]
NewConfig = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The config to write.")]
ModelPreset = Annotated[
    str | None, typer.Option("--preset", metavar="NAME", help="The model: small, base, multilingual, scratch, …")
]

# Of `advise`.
Advised = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|CONFIG|STUDY",
        autocompletion=completion.targets,
        help="An evaluated run, its config, or a study of remedies.",
    ),
]
WrittenConfig = Annotated[
    Path | None,
    typer.Option("--write", metavar="FILE", help="Write the study of these remedies; of a study, the best config."),
]
Seeds = Annotated[int, typer.Option("--seeds", metavar="N", min=1, max=1_000, help="The seeds of the study, 1 to N.")]
MostArms = Annotated[
    int, typer.Option("--most", metavar="N", min=1, max=100, help="At most N remedies that have to be trained.")
]
Unlabelled = Annotated[
    list[str] | None,
    typer.Option("--unlabelled", metavar="FILE", help="Texts without labels, for remedies that use some; repeatable."),
]
GazetteerFile = Annotated[
    str | None, typer.Option("--gazetteer", metavar="FILE", help="A list of names, for remedies that use one.")
]

# Of `audit`.
AuditTarget = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG|RUN",
        autocompletion=completion.targets,
        help="The experiment, or a run directory with its model.",
    ),
]
AuditSplits = Annotated[
    list[str] | None,
    typer.Option(
        "--split",
        autocompletion=completion.splits,
        help="The split: train, dev or test; repeatable (default: all that can be audited).",
    ),
]
Folds = Annotated[
    int, typer.Option("--folds", metavar="K", help="For train: the number of models that are cross-fitted.")
]
PagedSuspects = Annotated[int, typer.Option("--most", metavar="N", min=1, help="The number of suspects on the page.")]
Decisions = Annotated[
    Path | None,
    typer.Option("--apply", metavar="FILE", help="Apply these decisions instead, and write a corrected copy."),
]
CorrectedCopy = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="With --apply: the corrected copy; its name says the format."),
]
OtherGold = Annotated[
    Path | None,
    typer.Option(
        "--gold", metavar="FILE", help="Judge the run by this annotation of the split, such as a corrected copy."
    ),
]

# Of `eval`, `report` and `predict`.
EvaluateSplit = Annotated[
    list[str] | None,
    typer.Option("--split", autocompletion=completion.splits, help="The split: train, dev or test; repeatable."),
]
EvaluateCheckpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint", metavar="MODEL", help="Evaluate this model: a folder, hub:NAME or package:NAME/FOLDER."
    ),
]
EvaluatePredictions = Annotated[
    Path | None,
    typer.Option("--predictions", metavar="FILE", help="Evaluate the predictions of another tool; no model is loaded."),
]
EvaluateName = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="TEXT", help="With --predictions: the name of the tool (default: the name of FILE)."
    ),
]
ReportTargets = Annotated[
    list[Path],
    typer.Argument(
        metavar="TARGET...",
        autocompletion=completion.targets,
        help="A run, a config or a study. Several runs are compared with the first.",
    ),
]
ReportSplit = Annotated[
    str | None,
    typer.Option(
        "--split", autocompletion=completion.splits, help="The split (default: test if all runs have it, else dev)."
    ),
]
ReportReference = Annotated[
    str | None,
    typer.Option(
        "--reference", metavar="ARM", help="In a study, the arm that others are compared with (default: the first)."
    ),
]
ReportFormat = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="html,md,…",
        autocompletion=completion.formats,
        help="The files to write: html, md, json, csv, jsonl, tex, svg, pdf, png.",
    ),
]
ReportOutput = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="DIR", help="The output folder (default: report/ in the run)."),
]
ReportClaims = Annotated[
    int, typer.Option("--claims", metavar="N", min=1, help="The number of claims of each verdict on the page.")
]
ReportOpen = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]
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
    str,
    typer.Option("--jobs", metavar="auto|N", help="N processes at once; auto: one for each core, one with a GPU."),
]
ServeHost = Annotated[
    str, typer.Option("--host", help="The address. Others than loopback need a token in HALLUC_TOKEN.")
]
ServePort = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")]
ServeMaxBody = Annotated[
    int, typer.Option("--max-body", metavar="BYTES", min=1024, max=1 << 30, help="The largest body of a request.")
]
ServeMaxText = Annotated[
    int, typer.Option("--max-text", metavar="N", min=1, max=1 << 28, help="The most characters of one text.")
]
ServeMaxQueue = Annotated[
    int, typer.Option("--max-queue", metavar="N", min=1, max=100_000, help="The most requests that may wait.")
]
ServeBatchTokens = Annotated[
    int, typer.Option("--batch-tokens", metavar="N", min=1, max=1 << 24, help="A batch of so many tokens is full.")
]
ServeWait = Annotated[
    float, typer.Option("--wait", metavar="MS", min=0, max=1000, help="How long a batch waits for more requests.")
]
PushedRun = Annotated[Path, typer.Argument(metavar="RUN", help="The run directory of a trained model.")]
Repository = Annotated[str, typer.Argument(metavar="hub:NAME", help="The repository: NAME or ORGANISATION/NAME.")]
WithReport = Annotated[
    bool, typer.Option("--with-report", help="Also publish the report, which quotes texts of the corpus.")
]
Private = Annotated[bool, typer.Option("--private", help="Make a new repository private; refuse one that is public.")]
Yes = Annotated[bool, typer.Option("--yes", help="Publish. Without it, nothing is sent.")]
