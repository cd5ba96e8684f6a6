"""What many tests share: the command line called in this process, and an encoder small enough for a test."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import typer.main
from hypothesis import settings

from halluc.runs import provenance

# A property is checked on the same examples everywhere, however slow the machine.
settings.register_profile("halluc", deadline=None, derandomize=True)
settings.load_profile("halluc")

# Processes that share the tests out are given the width of a narrow terminal; the tests expect that of a file.
os.environ.pop("COLUMNS", None)
# A test must never reach for the network; set before any library reads it.
os.environ["HF_HUB_OFFLINE"] = "1"
# One thread is enough for tiny models, and two wait for each other where the machine is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# As torch has them: the small caches of halluc save memory with large models, and cost tiny ones a third of their time.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "1024")
os.environ.setdefault("LRU_CACHE_CAPACITY", "1024")

REPOSITORY = Path(__file__).parent.parent


def _check_descriptor(descriptor: int) -> None:
    os.fstat(descriptor)


# No test cuts the power, and each call waits milliseconds for the disk. Child processes do wait.
os.fsync = _check_descriptor


class Libraries:
    """Takes what the imported libraries hold out of what the garbage collector looks through.

    torch, transformers and matplotlib hold half a million objects that never end. Each training collects once: looking
    through them took half of the time of a tiny one.
    """

    imported = 0

    @classmethod
    def freeze(cls) -> None:
        if len(sys.modules) > cls.imported + 100:
            cls.imported = len(sys.modules)
            gc.collect()
            gc.freeze()


def pytest_runtest_setup() -> None:
    Libraries.freeze()


# Two processes of git for each run.
provenance.git_state = cache(provenance.git_state)

# typer makes all commands anew for each call of the command line: a hundred milliseconds for three calls.
typer.main.get_command = cache(typer.main.get_command)


@pytest.fixture(scope="module")
def without_charts() -> Iterator[None]:
    """Reports without charts, which take longer to draw than a tiny model to train. Charts have tests of their own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("halluc.reporting.charts.drawing.charts", lambda report: [])
        yield


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def halluc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call the command line as a shell would, in this process."""

    def call(*arguments: object) -> Outcome:
        from halluc.__main__ import exit_code_of

        capsys.readouterr()
        code = exit_code_of([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


# Whole words of the tiny vocabulary; everything else falls apart into letters.
WORDS = (
    "the a of in and said on for anna berg oslo paris acme corp met visited reuters german bank left won".split()  # noqa: SIM905
)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real BERT of two layers of 32 with a WordPiece tokenizer, in Hugging Face layout.

    Like the package model's, its tokenizer.json has truncation and padding switched on.
    """
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789.,-")
    pieces = special + letters + [f"##{letter}" for letter in letters] + sorted(WORDS)
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    backend.enable_truncation(12)
    backend.enable_padding(length=12)
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, mask_token="[MASK]", **names)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


SENTENCES = """\
Anna B-PER
Berg I-PER
visited O
Oslo B-LOC
. O

Acme B-ORG
Corp I-ORG
said O
Anna B-PER
left O
the O
bank O
. O

the O
German B-MISC
bank O
won O
. O

Paris B-LOC
and O
Oslo B-LOC
met O
Berg B-PER
. O

said O
the O
bank O
. O
"""


def write_corpus(folder: Path, train: int = 4) -> dict[str, Path]:
    """Three splits of a corpus of a few sentences; ``train``: how often the training split has them."""
    files = {}
    for split, copies in (("train", train), ("dev", 1), ("test", 1)):
        files[split] = folder / f"{split}.txt"
        files[split].write_text("\n".join([SENTENCES] * copies), encoding="utf-8")
    return files


def write_experiment(
    folder: Path, encoder: Path, files: dict[str, Path], train: str = "epochs: 6, learning_rate: 0.01, batch_tokens: 64"
) -> Path:
    """A config that trains the tiny encoder on the small corpus in a second or two."""
    config = folder / "tiny.yaml"
    splits = "\n".join(f"  {split}: {path}" for split, path in files.items())
    config.write_text(
        f"name: tiny\nruns_dir: {folder / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data:\n  format: conll\n{splits}\nmodel: {{name: {encoder}}}\ntrain: {{{train}}}\n",
        encoding="utf-8",
    )
    return config


@pytest.fixture
def corpus_files(tmp_path: Path) -> dict[str, Path]:
    """Three splits of a corpus of a few sentences."""
    return write_corpus(tmp_path)


@pytest.fixture
def experiment(tmp_path: Path, tiny_encoder: Path, corpus_files: dict[str, Path]) -> Path:
    """A config that trains the tiny encoder on the small corpus in a second or two."""
    return write_experiment(tmp_path, tiny_encoder, corpus_files)


@dataclass(frozen=True)
class Snapshot:
    """A folder that was filled once, to be restored at the same path for each test: runs record absolute paths."""

    folder: Path

    @property
    def _copy(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-snapshot")

    @classmethod
    def of(cls, folder: Path) -> Snapshot:
        snapshot = cls(folder)
        shutil.copytree(folder, snapshot._copy, symlinks=True)
        return snapshot

    def restore(self) -> Path:
        shutil.rmtree(self.folder)
        return shutil.copytree(self._copy, self.folder, symlinks=True)


def train_in(folder: Path, encoder: Path, *arguments: str) -> Path:
    """Write the config and the corpora of ``experiment`` into a folder, and train it; returns the config."""
    from halluc.__main__ import exit_code_of

    config = write_experiment(folder, encoder, write_corpus(folder))
    assert exit_code_of(["train", str(config), "-q", *arguments]) == 0
    return config


@pytest.fixture(scope="session")
def trained_snapshot(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Snapshot:
    return Snapshot.of(train_in(tmp_path_factory.mktemp("trained"), tiny_encoder).parent)


@pytest.fixture
def trained_experiment(trained_snapshot: Snapshot) -> tuple[Path, Path]:
    """A config as ``experiment``, and its trained run; a test may change both."""
    folder = trained_snapshot.restore()
    home = folder / "runs" / "tiny"
    return folder / "tiny.yaml", home / (home / "latest").readlink()


@pytest.fixture(scope="session")
def tiny_writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder-decoder model of a layer of 16 with random weights and a byte-level tokenizer, as files."""
    import torch

    from halluc.engine.pretrained import save
    from halluc.engine.scratch import make_encoder_decoder, make_text_tokenizer

    folder = tmp_path_factory.mktemp("writer")
    tokenizer = make_text_tokenizer(["er lebt in Oslo", "he lives in Oslo"] * 3, 270)
    torch.manual_seed(0)
    save(make_encoder_decoder(len(tokenizer), layers=1, width=16, heads=2, dropout=0.0), tokenizer, folder)
    return folder


@pytest.fixture
def real_data() -> Path:
    """The folder of the real corpora."""
    folder = os.environ.get("HALLUC_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the real corpora are not here: set HALLUC_DATA to their folder")
    return Path(folder)
