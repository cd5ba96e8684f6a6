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
    typer.Option("--on", help="Use a Ray cluster; resources are in the section `launch` of the config."),
]
ShardCount = Annotated[
    int | None,
    typer.Option(
        "--shards", metavar="N", min=1, max=100_000, help="With --on ray: N parts (default: twice what runs at once)."
    ),
]
# For the command lines of tasks.
Part = Annotated[int | None, typer.Option("--part", help="Train the model without this part of train.", hidden=True)]
Trial = Annotated[int | None, typer.Option("--trial", help="Run this trial, which was chosen.", min=0, hidden=True)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --on slurm: show the scripts and submit nothing.")]
AllowCommands = Annotated[
    bool, typer.Option("--allow-commands", help="Let the config start the programs that it names.")
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
    Path, typer.Argument(metavar="DIR", autocompletion=completion.runs, help="The folder of runs, or one run or study.")
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
