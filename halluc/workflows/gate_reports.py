"""Gates for continuous integration: annotations of a GitHub workflow, or a JUnit file (``--ci``)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Literal
from xml.etree import ElementTree

from halluc.config.loading import LoadedConfig
from halluc.core.characters import printable_line
from halluc.core.context_values import bound
from halluc.core.files import replacing
from halluc.core.messages import say
from halluc.runs.directory import RunDir
from halluc.runs.reports import GateResult

Kind = Literal["github", "junit"]
FILE = "gates.junit.xml"
_kind: ContextVar[Kind | None] = ContextVar("_kind", default=None)


def use_format(kind: Kind | None) -> AbstractContextManager[None]:
    """A context that sets the format for the gates checked inside."""
    return bound(_kind, kind)


def kind() -> Kind | None:
    """The format of gate results in this context."""
    return _kind.get()


def write(loaded: LoadedConfig, run: RunDir, results: Sequence[GateResult]) -> None:
    """Write the gate results of a run in the format of ``use_format``.

    Raises:
        HallucError E401: the file cannot be written.
    """
    if _kind.get() == "junit" and results:
        path = run.path / FILE
        with replacing(path, "wb") as file:
            file.write(_junit(loaded, results))
        say(f"gates: {path}")
    elif _kind.get() == "github":
        for gate in results:
            if not gate.met:
                say(_annotation(loaded, gate))


def _annotation(loaded: LoadedConfig, gate: GateResult) -> str:
    """A workflow command: one line on standard error, which GitHub also parses."""
    where = loaded.origins.get(("gates", gate.name))
    properties = {"title": f"gate not met: {gate.name}"}
    if where is not None and where.line is not None:
        properties |= {"file": where.file, "line": str(where.line)}
    escaped = {name: _message(value).replace(":", "%3A").replace(",", "%2C") for name, value in properties.items()}
    text = ",".join(f"{name}={value}" for name, value in escaped.items())
    return f"::error {text}::{_message(gate.text)}"


def _message(text: str) -> str:
    return printable_line(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _junit(loaded: LoadedConfig, results: Sequence[GateResult]) -> bytes:
    name = printable_line(loaded.experiment.name)
    failures = str(sum(not gate.met for gate in results))
    counts = {"tests": str(len(results)), "failures": failures, "errors": "0"}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": f"gates of {name}", **counts})
    for gate in results:
        by = "".join(f", {key} {value}" for key, value in gate.by.items())
        case = ElementTree.SubElement(
            suite, "testcase", {"name": printable_line(gate.name + by), "classname": f"halluc.{name}"}
        )
        text = printable_line(gate.text)
        if gate.met:
            ElementTree.SubElement(case, "system-out").text = text
        else:
            ElementTree.SubElement(case, "failure", {"message": text, "type": "gate"}).text = text
    ElementTree.indent(suites)
    written: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return written + b"\n"
