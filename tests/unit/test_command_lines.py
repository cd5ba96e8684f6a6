"""The command line of a command, made anew for another process."""

from __future__ import annotations

from typer.main import get_command

from halluc.cli import app
from halluc.cli.app import command_line


def line_of(*arguments: str, **changed: object) -> list[str]:
    group = get_command(app)
    with group.make_context("halluc", list(arguments)) as context:
        name, command, rest = group.resolve_command(context, list(arguments))  # type: ignore[attr-defined]
        with command.make_context(name, rest, parent=context) as own:
            return command_line(own, **changed)  # type: ignore[arg-type]


def test_options_are_those_that_were_given_by_their_longest_names():
    line = line_of("train", "c.yaml", "--run", "r", "--set", "seed=1", "--set", "name=x y", "-q", "--processes", "2")
    assert sorted(line[1:-2]) == ["--processes=2", "--quiet", "--run-dir=r", "--set=name=x y", "--set=seed=1"]
    assert (line[0], line[-2:]) == ("train", ["--", "c.yaml"])


def test_options_can_be_changed_or_left_out():
    line = line_of(
        "predict", "r", "-i", "a", "--no-header", "--on", "ray", "--shards", "3", on=None, shards=None, shard="1/3"
    )
    assert sorted(line[1:-2]) == ["--input=a", "--no-header", "--shard=1/3"]


def test_parsing_a_written_command_line_returns_it():
    line = line_of(
        "predict", "a run", "--format", "csv", "--delimiter", ";", "--jobs", "auto", "--with", "b", "--with", "c"
    )
    assert line_of(*line) == line
