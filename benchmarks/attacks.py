"""Robustness tests: inputs and interruptions that once broke halluc, and generated ones, with a table of the outcomes.

    python benchmarks/attacks.py [--seed 1] [--only GROUP ...] [--configs 300] [--corpora 300] [--full] [--code DIR]

An attack is passed if it ends with an error with a code, with a reported fallback, or with a result that is equal byte
for byte to the undisturbed one (times masked). The exit code is 1 if an attack is not passed. All attacks take about 25
minutes on two cores. All files are written into a temporary folder, and everything random depends only on the seed.
--code attacks another checkout of halluc. A call may take 10 seconds of processor time and a gigabyte of memory; this
includes torch, even if the command would not load it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
_NUMBER = struct.Struct("<i")


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="groups whose name begins so; repeatable")
    parser.add_argument("--configs", type=int, default=300)
    parser.add_argument("--corpora", type=int, default=300)
    parser.add_argument("--full", action="store_true", help="every damage under every command, not a share of them")
    parser.add_argument("--share", type=float, default=0.3, help="that share")
    parser.add_argument("--most", type=int, help="no more attacks of a group than this, drawn by the seed")
    parser.add_argument("--workers", type=int, default=2, help="attacks at a time")
    parser.add_argument(
        "--forked", action="store_true", help="kill forked processes, which start at once; else new ones"
    )
    parser.add_argument("--code", type=Path, default=HERE.parent, help="the checkout that is attacked")
    parser.add_argument("--faults", type=Path, help="write all that did not hold into this file, a JSON object a line")
    return parser.parse_args(given)


def prepare(code: Path) -> None:
    """Select the checkout of halluc, here and in started processes; must be called before any import of it."""
    os.environ.update(
        HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TERM="dumb", PYTHONPATH=str(code.resolve())
    )
    os.environ.pop("COLUMNS", None)
    sys.path.insert(0, str(code.resolve()))


def all_attacks(args: argparse.Namespace, folder: Path) -> Iterator:
    from attacking import by_hand, by_hand_on_runs, damage, generated, kills, made, million, together

    def wants(*groups: str) -> bool:
        return not args.only or any(group.startswith(one) for group in groups for one in args.only)

    ready = made.make(folder)
    several = [
        *by_hand.attacks(ready),
        *by_hand_on_runs.attacks(ready),
        *together.attacks(ready, args.seed),
        *million.attacks(ready),
        *kills.attacks(ready, args.seed, args.forked),
    ]
    yield from (one for one in several if wants(one.group))
    if wants("configs"):
        yield from generated.configs(ready, args.seed, args.configs)
    if wants("corpora"):
        yield from generated.corpora(ready, args.seed, args.corpora)
    if wants("damage"):
        yield from damage.attacks(ready, args.seed, 1 if args.full else args.share)


def shuffled(attacks: list, most: int | None, seed: int) -> list:
    """The attacks in random order, at most ``most`` of each group."""
    random.Random(seed).shuffle(attacks)
    counts: Counter[str] = Counter()
    chosen = []
    for one in attacks:
        counts[one.group] += 1
        if most is None or counts[one.group] <= most:
            chosen.append(one)
    return chosen


def perform_all(attacks: Sequence, folder: Path, workers: int) -> list:
    """Distribute the attacks over worker processes, which fork a process for each call and write results to files."""
    from attacking.results import Result

    reading, writing = os.pipe()
    files = [folder / f"results-{number}.jsonl" for number in range(workers)]
    children = [_worker(attacks, folder / f"worker-{n}", file, reading, writing) for n, file in enumerate(files)]
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"".join(map(_NUMBER.pack, range(len(attacks)))))
    try:
        broken = [child for child in children if _finished(child, files, len(attacks))]
    except BaseException:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        raise
    found = [Result(**json.loads(line)) for file in files for line in file.read_text().splitlines()]
    assert not broken and len(found) == len(attacks), f"{len(attacks) - len(found)} attacks were not performed"
    return found


def _finished(child: int, files: Sequence[Path], total: int) -> int:
    """Wait for a worker and print the progress every minute; returns its exit status."""
    printed = time.monotonic()
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        time.sleep(0.2)
        if time.monotonic() - printed > 60:
            printed = time.monotonic()
            done = sum(file.read_bytes().count(b"\n") for file in files if file.exists())
            print(f"{time.strftime('%H:%M:%S')}: {done} of {total} attacks", file=sys.stderr, flush=True)
    return ended[1]


def _worker(attacks: Sequence, folder: Path, file: Path, reading: int, writing: int) -> int:
    """Fork a process that reads the indexes of attacks from a pipe until it is closed."""
    process = os.fork()
    if process:
        return process
    try:
        from attacking.results import perform

        os.close(writing)
        with file.open("w", encoding="utf-8", errors="backslashreplace") as results:
            while packed := os.read(reading, _NUMBER.size):
                result = perform(attacks[_NUMBER.unpack(packed)[0]], folder)
                results.write(json.dumps(result.as_record()) + "\n")
                results.flush()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a fault of the benchmark itself
        traceback.print_exc()
        os._exit(1)


def main(given: Sequence[str] | None = None) -> int:
    args = arguments(given)
    prepare(args.code)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from attacking import calls
    from attacking.results import HELD, not_held, table

    import halluc

    print(f"halluc from {Path(halluc.__file__).parent}, seed {args.seed}", file=sys.stderr)
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    try:
        calls.import_everything()
        (folder / "made").mkdir()
        attacks = shuffled(list(all_attacks(args, folder / "made")), args.most, args.seed)
        results = perform_all(attacks, folder, args.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results.sort(key=lambda one: (one.group, one.outcome, one.name))
    faults = [one for one in results if one.outcome not in HELD]
    print(table(results))
    later, total, broken = (
        sum(getattr(one, name) for one in several)
        for name, several in (("after_checkpoint", results), ("count", results), ("count", faults))
    )
    print(f"\n{total} attacks in {(time.monotonic() - started) / 60:.1f} minutes; {broken} did not hold")
    if later:
        print(f"{later} of the kills came after the first checkpoint of a training")
    if faults:
        print("\n" + not_held(results))
    if args.faults:
        args.faults.write_text("".join(json.dumps(one.as_record()) + "\n" for one in faults))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
