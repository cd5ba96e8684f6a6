"""Augmentation: sentences per second of each method, of similar nlpaug augmenters, and of the pipeline; its memory.

python benchmarks/augment.py [--sentences 14041] [--rounds 3] [--memory 2000000]

The sentences are those of CoNLL-2003 if $HALLUC_DATA is set, else those of the demo corpus, repeated. Methods and the
augmenters of nlpaug take turns in one process; figures are medians. The time of a method is that of proposing and
applying edits; nlpaug gets and returns the sentence as a string. The time of the pipeline is that of `halluc augment`
without its start: reading, augmenting, filtering, and writing corpus and provenance.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from check import measured

from halluc.augmentation.methods.base import Lexicon, build
from halluc.components import TABLE
from halluc.core import registry
from halluc.core.edits import Editable
from halluc.core.labels import write_tags
from halluc.core.rng import Draws
from halluc.data.corpora import read_corpora

# The augmenters of nlpaug, with options that change the same share of words as halluc's methods.
PEERS = {
    "char.KeyboardAug": {"aug_word_p": 0.1, "aug_char_p": 0.1},
    "char.OcrAug": {"aug_word_p": 0.1, "aug_char_p": 0.1},
    "char.RandomCharAug": {"aug_word_p": 0.1, "aug_char_p": 0.1},
    "word.RandomWordAug": {"aug_p": 0.1},
    "word.SynonymAug": {"aug_p": 0.1},
}
PEER_OF = {
    "noise": "nlpaug char.RandomCharAug",
    "noise: keyboard": "nlpaug char.KeyboardAug",
    "noise: ocr": "nlpaug char.OcrAug",
    "synonym": "nlpaug word.SynonymAug",
    "delete": "nlpaug word.RandomWordAug",
}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "noise": ("noise", {}),
    "noise: keyboard": ("noise", {"kinds": {"keyboard": 1.0}}),
    "noise: ocr": ("noise", {"kinds": {"ocr": 1.0}}),
    "synonym": ("synonym", {}),
    "mention_replacement": ("mention_replacement", {}),
    "mention_replacement: recombined": ("mention_replacement", {"source": "recombined"}),
    "label_wise_replacement": ("label_wise_replacement", {}),
    "shuffle_within_segments": ("shuffle_within_segments", {}),
    "sentence_reorder": ("sentence_reorder", {}),
    "case": ("case", {}),
    "delete": ("delete", {}),
    "nlpaug: char.KeyboardAug": ("nlpaug", {"augmenter": "char.KeyboardAug"}),
}


def sentences_of_corpus(wanted: int) -> list[Editable]:
    data = os.environ.get("HALLUC_DATA")
    train = f"{data}/ner/conll2003/train.txt" if data else "demo:ner"
    kind = "conll" if data else "jsonl"
    config = registry.load(TABLE, "reader", "token_classification").Config(format=kind, train=train)
    sentences = [Editable(one.tokens, one.spans) for one in read_corpora(config, TABLE, ("train",)).splits["train"]]
    return list(itertools.islice(itertools.cycle(sentences), wanted))


def methods(training: Lexicon) -> Iterator[tuple[str, Callable[[list[Editable]], object]]]:
    for name, (kind, options) in METHODS.items():
        config = registry.load(TABLE, "augmenter", kind).Config(type=kind, **options)
        method = build(config, training)
        yield name, lambda some, it=method: it.change_many(some, [Draws(b"%d" % at) for at in range(len(some))])


def peers() -> Iterator[tuple[str, Callable[[list[Editable]], object]]]:
    import nlpaug.augmenter.char as char
    import nlpaug.augmenter.word as word

    for name, options in PEERS.items():
        part, _, kind = name.partition(".")
        try:
            augmenter = getattr({"char": char, "word": word}[part], kind)(**options)
            augmenter.augment("The quick brown fox jumps over the lazy dog .")
        except (LookupError, OSError, ValueError) as error:
            print(f"nlpaug {name}: does not run here ({type(error).__name__}: wants data that is not there)")
            continue
        yield f"nlpaug {name}", lambda some, it=augmenter: [it.augment(" ".join(one.tokens)) for one in some]


def speeds(corpus: list[Editable], rounds: int) -> dict[str, float]:
    """Sentences per second, median of the rounds; all take turns, so that disturbances affect all."""
    runners = [*methods(Lexicon.of(corpus)), *peers()]
    seconds: dict[str, list[float]] = {name: [] for name, _ in runners}
    for _ in range(rounds):
        for name, run in runners:
            some = corpus[:2000] if "nlpaug" in name else corpus
            clock = time.perf_counter()
            run(some)
            seconds[name].append((time.perf_counter() - clock) / len(some))
    return {name: 1 / statistics.median(each) for name, each in seconds.items()}


_CONFIG = """\
name: bench
runs_dir: {runs}
task: {{type: token_classification}}
data: {{format: conll, train: {train}}}
model: {{name: none}}
augment:
  size: {size}
  workers: {workers}
  methods:
    - {{type: mention_replacement}}
    - {{type: synonym}}
    - {{type: noise}}
    - {{type: shuffle_within_segments}}
"""


def write_corpus(path: Path, wanted: int, corpus: list[Editable]) -> None:
    """A corpus of any size without two equal sentences: each further round of it gets a number at its end."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(wanted):
            one = corpus[number % len(corpus)]
            tokens = (*one.tokens, f"n{number}")
            tags = [*write_tags(len(one.tokens), one.spans), "O"]
            file.write("".join(f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)) + "\n")


def pipeline(folder: Path, corpus: list[Editable], rounds: int) -> None:
    """The pipeline with one and with two workers, in turns."""
    train = folder / "train.txt"
    write_corpus(train, len(corpus), corpus)
    rates: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, found in rates.items():
            config, runs = folder / f"{workers}.yaml", folder / "runs"
            config.write_text(_CONFIG.format(runs=runs, train=train, size="3.0x", workers=workers), encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "-m", "halluc", "augment", str(config), "--json"], capture_output=True, check=True
            )
            result = json.loads(done.stdout)
            new, seconds = result["made"], result["seconds"]
            found.append((new / seconds, (new + result["originals"]) / seconds))
            shutil.rmtree(runs)
    for workers, found in rates.items():
        new, lines = (statistics.median(one[place] for one in found) for place in (0, 1))
        print(f"pipeline, {workers} worker(s): {new:,.0f} new sentences/s, {lines:,.0f} written/s")


def measure_memory(folder: Path, corpus: list[Editable], wanted: int) -> None:
    """The memory of a process that augments ``wanted`` sentences to twice as many, and of its workers."""
    train, config = folder / "many.txt", folder / "many.yaml"
    write_corpus(train, wanted, corpus)
    config.write_text(_CONFIG.format(runs=folder / "many", train=train, size="2.0x", workers=2), encoding="utf-8")
    found = measured(["augment", str(config), "--quiet"], folder)
    own, theirs, seconds = found["memory"] / 1e6, found["workers"] / 1e6, found["seconds"]
    print(f"peak resident memory: {own:.0f} MB; of a worker, shared pages included: {theirs:.0f} MB")
    print(f"{wanted:,} sentences to {2 * wanted:,}: {seconds:,.0f} s, {2 * wanted / seconds:,.0f} written/s")


def main(sentences: int = 14_041, rounds: int = 3, memory: int = 2_000_000) -> None:
    """``memory``: sentences of the memory test; 0: none."""
    corpus = sentences_of_corpus(sentences)
    found = speeds(corpus, rounds)
    for name, rate in found.items():
        peer = PEER_OF.get(name, "")
        beside = f"  {rate / found[peer]:5.1f} times {peer}" if peer in found else ""
        print(f"{name:34} {rate:10,.0f} sentences/s{beside}")
    with tempfile.TemporaryDirectory() as folder:
        pipeline(Path(folder), corpus, rounds)
        if memory:
            measure_memory(Path(folder), corpus, memory)
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    typer.run(main)
