"""The commands in README.md and docs/*.md: all of them are parsed, and those that are quick and offline are run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main
from typer.exceptions import TyperException

from halluc.cli import app
from tests.conftest import REPOSITORY
from tests.made_runs import Rates, made_examples, make_run

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# In a paragraph: with an option or an argument, so that names of commands alone are not taken for them.
_INLINE = re.compile(r"`(halluc [a-z]+ [^`\n]+)`")
# What starts a command line that has halluc in it.
_STARTS = ("halluc", "srun", "torchrun", "accelerate")


class Command(NamedTuple):
    """A command of a page, its arguments as a shell hands them over; a mention in a paragraph may leave some out."""

    page: str
    text: str
    arguments: list[str]
    is_mention: bool


def commands() -> Iterator[Command]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line for kind, block in _BLOCK.findall(text) if kind in ("", "sh")
                 for line in re.sub(r"\\\n\s*", " ", block).splitlines()]  # fmt: skip
        found = [(line, False) for line in lines] + [(line, True) for line in _INLINE.findall(_BLOCK.sub("", text))]
        for line, is_mention in found:
            if re.match(rf"(\$ )?({'|'.join(_STARTS)}|.* \| halluc) ", line):
                for words in _simple_commands(line.removeprefix("$ ")):
                    if words[:1] == ["halluc"] or (words and words[0] in _STARTS and "halluc" in words):
                        yield Command(page.name, line.strip(), words[words.index("halluc") + 1 :], is_mention)


def _simple_commands(line: str) -> Iterator[list[str]]:
    """The commands of a line, without redirections. Optional parts are given, of alternatives the first; K and N are
    numbers; what is explained behind a hash or many blanks is left out."""
    plain = re.split(r"\s+#\s|(?<=\S) {3,}", line)[0]
    plain = re.sub(r"\[(-[^\]]*)\]", r"\1", re.sub(r"<(\w+)>", r"\1", plain)).removesuffix(" …")
    plain = re.sub(r"\b([A-Z]+)\|[A-Z|]+", r"\1", plain)
    plain = re.sub(r"(?<=[ =])[KN](?= |$)", "3", plain)
    words: list[str] = []
    lexer = shlex.shlex(plain, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    for word in lexer:
        if set(word) <= set("|&;"):
            yield words
            words = []
        elif words[-1:] in (["<"], [">"]):
            words.pop()
        else:
            words.append(word)
    yield words


COMMANDS = list(commands())


def test_the_pages_have_commands():
    assert len(COMMANDS) > 80
    assert {"init", "check", "augment", "train", "eval", "report", "predict", "advise", "audit", "probe"} <= {
        one.arguments[0] for one in COMMANDS
    }


@pytest.mark.parametrize("page", sorted({one.page for one in COMMANDS}))
def test_every_command_has_options_and_arguments_that_exist(page):
    group = typer.main.get_command(app)
    wrong = []
    for one in COMMANDS:
        if one.page != page:
            continue
        if one.arguments[0].startswith("-"):  # it would be done while it is parsed
            assert any(one.arguments[0] in parameter.opts for parameter in group.params), one.text
            continue
        try:
            with group.make_context("halluc", [*one.arguments]) as context:
                _, command, rest = group.resolve_command(context, [*one.arguments])
                while hasattr(command, "commands"):  # of `config`
                    _, command, rest = command.resolve_command(context, rest)
                command.make_context("halluc", rest, parent=context)
        except TyperException as error:
            told = error.format_message()
            if not (one.is_mention and re.match(r"Missing |.* requires an argument", told)):
                wrong.append(f"{one.text}: {told}")
    assert not wrong, "\n".join(wrong)


QUICK = {"check", "report", "runs", "clean", "list"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder as the pages assume it: configs/, and an evaluated run of the demo."""
    folder = tmp_path_factory.mktemp("home")
    run = make_run(folder, made_examples(30, Rates(0.1, 0.1, 0.1), "docs"), name="demo")
    latest = run.path.parent / "latest"
    if not latest.exists():
        latest.symlink_to(run.path.name)
    (folder / "configs").symlink_to(REPOSITORY / "configs")
    return folder


def _is_here(folder: Path, one: Command) -> bool:
    paths = [part for part in one.arguments[1:] if "/" in part or part.endswith(".yaml")]
    is_demo = all("demo" in path for path in paths)
    return one.arguments[0] in QUICK and bool(paths) and is_demo and all((folder / path).exists() for path in paths)


def test_commands_that_need_no_training_run(home, halluc, monkeypatch):
    monkeypatch.chdir(home)
    done = []
    for arguments in dict.fromkeys(tuple(one.arguments) for one in COMMANDS if _is_here(home, one)):
        if arguments[:2] == ("report", "configs/demo.yaml") or "--open" in arguments:
            continue  # of a run that is not trained here; opens a browser
        outcome = halluc(*arguments)
        assert outcome.code == 0, f"halluc {shlex.join(arguments)}: {outcome.err}"
        done.append(arguments[0])
    assert {"check", "report"} <= set(done)
