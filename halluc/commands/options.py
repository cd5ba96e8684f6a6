"""Arguments and options of commands on experiments, and shared options, with their help."""

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
        help="The experiment, a YAML file, or a run directory (like --run).",
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
        help="Average the probabilities with this model; repeatable.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="AXIS=VALUE", help="In a study, only run the cells with this value; repeatable."),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="In a study, run every N-th cell, starting at the I-th; for job arrays."
    ),
]
Processes = Annotated[
    str,
    typer.Option(
        "--processes",
        metavar="auto|N",
        help="Train with N processes on this machine, like torchrun; auto: one per GPU.",
    ),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Rename the folder of the old study and start from the beginning.")
]
Jobs = Annotated[
    str | None,
    typer.Option(
        "--jobs",
        metavar="auto|N",
        help="In a study, run N cells at once; auto: one per GPU, or one per core without GPUs.",
    ),
]
On = Annotated[
    Literal["slurm", "ray"] | None,
    typer.Option("--on", help="In a study, run the cells on a cluster; set resources in the section `launch`."),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address", metavar="HOST:PORT", help="With --on ray: the address of the cluster (default: $RAY_ADDRESS)."
    ),
]
OnRay = Annotated[
    Literal["ray"] | None,
    typer.Option("--on", help="Run on a Ray cluster; set resources in the section `launch` of the config."),
]
ShardCount = Annotated[
    int | None,
    typer.Option(
        "--shards",
        metavar="N",
        min=1,
        max=100_000,
        help="With --on ray: number of shards (default: twice the number that runs at once).",
    ),
]
# For the command lines of tasks.
Part = Annotated[int | None, typer.Option("--part", help="Train the model without this part of train.", hidden=True)]
Trial = Annotated[int | None, typer.Option("--trial", help="Run this trial, which was chosen.", min=0, hidden=True)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --on slurm: print the scripts without submitting them.")]
AllowCommands = Annotated[bool, typer.Option("--allow-commands", help="Allow the config to start external programs.")]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only print errors and the last line.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print all logged steps and messages of libraries.")]
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
        "--shard", metavar="I/N", help="Only the I-th of N parts: of the cells of a study, or of the examples of --run."
    ),
]

Ci = Annotated[
    Literal["github", "junit"] | None,
    typer.Option("--ci", help="Write gates for CI. github: workflow annotations; junit: gates.junit.xml in the run."),
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
RunsFolder = Annotated[
    Path,
    typer.Argument(metavar="DIR", autocompletion=completion.runs, help="The folder of runs, or a single run or study."),
]

InitialData = Annotated[
    str, typer.Argument(metavar="DATA", help="A file, a folder with a file for each split, or demo:NAME.")
]
NewConfig = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The config to write.")]
ModelPreset = Annotated[
    str | None, typer.Option("--preset", metavar="NAME", help="The model: small, base, multilingual, scratch, …")
]

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
    typer.Option(
        "--write", metavar="FILE", help="Write a study of these remedies; for a study, write the best config."
    ),
]
Seeds = Annotated[int, typer.Option("--seeds", metavar="N", min=1, max=1_000, help="The seeds of the study, 1 to N.")]
MostArms = Annotated[
    int, typer.Option("--most", metavar="N", min=1, max=100, help="Maximum number of remedies that need training.")
]
Unlabelled = Annotated[
    list[str] | None,
    typer.Option("--unlabelled", metavar="FILE", help="Unlabelled texts, for remedies that use them; repeatable."),
]
GazetteerFile = Annotated[
    str | None,
    typer.Option("--gazetteer", metavar="FILE", help="A gazetteer (list of names), for remedies that use one."),
]

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
        help="The split: train, dev or test; repeatable (default: all splits that can be audited).",
    ),
]
Folds = Annotated[int, typer.Option("--folds", metavar="K", help="For train: the number of cross-fitting folds.")]
PagedSuspects = Annotated[int, typer.Option("--most", metavar="N", min=1, help="The number of suspects on the page.")]
Decisions = Annotated[
    Path | None,
    typer.Option("--apply", metavar="FILE", help="Apply these decisions and write a corrected copy of the corpus."),
]
CorrectedCopy = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", help="With --apply: the corrected copy; the file extension selects the format."
    ),
]
OtherGold = Annotated[
    Path | None,
    typer.Option(
        "--gold",
        metavar="FILE",
        help="Evaluate the run against this annotation of the split, such as a corrected copy.",
    ),
]

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
        help="A run, a config or a study. Several runs are compared with the first one.",
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
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="The output folder (default: report/ in the run).")
]
ReportClaims = Annotated[
    int, typer.Option("--claims", metavar="N", min=1, help="Number of claims per verdict on the page.")
]
ReportOpen = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]
