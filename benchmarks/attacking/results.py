"""Attacks, their results, and the table of all results."""

from __future__ import annotations

import shutil
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from attacking import calls
from attacking.calls import MOST_MB, MOST_SECONDS, Call

CLEAR, FALLBACK, EQUAL = "clear error", "reported fallback", "equal result"
SILENT, CRASHED, SLOW, LARGE, OTHER = "SILENT", "traceback or exit 1", "over 10 s", "over 1 GB", "other fault"
HELD = (CLEAR, FALLBACK, EQUAL)
_WORST = (SILENT, CRASHED, SLOW, LARGE, OTHER)


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
    group: str
    name: str
    outcome: str
    shows: str
    cpu: float
    clock: float
    mb: float
    count: int = 1
    after_checkpoint: int = 0

    as_record = asdict


@dataclass
class Bench:
    """The folders of one attack: ``given`` has inputs, ``cwd`` must remain empty, ``out`` and ``logs`` have outputs."""

    folder: Path
    seconds: float = MOST_SECONDS
    calls: list[Call] = field(default_factory=list)

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
        made = calls.call(arguments, self.cwd, self.logs, **how)
        self.calls.append(made)
        return made

    def faults(self, verdict: Verdict, before: dict[str, tuple[int, int]]) -> Iterable[Verdict]:
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
        changed = {name for name, known in before.items() if listing(self.given).get(name) != known}
        if changed:
            yield Verdict(OTHER, f"changed an input: {sorted(changed)}")


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }


class _Recorded(Bench):
    """Records the state of the inputs before the first call."""

    before: dict[str, tuple[int, int]] | None = None

    def halluc(self, *arguments: object, **how: Any) -> Call:
        if self.before is None:
            self.before = listing(self.given)
        return super().halluc(*arguments, **how)


def perform(attack: Attack, folder: Path) -> Result:
    """Run one attack; its outcome is the worst of its faults, and all are shown."""
    bench = _Recorded(folder, attack.seconds)
    try:
        verdict = attack.run(bench)
    except Exception:  # noqa: BLE001 - an error of the benchmark is reported, and does not end the other attacks
        verdict = Verdict(OTHER, f"the benchmark itself: {traceback.format_exc()[-600:]}")
    faults = list(bench.faults(verdict, bench.before or {}))
    if faults:
        worst = min(faults, key=lambda one: _WORST.index(one.outcome))
        shows = "; ".join(dict.fromkeys(one.shows for one in faults))
    else:
        worst, shows = verdict, verdict.shows
    cpu, clock, mb = (max((getattr(c, name) for c in bench.calls), default=0) for name in ("cpu", "clock", "mb"))
    shutil.rmtree(folder, ignore_errors=True)
    return Result(
        attack.group,
        attack.name,
        worst.outcome,
        shows.replace(str(folder), ""),
        cpu,
        clock,
        mb,
        verdict.count,
        verdict.after_checkpoint,
    )


def table(results: Sequence[Result]) -> str:
    columns = (CLEAR, FALLBACK, EQUAL, SILENT, CRASHED, SLOW, LARGE, OTHER)
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[result.group].append(result)
    rows = [("group", "attacks", *columns, "worst s (processor)", "worst MB")]
    for name, members in [*groups.items(), ("all", list(results))]:
        counts = [sum(one.count for one in members if one.outcome == column) for column in columns]
        worst = [
            f"{max((one.cpu for one in members), default=0):.1f}",
            f"{max((one.mb for one in members), default=0):,.0f}",
        ]
        rows.append((name, str(sum(one.count for one in members)), *map(str, counts), *worst))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def not_held(results: Sequence[Result], most: int = 400) -> str:
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
        shows = shows if len(shows) <= most else shows[:most] + "…"
        lines.append(f"- {group}: {outcome}{count}: {shortest.name}\n    {shows}")
    return "\n".join(lines)


def _kind(result: Result) -> str:
    """The common part of similar results: the exception, the error, or the name of the attack."""
    if result.outcome == CRASHED:
        return result.shows.rsplit(": ", 2)[-1][:60]
    return result.shows[:60] if result.name[0].isdigit() else result.name.split(" = ")[0]
