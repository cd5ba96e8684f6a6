"""Who may import whom (the rule that keeps the house in order), and what starts without torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import halluc
from halluc.components import TABLE
from halluc.core import registry

ROOT = Path(halluc.__file__).parent

# From left to right; a layer may import those behind it. Siblings in one set never import each other.
LAYERS = [
    {"cli", "__main__"},
    {"commands", "api"},
    {"launch"},
    {"workflows"},
    {"tasks", "augmentation", "analysis", "reporting", "loggers"},
    {"task"},
    {"engine", "data", "gap", "wording"},
    {"runs", "config"},
    {"core"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
FREE = {"components", ""}  # the table, and the package itself (its version, and the names of the API)
HEAVY = {"torch", "transformers", "accelerate", "nlpaug", "datasets", "seqeval", "sklearn", "matplotlib"}
MAY_BE_HEAVY = {"engine", "tasks", "augmentation"}


def modules():
    return sorted(ROOT.rglob("*.py"))


def imports(path: Path):
    """(line, dotted name, whether at the top of the module and not for type checking alone) of every import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set()
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            top.add(node)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, node in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "halluc" else []
            yield from ((node.lineno, name, node in top) for name in names or [node.module])


def part_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem.replace("__init__", "")


def room(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in RANK | dict.fromkeys(FREE, 0) else ""


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_to_the_right(path):
    here = part_of(path)
    for line, name, top in imports(path):
        if name.split(".")[0] != "halluc":
            continue
        there = room(name)
        if there in FREE or there == here:
            continue
        if here == "":
            assert there == "api" and not top, f"{path}:{line}: the package offers the API lazily, and nothing else"
            continue
        assert here not in FREE, f"{path}:{line}: {here} imports nothing of the house"
        allowed = RANK[there] > RANK[here] or (here == "__main__" and there == "cli")
        assert allowed, f"{path}:{line}: {here} must not import {there}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_stay_in_their_rooms(path):
    here = part_of(path)
    for line, name, top in imports(path):
        if name.split(".")[0] in HEAVY:
            late = here in ("data", "task", "workflows") and not top  # where it is used, or for its types alone
            own_chart = here == "reporting" and name.split(".")[0] == "matplotlib"
            assert here in MAY_BE_HEAVY or late or own_chart, f"{path}:{line}: {here} must not import {name}"


def example_classes() -> set[str]:
    """The names of the tasks' examples, which all have ``annotation`` and ``pairs``."""
    found = set()
    for path in (ROOT / "tasks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(one, "name", "") for one in node.body} if isinstance(node, ast.ClassDef) else set()
            if {"annotation", "pairs"} <= names:
                found.add(node.name)
    return found


EXAMPLES = example_classes()


def task_names(path: Path):
    """(line, what) of every import, literal and name in a module by which it tells one task from another."""
    # A name that is a word of English, as `translation`, may stand in a sentence: it names a task where it is alone.
    tasks = TABLE["task"]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            said = node.value
            yield from ((node.lineno, name) for name in tasks if said == name or ("_" in name and name in said))
        elif isinstance(node, ast.Name) and node.id in EXAMPLES:
            yield node.lineno, node.id
    for line, name, _ in imports(path):
        yield from ((line, name) for task in tasks if f"{name}.".startswith(f"halluc.tasks.{task}."))


def general_modules():
    relative = (str(path.relative_to(ROOT)) for path in modules())
    return [name for name in relative if not name.startswith("tasks/") and name != "components.py"]


@pytest.mark.parametrize("name", general_modules())
def test_general_code_names_no_task(name):
    found = list(task_names(ROOT / name))
    assert not found, f"{name} names a task: {found}"


def test_each_task_has_an_example_class():
    assert {"Tagged", "Labelled"} <= EXAMPLES


def test_every_part_of_the_house_has_a_rank():
    assert {part_of(path) for path in modules()} - FREE <= set(RANK)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in TABLE for name in TABLE[kind]])
def test_every_component_loads_and_says_what_it_is(kind, name):
    component = registry.load(TABLE, kind, name)
    assert registry.summary(component)
    if kind == "reader":  # it is chosen by its task
        assert component.Config.task == name
    else:
        assert component.Config.model_fields["type"].annotation.__args__ == (name,)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["config", "show", "configs/demo.yaml"], ["check", "configs/demo.yaml"]]
)
def test_these_commands_start_without_torch(arguments):
    code = (
        "import sys\n"
        "from halluc.__main__ import exit_code_of\n"
        f"code = exit_code_of({arguments!r})\n"
        f"heavy = sorted({HEAVY!r} & set(sys.modules))\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
