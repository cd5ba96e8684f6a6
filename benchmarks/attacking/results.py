"""Attacks, their results, and the table of all results."""

from __future__ import annotations

import shutil
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attacking import calls
from attacking.calls import MOST_MB, MOST_SECONDS, Call

CLEAR, FALLBACK, EQUAL = "clear error", "reported fallback", "equal result"
SILENT, CRASHED, SLOW, LARGE, OTHER = "SILENT", "traceback or exit 1", "over 10 s", "over 1 GB", "other fault"
HELD = (CLEAR, FALLBACK, EQUAL)
_WORST = (SILENT, CRASHED, SLOW, LARGE, OTHER)
_MOST_SHOWN = 400


@dataclass(frozen=True)
class Verdict:
    """``count``: the number of attacks; ``after_checkpoint``: the number of kills after the first checkpoint."""

    outcome: str
    shows: str = ""
    count: int = 1
    after_checkpoint: int = 0


@dataclass(frozen=True)
class Attack:
    """``run`` performs the attack in a new ``Bench``; ``seconds`` limits the processor time of one call."""

    group: str
    name: str
    run: Callable[[Bench], Verdict]
    seconds: float = MOST_SECONDS


@dataclass
class Result:
    """The outcome of an attack, as of ``Verdict``, and the most seconds and memory of one call."""

    group: str
    name: str
    outcome: str
    shows: str
    cpu: float
    clock: float
    mb: float
    count: int = 1
    after_checkpoint: int = 0


@dataclass
class Bench:
    """The folders of one attack: ``given`` has inputs, ``cwd`` must remain empty, ``out`` and ``logs`` have outputs."""

    folder: Path
    seconds: float = MOST_SECONDS
    calls: list[Call] = field(default_factory=list)
    # The inputs at the time of the first call.
    inputs: dict[str, tuple[int, int]] | None = None

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in (self.folder, self.cwd, self.given, self.logs, self.out):
            path.mkdir()

    cwd = property(lambda self: self.folder / "cwd")
    given = property(lambda self: self.folder / "given")
    logs = property(lambda self: self.folder / "logs")
    out = property(lambda self: self.folder / "out")

    def put(self, name: str, content: str | bytes) -> Path:
        path: Path = self.given / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return path

    def halluc(self, *arguments: object, **how: Any) -> Call:
        if self.inputs is None:
            self.inputs = listing(self.given)
        made = calls.call(arguments, self.cwd, self.logs, **how)
        self.calls.append(made)
        return made

    def faults(self, verdict: Verdict) -> Iterable[Verdict]:
        """All faults: that of the attack itself, and violations of what holds for all calls."""
        if verdict.outcome not in HELD:
            yield verdict
        for one in self.calls:
            if one.killed and one.mb > MOST_MB:
                yield Verdict(LARGE, f"{one.command}: over {one.mb:,.0f} MB")
            elif one.killed or one.cpu > self.seconds:
                yield Verdict(SLOW, f"{one.command}: {one.cpu:.0f} s of processor, {one.clock:.0f} s")
            elif one.crashed:
                yield Verdict(CRASHED, f"{one.command}: {one.first_error}")
            if not one.killed and one.mb > MOST_MB:
                yield Verdict(LARGE, f"{one.command}: {one.mb:,.0f} MB")
            yield from (Verdict(OTHER, f"{one.command}: {fault}") for fault in one.faults())
        if any(self.cwd.iterdir()):
            yield Verdict(OTHER, f"wrote into the working directory: {sorted(p.name for p in self.cwd.iterdir())}")
        now = listing(self.given)
        changed = sorted(name for name, known in (self.inputs or {}).items() if now.get(name) != known)
        if changed:
            yield Verdict(OTHER, f"changed an input: {changed}")


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }


def left_behind(folder: Path) -> list[str]:
    """Temporary files and folders that should have been renamed or removed."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*") if path.name.endswith((".tmp", ".old"))]


def perform(attack: Attack, folder: Path) -> Result:
    """Run one attack; its outcome is the worst of its faults, and all are shown."""
    bench = Bench(folder, attack.seconds)
    try:
        verdict = attack.run(bench)
    except Exception:  # noqa: BLE001 - an error of the benchmark is reported, and does not end the other attacks
        verdict = Verdict(OTHER, f"the benchmark itself: {traceback.format_exc()[-600:]}")
    faults = list(bench.faults(verdict)) or [verdict]
    worst = min(faults, key=lambda one: _WORST.index(one.outcome) if one.outcome in _WORST else len(_WORST))
    shows = "; ".join(dict.fromkeys(one.shows for one in faults)).replace(str(folder), "")
    most = [max((getattr(one, name) for one in bench.calls), default=0) for name in ("cpu", "clock", "mb")]
    shutil.rmtree(folder, ignore_errors=True)
    return Result(attack.group, attack.name, worst.outcome, shows, *most, verdict.count, verdict.after_checkpoint)


def table(results: Sequence[Result]) -> str:
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[result.group].append(result)
    columns = (*HELD, *_WORST)
    heads = ("group", "attacks", *columns, "worst s (processor)", "worst MB")
    rows = [heads, ("---",) * len(heads)]
    for name, members in [*groups.items(), ("all", list(results))]:
        counts = [sum(one.count for one in members if one.outcome == column) for column in columns]
        cpu, mb = (max((getattr(one, key) for one in members), default=0) for key in ("cpu", "mb"))
        rows.append((name, str(sum(one.count for one in members)), *map(str, counts), f"{cpu:.1f}", f"{mb:,.0f}"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def not_held(results: Sequence[Result]) -> str:
    """The faults, grouped by what they show, each with its shortest example."""
    alike: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.outcome not in HELD:
            alike[result.group, result.outcome, _kind(result)].append(result)
    lines = []
    for (group, outcome, _), members in alike.items():
        shortest = min(members, key=lambda one: len(one.name) + len(one.shows))
        count = f" ({len(members)} like it)" if len(members) > 1 else ""
        shows = shortest.shows.replace("\n", " ")
        shows = shows if len(shows) <= _MOST_SHOWN else shows[:_MOST_SHOWN] + "…"
        lines.append(f"- {group}: {outcome}{count}: {shortest.name}\n    {shows}")
    return "\n".join(lines)


def _kind(result: Result) -> str:
    """The common part of similar results: the exception, the error, or the name of the attack."""
    if result.outcome == CRASHED:
        return result.shows.rsplit(": ", 2)[-1][:60]
    return result.shows[:60] if result.name[0].isdigit() else result.name.split(" = ")[0]
